// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReplaceWritesContentAndMode(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	for _, tt := range []struct {
		text string
		mode fs.FileMode
	}{{"first", 0o600}, {"the second, which is longer", 0o644}, {"", 0o600}} {
		if err := Replace(name, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, name); got != tt.text || info.Mode() != tt.mode {
			t.Errorf("the file has %q and %v, want %q and %v", got, info.Mode(), tt.text, tt.mode)
		}
	}
	if _, err := os.Lstat(name + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was written first is still there: %v", err)
	}
}

func TestReplaceDoesNotFollowWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	name, foreign := filepath.Join(dir, "file"), filepath.Join(dir, "foreign")
	if err := os.WriteFile(foreign, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(foreign, name+".new"); err != nil {
		t.Fatal(err)
	}
	if err := Replace(name, []byte("ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read(t, foreign); got != "theirs" {
		t.Errorf("the file that a link in the way names has %q now", got)
	}
	if got := read(t, name); got != "ours" {
		t.Errorf("the file has %q", got)
	}
}

func TestReplaceThatFailsChangesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.MkdirAll(filepath.Join(name, "inside"), 0o700); err != nil { // no file takes its place
		t.Fatal(err)
	}
	if err := Replace(name, []byte("ours"), 0o600); err == nil {
		t.Fatal("a folder was replaced by a file")
	}
	if _, err := os.Lstat(name + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was written first is still there: %v", err)
	}
	if err := Replace(filepath.Join(dir, "none", "file"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

func TestSyncDirWantsAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := SyncDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a folder that is not there: %v", err)
	}
}
