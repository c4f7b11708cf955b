// SPDX-License-Identifier: Apache-2.0

package message

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// EndOfValue returns the index of the first byte of b from i on that may not
// stand in a field value, or len(b). It looks at eight bytes at a time: a byte
// below 0x20 borrows into its top bit when 0x20 is taken from it, and 0x7f
// carries into its own when 1 is added, while bytes that had it already do not
// count. Every wrong byte is marked so, and now and then a right one, HTAB or
// the neighbour of a borrow or carry; inValue has the last word.
func EndOfValue(b []byte, i int) int {
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
		if !inValue(b[i]) {
			return i
		}
		i++
	}
	for i < len(b) && inValue(b[i]) {
		i++
	}
	return i
}

// inValue reports whether c may stand in a field value (RFC 9110 section 5.5).
func inValue(c byte) bool { return c == '\t' || c >= ' ' && c != 0x7f }

// ParseLength reads the value of Content-Length (RFC 9110 section 8.6): 1*DIGIT,
// at most 19 of them and at most 2^63-1.
func ParseLength(b []byte) (n int64, valid bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	u := uint64(0) // 19 digits always fit
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	if u > math.MaxInt64 {
		return 0, false
	}
	return int64(u), true
}
