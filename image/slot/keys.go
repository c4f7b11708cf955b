// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxKeys is how many keys and revocations a set may hold of each.
const MaxKeys = 64

// maxKeysText is the length of a set's text in bytes.
const maxKeysText = 32 << 10

// A Key is one that may sign images.
type Key struct {
	ID      string            // KeyID(Public)
	Public  ed25519.PublicKey // 32 bytes
	Comment string
}

// String returns the key's line in a set.
func (k Key) String() string {
	return strings.TrimRight(k.ID+" "+base64.StdEncoding.EncodeToString(k.Public)+" "+k.Comment, " ")
}

// KeyID returns the name of a key: 16 hexadecimal digits of its SHA-256, so
// that no other key can take its place, in a set or among the revoked.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// Keys are the keys that a box trusts, and those that it never will again.
type Keys struct {
	List    []Key
	Revoked []string // IDs
}

// ParseKeys reads a set of keys: a line ID BASE64 COMMENT for each, a line
// "revoked ID" for one that is trusted no more; empty lines and such that begin
// with # do not count. The error holds every mistake, with its line.
func ParseKeys(text []byte) (Keys, error) {
	if len(text) > maxKeysText {
		return Keys{}, fmt.Errorf("keys: %d bytes are too many, at most %d are read", len(text), maxKeysText)
	}
	var ks Keys
	var errs []error
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if err := ks.add(strings.TrimSpace(string(line))); err != nil {
			errs = append(errs, fmt.Errorf("keys: line %d: %w", n, err))
		}
	}
	if len(ks.List) > MaxKeys || len(ks.Revoked) > MaxKeys {
		errs = append(errs, fmt.Errorf("keys: more than %d keys or revocations", MaxKeys))
	}
	if len(errs) > 0 {
		return Keys{}, errors.Join(errs...)
	}
	return ks, nil
}

// add reads one line.
func (ks *Keys) add(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	if !utf8.ValidString(line) {
		return errors.New("not UTF-8")
	}
	first, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if first == "revoked" {
		if err := checkID(rest); err != nil {
			return err
		}
		if !slices.Contains(ks.Revoked, rest) {
			ks.Revoked = append(ks.Revoked, rest)
		}
		return nil
	}
	k, err := parseKey(first, rest)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(ks.List, func(o Key) bool { return o.ID == k.ID }) {
		return fmt.Errorf("key %s is there already", k.ID)
	}
	ks.List = append(ks.List, k)
	return nil
}

func parseKey(id, rest string) (Key, error) {
	if err := checkID(id); err != nil {
		return Key{}, err
	}
	text, comment, _ := strings.Cut(rest, " ")
	public, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return Key{}, fmt.Errorf("key %s: %q is not an ed25519 key: 32 bytes in base64", id, clip(text))
	}
	if want := KeyID(public); id != want {
		return Key{}, fmt.Errorf("key %s: this key is called %s", id, want)
	}
	return Key{ID: id, Public: public, Comment: strings.TrimSpace(comment)}, nil
}

// checkID says what is wrong with the name of a key.
func checkID(id string) error {
	if b, err := hex.DecodeString(id); err != nil || len(b) != 8 || strings.ToLower(id) != id {
		return fmt.Errorf("%q is not the name of a key: 16 hexadecimal digits", clip(id))
	}
	return nil
}

// String returns the text of the set, which ParseKeys reads.
func (ks Keys) String() string {
	var b strings.Builder
	for _, k := range ks.List {
		b.WriteString(k.String() + "\n")
	}
	for _, id := range ks.Revoked {
		b.WriteString("revoked " + id + "\n")
	}
	return b.String()
}

// Find returns the key called id, revoked or not.
func (ks Keys) Find(id string) (Key, bool) {
	i := slices.IndexFunc(ks.List, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return Key{}, false
	}
	return ks.List[i], true
}

// IsRevoked reports whether the key called id is trusted no more.
func (ks Keys) IsRevoked(id string) bool { return slices.Contains(ks.Revoked, id) }

// Revoke returns the set with more keys revoked. ks stays as it is.
func (ks Keys) Revoke(ids ...string) Keys {
	all := slices.Clone(ks.Revoked)
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	ks.Revoked = all
	return ks
}
