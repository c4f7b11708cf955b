// SPDX-License-Identifier: Apache-2.0

package kmod

import "strings"

// wild are the characters that mean something in a pattern.
const wild = `*?[\`

// literal returns how many bytes of a pattern stand before its first wildcard.
func literal(pattern string) int {
	if i := strings.IndexAny(pattern, wild); i >= 0 {
		return i
	}
	return len(pattern)
}

// Match tells whether a name, such as a device's modalias, fits an alias of a
// module, by the rules of fnmatch(3) without flags, which modprobe uses: * is
// any text, ? any byte, [a-c] and [!a-c] a set, \ takes the next byte as it is.
// A set that is not closed is a bracket as it stands.
func Match(pattern, name string) bool {
	var (
		p, n         int
		starP, starN = -1, 0 // where to go back to: after the last *, and what it has taken
	)
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			starP, starN = p, n
			continue
		}
		if next, ok := matchByte(pattern, p, name[n]); ok {
			p, n = next, n+1
			continue
		}
		if starP < 0 {
			return false
		}
		starN++
		p, n = starP, starN
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte compares c with the element of the pattern at p, which is not *,
// and returns where the next one begins.
func matchByte(pattern string, p int, c byte) (next int, ok bool) {
	if p >= len(pattern) {
		return p, false
	}
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		if next, in := matchSet(pattern, p+1, c); next > 0 {
			return next, in
		}
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, pattern[p] == c
}

// matchSet compares c with the set whose content begins at p. It returns 0 as
// next if the set is not closed.
func matchSet(pattern string, p int, c byte) (next int, ok bool) {
	negated := p < len(pattern) && (pattern[p] == '!' || pattern[p] == '^')
	if negated {
		p++
	}
	found := false
	for first := true; p < len(pattern); first = false {
		if pattern[p] == ']' && !first {
			return p + 1, found != negated
		}
		lo, q := setByte(pattern, p)
		hi := lo
		if q+1 < len(pattern) && pattern[q] == '-' && pattern[q+1] != ']' {
			hi, q = setByte(pattern, q+1)
		}
		found = found || lo <= c && c <= hi
		p = q
	}
	return 0, false
}

// setByte reads one end of a range in a set.
func setByte(pattern string, p int) (c byte, next int) {
	if pattern[p] == '\\' && p+1 < len(pattern) {
		p++
	}
	return pattern[p], p + 1
}
