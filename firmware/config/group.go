// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"slices"
)

// Group returns the failover group of that name, or nil.
func (c *Config) Group(name string) *Group {
	for _, g := range c.Groups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// NodeName returns what this box is called among its peers: the name of the node
// block, else that of the system block, else machine, the name the machine has.
func (c *Config) NodeName(machine string) string {
	switch {
	case c.Node.Name != "":
		return c.Node.Name
	case c.System.HostName != "":
		return c.System.HostName
	}
	return machine
}

// GroupAddresses returns the group of each address that one has. Link-local
// addresses of IPv6 are left out: nobody listens on them, and routers on
// different ports may have the same.
func (c *Config) GroupAddresses() map[netip.Addr]*Group {
	out := make(map[netip.Addr]*Group)
	for _, g := range c.Groups {
		for _, r := range g.Routers {
			for _, p := range r.Addresses {
				if !cableOnly(p.Addr()) {
					out[p.Addr()] = g
				}
			}
		}
	}
	return out
}

// GroupOf returns the failover group that has the address, or nil; for many
// addresses GroupAddresses is quicker.
func (c *Config) GroupOf(a netip.Addr) *Group {
	for _, g := range c.Groups {
		if g.Has(a) {
			return g
		}
	}
	return nil
}

// Has reports whether a is one of the group's addresses, as GroupAddresses has
// them.
func (g *Group) Has(a netip.Addr) bool {
	return !cableOnly(a) && slices.ContainsFunc(g.Routers, func(r *Router) bool { return r.has(a) })
}

func (r *Router) has(a netip.Addr) bool {
	return slices.ContainsFunc(r.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

// cableOnly reports whether an address means something on one network only.
func cableOnly(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

// ClusterGroup returns the group that the cluster follows, or nil: the one that
// has one of its listen addresses. A checked configuration has no cluster with
// two.
func (c *Config) ClusterGroup(cl *Cluster) *Group {
	for _, l := range cl.Listen {
		if g := c.GroupOf(l.Addr.Addr()); g != nil {
			return g
		}
	}
	return nil
}

// Followers returns the clusters that follow the group, those that are disabled
// too, in the order of the text.
func (c *Config) Followers(g *Group) []*Cluster {
	var out []*Cluster
	for _, cl := range c.Clusters {
		if slices.ContainsFunc(cl.Listen, func(l Listen) bool { return g.Has(l.Addr.Addr()) }) {
			out = append(out, cl)
		}
	}
	return out
}

// Base returns the priority that homes give a node: 200, 150, 100 and 50 in
// their order, and 0 for a box that is not a member of the group.
func (g *Group) Base(node string) int {
	i := slices.Index(g.Homes, node)
	if i < 0 {
		return 0
	}
	return max(topPriority-homeStep*i, 0)
}

// Priorities of homes.
const (
	topPriority = 200 // of the first
	homeStep    = 50  // less for each after it
)

// PriorityOf returns the priority with which a node begins for one router of the
// group: that of Base, or 255 if the router says that the first home owns its
// addresses and node is that box. Tracks take nothing from 255.
func (g *Group) PriorityOf(node string, r *Router) int {
	base := g.Base(node)
	if base > 0 && r.Priority == 255 && g.Homes[0] == node {
		return 255
	}
	return base
}

// Is4 reports whether the router is one of IPv4.
func (r *Router) Is4() bool { return len(r.Addresses) > 0 && r.Addresses[0].Addr().Is4() }

// Advertised returns the addresses in the order in which advertisements have
// them. Of IPv6 the first is link-local (RFC 9568, section 5.2.9): where the
// configuration names none, it is LinkLocal.
func (r *Router) Advertised() []netip.Prefix {
	if len(r.Addresses) == 0 || r.Is4() || r.Addresses[0].Addr().IsLinkLocalUnicast() {
		return r.Addresses
	}
	return append([]netip.Prefix{r.LinkLocal()}, r.Addresses...)
}

// LinkLocal returns the link-local address that a router of IPv6 has where its
// addresses name none: the one that belongs to the virtual hardware address
// 00-00-5e-00-02-VRID, fe80::200:5eff:fe00:2VRID, so that every box of the
// group comes to the same.
func (r *Router) LinkLocal() netip.Prefix {
	a := [16]byte{0: 0xfe, 1: 0x80, 8: 0x02, 10: 0x5e, 11: 0xff, 12: 0xfe, 14: 0x02, 15: byte(r.VRID)}
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}
