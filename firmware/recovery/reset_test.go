// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"evener/firmware/store"
)

func TestFactoryResetLeavesAStoreThatIsOpen(t *testing.T) {
	state := made(t, "", "# x\n")
	littered(t, state)
	b, before := opened(t, state), names(t, state)
	err := FactoryReset(state, Keep{}, nil)
	if !errors.As(err, new(*store.LockedError)) || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("reset beside an engine = %v, want who has the store", err)
	}
	if got := names(t, state); got != before || looked(t, state).Revision != 2 {
		t.Errorf("left %q of %q", got, before)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := FactoryReset(state, Keep{}, nil); err != nil {
		t.Errorf("reset after the engine = %v", err)
	}
}

// stubborn makes what has the name word not removable until the function that it
// returns is called.
func stubborn(t *testing.T, word string) (yield func()) {
	t.Helper()
	yield = func() { removeAll = os.RemoveAll }
	t.Cleanup(yield)
	removeAll = func(path string) error {
		if filepath.Base(path) == word {
			return &os.PathError{Op: "unlinkat", Path: path, Err: unix.EPERM}
		}
		return os.RemoveAll(path)
	}
	return yield
}

// TestFactoryResetGoesOnOverWhatStays has something in the state that cannot be
// removed: the rest goes, and what the box writes from then on stays.
func TestFactoryResetGoesOnOverWhatStays(t *testing.T) {
	state := made(t, "", "# x\n")
	littered(t, state)
	yield := stubborn(t, "events")
	err := FactoryReset(state, Keep{}, json.RawMessage(`"who"`))
	if !errors.Is(err, ErrUnfinished) || !strings.Contains(err.Error(), "events") {
		t.Fatalf("reset = %v, want that it is not finished", err)
	}
	var told []string
	finish := func() error {
		return Finish(state, func(note json.RawMessage) {
			told = append(told, string(note))
			littered(t, state) // what the box writes then
		})
	}
	if got := names(t, state); got != "box.lock events store" {
		t.Errorf("left %q", got)
	}
	for range 2 {
		if err := finish(); err == nil || !strings.Contains(err.Error(), "events") {
			t.Errorf("finish = %v, want what could not be removed", err)
		}
	}
	yield()
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, state); got != "audit box.lock history persist spool store" || exists(filepath.Join(storeDir(state), freshMark)) {
		t.Errorf("left %q and %q; want what was written after the reset, and no mark", got, names(t, storeDir(state)))
	}
	if len(told) != 1 || told[0] != `"who"` {
		t.Errorf("told %q, want it once", told)
	}
}

// TestTheOldStoreThatStaysKeepsNobodyFromStarting cannot remove the old store.
func TestTheOldStoreThatStaysKeepsNobodyFromStarting(t *testing.T) {
	state := made(t, "", "# x\n")
	yield := stubborn(t, resetDir)
	if err := FactoryReset(state, Keep{}, json.RawMessage(`"first"`)); !errors.Is(err, ErrUnfinished) {
		t.Fatalf("reset = %v", err)
	}
	yield()
	var told []string
	if err := FactoryReset(state, Keep{}, json.RawMessage(`"second"`)); err != nil {
		t.Fatal(err)
	}
	if err := Finish(state, func(note json.RawMessage) { told = append(told, string(note)) }); err != nil {
		t.Fatal(err)
	}
	if strings.Join(told, " ") != `"first" "second"` {
		t.Errorf("told %q, want both who have asked", told)
	}
}

func TestAMountPointIsEmptied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "persist")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "p"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	busy := &os.PathError{Op: "unlinkat", Path: dir, Err: unix.EBUSY}
	t.Cleanup(func() { removeAll = os.RemoveAll })
	removeAll = func(string) error { return busy }
	if err := remove(dir); !errors.Is(err, unix.EBUSY) {
		t.Errorf("remove of what is not empty = %v", err)
	}
	removeAll = func(string) error { return errors.Join(os.Remove(filepath.Join(dir, "p")), busy) }
	if err := remove(dir); err != nil {
		t.Errorf("remove of a mount point = %v", err)
	}
}

// TestALinkOfSomebodyElseLeadsNowhere: the engine of an appliance may make links in the
// state, and root removes what is there.
func TestALinkOfSomebodyElseLeadsNowhere(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("giving a link away needs root")
	}
	dir := t.TempDir()
	foreign, link := filepath.Join(dir, "foreign"), filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(foreign, 0o700), os.WriteFile(filepath.Join(foreign, "file"), nil, 0o600), os.Symlink(foreign, link), os.Lchown(link, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	if err := remove(link); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(foreign, "file")); err != nil {
		t.Errorf("what it led to: %v", err)
	}
}

// TestALinkedFolderIsEmptied: an appliance has folders of its state on another
// partition.
func TestALinkedFolderIsEmptied(t *testing.T) {
	state, data := made(t, "", "# x\n"), t.TempDir()
	for _, name := range []string{"captures", "events"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(data, name, "deep"), 0o700),
			os.WriteFile(filepath.Join(data, name, "deep", "old"), nil, 0o600), os.Symlink(filepath.Join(data, name), filepath.Join(state, name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := FactoryReset(state, Keep{Records: true}, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"captures": 0, "events": 1} {
		if list, err := os.ReadDir(filepath.Join(state, name)); err != nil || len(list) != want {
			t.Errorf("%s holds %v, %v, want %d entries through its link", name, list, err, want)
		}
	}
}
