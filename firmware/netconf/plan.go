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

// routes lists the ways that are to be there.
func (g goal) routes() (out []Route) {
	if g.Method == None || g.Interface == "" {
		return nil
	}
	for _, gw := range g.Gateways {
		out = append(out, defaultRoute(gw))
	}
	if g.lease != nil {
		out = append(out, g.lease.Routes...)
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

// plan returns the steps that lead from s to g, and the record that must be kept
// before they are taken. What is in the way of a step comes before it; addresses
// go last, so that who comes by one of two is not cut off.
func (g goal) plan(s State, r record) ([]Step, record) {
	if r.Boot != s.Boot { // what was set is gone
		r.Boot, r.Addresses, r.VLANs = s.Boot, nil, nil
		if r.HostName != nil && s.HostName != r.SetHostName {
			r.HostName = nil // the machine has come up with its own
		}
	}
	if first := g.planVLAN(s, &r); first != nil {
		return g.planNames(s, r, first) // what is ours elsewhere stays until it is there
	}
	r.Addresses = slices.Clone(r.Addresses)
	seat, link, there := s.seat(g.Interface, g.VLAN)
	var add, remove []Step
	wanted := g.addresses()
	if !there {
		wanted = nil
	}
	for _, a := range wanted {
		if !s.has(link.Index, a) {
			add = append(add, Step{Kind: AddAddress, Interface: seat, Index: link.Index, Address: a})
			r.own(ours{seat, link.Index, a})
		}
	}
	r.Addresses = slices.DeleteFunc(r.Addresses, func(o ours) bool {
		if there && o.Index == link.Index && slices.Contains(wanted, o.Address) {
			return false
		}
		if s.has(o.Index, o.Address) {
			remove = append(remove, Step{Kind: RemoveAddress, Interface: s.name(o.Index), Index: o.Index, Address: o.Address})
			return false // until it is gone
		}
		return true
	})
	steps := slices.Concat(g.planLinks(s, seat, link, there), add, g.planRoutes(s, seat, link, there), remove, g.dropVLANs(s, &r))
	return g.planNames(s, r, steps)
}

// planLinks switches on what is off: the port, and its VLAN, which needs the port.
func (g goal) planLinks(s State, seat string, link Link, there bool) (steps []Step) {
	if !there || g.Method == None {
		return nil
	}
	if port := s.Interfaces[g.Interface]; !port.Up && port.Index != link.Index {
		steps = append(steps, Step{Kind: LinkUp, Interface: g.Interface, Index: port.Index})
	}
	if !link.Up {
		steps = append(steps, Step{Kind: LinkUp, Interface: seat, Index: link.Index})
	}
	return steps
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

// planRoutes compares the routes that are ours with those that are wanted.
func (g goal) planRoutes(s State, seat string, link Link, there bool) (steps []Step) {
	wanted := g.routes()
	if !there {
		wanted = nil
	}
	same := func(a, b Route) bool { return a.To == b.To && a.Gateway == b.Gateway }
	for _, r := range s.Routes {
		if r.Ours && !(r.Index == link.Index && r.Metric == Metric && slices.ContainsFunc(wanted, func(w Route) bool { return same(w, r) })) {
			steps = append(steps, Step{Kind: RemoveRoute, Interface: s.name(r.Index), Index: r.Index, Route: r})
		}
	}
	for _, w := range wanted {
		w.Index, w.Metric, w.Ours = link.Index, Metric, true
		w.OnLink = w.Gateway.Is4() && !slices.ContainsFunc(g.addresses(), func(a netip.Prefix) bool { return a.Contains(w.Gateway) })
		if !slices.ContainsFunc(s.Routes, func(r Route) bool { return r.Ours && r.Index == w.Index && r.Metric == Metric && same(r, w) }) {
			steps = append(steps, Step{Kind: AddRoute, Interface: seat, Index: link.Index, Route: w})
		}
	}
	return steps
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
