// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"fmt"
)

// AdoptSecrets makes keys, the newest first, the keys called name, in place of this
// store's own: another box has them too. The key that was the newest stays behind
// the first of them for what was signed with it; in all there are as many as
// [Store.Rotate] keeps. Each has 32 bytes.
func (s *Store) AdoptSecrets(name string, keys [][]byte) error {
	if len(keys) == 0 {
		return &LimitError{"secret", "must be one key or more"}
	}
	if err := checkAuthor(name); err != nil {
		return &LimitError{"secret", fmt.Sprintf("must be named by 1 to %d bytes of text without control characters", maxAuthor)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	list := make([]secret, 0, 1+oldSecrets)
	add := func(k []byte) {
		for _, have := range list {
			if bytes.Equal(have.Key, k) {
				return
			}
		}
		if len(list) < 1+oldSecrets {
			list = append(list, secret{Key: bytes.Clone(k), Time: wall(s.cfg.Now())})
		}
	}
	for i, k := range keys {
		if len(k) != secretSize {
			return &LimitError{"secret", fmt.Sprintf("must have %d bytes, not %d", secretSize, len(k))}
		}
		if add(k); i == 0 && len(s.keys[name]) > 0 {
			add(s.keys[name][0].Key)
		}
	}
	return s.keepSecrets(name, list)
}
