// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// The fixed part of version 2 (section 2.2):
//
//	 0            12      13       14      16
//	+------------+-------+--------+-------+----------------------------+
//	| signature  | 2 cmd | family | bytes | addresses, ports, TLVs     |
//	+------------+-------+--------+-------+----------------------------+
//	              4b  4b  4b trans
const (
	atCommand = len(signature2)
	atFamily  = atCommand + 1
	atLength  = atFamily + 1
	fixedV2   = atLength + 2
)

// Version and command in one byte, family and transport in one byte.
const (
	localV2 = 0x20
	proxyV2 = 0x21

	unspec     = 0x00
	tcp4       = 0x11
	udp4       = 0x12
	tcp6       = 0x21
	udp6       = 0x22
	unixStream = 0x31
	unixDgram  = 0x32
)

// parseV2 reads the binary form (section 2.2).
func parseV2(b []byte) (Header, int, error) {
	h := Header{Version: V2}
	if len(b) <= atCommand {
		return Header{}, 0, ErrMore
	}
	switch b[atCommand] {
	case localV2:
		h.Local = true
	case proxyV2:
	default:
		return Header{}, 0, MalformedError("unknown version or command")
	}
	if len(b) <= atFamily {
		return Header{}, 0, ErrMore
	}
	addresses, ok := addressLength(b[atFamily])
	if !ok && !h.Local {
		return Header{}, 0, MalformedError("unknown family or transport")
	}
	if len(b) < fixedV2 {
		return Header{}, 0, ErrMore
	}
	n := fixedV2 + int(binary.BigEndian.Uint16(b[atLength:]))
	discard := h.Local || b[atFamily] == unspec
	switch {
	case n > MaxV2:
		return Header{}, 0, MalformedError("longer than 4096 bytes")
	case !discard && n < fixedV2+addresses:
		return Header{}, 0, MalformedError("too short for its addresses")
	case len(b) < n:
		return Header{}, 0, ErrMore
	case discard:
		return h, n, nil // no addresses, and no way to know where TLVs would begin
	}
	h.addresses(b[atFamily], b[fixedV2:])
	h.tlvs = b[fixedV2+addresses : n : n]
	if err := h.readTLVs(b[:n]); err != nil {
		return Header{}, 0, err
	}
	return h, n, nil
}

// addressLength returns how many bytes of addresses and ports a family has. The
// families that the specification does not expect are refused: no two receivers
// would do the same with them.
func addressLength(family byte) (n int, ok bool) {
	switch family {
	case unspec:
		return 0, true
	case tcp4, udp4:
		return 2*4 + 2*2, true
	case tcp6, udp6:
		return 2*16 + 2*2, true
	case unixStream, unixDgram:
		return 2 * 108, true
	}
	return 0, false
}

// addresses reads the block of addresses at the beginning of b.
func (h *Header) addresses(family byte, b []byte) {
	var src, dst netip.Addr
	var ports []byte
	switch family {
	case tcp4, udp4:
		src, dst = netip.AddrFrom4([4]byte(b)), netip.AddrFrom4([4]byte(b[4:]))
		ports = b[8:]
	case tcp6, udp6:
		src, dst = netip.AddrFrom16([16]byte(b)).Unmap(), netip.AddrFrom16([16]byte(b[16:])).Unmap()
		ports = b[32:]
	default:
		return
	}
	h.Transport = TCP
	if family == udp4 || family == udp6 {
		h.Transport = UDP
	}
	h.Src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(ports))
	h.Dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(ports[2:]))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// zero stands for the checksum while it is computed. A local would be allocated
// for each call.
var zero [4]byte

// checksum is the CRC32c of a header whose checksum is in the four bytes at at,
// which count as zero (section 2.2.3).
func checksum(header []byte, at int) uint32 {
	sum := crc32.Update(0, castagnoli, header[:at])
	sum = crc32.Update(sum, castagnoli, zero[:])
	return crc32.Update(sum, castagnoli, header[at+len(zero):])
}
