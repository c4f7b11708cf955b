// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// letters are those of codes that people type: no vowels, so that no words come
// out, and nothing that looks like a digit or like another.
const letters = "BCDFGHJKLMNPQRSTVWXZ"

// randomLetters returns n random letters of the alphabet: log2(20) = 4.3 bits each.
func randomLetters(n int) string {
	const limit = 256 - 256%len(letters) // above it, some letters would be likelier
	out := make([]byte, 0, n)
	var b [1]byte
	for len(out) < n {
		rand.Read(b[:]) // it ends the program if it fails
		if int(b[0]) < limit {
			out = append(out, letters[int(b[0])%len(letters)])
		}
	}
	return string(out)
}

// typedCode returns a code such as BCDF-GHJK-LMNP-QRST, of 69 bits.
func typedCode() string {
	s := randomLetters(16)
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// plainCode brings what somebody typed into the form that codes are compared in.
func plainCode(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r == '-' || r == ' ':
			return -1
		}
		return r
	}, s)
}

// newID returns a random name for people and programs; it is no secret.
func newID(prefix string) string { return prefix + strings.ToLower(randomLetters(14)) }

// A digest is the SHA-256 of a token: what is kept of it.
type digest [sha256.Size]byte

// tokenLen is the length of 256 bits in base64url without padding.
const tokenLen = 43

var tokenForm = base64.RawURLEncoding.Strict()

// newSecret returns 256 random bits as text.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return tokenForm.EncodeToString(b[:])
}

// parseSecret returns the digest of a text of newSecret. There is one text only for
// each secret.
func parseSecret(s string) (digest, bool) {
	if len(s) != tokenLen || strings.ContainsAny(s, "\r\n") {
		return digest{}, false
	}
	if _, err := tokenForm.DecodeString(s); err != nil {
		return digest{}, false
	}
	return sha256.Sum256([]byte(s)), true
}

// digestOf is for short codes, which are kept as digests too.
func digestOf(s string) digest { return sha256.Sum256([]byte(s)) }

// MarshalText returns d in base64.
func (d digest) MarshalText() ([]byte, error) { return []byte(tokenForm.EncodeToString(d[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *digest) UnmarshalText(b []byte) error {
	v, err := tokenForm.DecodeString(string(b))
	if err != nil || len(v) != len(d) {
		return errorf(Invalid, "a digest must be %d bytes in base64url", len(d))
	}
	copy(d[:], v)
	return nil
}
