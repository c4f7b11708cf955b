// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
)

// TestDisksAgree runs on the real file system and on the one that the other
// tests trust.
func TestDisksAgree(t *testing.T) {
	dir, err := openDir(t.TempDir())
	must(t, err)
	for name, d := range map[string]disk{"os": dir, "mem": newMemDisk()} {
		t.Run(name, func(t *testing.T) {
			if _, err := d.ReadFile("a"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("ReadFile of nothing = %v, want ErrNotExist", err)
			}
			must(t, d.Mkdir("texts"))
			must(t, d.Mkdir("texts"))
			must(t, writeFile(d, "texts/a", []byte("long text")))
			must(t, writeFile(d, "texts/a", []byte("short")))
			must(t, writeFile(d, "texts/b", []byte("other")))
			must(t, d.Rename("texts/a", "texts/b"))
			must(t, d.SyncDir("texts"))
			if b, err := d.ReadFile("texts/b"); err != nil || string(b) != "short" {
				t.Errorf("ReadFile after Rename = %q %v, want short", b, err)
			}
			if names, err := d.List("texts"); err != nil || !slices.Equal(names, []string{"b"}) {
				t.Errorf("List = %q %v, want b", names, err)
			}
			must(t, d.Remove("texts/b"))
			if _, err := d.ReadFile("texts/b"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("ReadFile after Remove = %v, want ErrNotExist", err)
			}
			l, err := d.Lock("lock")
			must(t, err)
			if _, err := d.Lock("lock"); !errors.As(err, new(*LockedError)) {
				t.Errorf("second Lock = %v, want a LockedError", err)
			}
			must(t, l.Close())
			l, err = d.Lock("lock")
			must(t, err)
			must(t, l.Close())
		})
	}
}
