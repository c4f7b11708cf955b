// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A LinkStatus tells what holds of a wanted link.
type LinkStatus struct {
	Spec      LinkSpec
	Interface string // "": it is not there
	Up        bool
	Carrier   bool
	MTU       int            // bytes
	Addresses []netip.Prefix // whoever has set them
	Members   []MemberStatus // of a bond
	Partner   string         // of a bond with LACP: MAC address of the other end; "": nobody answers
	Problems  []string       // in words
}

// A MemberStatus tells how a port does in its bond.
type MemberStatus struct {
	Member
	Joined  bool // it is in the bond
	Carrier bool
	Active  bool // it carries packets
}

// A WayStatus tells whether a route, rule or NAT holds.
type WayStatus[T RouteSpec | RuleSpec | NATSpec] struct {
	Spec    T
	Set     bool
	Problem string // why not, in words
}

// others adds what is not of the management port. The caller holds c.mu.
func (c *Conf) others(s *Status) {
	d := c.desired
	s.Forward = c.state.Forward
	if !d.more() {
		return
	}
	if missing := c.lacks(AddAddress); missing != "" {
		s.Problems = append(s.Problems, fmt.Sprintf("the engine lacks the right %s: ports, bonds, routes and NAT stay as they are", missing))
	}
	for _, l := range d.Links {
		x := c.linkStatus(l)
		s.Links = append(s.Links, x)
		s.Problems = append(s.Problems, x.Problems...)
	}
	c.ways(s)
	for _, f := range []struct {
		name     string
		want, is bool
	}{{"IPv4", d.Forward.IPv4, s.Forward.IPv4}, {"IPv6", d.Forward.IPv6, s.Forward.IPv6}} {
		if f.want && !f.is {
			s.Problems = append(s.Problems, "forwarding of "+f.name+" is off")
		}
	}
}

func (c *Conf) linkStatus(l LinkSpec) LinkStatus {
	face, link, there := c.state.of(c.desired, l)
	x := LinkStatus{Spec: l}
	if !there {
		x.Problems = []string{c.absent(l)}
		return x
	}
	x.Interface, x.Up, x.Carrier, x.MTU = face, link.Up, link.Carrier, link.MTU
	for _, a := range c.state.Addresses {
		if a.Index == link.Index {
			x.Addresses = append(x.Addresses, a.Prefix)
			if a.Duplicate && slices.Contains(l.Addresses, a.Prefix) {
				x.Problems = append(x.Problems, fmt.Sprintf("address %s of %s cannot be used: another machine on the network has it", a.Prefix.Addr(), l.Name))
			}
		}
	}
	if l.Bond != nil {
		c.bondStatus(&x, link)
	}
	if l.Name != c.desired.Port { // or they are told already
		x.Problems = append(x.Problems, c.conflicts(l.Name, link)...)
	}
	return x
}

// absent says why a link is not there.
func (c *Conf) absent(l LinkSpec) string {
	_, taken := c.state.Interfaces[l.Interface]
	switch {
	case l.VLAN > 0:
		return fmt.Sprintf("%s has no VLAN %d yet", l.Over, l.VLAN)
	case l.Bond != nil && taken:
		return fmt.Sprintf("there is an interface %s that is no bond: give the bond another name", l.Interface)
	case l.Bond != nil:
		return fmt.Sprintf("bond %s is not there yet", l.Name)
	}
	return fmt.Sprintf("port %s is not there: it has no interface", l.Name)
}

// bondStatus adds how the ports of a bond do.
func (c *Conf) bondStatus(x *LinkStatus, bond Link) {
	want, have := x.Spec.Bond.state(), bond.Bond
	if have.Mode != want.Mode || have.Fast != want.Fast {
		x.Problems = append(x.Problems, fmt.Sprintf("somebody else has made the bond %s with another mode: it stays as it is; give this one another name", x.Interface))
	}
	x.Partner = have.Partner
	for _, m := range x.Spec.Bond.Members {
		link, there := c.state.Interfaces[m.Interface]
		y := MemberStatus{Member: m, Joined: there && link.Master == bond.Index, Carrier: link.Carrier}
		y.Active = y.Joined && slices.Contains(have.Active, link.Index)
		x.Members = append(x.Members, y)
		switch {
		case !there:
			x.Problems = append(x.Problems, fmt.Sprintf("port %s of %s is not there: it has no interface", m.Port, x.Spec.Name))
		case m.Interface == c.desired.Interface && c.desired.Method != None:
			x.Problems = append(x.Problems, fmt.Sprintf("port %s is the management port, and stays out of %s: write management { port = %q }", m.Port, x.Spec.Name, x.Spec.Name))
		case !y.Joined:
			x.Problems = append(x.Problems, fmt.Sprintf("port %s is not in %s", m.Port, x.Spec.Name))
		}
	}
	if have.Mode == LACP && bond.Up && bond.Carrier && have.Partner == "" {
		x.Problems = append(x.Problems, fmt.Sprintf("nobody answers LACP at the other end of %s: set the switch up for it, or choose mode active_backup", x.Spec.Name))
	}
}

// ways adds how routes, rules and NAT do.
func (c *Conf) ways(s *Status) {
	g := goal{Desired: c.desired, lease: c.lease}
	note := func(kind, name, problem string) {
		if problem != "" {
			s.Problems = append(s.Problems, fmt.Sprintf("%s %s: %s", kind, name, problem))
		}
	}
	for _, w := range g.Routes {
		r, ok := g.route(c.state, w)
		x := WayStatus[RouteSpec]{Spec: w, Set: ok && slices.ContainsFunc(c.state.Routes, func(o Route) bool { return o.Ours && o.same(r) })}
		switch {
		case !ok && w.Dev != "":
			x.Problem = fmt.Sprintf("%s is not there, or switched off", w.Dev)
		case !ok:
			x.Problem = fmt.Sprintf("%s is in no network of a port that is there", w.Via)
		case !x.Set:
			x.Problem = "it is not set"
		}
		s.Routes = append(s.Routes, x)
		note("route", w.Name, x.Problem)
	}
	all := g.rules(c.state)
	for _, w := range g.Rules {
		x := WayStatus[RuleSpec]{Spec: w, Set: true}
		for _, r := range (goal{Desired: Desired{Rules: []RuleSpec{w}, Links: g.Links, Faces: g.Faces, Port: g.Port, Interface: g.Interface, VLAN: g.VLAN}}).rules(c.state) {
			x.Set = x.Set && slices.Contains(c.state.Rules, r) && slices.Contains(all, r)
		}
		if _, _, there := c.state.find(g.Desired, w.In); w.In != "" && !there {
			x.Set, x.Problem = false, fmt.Sprintf("%s is not there", w.In)
		} else if !x.Set {
			x.Problem = "it is not set"
		}
		s.Rules = append(s.Rules, x)
		note("rule of routes", w.Name, x.Problem)
	}
	c.nats(g, s, note)
}

func (c *Conf) nats(g goal, s *Status, note func(kind, name, problem string)) {
	for _, w := range g.NAT {
		face, _, there := c.state.find(g.Desired, w.Out)
		x := WayStatus[NATSpec]{Spec: w, Set: there}
		for _, f := range w.From {
			x.Set = x.Set && slices.Contains(c.state.NAT, NAT{From: f.Masked(), Out: face, To: w.To})
		}
		switch {
		case !there:
			x.Problem = fmt.Sprintf("%s is not there", w.Out)
		case !x.Set:
			x.Problem = "it is not set"
		}
		s.NAT = append(s.NAT, x)
		note("NAT", w.Name, strings.TrimSpace(x.Problem))
	}
}
