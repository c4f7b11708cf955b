// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A linkSet is what has addresses, by the names that people call it.
type linkSet struct {
	list []Link
	by   map[string]*Link
}

// network checks ports, bonds, VLANs, and the ways between networks.
func (c *checker) network() {
	l := &linkSet{list: c.cfg.Links(), by: make(map[string]*Link)}
	for i := range l.list {
		x := &l.list[i]
		if other := l.by[x.Name]; other != nil && x.path != other.path {
			c.diags.Add(x.Range, x.path, "%s is the name of %s too (line %d)", x.Name, other.path, other.Range.Start.Line)
			continue
		}
		l.by[x.Name] = x
	}
	for _, b := range c.cfg.Bonds {
		c.bond(b, l)
	}
	for i := range l.list {
		c.link(&l.list[i], l)
	}
	c.linkAddresses(l)
	c.administered(l)
	c.routes(l)
	c.routeRules(l)
	c.nats(l)
	c.routerPorts(l)
}

// bond checks a bond and its ports.
func (c *checker) bond(b *Bond, l *linkSet) {
	path, at := pathOf("bond", b.Name), c.where(b, "ports", b.Range)
	if err := checkBondName(b.Name); err != nil && checkName(b.Name) == nil {
		c.diags.Add(b.Range, path, "the name %v, as the kernel calls its interface so", err)
	}
	if len(b.Ports) > maxBondPorts {
		c.diags.Add(at, path, "ports must have at most %d entries, not %d", maxBondPorts, len(b.Ports))
		return
	}
	for i, p := range b.Ports {
		here := c.element(b, "ports", i, at)
		other := l.by[p]
		switch {
		case slices.Index(b.Ports, p) < i: // reported where it was read
		case c.cfg.BondOf(p) != b.Name:
			c.diags.Add(here, path, "port %s is in bond %q already", p, c.cfg.BondOf(p))
		case other != nil && other.Bond != nil:
			c.diags.Add(here, path, "%s is a bond: a bond is made of ports", p)
		case other != nil && other.VLAN > 0:
			c.diags.Add(here, path, "%s is a VLAN: a bond is made of ports", p)
		}
	}
}

// link checks one port, bond or VLAN.
func (c *checker) link(x *Link, l *linkSet) {
	if len(x.Addresses) > maxLinkAddress {
		c.diags.Add(c.where(x.owner, "addresses", x.Range), x.path, "addresses must have at most %d entries, not %d", maxLinkAddress, len(x.Addresses))
	}
	if x.MTU > 0 && x.MTU < leastMTU {
		c.diags.Add(c.where(x.owner, "mtu", x.Range), x.path, "mtu must be 0 or %d to 9216, not %d: IPv6 needs that much (RFC 8200, section 5)", leastMTU, x.MTU)
	}
	if v, is := x.owner.(*VLAN); is {
		c.vlan(x, v, l)
		return
	}
	p, is := x.owner.(*Port)
	if bond := c.cfg.BondOf(x.Name); is && bond != "" {
		for _, k := range []string{"addresses", "mtu", "enabled"} {
			if c.given(p, k) && !(k == "enabled" && p.Enabled) {
				c.diags.Add(c.where(p, k, p.Range), x.path, "%s belongs into bond %q, which has the port", k, bond)
			}
		}
		if len(p.VLANs) > 0 {
			c.diags.Add(p.VLANs[0].Range, x.path, "its VLANs belong into bond %q, which has the port", bond)
		}
	}
}

func (c *checker) vlan(x *Link, v *VLAN, l *linkSet) {
	below := l.by[x.Over]
	if x.VLAN == 0 && checkName(v.Number) == nil {
		c.diags.Add(x.Range, x.path, "the number of a VLAN must be 1 to %d, not %q", maxVLAN, v.Number)
	}
	if below == nil || x.MTU == 0 {
		return
	}
	at := c.where(v, "mtu", x.Range)
	switch {
	case below.MTU == 0 && x.MTU > 1500:
		c.diags.Add(at, x.path, "mtu %d is more than %s has: write mtu = %d or more there too", x.MTU, x.Over, x.MTU)
	case below.MTU != 0 && x.MTU > below.MTU:
		c.diags.Add(at, x.path, "mtu %d is more than that of %s, which is %d", x.MTU, x.Over, below.MTU)
	}
}

// A taker is who has an address, and where that is written.
type taker struct {
	link   string
	words  string
	prefix netip.Prefix
}

