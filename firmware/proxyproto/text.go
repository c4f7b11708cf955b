// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"bytes"
	"net/netip"
)

// endpoints reads "source destination port port", with exactly one space
// between; parse reads an address of the family that was announced.
func endpoints(b []byte, parse func([]byte) (netip.Addr, bool)) (src, dst netip.AddrPort, err error) {
	from, b, _ := bytes.Cut(b, []byte(" "))
	to, b, _ := bytes.Cut(b, []byte(" "))
	fromPort, toPort, _ := bytes.Cut(b, []byte(" "))
	srcAddr, ok1 := parse(from)
	dstAddr, ok2 := parse(to)
	if !ok1 || !ok2 {
		return src, dst, MalformedError("an address is missing, not of the family announced, or not canonical")
	}
	srcPort, ok1 := parsePort(fromPort)
	dstPort, ok2 := parsePort(toPort)
	if !ok1 || !ok2 {
		return src, dst, MalformedError("a port is missing, above 65535, or not canonical")
	}
	return netip.AddrPortFrom(srcAddr.Unmap(), srcPort), netip.AddrPortFrom(dstAddr.Unmap(), dstPort), nil
}

// parsePort reads 0 to 65535 without a leading zero.
func parsePort(b []byte) (port uint16, ok bool) {
	if v, n := number(b, 5); n > 0 && n == len(b) && v <= 0xffff {
		return uint16(v), true
	}
	return 0, false
}

// number reads the decimal digits that b begins with, at most limit of them; n
// is how many there are, 0 if there are more or the first of several is a zero.
func number(b []byte, limit int) (v, n int) {
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		if n == limit {
			return 0, 0
		}
		v = 10*v + int(b[n]-'0')
		n++
	}
	if n > 1 && b[0] == '0' {
		return 0, 0
	}
	return v, n
}

// parse4 reads four numbers from 0 to 255 with dots between.
func parse4(b []byte) (netip.Addr, bool) {
	var a [4]byte
	for i := range a {
		v, n := number(b, 3)
		if n == 0 || v > 255 {
			return netip.Addr{}, false
		}
		a[i], b = byte(v), b[n:]
		if i < 3 {
			if len(b) == 0 || b[0] != '.' {
				return netip.Addr{}, false
			}
			b = b[1:]
		}
	}
	return netip.AddrFrom4(a), len(b) == 0
}

// parse6 reads an IPv6 address in any form of RFC 4291 section 2.2. That is
// more than the specification has: other proxies write a mapped IPv4 address
// with dots.
func parse6(b []byte) (netip.Addr, bool) {
	var a [16]byte
	n, gap := 0, -1 // bytes so far, and how many of them before "::"
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		v, digits := hexGroup(b)
		if digits == 0 || n == len(a) {
			return netip.Addr{}, false
		}
		if digits < len(b) && b[digits] == '.' {
			v4, ok := parse4(b)
			if !ok || n > len(a)-4 {
				return netip.Addr{}, false
			}
			dots := v4.As4()
			n += copy(a[n:], dots[:])
			break
		}
		a[n], a[n+1] = byte(v>>8), byte(v)
		n += 2
		if b = b[digits:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, b = n, b[1:]
		}
	}
	if (n == len(a)) != (gap < 0) {
		return netip.Addr{}, false // too few groups, or a "::" for none
	}
	if gap >= 0 {
		copy(a[len(a)-(n-gap):], a[gap:n])
		clear(a[gap : len(a)-(n-gap)])
	}
	return netip.AddrFrom16(a), true
}

// hexGroup reads the one to four hexadecimal digits that b begins with.
func hexGroup(b []byte) (v, digits int) {
	for digits < min(len(b), 4) {
		c := b[digits]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			return v, digits
		}
		v = v<<4 | int(c)
		digits++
	}
	return v, digits
}
