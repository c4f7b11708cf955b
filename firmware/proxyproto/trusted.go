// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"fmt"
	"net/netip"
	"slices"
)

// Trusted are the networks whose hosts may send a header. It does not change
// and may be read by all at once. The zero value trusts nobody.
//
// It is a sorted list for each family: a look-up is a binary search, about ten
// comparisons for a thousand networks, without allocation. Prefixes nest or are
// disjoint, so that once those inside others are gone the one that begins last
// before an address is the only one that can hold it.
type Trusted struct {
	v4, v6 []netip.Prefix
}

// NewTrusted returns the set of the hosts in any of the prefixes. One that is
// not valid is an error. A prefix of mapped IPv4 addresses (::ffff:0:0/96)
// means the IPv4 addresses; one that is wider means IPv6 addresses only, as
// ::/0 does.
func NewTrusted(prefixes []netip.Prefix) (*Trusted, error) {
	t := &Trusted{}
	for _, p := range prefixes {
		if !p.IsValid() {
			return nil, fmt.Errorf("trusted network %v: not an address and a prefix length", p)
		}
		addr, bits := p.Addr(), p.Bits()
		if addr.Is4In6() && bits >= 96 {
			addr, bits = addr.Unmap(), bits-96
		}
		p = netip.PrefixFrom(addr, bits).Masked()
		if addr.Is4() {
			t.v4 = append(t.v4, p)
		} else {
			t.v6 = append(t.v6, p)
		}
	}
	t.v4, t.v6 = outermost(t.v4), outermost(t.v6)
	return t, nil
}

// outermost sorts the prefixes and drops those inside others.
func outermost(prefixes []netip.Prefix) []netip.Prefix {
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	kept := prefixes[:0]
	for _, p := range prefixes {
		if n := len(kept); n == 0 || !kept[n-1].Contains(p.Addr()) {
			kept = append(kept, p)
		}
	}
	return kept
}

// Contains reports whether addr is trusted, mapped or not, in any zone.
func (t *Trusted) Contains(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	list := t.v6
	if addr.Is4() {
		list = t.v4
	}
	i, _ := slices.BinarySearchFunc(list, addr, func(p netip.Prefix, a netip.Addr) int {
		if p.Addr().Compare(a) <= 0 {
			return -1 // i is after it
		}
		return 1
	})
	return i > 0 && list[i-1].Contains(addr)
}
