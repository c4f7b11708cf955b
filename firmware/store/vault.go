// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	maxItem  = 16 << 20 // bytes of one item
	maxItems = 4096
)

// A Vault keeps secret material that others bring: private keys with their
// certificates, accounts, authorities. It is no part of any revision: revisions
// refer to items by name, and going back to one finds what the name holds now.
// Nothing but Load gives an item out.
type Vault struct{ s *Store }

// An Item describes what a Vault keeps under a name.
type Item struct {
	SHA256 string    `json:"sha256"` // of the data, which is in a file of that name
	Size   int       `json:"size"`   // bytes
	Time   time.Time `json:"time"`   // when it was saved
}

// Vault returns the store's vault.
func (s *Store) Vault() Vault { return Vault{s} }

// Load returns the data called name, nil without an error if there is none, and a
// *CorruptError if what is on the disk is not what was saved.
func (v Vault) Load(name string) ([]byte, error) {
	item, ok := (*v.s.items.Load())[name]
	if !ok {
		return nil, nil
	}
	file := "vault/" + item.SHA256
	b, err := v.s.disk.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && (*v.s.items.Load())[name] != item:
		return v.Load(name) // it was replaced meanwhile
	case errors.Is(err, fs.ErrNotExist):
		return nil, &CorruptError{file, "it is missing"}
	case err != nil:
		return nil, fmt.Errorf("load %s: %w", name, err)
	case hashOf(b) != item.SHA256:
		return nil, &CorruptError{file, "its checksum does not match"}
	}
	return b, nil
}

// Save keeps data under name, in place of what was there. It is on the disk when
// Save returns nil; after an error the old data counts.
func (v Vault) Save(name string, data []byte) error {
	if err := checkAuthor(name); err != nil {
		return &LimitError{"name", fmt.Sprintf("must be 1 to %d bytes of text without control characters", maxAuthor)}
	}
	if len(data) > maxItem {
		return &LimitError{name, fmt.Sprintf("would have %d bytes; %d are kept", len(data), maxItem)}
	}
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	items := *s.items.Load()
	item := Item{SHA256: hashOf(data), Size: len(data), Time: wall(s.cfg.Now())}
	if old, ok := items[name]; ok && old.SHA256 == item.SHA256 {
		if b, err := v.Load(name); err == nil && len(b) == item.Size {
			return nil
		}
	} else if !ok && len(items) >= maxItems {
		return &LimitError{"vault", fmt.Sprintf("has %d items; more are not kept", maxItems)}
	}
	if _, err := replace(s.disk, "vault/"+item.SHA256, data); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	next := maps.Clone(items)
	next[name] = item
	if err := s.saveItems(next); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	s.sweepVault()
	return nil
}

// Delete forgets what is called name, and removes it from the disk. A name that
// is not there is no error.
func (v Vault) Delete(name string) error {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	items := *s.items.Load()
	gone, ok := items[name]
	if !ok {
		return nil
	}
	next := maps.Clone(items)
	delete(next, name)
	if err := s.saveItems(next); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	if !refersTo(next, gone.SHA256) { // even if the older copy of the index does
		_ = s.disk.Remove("vault/" + gone.SHA256)
	}
	return nil
}

// Items describes what is kept under names that begin with prefix.
func (v Vault) Items(prefix string) map[string]Item {
	out := make(map[string]Item)
	for name, item := range *v.s.items.Load() {
		if strings.HasPrefix(name, prefix) {
			out[name] = item
		}
	}
	return out
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func refersTo(items map[string]Item, hash string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(items)), func(i Item) bool { return i.SHA256 == hash })
}

// saveItems makes next what the vault has.
func (s *Store) saveItems(next map[string]Item) error {
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := s.vaults.save(b); err != nil {
		return err
	}
	s.items.Store(&next)
	return nil
}

// sweepVault removes files that neither copy of the index refers to. An error
// leaves the file for the next time.
func (s *Store) sweepVault() {
	older := make(map[string]Item)
	if json.Unmarshal(s.vaults.older, &older) != nil {
		clear(older)
	}
	names, err := s.disk.List("vault")
	if err != nil {
		return
	}
	for _, n := range names {
		if !refersTo(*s.items.Load(), n) && !refersTo(older, n) {
			_ = s.disk.Remove("vault/" + n)
		}
	}
}
