// SPDX-License-Identifier: Apache-2.0

package store

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBeatIsOnTheDisk(t *testing.T) {
	d := newMemDisk()
	s := &Store{disk: d}
	for range 2 {
		if err := s.Beat(); err != nil {
			t.Fatal(err)
		}
	}
	if f := d.names["heartbeat"]; f == nil || len(f.synced) == 0 || string(f.synced) != string(f.data) {
		t.Errorf("it is not synced: %+v", f)
	}
	for n := 1; n <= d.ops/2; n++ { // whatever fails, it is told
		bad := newMemDisk()
		bad.fault = func(i int, _ string) outcome {
			if i == n {
				return refused
			}
			return fine
		}
		if err := (&Store{disk: bad}).Beat(); err == nil {
			t.Errorf("operation %d fails, and nobody is told", n)
		}
	}
}

func TestBeatTakesNoLock(t *testing.T) {
	dir := t.TempDir()
	s := openReal(t, dir)
	s.mu.Lock() // as by a commit that hangs
	defer s.mu.Unlock()
	if err := s.Beat(); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "heartbeat"))
	if direct, _ := os.Stat(filepath.Join(dir, "heartbeat")); err != nil || len(found) == 0 && direct == nil {
		t.Errorf("there is no file: %v", err)
	}
}
