// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// node checks what this box is among its peers.
func (c *checker) node() {
	n := &c.cfg.Node
	const path = "node"
	switch {
	case len(n.Peers) > 0 && !c.given(n, "listen"):
		c.diags.Add(n.Range, path, `listen is missing: the peers need an address of this box, such as listen = "192.0.2.1:7460"`)
	case len(n.Peers) == 0 && n.Listen.IsValid():
		c.diags.Warn(c.where(n, "listen", n.Range), path, `nobody is talked to: name the other box with peer "NAME" { address = ... }`)
	}
	first := make(map[netip.AddrPort]*Peer)
	for _, p := range n.Peers {
		c.peer(n, p, first)
	}
}

// peer checks one peer; first has the addresses of those before it.
func (c *checker) peer(n *Node, p *Peer, first map[netip.AddrPort]*Peer) {
	path := "node " + pathOf("peer", p.Name)
	at := c.where(p, "address", p.Range)
	if own := c.cfg.NodeName(""); p.Name == own {
		c.diags.Add(p.Range, path, "%q is the name of this box: a peer is another one", p.Name)
	}
	if !p.Address.IsValid() {
		return // reported where it was read
	}
	switch other := first[p.Address]; {
	case other != nil:
		c.diags.Add(at, path, "address %s is that of peer %q (line %d): each box has its own", p.Address, other.Name, other.Range.Start.Line)
	case p.Address == n.Listen:
		c.diags.Add(at, path, "address %s is that of this box, where it listens: write that of the peer", p.Address)
	case n.Listen.IsValid() && p.Address.Addr().Is4() != n.Listen.Addr().Is4():
		c.diags.Add(at, path, "address %s and listen %s of this box must be of one family", p.Address, n.Listen)
	}
	if first[p.Address] == nil {
		first[p.Address] = p
	}
}

// reached reports an address of this box that belongs to a group: it goes away
// with the group.
func (c *checker) reached(has map[netip.Addr]*Group) {
	one := func(path, keyword string, a netip.Addr, r hcl.Range) {
		if g := has[a]; g != nil {
			if r.Start.Line == 0 { // a default
				r = g.Range
			}
			c.diags.Add(r, path, "%s has %s of group %q, which only the active box has: write an address that is always this box's", keyword, a, g.Name)
		}
	}
	n, m, x := &c.cfg.Node, c.cfg.Metrics, &c.cfg.Console
	if n.Listen.IsValid() {
		one("node", "listen", n.Listen.Addr(), c.where(n, "listen", n.Range))
	}
	for _, p := range n.Peers {
		one("node "+pathOf("peer", p.Name), "address", p.Address.Addr(), c.where(p, "address", p.Range))
	}
	if m != nil {
		one("metrics", "listen", m.Listen.Addr(), c.at[place{m, "listen", -1}])
	}
	for i, a := range x.Listen {
		one("console", "listen", a.Addr(), c.element(x, "listen", i, hcl.Range{}))
	}
}
