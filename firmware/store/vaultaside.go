// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
)

// SetAside gives what is kept under name, damaged or not, the name aside, as it lies
// on the disk, so that somebody can look at it; name is free then. It says whether
// there was anything on the disk to keep. After an error nothing has changed.
func (v Vault) SetAside(name, aside string) (kept bool, err error) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, ErrClosed
	}
	if checkAuthor(aside) != nil {
		return false, &LimitError{"name", fmt.Sprintf("must be 1 to %d bytes of text without control characters", maxAuthor)}
	}
	next := maps.Clone(*s.items.Load())
	item, ok := next[name]
	if !ok {
		return false, nil
	}
	delete(next, name)
	switch raw, err := s.disk.ReadFile("vault/" + item.SHA256); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, fmt.Errorf("set %s aside: %w", name, err)
	default:
		kept = true
		next[aside] = Item{SHA256: hashOf(raw), Size: len(raw), Time: wall(s.cfg.Now())}
		if _, err := replace(s.disk, "vault/"+hashOf(raw), raw); err != nil {
			return false, fmt.Errorf("set %s aside: %w", name, err)
		}
	}
	if err := s.saveItems(next); err != nil {
		return false, fmt.Errorf("set %s aside: %w", name, err)
	}
	s.sweepVault()
	return kept, nil
}
