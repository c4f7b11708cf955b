// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// A Checksum is the form of the checksum of version 3 over IPv4. RFC 9568,
// section 5.2.8, sums the message alone; RFC 5798 could be read as summing a
// pseudo header too, and some implementations do. Version 2 never has a pseudo
// header, IPv6 always.
type Checksum uint8

// The forms.
const (
	ChecksumRFC9568 Checksum = iota // without a pseudo header
	ChecksumPseudo                  // with a pseudo header: source, destination, 0, 112, length
)

// String returns "rfc9568" or "pseudo", as the configuration writes them.
func (c Checksum) String() string {
	if c == ChecksumPseudo {
		return "pseudo"
	}
	return "rfc9568"
}

// sum adds the 16-bit words of b to s; an odd byte at the end counts as the
// upper half of a word (RFC 1071).
func sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

// checksum returns the checksum of msg, whose checksum field is zero, with
// pseudo, the sum of a pseudo header. Over a message whose field is filled it
// returns 0 where the field is right. It cannot overflow: the longest message
// is 4 KiB.
func checksum(msg []byte, pseudo uint32) uint16 {
	s := sum(pseudo, msg)
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// pseudoHeader returns the sum of the pseudo header for a message of the
// version and size: 0 where it has none.
func pseudoHeader(version uint8, src, dst netip.Addr, size int, c Checksum) uint32 {
	if version == 2 || src.Is4() && c == ChecksumRFC9568 {
		return 0
	}
	s := sum(0, src.AsSlice())
	s = sum(s, dst.AsSlice())
	return s + Protocol + uint32(size)
}
