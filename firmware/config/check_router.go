// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// A lan remembers what routers have taken.
type lan struct {
	vrids     map[wire]*Router
	addresses map[netip.Addr]string // the router that has each, in words
}

// A wire is where a VRID must be the only one.
type wire struct {
	port string
	v4   bool
	vrid int
}

// router checks one virtual router of a group.
func (c *checker) router(g *Group, r *Router, path string, l *lan) {
	path += " " + pathOf("router", r.Name)
	c.addresses(r, path, l)
	if len(r.Addresses) == 0 {
		return // reported where they were read
	}
	w := wire{r.Port, r.Is4(), r.VRID}
	if other := l.vrids[w]; other != nil && r.Port != "" && r.VRID != 0 {
		c.diags.Add(c.where(r, "vrid", r.Range), path, "vrid %d of %s is that of router %q (line %d) on port %q: each has its own",
			r.VRID, family(r.Is4()), other.Name, other.Range.Start.Line, r.Port)
	} else {
		l.vrids[w] = r
	}
	if r.Version == 2 && !r.Is4() {
		c.diags.Add(c.where(r, "version", r.Range), path, "version 2 of VRRP knows IPv4 alone: IPv6 needs version = 3")
	}
	if r.Checksum == "pseudo" && (r.Version == 2 || !r.Is4()) {
		c.diags.Add(c.where(r, "checksum", r.Range), path, "checksum = \"pseudo\" is for version 3 over IPv4: version 2 has no pseudo header, and IPv6 always has one")
	}
	c.unicast(r, path)
	c.owner(g, r, path)
}

func family(v4 bool) string {
	if v4 {
		return "IPv4"
	}
	return "IPv6"
}

// addresses checks the addresses of a router.
func (c *checker) addresses(r *Router, path string, l *lan) {
	all := c.where(r, "addresses", r.Range)
	if len(r.Addresses) > maxVirtual {
		c.diags.Add(all, path, "addresses must have at most %d entries, not %d: make a second router, with its own vrid", maxVirtual, len(r.Addresses))
		return
	}
	taken := fmt.Sprintf("router %q (line %d)", r.Name, r.Range.Start.Line)
	for i, p := range r.Addresses {
		at, first := c.element(r, "addresses", i, all), r.Addresses[0]
		switch other := l.addresses[p.Addr()]; {
		case p.Addr().Is4() != r.Is4():
			c.diags.Add(at, path, "addresses has %s of %s and %s of %s: a router has one family; make a second router for the other",
				first, family(r.Is4()), p, family(!r.Is4()))
			continue
		case other == taken:
			c.diags.Add(at, path, "addresses has %s twice", p.Addr())
		case other != "" && !cableOnly(p.Addr()):
			c.diags.Add(at, path, "address %s is one of %s already", p.Addr(), other)
		}
		if i > 0 && cableOnly(p.Addr()) && !first.Addr().IsLinkLocalUnicast() {
			c.diags.Add(at, path, "the first address of IPv6 must be link-local (RFC 9568, section 5.2.9): write %s first, or leave it out, then it is %s", p, r.LinkLocal())
		}
		if p.Addr().IsLoopback() {
			c.diags.Warn(at, path, "%s is a loopback address: nobody outside of this machine reaches it; good for trying two boxes on one", p.Addr())
		}
		l.addresses[p.Addr()] = taken
	}
}

// unicast checks the peers that advertisements go to one by one.
func (c *checker) unicast(r *Router, path string) {
	all := c.where(r, "unicast", r.Range)
	switch {
	case c.given(r, "unicast") && len(r.Unicast) == 0 && c.compact(r, "unicast") == "[]":
		c.diags.Add(all, path, "unicast must name the addresses of the peers' ports; leave it out for multicast")
	case len(r.Unicast) > maxUnicast:
		c.diags.Add(all, path, "unicast must have at most %d addresses, not %d", maxUnicast, len(r.Unicast))
		return
	}
	for i, a := range r.Unicast {
		at := c.element(r, "unicast", i, all)
		switch {
		case a.Is4() != r.Is4():
			c.diags.Add(at, path, "unicast has %s of %s, and the router is one of %s", a, family(a.Is4()), family(r.Is4()))
		case r.has(a):
			c.diags.Add(at, path, "unicast has %s, which moves from box to box: write the addresses that the ports of the boxes always have", a)
		}
	}
}

// owner checks whether the addresses can be those that the port has anyway.
func (c *checker) owner(g *Group, r *Router, path string) {
	at := c.where(r, "priority", r.Range)
	if r.Priority != 0 && r.Priority != 255 {
		c.diags.Add(at, path, "priority must be 0, or 255 for the owner of the addresses, not %d: other priorities come from the order of homes", r.Priority)
		return
	}
	m := &c.cfg.Management
	own := func(a netip.Addr) bool {
		return slices.ContainsFunc(m.Address, func(p netip.Prefix) bool { return p.Addr() == a })
	}
	mine := len(g.Homes) > 0 && g.Homes[0] == c.cfg.NodeName("")
	for i, p := range r.Addresses {
		here := c.element(r, "addresses", i, c.where(r, "addresses", r.Range))
		switch {
		case own(p.Addr()) && r.Priority != 255:
			c.diags.Add(here, path, "%s is the management port's own, which stays when the group moves: choose another, or write priority = 255 for the box that owns it", p.Addr())
		case own(p.Addr()) && !mine:
			c.diags.Add(here, path, "%s is the management port's own, and this box is not the first of homes, which priority = 255 says owns it", p.Addr())
		case r.Priority == 255 && mine && r.Port == m.Port && len(m.Address) > 0 && !own(p.Addr()) && !cableOnly(p.Addr()):
			c.diags.Add(at, path, "priority 255 is for the port's own addresses: port %q has %s, not %s", r.Port, prefixes(m.Address), p.Addr())
			return
		}
	}
	if r.Priority == 255 && !g.Preempt {
		c.diags.Warn(c.where(g, "preempt", g.Range), pathOf("group", g.Name), "preempt = false does not hold for the owner of router %q: it always takes its addresses back", r.Name)
	}
}

func prefixes(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = p.Addr().String()
	}
	return orList(words)
}

// follow checks clusters against the groups that have their addresses.
func (c *checker) follow() {
	if len(c.cfg.Groups) == 0 {
		return
	}
	has := c.cfg.GroupAddresses()
	followed := make(map[*Group]bool)
	for _, cl := range c.cfg.Clusters {
		path := pathOf("cluster", cl.Name)
		var first *Group
		for i, l := range cl.Listen {
			a, g := l.Addr.Addr(), has[l.Addr.Addr()]
			switch {
			case l.Addr.IsValid() && a.IsUnspecified() && !cl.Disabled:
				c.diags.Warn(c.listen(cl, i), path, "listen %q is on every address of the box: it serves on a standby too, and follows no group; name the addresses that it has", l)
			case g == nil:
			case first == nil || first == g:
				first, followed[g] = g, true
			default:
				c.diags.Add(c.listen(cl, i), path, "listen %q is of group %q, and another address of the cluster is of group %q: they may be on different boxes; make two clusters",
					l, g.Name, first.Name)
				followed[g] = true
			}
		}
	}
	for _, g := range c.cfg.Groups {
		if len(g.Routers) > 0 && !followed[g] && !c.diags.HasErrors() {
			c.diags.Warn(g.Range, pathOf("group", g.Name), "no cluster listens on one of its addresses: nothing is served on them")
		}
	}
}
