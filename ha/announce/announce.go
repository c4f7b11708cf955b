// SPDX-License-Identifier: Apache-2.0

// Package announce tells the stations and switches of a network where an address
// lives now: by gratuitous ARP (RFC 5227 section 3, RFC 9568 section 6.4.1) for
// IPv4 and by unsolicited neighbour advertisements (RFC 4861 section 7.2.6) for
// IPv6.
//
// A [Frame] is bytes; a [Sender] puts them on an interface. When and how often is
// for the caller to decide. Package ha/wire sends them from the interface that has
// the virtual MAC.
package announce

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
)

// A Frame is an Ethernet frame without its checksum.
type Frame []byte

// A Form is a way to announce an IPv4 address.
type Form int

// The forms of a gratuitous ARP. Nearly everybody learns from a request; a few old
// switches and hosts only from a reply.
const (
	Request Form = iota // operation 1, as RFC 5227 section 3 recommends
	Reply               // operation 2
)

const (
	etherARP  = 0x0806
	etherIPv6 = 0x86dd

	headerLen = 14
	arpLen    = 28
	naLen     = 32 // 24 of the advertisement, 8 of its option
)

// ARP returns the gratuitous ARP which says that addr, an IPv4 address, is at mac.
func ARP(mac net.HardwareAddr, addr netip.Addr, form Form) (Frame, error) {
	if len(mac) != 6 {
		return nil, fmt.Errorf("announce %v: a MAC address has 6 bytes, %v has %d", addr, mac, len(mac))
	}
	if !addr.Is4() || addr.IsUnspecified() || addr.IsMulticast() {
		return nil, fmt.Errorf("announce %v: ARP is for IPv4 addresses of one station", addr)
	}
	f := make(Frame, 0, headerLen+arpLen)
	f = append(f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	f = append(f, mac...)
	f = binary.BigEndian.AppendUint16(f, etherARP)
	f = append(f, 0, 1, 8, 0, 6, 4, 0, 1) // Ethernet, IPv4, their lengths, request
	target := net.HardwareAddr{0, 0, 0, 0, 0, 0}
	if form == Reply {
		f[len(f)-1] = 2
		target = mac
	}
	f = append(append(f, mac...), addr.AsSlice()...)
	return append(append(f, target...), addr.AsSlice()...), nil
}

// NA returns the unsolicited neighbour advertisement which says that addr, an IPv6
// address, is at mac. It overrides what neighbours believed; router says whether
// the sender forwards packets (the flag R: a host that believed in a router would
// drop it on an advertisement without).
func NA(mac net.HardwareAddr, addr netip.Addr, router bool) (Frame, error) {
	if len(mac) != 6 {
		return nil, fmt.Errorf("announce %v: a MAC address has 6 bytes, %v has %d", addr, mac, len(mac))
	}
	if !addr.Is6() || addr.Is4In6() || addr.IsUnspecified() || addr.IsMulticast() {
		return nil, fmt.Errorf("announce %v: a neighbour advertisement is for IPv6 addresses of one station", addr)
	}
	addr = addr.WithZone("")
	all := netip.IPv6LinkLocalAllNodes()
	f := make(Frame, 0, headerLen+40+naLen)
	f = append(f, 0x33, 0x33, 0, 0, 0, 1)
	f = append(f, mac...)
	f = binary.BigEndian.AppendUint16(f, etherIPv6)
	f = append(f, 0x60, 0, 0, 0, 0, naLen, 58, 255) // ICMPv6, hop limit 255
	f = append(append(f, addr.AsSlice()...), all.AsSlice()...)
	body := len(f)
	flags := byte(0x20) // override
	if router {
		flags |= 0x80
	}
	f = append(f, 136, 0, 0, 0, flags, 0, 0, 0)
	f = append(f, addr.AsSlice()...)
	f = append(append(f, 2, 1), mac...) // option: target link-layer address, 8 bytes
	binary.BigEndian.PutUint16(f[body+2:], checksum(addr, all, f[body:]))
	return f, nil
}

// checksum is that of ICMPv6 (RFC 4443 section 2.3) over a message whose own field
// is zero and whose length is even.
func checksum(src, dst netip.Addr, message []byte) uint16 {
	sum := uint32(len(message)) + 58
	for _, part := range [][]byte{src.AsSlice(), dst.AsSlice(), message} {
		for i := 0; i < len(part); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(part[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
