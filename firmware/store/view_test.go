// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func openReal(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestLookSeesWhatAnotherHasOpen(t *testing.T) {
	dir := t.TempDir()
	s := openReal(t, dir)
	for i, text := range []string{"a\n", "b\n"} {
		if _, err := s.CommitText([]byte(text), CommitOptions{Author: "x", Origin: CLI, Base: uint64(i), Confirm: time.Duration(i) * time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Vault().Save("auth/users", []byte("them")); err != nil {
		t.Fatal(err)
	}
	v, err := Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r := v.Running(); r.Number != 2 || r.Status != Pending || v.Fallback().Number != 1 {
		t.Errorf("running = %d %s, fallback %d; want 2 pending, 1", r.Number, r.Status, v.Fallback().Number)
	}
	if d, err := v.Diff(1, 2); err != nil || d != Unified("revision 1", "revision 2", "a\n", "b\n") {
		t.Errorf("diff = %q, %v", d, err)
	}
	if b, err := v.Load("auth/users"); err != nil || string(b) != "them" {
		t.Errorf("load = %q, %v", b, err)
	}
	if r := s.Running(); r.Number != 2 {
		t.Errorf("to look has changed what runs: revision %d", r.Number)
	}
}

func TestLookTellsOfDamage(t *testing.T) {
	dir := t.TempDir()
	s := openReal(t, dir)
	for i, text := range []string{"a\n", "b\n"} {
		if _, err := s.CommitText([]byte(text), CommitOptions{Author: "x", Origin: CLI, Base: uint64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	break1 := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("noise"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	break1("state.0")
	v, err := Look(dir)
	if err != nil || len(v.Damage) != 1 || v.Running().Number != 1 {
		t.Fatalf("one copy damaged: %v, damage %v; want revision 1 and the damage", err, v.Damage)
	}
	break1("texts/" + v.Running().SHA256)
	if _, err := v.Text(1); !errors.As(err, new(*CorruptError)) {
		t.Errorf("text = %v, want a *CorruptError", err)
	}
	break1("state.1")
	if _, err := Look(dir); !errors.As(err, new(*CorruptError)) {
		t.Errorf("both copies damaged: %v, want a *CorruptError", err)
	}
	if _, err := Look(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no store: %v, want that it does not exist", err)
	}
}
