// SPDX-License-Identifier: Apache-2.0

package match

import (
	"net/netip"
	"slices"
)

// A netTable is a set of networks, each with a fact. Looking up an address
// costs one probe for each length of network that occurs.
type netTable struct {
	nets         map[netip.Prefix]fact
	lens4, lens6 []int
}

// add adds p with f.
func (t *netTable) add(p netip.Prefix, f fact) {
	if t.nets == nil {
		t.nets = map[netip.Prefix]fact{}
	}
	t.nets[p] = f
	lens := &t.lens6
	if p.Addr().Is4() {
		lens = &t.lens4
	}
	if !slices.Contains(*lens, p.Bits()) {
		*lens = append(*lens, p.Bits())
	}
}

// lens returns the lengths of the networks of a's family.
func (t *netTable) lens(a netip.Addr) []int {
	switch {
	case a.Is4():
		return t.lens4
	case a.Is6():
		return t.lens6
	}
	return nil
}

// has reports whether a is in one of the networks.
func (t *netTable) has(a netip.Addr) bool {
	for _, bits := range t.lens(a) {
		if p, err := a.Prefix(bits); err == nil {
			if _, ok := t.nets[p]; ok {
				return true
			}
		}
	}
	return false
}

// appendFacts appends the facts of all networks that a is in.
func (t *netTable) appendFacts(dst []fact, a netip.Addr) []fact {
	for _, bits := range t.lens(a) {
		if p, err := a.Prefix(bits); err == nil {
			if f, ok := t.nets[p]; ok {
				dst = append(dst, f)
			}
		}
	}
	return dst
}

// covers reports whether one of the networks has all addresses of p.
func (t *netTable) covers(p netip.Prefix) bool {
	for _, bits := range t.lens(p.Addr()) {
		if bits > p.Bits() {
			continue
		}
		if q, err := p.Addr().Prefix(bits); err == nil {
			if _, ok := t.nets[q]; ok {
				return true
			}
		}
	}
	return false
}
