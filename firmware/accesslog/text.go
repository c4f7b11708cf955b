// SPDX-License-Identifier: Apache-2.0

package accesslog

// A textHead says how much of a text is there.
type textHead struct {
	n   uint16
	cut bool // the text was longer
}

// A Text32 holds up to 32 bytes. The zero value is the empty text.
type Text32 struct {
	textHead
	b [32]byte
}

// Set makes t the first 32 bytes of s and remembers whether that was all.
func (t *Text32) Set(s []byte) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// SetString is Set for a string.
func (t *Text32) SetString(s string) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// Bytes returns what t holds, valid until the next Set.
func (t *Text32) Bytes() []byte { return t.b[:t.n] }

// A Text64 holds up to 64 bytes. The zero value is the empty text.
type Text64 struct {
	textHead
	b [64]byte
}

// Set makes t the first 64 bytes of s and remembers whether that was all.
func (t *Text64) Set(s []byte) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// SetString is Set for a string.
func (t *Text64) SetString(s string) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// Bytes returns what t holds, valid until the next Set.
func (t *Text64) Bytes() []byte { return t.b[:t.n] }

// A Text128 holds up to 128 bytes. The zero value is the empty text.
type Text128 struct {
	textHead
	b [128]byte
}

// Set makes t the first 128 bytes of s and remembers whether that was all.
func (t *Text128) Set(s []byte) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// SetString is Set for a string.
func (t *Text128) SetString(s string) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// Bytes returns what t holds, valid until the next Set.
func (t *Text128) Bytes() []byte { return t.b[:t.n] }

// A Text256 holds up to 256 bytes. The zero value is the empty text.
type Text256 struct {
	textHead
	b [256]byte
}

// Set makes t the first 256 bytes of s and remembers whether that was all.
func (t *Text256) Set(s []byte) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// SetString is Set for a string.
func (t *Text256) SetString(s string) { t.n, t.cut = uint16(copy(t.b[:], s)), len(s) > len(t.b) }

// Bytes returns what t holds, valid until the next Set.
func (t *Text256) Bytes() []byte { return t.b[:t.n] }
