// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A goal is what is desired with what DHCP has given.
type goal struct {
	Desired
	lease *Lease // nil: none
	zones string // folder of the time zones' data
}

// addresses lists those that are to be there.
func (g goal) addresses() []netip.Prefix {
	if g.Method == None || g.Interface == "" {
		return nil
	}
	out := slices.Clone(g.Addresses)
	if g.lease != nil && !slices.Contains(out, g.lease.Address) {
		out = append(out, g.lease.Address)
	}
	return out
}

// dns lists the name servers that are to be asked, and the domain.
func (g goal) dns() ([]netip.Addr, string) {
	switch {
	case g.Method == None:
		return nil, ""
	case g.lease == nil:
		return g.DNS, ""
	case len(g.DNS) > 0:
		return g.DNS, g.lease.Domain
	}
	return g.lease.DNS, g.lease.Domain
}

// wanted lists the addresses that are to be there, with what has them.
func (g goal) wanted(s State) (out []ours) {
	add := func(face string, link Link, list []netip.Prefix) {
		for _, a := range list {
			if o := (ours{face, link.Index, a}); !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	if seat, link, there := s.seat(g.Interface, g.VLAN); there {
		add(seat, link, g.addresses())
	}
	for _, l := range g.Links {
		face, link, there := s.of(g.Desired, l)
		if there && !l.Off && g.memberOf(face) == "" {
			add(face, link, l.Addresses)
		}
	}
	return out
}

// plan returns the steps that lead from s to g, and the record that must be kept
// before they are taken. What is in the way of a step comes before it; addresses
// go last, so that who comes by one of two is not cut off. Where some steps must
// come before others can be named, they are all there is; the next plan has more.
func (g goal) plan(s State, r record) ([]Step, record) {
	if r.Boot != s.Boot { // what was set is gone
		if r.HostName != nil && s.HostName != r.SetHostName {
			r.HostName = nil // the machine has come up with its own
		}
		r.Boot, r.Addresses, r.VLANs, r.Bonds, r.Members, r.MTUs, r.Offs, r.Forward = s.Boot, nil, nil, nil, nil, nil, nil, Forwarding{}
	}
	if first := g.remakeBonds(s, &r); len(first) > 0 {
		return first, r
	}
	steps := slices.Concat(g.releaseMembers(s, &r), g.planBonds(s, &r), g.planSwitches(s, &r), g.planVLANs(s, &r))
	add, remove := g.planAddresses(s, &r)
	rules, unrule := g.planRules(s)
	steps = slices.Concat(steps, add, g.planForward(s, &r), g.planRoutes(s), rules, g.planNAT(s), unrule, remove, g.dropVLANs(s, &r), g.dropBonds(s, &r))
	if g.unseated(s) {
		steps = slices.DeleteFunc(steps, Step.takes)
	}
	return g.planNames(s, r, steps)
}

// unseated reports whether the management port is to have its addresses where
// nothing is yet. What is ours elsewhere stays until it is there.
func (g goal) unseated(s State) bool {
	_, there := s.Interfaces[g.Interface]
	if _, _, seated := s.seat(g.Interface, g.VLAN); seated || g.Method == None {
		return false
	}
	bond := slices.ContainsFunc(g.Links, func(l LinkSpec) bool { return l.Bond != nil && l.Name == g.Port })
	return there || bond
}

// takes reports whether s takes something away that others may come by.
func (s Step) takes() bool {
	switch s.Kind {
	case RemoveAddress, RemoveRoute, RemoveRule, RemoveVLAN, RemoveBond, RemoveMember, LinkDown, AddMember:
		return true
	}
	return false
}

// planAddresses compares addresses.
func (g goal) planAddresses(s State, r *record) (add, remove []Step) {
	r.Addresses = slices.Clone(r.Addresses)
	wanted := g.wanted(s)
	for _, o := range wanted {
		if !s.has(o.Index, o.Address) {
			add = append(add, Step{Kind: AddAddress, Interface: o.Interface, Index: o.Index, Address: o.Address})
			r.own(o)
		}
	}
	r.Addresses = slices.DeleteFunc(r.Addresses, func(o ours) bool {
		if slices.ContainsFunc(wanted, func(w ours) bool { return w.Index == o.Index && w.Address == o.Address }) {
			return false
		}
		if s.has(o.Index, o.Address) {
			remove = append(remove, Step{Kind: RemoveAddress, Interface: s.name(o.Index), Index: o.Index, Address: o.Address})
			return false // until it is gone
		}
		return true
	})
	return add, remove
}

// own notes an address as ours.
func (r *record) own(o ours) {
	if !slices.Contains(r.Addresses, o) {
		r.Addresses = append(r.Addresses, o)
	}
}

func (s State) has(index int, a netip.Prefix) bool {
	return slices.ContainsFunc(s.Addresses, func(x Address) bool { return x.Index == index && x.Prefix == a })
}

func (s State) name(index int) string {
	for name, l := range s.Interfaces {
		if l.Index == index {
			return name
		}
	}
	return fmt.Sprintf("interface %d", index)
}

// planNames compares name, name servers and time zone.
func (g goal) planNames(s State, r record, steps []Step) ([]Step, record) {
	if g.HostName != "" {
		if s.HostName != g.HostName {
			if r.HostName == nil {
				r.HostName = &s.HostName
			}
			steps = append(steps, Step{Kind: SetHostName, Name: g.HostName})
			r.SetHostName = g.HostName
		}
	} else if r.HostName != nil {
		if s.HostName == r.SetHostName {
			steps = append(steps, Step{Kind: SetHostName, Name: *r.HostName})
		}
		r.HostName = nil
	}
	var resolver, zone *File
	if dns, domain := g.dns(); len(dns) > 0 {
		resolver = &File{There: true, Text: resolvConf(dns, domain)}
	}
	if g.TimeZone != "" {
		zone = &File{There: true, Link: g.zones + "/" + g.TimeZone}
	}
	steps, r.Resolver, r.SetResolver = planFile(PutResolver, resolver, s.Resolver, r.Resolver, r.SetResolver, steps)
	steps, r.Zone, r.SetZone = planFile(PutZone, zone, s.Zone, r.Zone, r.SetZone, steps)
	return steps, r
}

// planFile compares a file with what it is to be; nil means what it was before us.
func planFile(kind StepKind, wanted *File, is File, before *File, set File, steps []Step) ([]Step, *File, File) {
	switch {
	case wanted != nil && !is.equal(*wanted):
		if before == nil || !is.equal(set) { // or somebody has changed it since
			before = &is
		}
		return append(steps, Step{Kind: kind, File: *wanted}), before, *wanted
	case wanted == nil && before != nil:
		if is.equal(set) {
			steps = append(steps, Step{Kind: kind, File: *before})
		}
		return steps, nil, File{}
	}
	return steps, before, set
}

// resolvConf is the text of resolv.conf(5).
func resolvConf(dns []netip.Addr, domain string) []byte {
	var b strings.Builder
	b.WriteString("# Written by evener, as its configuration says; changes are lost.\n")
	if domain != "" {
		fmt.Fprintf(&b, "search %s\n", domain)
	}
	for _, a := range dns {
		fmt.Fprintf(&b, "nameserver %s\n", a)
	}
	return []byte(b.String())
}
