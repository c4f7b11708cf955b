// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"

	"evener/firmware/message"
)

// The classes of bytes.
const (
	inToken = 1 << iota // RFC 9110 section 5.6.2
	inPath              // of one or more segments (RFC 3986 section 3.3), "%" left out
	inURL               // of a URL, "%" left out
	isHex
)

var class = func() (t [256]uint8) {
	const alnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark := func(set string, bits uint8) {
		for i := range len(set) {
			t[set[i]] |= bits
		}
	}
	mark(alnum, inToken|inPath|inURL)
	mark("!#$%&'*+-.^_`|~", inToken)
	mark("-._~!$&'()*+,;=:@/", inPath|inURL)
	mark("?[]", inURL)
	mark("0123456789abcdefABCDEF", isHex)
	return t
}()

// isToken reports whether s is a token, which is never empty.
func isToken(s string) bool {
	for i := range len(s) {
		if class[s[i]]&inToken == 0 {
			return false
		}
	}
	return s != ""
}

// sanitise replaces with a space each byte of b that may not stand in a field
// value, as RFC 9110 section 5.5 asks for CR, LF and NUL.
func sanitise(b []byte) {
	for i := message.EndOfValue(b, 0); i < len(b); i = message.EndOfValue(b, i+1) {
		b[i] = ' '
	}
}

// escaped reports whether s begins with a percent-encoded byte.
func escaped(s []byte) bool {
	return len(s) >= 3 && s[0] == '%' && class[s[1]]&class[s[2]]&isHex != 0
}

// escape percent-encodes, in place and into the memory behind it, the bytes of
// b from start on that are not in the class allowed. What is percent-encoded
// stays as it is, a "%" that encodes nothing does not.
func escape(b []byte, start int, allowed uint8) []byte {
	const hex = "0123456789ABCDEF"
	more := 0
	for i := start; i < len(b); i++ {
		if class[b[i]]&allowed == 0 && !escaped(b[i:]) {
			more += 2
		}
	}
	if more == 0 {
		return b
	}
	from := len(b)
	for range more {
		b = append(b, 0)
	}
	// From the end, so that nothing is overwritten before it is read. An
	// escape lies behind its "%", still unread or moved as it is.
	to := len(b)
	for i := from - 1; i >= start; i-- {
		c := b[i]
		if class[c]&allowed != 0 || c == '%' && to+2 <= len(b) && class[b[to]]&class[b[to+1]]&isHex != 0 && i+2 < from {
			to--
			b[to] = c
			continue
		}
		to -= 3
		b[to], b[to+1], b[to+2] = '%', hex[c>>4], hex[c&15]
	}
	return b
}

// soundPath reports whether p may be the path of a request target: from the
// root, properly encoded, without dot segments, which a server could resolve to
// what no rule has seen.
func soundPath(p []byte) bool {
	if len(p) == 0 || p[0] != '/' {
		return false
	}
	for i, c := range p {
		if class[c]&inPath == 0 && !escaped(p[i:]) {
			return false
		}
	}
	for rest, more := p[1:], true; more; {
		var segment []byte
		segment, rest, more = bytes.Cut(rest, []byte("/"))
		if dots(segment) {
			return false
		}
	}
	return true
}

// dots reports whether a segment is "." or "..", encoded or not.
func dots(segment []byte) bool {
	n := 0
	for len(segment) > 0 {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[0] == '%' && segment[1] == '2' && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return false
		}
		n++
	}
	return n == 1 || n == 2
}
