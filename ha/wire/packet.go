// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/netip"
)

const (
	hops     = 255  // RFC 9568 section 5.1.1.3
	class    = 0xc0 // internetwork control
	header4  = 20   // bytes of an IPv4 header without options
	sumPlace = 6    // of the checksum in a packet of protocol 112
)

// checkSend refuses what cannot be sent.
func checkSend(c Config, dst netip.Addr, payload []byte) error {
	switch {
	case Of(dst) != c.Family || dst.Is4In6():
		return fmt.Errorf("send on %s: %v is no address of %v", c.Interface, dst, c.Family)
	case dst.IsMulticast() && dst.WithZone("") != Group(c.Family):
		return fmt.Errorf("send on %s: the group of routers is %v, not %v", c.Interface, Group(c.Family), dst)
	case len(payload) < sumPlace+2 || len(payload) > maxPacket-header4:
		return fmt.Errorf("send on %s: a packet has %d to %d bytes, this one %d", c.Interface, sumPlace+2, maxPacket-header4, len(payload))
	}
	return nil
}

// packet4 puts an IPv4 header before a payload. Identification and checksum are left
// to the kernel, which fills in what is zero.
func packet4(src, dst netip.Addr, payload []byte) []byte {
	b := make([]byte, 0, header4+len(payload))
	b = append(b, 0x45, class)
	b = binary.BigEndian.AppendUint16(b, uint16(header4+len(payload)))
	b = append(b, 0, 0, 0, 0, hops, Protocol, 0, 0)
	b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
	return append(b, payload...)
}

// parse4 takes the header off an IPv4 packet.
func parse4(b []byte) (src, dst netip.Addr, ttl int, data []byte, ok bool) {
	if len(b) < header4 || b[0]>>4 != 4 {
		return src, dst, 0, nil, false
	}
	n := int(b[0]&0xf) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if n < header4 || total < n || total > len(b) || b[9] != Protocol {
		return src, dst, 0, nil, false
	}
	src, dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	return src, dst, int(b[8]), b[n:total], true
}

// withChecksum returns a copy of an IPv6 payload with its checksum (RFC 8200 section
// 8.1) as the kernel would fill it in.
func withChecksum(src, dst netip.Addr, payload []byte) []byte {
	b := append([]byte(nil), payload...)
	b[sumPlace], b[sumPlace+1] = 0, 0
	sum := uint32(len(b)) + Protocol
	for _, part := range [][]byte{src.AsSlice(), dst.AsSlice(), b} {
		for i := 0; i+1 < len(part); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(part[i:]))
		}
		if len(part)%2 == 1 {
			sum += uint32(part[len(part)-1]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[sumPlace:], ^uint16(sum))
	return b
}

// virtualName is the name of the interface with a virtual MAC above another one. It
// has 15 bytes at most, as the kernel wants.
func virtualName(parent string, mac net.HardwareAddr) string {
	if len(parent) > 9 {
		h := fnv.New64a()
		_, _ = io.WriteString(h, parent)
		parent = fmt.Sprintf("%016x", h.Sum64())[:9]
	}
	return fmt.Sprintf("v%02x%02x-%s", mac[4], mac[5], parent)
}
