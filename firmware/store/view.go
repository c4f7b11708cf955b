// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// A View is what lies in the directory of a store, as it was when Look read it. It
// takes no lock and writes nothing, so that somebody can look while another process
// has the store open, or hangs with it. What it names may be gone by the time it
// is read, because the other process has moved on: look again then.
//
// A revision that is pending is shown as pending, although Open would revert it
// unless it was handed over.
type View struct {
	dir   osDisk
	state *state
	items map[string]Item

	// Damage is what could not be read; the copy before it counts, or nothing
	// where there is none.
	Damage []error
}

// Look reads the directory dir of a store. It fails if the revisions cannot be
// read, with a *CorruptError, or if there is no store.
func Look(dir string) (*View, error) {
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("look into store: %w", err)
	}
	v := &View{dir: osDisk{dir}, items: make(map[string]Item)}
	states, damage, err := openPair(v.dir, "state")
	if err != nil {
		return nil, fmt.Errorf("look into store %s: %w", dir, err)
	}
	if v.state, err = decodeState(states.payload); err != nil {
		return nil, fmt.Errorf("look into store %s: %w", dir, &CorruptError{states.file(states.seq), err.Error()})
	}
	_, more := openLoose(v.dir, "vault", &v.items)
	v.Damage = append(damage, more...)
	return v, nil
}

// Running returns the revision that runs, or one with number 0 if none does.
func (v *View) Running() Revision { return v.state.revision(v.state.Running) }

// Fallback returns the revision that was confirmed last. It is the one that runs,
// unless that is pending.
func (v *View) Fallback() Revision { return v.state.revision(v.state.Fallback) }

// History returns the revisions that are kept, the newest first.
func (v *View) History() []Revision {
	rs := slices.Clone(v.state.Revisions)
	slices.Reverse(rs)
	return rs
}

// Text returns the text of revision n, a *NotFoundError, or a *CorruptError.
func (v *View) Text(n uint64) ([]byte, error) {
	r := v.state.revision(n)
	if r.Number == 0 {
		return nil, &NotFoundError{n}
	}
	return v.read("texts/" + r.SHA256)
}

// Diff is Store.Diff.
func (v *View) Diff(a, b uint64) (string, error) {
	old, err := v.Text(a)
	if err != nil {
		return "", err
	}
	text, err := v.Text(b)
	if err != nil {
		return "", err
	}
	return Unified(revisionName(a), revisionName(b), string(old), string(text)), nil
}

// Load returns what the vault has under name, nil without an error if there is
// nothing.
func (v *View) Load(name string) ([]byte, error) {
	item, ok := v.items[name]
	if !ok {
		return nil, nil
	}
	return v.read("vault/" + item.SHA256)
}

// read returns the content of a file that is called by its hash.
func (v *View) read(name string) ([]byte, error) {
	b, err := v.dir.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &CorruptError{name, "it is missing"}
	case err != nil:
		return nil, err
	case hashOf(b) != filepath.Base(name):
		return nil, &CorruptError{name, "its checksum does not match"}
	}
	return b, nil
}

// Names returns what the vault has, sorted.
func (v *View) Names() []string { return slices.Sorted(maps.Keys(v.items)) }
