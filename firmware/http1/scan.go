// SPDX-License-Identifier: Apache-2.0

package http1

import "bytes"

// The classes of bytes. A table look-up answers for all of them at once.
const (
	inToken  = 1 << iota // RFC 9110 section 5.6.2
	inTarget             // may stand in a request target
	inHigh               // 0x80 to 0xff
	inValue              // may stand in a field value
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
			t[c] |= inToken
		}
	}
	mark := func(set string, bit uint8) {
		for i := range len(set) {
			t[set[i]] |= bit
		}
	}
	mark("!#$%&'*+-.^_`|~", inToken)
	mark("0123456789abcdefABCDEF", inHex)
	mark("_", isUnderscore)
	return t
}()

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
