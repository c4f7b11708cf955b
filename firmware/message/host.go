// SPDX-License-Identifier: Apache-2.0

package message

import "bytes"

// A HostFault says what is wrong with an authority.
type HostFault uint8

const (
	HostSound HostFault = iota
	HostBad
	HostUserinfo // it has a user, which no target of a request may have
)

// The classes of bytes of an authority.
const (
	inHost = 1 << iota // unreserved / sub-delims of RFC 3986
	inHex
)

var hostClass = func() (t [256]uint8) {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark := func(set string, bit uint8) {
		for i := range len(set) {
			t[set[i]] |= bit
		}
	}
	mark(digits+letters+"-._~!$&'()*+,;=", inHost)
	mark(digits+"abcdefABCDEF", inHex)
	return t
}()

// CheckHost checks uri-host [":" port] (RFC 9110 section 7.2, RFC 3986 section
// 3.2.2) and returns how many digits the port has. Percent-encoded names and
// IPvFuture are refused: they name no host that DNS or a socket knows, but a
// second way of writing one.
func CheckHost(b []byte) (portDigits int, fault HostFault) {
	var rest []byte
	if len(b) != 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || !isIPv6(b[1:end]) {
			return 0, hostFault(b)
		}
		rest = b[end+1:]
	} else {
		end := 0
		for end < len(b) && hostClass[b[end]]&inHost != 0 {
			end++
		}
		if end == 0 {
			return 0, hostFault(b)
		}
		rest = b[end:]
	}
	if len(rest) == 0 {
		return 0, HostSound
	}
	if rest[0] != ':' || !isPort(rest[1:]) {
		return 0, hostFault(b)
	}
	return len(rest) - 1, HostSound
}

// isPort reports whether b is *DIGIT and at most 65535.
func isPort(b []byte) bool {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
		if n = n*10 + int(c-'0'); n > 65535 {
			return false
		}
	}
	return true
}

func hostFault(b []byte) HostFault {
	if bytes.IndexByte(b, '@') >= 0 {
		return HostUserinfo
	}
	return HostBad
}

// isIPv6 reports whether b is an IPv6 address without a zone (RFC 3986 section
// 3.2.2, IPv6address).
func isIPv6(b []byte) bool {
	groups, gap := 0, false
	for i := 0; i < len(b); {
		if b[i] == ':' {
			if i+1 >= len(b) || b[i+1] != ':' || gap || groups > 7 {
				return false
			}
			gap = true
			if i += 2; i == len(b) {
				return true
			}
		}
		n := 0
		for i+n < len(b) && hostClass[b[i+n]]&inHex != 0 {
			n++
		}
		switch end := i + n; {
		case n == 0 || n > 4 || groups == 8:
			return false
		case end == len(b):
			return gap && groups < 7 || !gap && groups == 7
		case b[end] == '.':
			return (gap && groups < 6 || !gap && groups == 6) && isIPv4(b[i:])
		case b[end] != ':':
			return false
		case end+1 == len(b):
			return false
		case b[end+1] == ':':
			i = end // "::" after a group
		default:
			i = end + 1
		}
		groups++
	}
	return false
}

// isIPv4 reports whether b is a dotted quad in plain decimals.
func isIPv4(b []byte) bool {
	for parts := 1; ; parts++ {
		n, v := 0, 0
		for n < len(b) && '0' <= b[n] && b[n] <= '9' {
			v = v*10 + int(b[n]-'0')
			n++
			if n > 3 || v > 255 || n > 1 && b[0] == '0' {
				return false
			}
		}
		if n == 0 {
			return false
		}
		if n == len(b) {
			return parts == 4
		}
		if b[n] != '.' || parts == 4 {
			return false
		}
		b = b[n+1:]
	}
}
