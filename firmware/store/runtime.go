// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxRuntime is how large the whole key/value area may grow, in bytes of JSON.
const maxRuntime = 1 << 20

// Put keeps v, as JSON, under key. It is on the disk when Put returns nil; after
// an error the old value counts. The area is for the little that must survive a
// restart: 1 MiB in all, written whole each time.
func (s *Store) Put(key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return s.changeRuntime(key, func(m map[string]json.RawMessage) bool {
		if old, ok := m[key]; ok && bytes.Equal(old, b) {
			return false
		}
		m[key] = b
		return true
	})
}

// Delete forgets key; one that is not there is no error.
func (s *Store) Delete(key string) error {
	return s.changeRuntime(key, func(m map[string]json.RawMessage) bool {
		_, ok := m[key]
		delete(m, key)
		return ok
	})
}

// changeRuntime applies f to a copy of the area and, if f says that it changed
// something, saves and publishes it.
func (s *Store) changeRuntime(key string, f func(map[string]json.RawMessage) bool) error {
	if err := checkAuthor(key); err != nil {
		return &LimitError{"key", fmt.Sprintf("must be 1 to %d bytes of text without control characters", maxAuthor)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	next := maps.Clone(*s.runtime.Load())
	if !f(next) {
		return nil
	}
	b, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("save runtime state: %w", err)
	}
	if len(b) > maxRuntime {
		return &LimitError{"runtime state", fmt.Sprintf("would have %d bytes; %d are kept", len(b), maxRuntime)}
	}
	if err := s.runtimes.save(b); err != nil {
		return fmt.Errorf("save runtime state: %w", err)
	}
	s.runtime.Store(&next)
	return nil
}

// Get decodes the value of key into v, a pointer; ok says whether there is one.
func (s *Store) Get(key string, v any) (ok bool, err error) {
	b, ok := (*s.runtime.Load())[key]
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		return true, fmt.Errorf("get %s: %w", key, err)
	}
	return true, nil
}

// Keys returns the keys in the area, in order.
func (s *Store) Keys() []string { return slices.Sorted(maps.Keys(*s.runtime.Load())) }

// A secret is one key of a name.
type secret struct {
	Key  []byte    `json:"key"`
	Time time.Time `json:"time"` // when it was made
}

const (
	secretSize = 32 // bytes
	oldSecrets = 2  // kept beside the newest
)

// Secret returns the key called name, 32 random bytes that are made and saved
// at the first use.
func (s *Store) Secret(name string) ([]byte, error) {
	keys, err := s.Secrets(name)
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// Secrets returns the key called name and then those before it, the newest
// first: sign with the first, accept any.
func (s *Store) Secrets(name string) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys[name]) == 0 {
		if err := s.addSecret(name); err != nil {
			return nil, err
		}
	}
	var keys [][]byte
	for _, k := range s.keys[name] {
		keys = append(keys, bytes.Clone(k.Key))
	}
	return keys, nil
}

// Rotate makes a new key called name. The two before it stay in Secrets; older
// ones are gone for good.
func (s *Store) Rotate(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addSecret(name)
}

func (s *Store) addSecret(name string) error {
	if s.closed {
		return ErrClosed
	}
	if err := checkAuthor(name); err != nil {
		return &LimitError{"secret", fmt.Sprintf("must be named by 1 to %d bytes of text without control characters", maxAuthor)}
	}
	k := secret{Key: make([]byte, secretSize), Time: wall(s.cfg.Now())}
	rand.Read(k.Key) // never fails: crypto/rand ends the program instead
	list := append([]secret{k}, s.keys[name]...)
	return s.keepSecrets(name, list[:min(len(list), 1+oldSecrets)])
}

// keepSecrets makes list, the newest first, the secrets of a name: durably, or not
// at all. The caller holds s.mu.
func (s *Store) keepSecrets(name string, list []secret) error {
	next := make(map[string][]secret, len(s.keys)+1)
	maps.Copy(next, s.keys)
	next[name] = list
	b, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("save secret %s: %w", name, err)
	}
	if err := s.secrets.save(b); err != nil {
		return fmt.Errorf("save secret %s: %w", name, err)
	}
	s.keys = next
	return nil
}