// linkAddresses reports addresses that two places have, and networks that two links
// are in.
func (c *checker) linkAddresses(l *linkSet) {
	has := make(map[netip.Addr]taker)
	var nets []taker
	note := func(p netip.Prefix, t taker) {
		has[p.Addr()] = t
		nets = append(nets, t)
	}
	m := &c.cfg.Management
	for _, p := range m.Address {
		note(p, taker{m.link(), "management", p})
	}
	owned := make(map[netip.Addr]string)
	for _, g := range c.cfg.Groups {
		for _, r := range g.Routers {
			for _, p := range r.Addresses {
				if r.Priority != 255 && !cableOnly(p.Addr()) {
					owned[p.Addr()] = g.Name
				}
			}
		}
	}
	for i := range l.list {
		x := &l.list[i]
		for j, p := range x.Addresses {
			at := c.element(x.owner, "addresses", j, x.Range)
			other, dup := has[p.Addr()]
			switch group := owned[p.Addr()]; {
			case dup && !p.Addr().IsLinkLocalUnicast():
				c.diags.Add(at, x.path, "address %s is one of %s already", p.Addr(), other.words)
				continue
			case group != "":
				c.diags.Add(at, x.path, "address %s is one of failover group %q, which moves it from box to box: leave it out here", p.Addr(), group)
				continue
			}
			for _, n := range nets {
				if n.link != x.Name && n.prefix.Overlaps(p) && !p.Addr().IsLinkLocalUnicast() {
					c.diags.Warn(at, x.path, "network %s is that of %s too: what the box sends there leaves by one of the two", p.Masked(), n.words)
					break
				}
			}
			note(p, taker{x.Name, x.path, p})
		}
	}
}

// administered checks that the way to the box stays one.
func (c *checker) administered(l *linkSet) {
	m := &c.cfg.Management
	if m.Method == MethodNone || m.Port == "" {
		return
	}
	at := c.where(m, "port", m.Range)
	if bond := c.cfg.BondOf(m.Port); bond != "" {
		c.diags.Add(at, "management", "port %s is in bond %q: write port = %q, and the box is reached by the bond", m.Port, bond, bond)
	}
	x := l.by[m.Port]
	if x == nil {
		return
	}
	if x.VLAN > 0 {
		c.diags.Add(at, "management", "%s is a VLAN: write port = %q and vlan = %d", m.Port, x.Over, x.VLAN)
	} else if !x.Enabled {
		c.diags.Add(c.where(x.owner, "enabled", x.Range), x.path, "it is the management port, and cannot be switched off: nobody could administer the box")
	}
}

// routerPorts warns of failover groups on what is not there. Groups are shared, and
// ports each box's own: a mistake would keep a peer's change from being taken over.
func (c *checker) routerPorts(l *linkSet) {
	for _, g := range c.cfg.Groups {
		for _, r := range g.Routers {
			if err := c.usable(l, r.Port); err != nil {
				c.diags.Warn(c.where(r, "port", r.Range), pathOf("group", g.Name)+" "+pathOf("router", r.Name), "port %v", err)
			}
		}
		for _, t := range g.Tracks {
			if t.Kind == TrackPort && l.by[t.Name] == nil && strings.Contains(t.Name, ".") {
				if err := c.usable(l, t.Name); err != nil {
					c.diags.Warn(t.Range, pathOf("group", g.Name), "track port %v", err)
				}
			}
		}
	}
}

// usable says why a link cannot be used by name. A port that has no block may be one
// of the board.
func (c *checker) usable(l *linkSet, name string) error {
	if bond := c.cfg.BondOf(name); bond != "" {
		return fmt.Errorf("%s is in bond %q: write %q", name, bond, bond)
	}
	if x := l.by[name]; x != nil {
		if !x.Enabled {
			return fmt.Errorf("%s is switched off", name)
		}
		return nil
	}
	m := &c.cfg.Management
	i := strings.LastIndexByte(name, '.')
	if i < 0 || name == m.link() || (&VLAN{Number: name[i+1:]}).ID() == 0 {
		return nil
	}
	over := name[:i]
	kind := "port"
	if x := l.by[over]; x != nil && x.Bond != nil {
		kind = "bond"
	}
	var names []string
	for _, x := range l.list {
		names = append(names, x.Name)
	}
	if hint := didYouMean(name, names); hint != "" {
		return fmt.Errorf("%s is not there%s", name, hint)
	}
	return fmt.Errorf("%s is not there: define it with %s %q { vlan %q { ... } }", name, kind, over, name[i+1:])
}

// checkBondName checks a name that the kernel takes for an interface.
func checkBondName(s string) error {
	if len(s) > maxBondName || !all(s, "_-") || s == "" {
		return fmt.Errorf(`must be 1 to %d letters, digits, "_" or "-"`, maxBondName)
	}
	if slices.Contains([]string{"lo", "all", "default", "bonding_masters"}, s) {
		return fmt.Errorf("must not be %q, which the kernel uses itself", s)
	}
	return nil
}

// checkRouter checks the address of one machine.
func checkRouter(s string) error {
	a, err := parseIP(s)
	if err != nil {
		return errors.New(`must be an IP address without a port, such as "192.0.2.1" or "fe80::1"`)
	}
	return oneMachine(a)
}

// checkNAT checks what source addresses become.
func checkNAT(s string) error {
	if s == Masquerade {
		return nil
	}
	if err := checkRouter(s); err != nil {
		return errors.New(`must be "masquerade" or an IP address, such as "203.0.113.10"`)
	}
	return nil
}
