// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The classes of bytes. A table look-up answers for all of them at once.
const (
	inToken  = 1 << iota // RFC 9110 section 5.6.2
	inTarget             // may stand in a request target
	inHigh               // 0x80 to 0xff
	inValue              // may stand in a field value or reason phrase
	inHost               // unreserved / sub-delims of RFC 3986
	inHex
	isUnderscore
)

var class = func() (t [256]uint8) {
	for c := range 256 {
		if c >= 0x80 {
			t[c] |= inHigh
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= inValue
		}
		if c > ' ' && c < 0x7f && c != '#' && c != '\\' {
			t[c] |= inTarget
		}
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80 {
			t[c] |= inToken | inHost
		}
	}
	mark := func(set string, bit uint8) {
		for i := range len(set) {
			t[set[i]] |= bit
		}
	}
	mark("!#$%&'*+-.^_`|~", inToken)
	mark("-._~!$&'()*+,;=", inHost)
	mark("0123456789abcdefABCDEF", inHex)
	mark("_", isUnderscore)
	return t
}()

// endOfValue returns the index of the first byte of b from i on that may not
// stand in a field value, or len(b). It looks at eight bytes at a time: a byte
// below 0x20 borrows into its top bit when 0x20 is taken from it, and 0x7f
// carries into its own when 1 is added, while bytes that had it already do not
// count. Every wrong byte is marked so, and now and then a right one, HTAB or
// the neighbour of a borrow or carry; the table has the last word.
func endOfValue(b []byte, i int) int {
	const (
		ones = 0x0101010101010101
		tops = 0x80 * ones
	)
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		marks := ((x - 0x20*ones) | (x + ones)) &^ x & tops
		if marks == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(marks) >> 3
		if class[b[i]]&inValue == 0 {
			return i
		}
		i++
	}
	for i < len(b) && class[b[i]]&inValue != 0 {
		i++
	}
	return i
}

// isToken reports whether b is a token, which is never empty.
func isToken(b []byte) bool {
	all := uint8(inToken)
	for _, c := range b {
		all &= class[c]
	}
	return len(b) != 0 && all != 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// trim takes the optional white space off both ends of b (RFC 9110 section
// 5.6.3): SP and HTAB, nothing else.
func trim(b []byte) []byte {
	for len(b) != 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) != 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// nextElement takes the first element off a comma-separated list. The list is
// at its end when more is false; an element may be empty.
func nextElement(list []byte) (element, rest []byte, more bool) {
	if i := bytes.IndexByte(list, ','); i >= 0 {
		return trim(list[:i]), list[i+1:], true
	}
	return trim(list), nil, false
}
