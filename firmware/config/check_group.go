// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Limits of a failover group.
const (
	maxHomes   = MaxPeers + 1
	maxVirtual = 16 // addresses of one router
	maxUnicast = 8
)

// groups checks the failover groups, and what this box is to them.
func (c *checker) groups(known map[string]map[string]bool) {
	c.node()
	l := &lan{vrids: make(map[wire]*Router), addresses: make(map[netip.Addr]string)}
	own := c.cfg.NodeName("")
	for i, g := range c.cfg.Groups {
		path := pathOf("group", g.Name)
		c.homes(g, path, own, i == 0)
		c.times(g, path)
		if len(g.Routers) == 0 {
			c.diags.Warn(g.Range, path, `it has no addresses to move: give it a router, such as router "lan" { ... }`)
		}
		for _, r := range g.Routers {
			c.router(g, r, path, l)
		}
		c.tracks(g, path, known)
	}
	c.reached(c.cfg.GroupAddresses())
}

// homes checks the names of the boxes; first is set for the first group.
func (c *checker) homes(g *Group, path, own string, first bool) {
	at := c.where(g, "homes", g.Range)
	if len(g.Homes) > maxHomes {
		c.diags.Add(at, path, "homes must have at most %d boxes, not %d", maxHomes, len(g.Homes))
	}
	peers := make([]string, 0, MaxPeers+1)
	for _, p := range c.cfg.Node.Peers {
		peers = append(peers, p.Name)
	}
	if own == "" {
		if first && len(g.Homes) > 0 {
			c.diags.Warn(at, path, "which of these this box is depends on the name of the machine: write it down with node { name = %q }", g.Homes[0])
		}
		return
	}
	names := append(slices.Clone(peers), own)
	for i, h := range g.Homes {
		if !slices.Contains(names, h) && checkName(h) == nil {
			hint := didYouMean(h, names)
			if hint == "" && len(peers) == 0 {
				continue // that there are none is told below
			}
			if hint == "" {
				hint = fmt.Sprintf("; if it is another one, name it with node { peer %q { ... } }", h)
			}
			c.diags.Warn(c.element(g, "homes", i, at), path, "%q is neither this box, which is %q, nor one of its peers%s", h, own, hint)
		}
	}
	if len(g.Homes) > 0 && !slices.Contains(g.Homes, own) {
		c.diags.Warn(at, path, "this box, %q, is not among homes: it never takes the addresses", own)
	}
	if first && len(g.Homes) > 1 && len(peers) == 0 && slices.Contains(g.Homes, own) {
		c.diags.Warn(at, path, "node names no peers: nothing is mirrored, and a cut network looks like a box that is gone")
	}
}

// times checks what one of a group's times says about another.
func (c *checker) times(g *Group, path string) {
	at := c.where(g, "interval", g.Range)
	d := g.Interval.D()
	i := slices.IndexFunc(g.Routers, func(r *Router) bool { return r.Version == 2 })
	switch {
	case i >= 0 && d%time.Second != 0:
		c.diags.Add(at, path, "interval must be whole seconds, not %q: router %q speaks version 2 of VRRP", g.Interval, g.Routers[i].Name)
	case d%(10*time.Millisecond) != 0:
		c.diags.Add(at, path, "interval must be a multiple of 10ms, not %q: VRRP counts hundredths of a second", g.Interval)
	}
	if !g.Preempt && g.PreemptDelay > 0 {
		c.diags.Warn(c.where(g, "preempt_delay", g.Range), path, "preempt_delay does nothing with preempt = false")
	}
}

// tracks checks what a group watches.
func (c *checker) tracks(g *Group, path string, known map[string]map[string]bool) {
	total, fault := 0, false
	for _, t := range g.Tracks {
		at := path + " " + fmt.Sprintf("track %q %q", t.Kind, t.Name)
		total, fault = total+t.Weight, fault || t.Weight == 0
		switch t.Kind {
		case TrackDefaultRoute:
			if t.Name != "v4" && t.Name != "v6" {
				c.diags.Add(t.Range, at, "the name of a default_route must be \"v4\" or \"v6\", not %q", clip(t.Name))
			}
		case TrackPool:
			c.trackPool(t, at, known)
		}
	}
	if n := len(g.Tracks); n > 0 && len(g.Homes) > 1 && !fault && total <= homeStep {
		t := g.Tracks[n-1]
		c.diags.Warn(c.where(t, "weight", t.Range), path+fmt.Sprintf(" track %q %q", t.Kind, t.Name),
			"all weights of the group together are %d, and the next home takes over from a priority that is more than %d lower: write %d or more, or 0 for a fault",
			total, homeStep, homeStep+1)
	}
}

// trackPool checks a track of a pool.
func (c *checker) trackPool(t *Track, path string, known map[string]map[string]bool) {
	p := c.pools[t.Name]
	if !c.refer(known, "pool", t.Name, path, t.Range) || p == nil {
		return
	}
	if t.AtLeast > len(p.Members) {
		c.diags.Warn(c.where(t, "at_least", t.Range), path, "at_least %d can never hold: pool %q has %s", t.AtLeast, t.Name, members(len(p.Members)))
	}
}

func members(n int) string {
	switch n {
	case 0:
		return "no members"
	case 1:
		return "1 member"
	}
	return fmt.Sprintf("%d members", n)
}
