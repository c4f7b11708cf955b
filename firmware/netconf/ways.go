// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"net/netip"
	"slices"
)

// mainTable is the number of the table of routes that every packet meets
// (RT_TABLE_MAIN).
const mainTable = 254

// routes lists the ways that are to be there, as far as what they go by is.
func (g goal) routes(s State) (out []Route) {
	seat, there := g.managed(s)
	if there {
		for _, gw := range g.Gateways {
			out = append(out, seat.route(defaultRoute(gw), g))
		}
		if g.lease != nil {
			for _, r := range g.lease.Routes {
				out = append(out, seat.route(r, g))
			}
		}
	}
	for _, w := range g.Routes {
		if r, ok := g.route(s, w); ok && !slices.ContainsFunc(out, r.same) {
			out = append(out, r)
		}
	}
	return out
}

// managed returns the seat of the management port, where it is ours to give it ways.
func (g goal) managed(s State) (Link, bool) {
	_, link, there := s.seat(g.Interface, g.VLAN)
	return link, there && g.Method != None
}

// route is a way by the management port.
func (l Link) route(r Route, g goal) Route {
	r.Index, r.Metric, r.Ours = l.Index, Metric, true
	r.OnLink = r.Gateway.Is4() && !slices.ContainsFunc(g.addresses(), func(a netip.Prefix) bool { return a.Contains(r.Gateway) })
	return r
}

// route is a static route as the kernel has it.
func (g goal) route(s State, w RouteSpec) (Route, bool) {
	name := w.Dev
	if name == "" {
		name = g.nameOf(w.Via)
	}
	_, link, there := s.find(g.Desired, name)
	if !there || name == "" || !link.Up {
		return Route{}, false
	}
	r := Route{To: w.To.Masked(), Gateway: w.Via, Index: link.Index, Metric: w.Metric, Table: w.Table, Source: w.Source, Ours: true, OnLink: w.OnLink}
	if r.Table == mainTable {
		r.Table = 0
	}
	return r, true
}

// nameOf returns the link whose networks have an address, "" none.
func (g goal) nameOf(a netip.Addr) string {
	near := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	for _, l := range g.Links {
		if near(l.Addresses) {
			return l.Name
		}
	}
	if near(g.addresses()) {
		if g.VLAN > 0 {
			return seatName(g.Port, g.VLAN)
		}
		return g.Port
	}
	return ""
}

// same reports whether the kernel would take r and o for one.
func (r Route) same(o Route) bool {
	return r.To == o.To && r.Gateway == o.Gateway && r.Index == o.Index && r.Metric == o.Metric && r.Table == o.Table && r.Source == o.Source
}

// planRoutes compares the routes that are ours with those that are wanted.
func (g goal) planRoutes(s State) (steps []Step) {
	wanted := g.routes(s)
	for _, r := range s.Routes {
		if r.Ours && !slices.ContainsFunc(wanted, r.same) {
			steps = append(steps, Step{Kind: RemoveRoute, Interface: s.name(r.Index), Index: r.Index, Route: r})
		}
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(s.Routes, func(r Route) bool { return r.Ours && r.same(w) }) {
			steps = append(steps, Step{Kind: AddRoute, Interface: s.name(w.Index), Index: w.Index, Route: w})
		}
	}
	return steps
}

// rules lists those that are to be there: one for each pair of networks of one
// family.
func (g goal) rules(s State) (out []Rule) {
	for _, w := range g.Rules {
		in := ""
		if w.In != "" {
			face, _, there := s.find(g.Desired, w.In)
			if !there {
				continue
			}
			in = face
		}
		for _, r := range w.rules() {
			if r.In = in; !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

func (w RuleSpec) rules() (out []Rule) {
	from, to := w.From, w.To
	if len(from) == 0 {
		from = []netip.Prefix{{}}
	}
	if len(to) == 0 {
		to = []netip.Prefix{{}}
	}
	for _, f := range from {
		for _, t := range to {
			for _, v6 := range []bool{false, true} {
				if f.IsValid() && f.Addr().Is4() == v6 || t.IsValid() && t.Addr().Is4() == v6 {
					continue
				}
				out = append(out, Rule{V6: v6, From: masked(f), To: masked(t), Table: w.Table, Priority: w.Priority})
			}
		}
	}
	return out
}

func masked(p netip.Prefix) netip.Prefix {
	if !p.IsValid() {
		return p
	}
	return p.Masked()
}

// planRules compares the rules that are ours with those that are wanted.
func (g goal) planRules(s State) (add, remove []Step) {
	wanted := g.rules(s)
	for _, r := range wanted {
		if !slices.Contains(s.Rules, r) {
			add = append(add, Step{Kind: AddRule, Rule: r})
		}
	}
	for _, r := range s.Rules {
		if !slices.Contains(wanted, r) {
			remove = append(remove, Step{Kind: RemoveRule, Rule: r})
		}
	}
	return add, remove
}

// nat lists what the table of a family is to have. The order is that of the
// configuration: the first that fits holds.
func (g goal) nat(s State, v6 bool) (out []NAT) {
	for _, w := range g.NAT {
		face, _, there := s.find(g.Desired, w.Out)
		if !there {
			continue
		}
		for _, f := range w.From {
			if f.Addr().Is4() != v6 {
				out = append(out, NAT{From: f.Masked(), Out: face, To: w.To})
			}
		}
	}
	return out
}

// planNAT compares the tables of NAT. A table is put as a whole, so that no packet
// meets half of it.
func (g goal) planNAT(s State) (steps []Step) {
	for _, v6 := range []bool{false, true} {
		var is []NAT
		for _, n := range s.NAT {
			if n.From.Addr().Is4() != v6 {
				is = append(is, n)
			}
		}
		if want := g.nat(s, v6); !slices.Equal(want, is) {
			steps = append(steps, Step{Kind: PutNAT, V6: v6, NAT: want})
		}
	}
	return steps
}

// planForward switches forwarding on where it is wanted, and off again where only we
// have wanted it.
func (g goal) planForward(s State, r *record) (steps []Step) {
	each := func(v6, want, is bool, ours *bool) {
		switch {
		case want && !is:
			*ours = true
			steps = append(steps, Step{Kind: SetForward, V6: v6, On: true})
		case !want && *ours && is:
			steps = append(steps, Step{Kind: SetForward, V6: v6})
		case !want:
			*ours = false
		}
	}
	each(false, g.Forward.IPv4, s.Forward.IPv4, &r.Forward.IPv4)
	each(true, g.Forward.IPv6, s.Forward.IPv6, &r.Forward.IPv6)
	return steps
}
