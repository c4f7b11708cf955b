// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"slices"
	"time"

	"evener/ha/vrrp"
)

// goneWait is how long an advertisement of priority 0 waits for the heartbeat that was
// sent before it.
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
