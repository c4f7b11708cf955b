// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"slices"
	"time"

	"evener/ha/vrrp"
)

// goneWait is how long an advertisement of priority 0 waits for the heartbeat that was
// sent before it, and how long one that was sent before a heartbeat may come after it.
const goneWait = 10 * time.Millisecond

// A farewell is an advertisement of priority 0.
type farewell struct {
	router *router
	advert vrrp.Received
}

// early says whether an advertisement is to wait: its sender gives the group up, and no
// heartbeat has said yet why. Heartbeats go another way, and may be overtaken. Without
// what they say this box would take the addresses before it sends on what belongs to
// connections of the other, and end those.
func (r *Runner) early(rt *router, got vrrp.Received) bool {
	g := rt.g
	if got.Priority != vrrp.PriorityGone || rt.m.State() != vrrp.Backup || !g.next || !r.hands(g) || !r.stays(g) {
		return false
	}
	if len(g.farewells) == 0 {
		g.farewellTill = r.now() + goneWait
	}
	g.farewells = append(g.farewells, farewell{rt, got})
	return true
}

// stays says whether another box keeps g, by its heartbeat.
func (r *Runner) stays(g *group) bool {
	return slices.ContainsFunc(r.peers, func(p *peer) bool {
		b, _, fresh := p.fresh(r, g)
		return fresh && b.State == Active && b.Healthy && b.Heir == ""
	})
}

// believe hands the advertisements that have waited to the machines.
func (r *Runner) believe(g *group) {
	list := g.farewells
	g.farewells, g.farewellTill = nil, 0
	for _, f := range list {
		if slices.Contains(g.routers, f.router) {
			r.feed(f.router, vrrp.Advert{Received: f.advert}, note{cause: CauseAdvert})
		}
	}
}

// outdate notes who had g until now: what that box has advertised before it handed g over
// may be read after the heartbeat by which it did.
func (r *Runner) outdate(g *group) {
	for _, rt := range g.routers {
		rt.before, rt.beforeTill = rt.m.Status(r.now()).Peer.Addr, r.now()+goneWait
	}
}

// outdated says whether an advertisement was sent before its sender handed the group over
// to this box. Were it believed, a box of lower priority would give the group up at once.
func (r *Runner) outdated(rt *router, got vrrp.Received) bool {
	return got.Source == rt.before && got.Priority != vrrp.PriorityGone && r.now() < rt.beforeTill
}
