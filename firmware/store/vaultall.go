// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"maps"
	"slices"
)

// SaveAll keeps all of data by its names, or nothing: after an error, and after a
// crash before it returns, the vault has what it had. Other items stay.
func (v Vault) SaveAll(data map[string][]byte) error {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	next := maps.Clone(*s.items.Load())
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if err := checkAuthor(name); err != nil {
			return &LimitError{"name", fmt.Sprintf("must be 1 to %d bytes of text without control characters", maxAuthor)}
		}
		b := data[name]
		if len(b) > maxItem {
			return &LimitError{name, fmt.Sprintf("would have %d bytes; %d are kept", len(b), maxItem)}
		}
		next[name] = Item{SHA256: hashOf(b), Size: len(b), Time: wall(s.cfg.Now())}
	}
	if len(next) > maxItems {
		return &LimitError{"vault", fmt.Sprintf("would have %d items; %d are kept", len(next), maxItems)}
	}
	for name, b := range data {
		if _, err := replace(s.disk, "vault/"+next[name].SHA256, b); err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
	}
	if err := s.saveItems(next); err != nil {
		return fmt.Errorf("save the vault: %w", err)
	}
	s.sweepVault()
	return nil
}
