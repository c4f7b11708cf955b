// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"net"
	"net/netip"
	"time"
)

// What every VRRP packet has in common (RFC 9568, section 5.1).
const (
	Protocol = 112 // IP protocol or next header
	TTL      = 255 // TTL or hop limit; any other is discarded
)

// Priorities with a meaning of their own (RFC 9568, section 5.2.4).
const (
	PriorityGone  = 0   // the ACTIVE router gives up
	PriorityOwner = 255 // the addresses are the router's own
)

// Intervals between advertisements (RFC 9568, section 5.2.7 and erratum 8301;
// RFC 3768, section 5.3.7).
const (
	IntervalStep   = 10 * time.Millisecond // version 3 counts centiseconds
	IntervalMin    = IntervalStep
	IntervalMax    = 4095 * IntervalStep
	IntervalStepV2 = time.Second
	IntervalMaxV2  = 255 * time.Second
)

// PreemptDelayMax is the longest Config.PreemptDelay.
const PreemptDelayMax = 1000 * time.Second

// A Family is the address family of a virtual router. Routers of the two
// families have nothing to do with each other, even with the same VRID.
type Family uint8

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// FamilyOf returns the family of a; an IPv4 address mapped into IPv6 is IPv6.
// It returns 0 for the zero address.
func FamilyOf(a netip.Addr) Family {
	switch {
	case a.Is4():
		return IPv4
	case a.Is6():
		return IPv6
	}
	return 0
}

// String returns "IPv4" or "IPv6".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "IPv4"
	case IPv6:
		return "IPv6"
	}
	return "no family"
}

// Group returns the multicast address of VRRP: 224.0.0.18 or ff02::12.
func (f Family) Group() netip.Addr {
	if f == IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
	}
	return netip.AddrFrom4([4]byte{224, 0, 0, 18})
}

// GroupMAC returns the MAC address to which frames for Group go.
func (f Family) GroupMAC() net.HardwareAddr {
	if f == IPv6 {
		return net.HardwareAddr{0x33, 0x33, 0, 0, 0, 0x12}
	}
	return net.HardwareAddr{0x01, 0x00, 0x5e, 0, 0, 0x12}
}

// VirtualMAC returns the virtual router's MAC address (RFC 9568, section 7.3):
// 00-00-5E-00-01-VRID for IPv4, 00-00-5E-00-02-VRID for IPv6.
func (f Family) VirtualMAC(vrid uint8) net.HardwareAddr {
	block := byte(1)
	if f == IPv6 {
		block = 2
	}
	return net.HardwareAddr{0x00, 0x00, 0x5e, 0x00, block, vrid}
}

// addressSize returns how many bytes an address of f takes in a packet.
func (f Family) addressSize() int {
	if f == IPv6 {
		return 16
	}
	return 4
}
