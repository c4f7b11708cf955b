// SPDX-License-Identifier: Apache-2.0

package match

import "bytes"

// The classes of bytes in a path.
const (
	escape     = 1 << iota // must be percent-encoded to stand in a path
	unreserved             // means the same encoded or not (RFC 3986 section 2.3)
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9',
			bytes.IndexByte([]byte("-._~"), b) >= 0:
			t[c] = unreserved
		case bytes.IndexByte([]byte("!$&'()*+,;=:@/%"), b) < 0:
			t[c] = escape
		}
	}
	return t
}()

// normalise returns path in the one form that rules compare (RFC 3986 section
// 6.2.2): unreserved characters are not percent-encoded, whatever may not stand
// in a path is, a "%" that encodes nothing is "%25", hexadecimal digits are
// upper case, and dot segments are resolved without ever leaving the root. With
// merge, runs of slashes are one slash. The "*" of OPTIONS stays. The result is
// path itself if nothing is to be done, else it is built in dst's memory.
func normalise(dst, path []byte, merge bool) (out, mem []byte) {
	if normal(path, merge) {
		return path, dst
	}
	dst = dst[:0]
	if len(path) == 0 || path[0] != '/' {
		dst = append(dst, '/')
	}
	dst = appendEncoded(dst, path, merge)
	dst = dst[:removeDots(dst)]
	return dst, dst
}

// normal reports whether path is certainly in normal form already.
func normal(path []byte, merge bool) bool {
	if len(path) == 0 || path[0] != '/' {
		return len(path) == 1 && path[0] == '*'
	}
	last := byte(0)
	for _, c := range path {
		if class[c]&escape != 0 || c == '%' {
			return false
		}
		if last == '/' && (c == '.' || merge && c == '/') {
			return false
		}
		last = c
	}
	return true
}

// appendEncoded appends s to dst, each character encoded as normalise says.
func appendEncoded(dst, s []byte, merge bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c, coded := s[i], false
		if c == '%' {
			if v, ok := unhex(s[i:]); ok {
				c, coded = v, class[v]&unreserved == 0
				i += 2
			} else {
				coded = true
			}
		}
		switch {
		case coded || class[c]&escape != 0:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		case merge && c == '/' && len(dst) > 0 && dst[len(dst)-1] == '/':
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// unhex decodes the "%41" that s begins with.
func unhex(s []byte) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	hi, lo := digit(s[1]), digit(s[2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

// digit returns the value of a hexadecimal digit, 255 for any other byte.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// removeDots resolves the segments "." and ".." of p, which begins with a
// slash, in place and returns the new length (RFC 3986 section 5.2.4).
func removeDots(p []byte) int {
	w := 0
	for i := 0; i < len(p); {
		j := i + 1
		for j < len(p) && p[j] != '/' {
			j++
		}
		switch seg := p[i+1 : j]; {
		case string(seg) == ".." || string(seg) == ".":
			if len(seg) == 2 {
				w = max(0, bytes.LastIndexByte(p[:w], '/'))
			}
			if j == len(p) {
				p[w] = '/'
				w++
			}
		default:
			w += copy(p[w:], p[i:j])
		}
		i = j
	}
	return w
}

// appendLower appends s to dst with ASCII letters in lower case.
func appendLower(dst, s []byte) []byte {
	for _, c := range s {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// lowered is appendLower for a string.
func lowered(s string) string { return string(appendLower(nil, []byte(s))) }
