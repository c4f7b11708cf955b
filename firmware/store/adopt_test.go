// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"testing"
)

func TestAdoptedSecretsComeFirstAndTheOwnStaysGood(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.Secret("cookie")
	if err != nil {
		t.Fatal(err)
	}
	key := func(n byte) []byte { return bytes.Repeat([]byte{n}, secretSize) }
	if err := s.AdoptSecrets("cookie", [][]byte{key(1), key(2), key(3)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Secrets("cookie")
	if err != nil || len(got) != 3 || !bytes.Equal(got[0], key(1)) || !bytes.Equal(got[1], own) || !bytes.Equal(got[2], key(2)) {
		t.Errorf("secrets %x (%v), want the first, this store's own %x, the second", got, err, own)
	}
	if err := s.AdoptSecrets("cookie", [][]byte{key(1)[1:]}); err == nil {
		t.Error("a short key was taken")
	}
	if err := s.AdoptSecrets("cookie", nil); err == nil {
		t.Error("no key was taken for one")
	}
}
