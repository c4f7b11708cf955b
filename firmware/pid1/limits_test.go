// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOpenFilesAreAsManyAsTheKernelAllows(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := RaiseFiles(root); err == nil {
		t.Error("a kernel that does not say how many is none")
	}
	put(t, root, "proc/sys/fs/nr_open", "many\n")
	if err := RaiseFiles(root); err == nil || !strings.Contains(err.Error(), "limit of open files") {
		t.Errorf("many are %v", err)
	}
	want := before.Max - 1 // not everybody may raise it
	put(t, root, "proc/sys/fs/nr_open", fmt.Sprintln(want))
	if err := RaiseFiles(root); err != nil {
		t.Fatal(err)
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || l.Cur != want || l.Max != want {
		t.Errorf("the limit is %+v, %v; want %d", l, err, want)
	}
}

// TestNotesAreWrittenThroughNoLink: the engine may write into the folder too, and root
// may write everywhere.
func TestNotesAreWrittenThroughNoLink(t *testing.T) {
	dir := t.TempDir()
	other := put(t, dir, "other", "of somebody else")
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := NoteTime(state, time.Unix(1_800_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(state)
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	note := filepath.Join(state, names[0].Name())
	if err := os.Symlink(other, note+".new"); err != nil {
		t.Fatal(err)
	}
	if err := NoteTime(state, time.Unix(1_900_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != "of somebody else" {
		t.Errorf("what the link leads to is %q, %v", text, err)
	}
	if at, err := NotedTime(state); err != nil || at.Unix() != 1_900_000_000 {
		t.Errorf("noted is %v, %v", at, err)
	}
}
