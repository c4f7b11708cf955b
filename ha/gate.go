// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evener/ha/vrrp"
)

// judge lets the timers of g fire that are due. Routers that hear nobody become
// ACTIVE together or not at all.
func (r *Runner) judge(g *group) {
	now := r.now()
	var mute []*router // BACKUP, and nobody is heard
	var hears *router  // BACKUP, and somebody is heard or may yet be
	for _, rt := range g.routers {
		r.announce(rt)
		at, ok := rt.m.Deadline()
		switch due := ok && at <= now; {
		case rt.m.State() != vrrp.Backup:
			if due {
				r.feed(rt, vrrp.Tick{}, note{cause: CauseAdvert})
			}
		case due:
			mute = append(mute, rt)
		default:
			hears = rt
		}
	}
	if len(mute) == 0 {
		r.unhold(g)
		return
	}
	if now < g.notBefore {
		return
	}
	if hears != nil {
		r.hold(g, CauseAdvert, deaf(mute[0], hears, now))
		return
	}
	if why := r.seen(g, mute); why != "" {
		if g.set.OnSplit != "takeover" {
			r.hold(g, CauseHeartbeat, why)
			return
		}
		r.tell(g, note{from: g.state, cause: CauseHeartbeat, reason: "takes over although " + why})
	}
	r.unhold(g)
	for _, rt := range mute {
		if rt.m.State() == vrrp.Backup { // not yet taken with another
			r.feed(rt, vrrp.Tick{}, note{cause: CauseAdvert})
		}
	}
}

// deaf says that one router of a group hears nobody and another does.
func deaf(mute, hears *router, now time.Duration) string {
	p := hears.m.Status(now).Peer
	if !p.Addr.IsValid() {
		return fmt.Sprintf("router %s waits for router %s, whose time is not over", mute.set.Name, hears.set.Name)
	}
	return fmt.Sprintf("nobody advertises on port %s, but %v (priority %d) on port %s",
		mute.portName(), p.Addr, p.Priority, hears.portName())
}

// seen says which box a heartbeat shows ACTIVE and well that is not heard by VRRP,
// "" if there is none. One that has just said by VRRP that it leaves, or that is
// heard and outranked, holds nothing.
func (r *Runner) seen(g *group, mute []*router) string {
	now := r.now()
	quiet := slices.IndexFunc(mute, func(rt *router) bool {
		s := rt.m.Status(now)
		heard := s.Peer.Addr.IsValid() && now-s.Peer.Heard < s.Down
		return !heard && !s.Peer.Gone
	})
	if quiet < 0 {
		return ""
	}
	rt := mute[quiet]
	for _, p := range r.peers {
		if b, _, ok := p.fresh(r, g); ok && b.State == Active && b.Healthy {
			return fmt.Sprintf("peer %s seen by heartbeat but not by VRRP on port %s: %s",
				p.set.Name, rt.portName(), rt.deafness(now))
		}
	}
	return ""
}

// deafness says what may be wrong between a router and one that is well.
func (rt *router) deafness(now time.Duration) string {
	var list []string // without numbers: the text of an alarm must not change while it lasts
	for why := range rt.bad {
		list = append(list, string(why))
	}
	for why := range rt.m.Status(now).Discarded {
		if why != vrrp.FromSelf && why != vrrp.NotTaking {
			list = append(list, string(why))
		}
	}
	if len(list) > 0 {
		slices.Sort(list)
		return "advertisements come and are refused for their " + strings.Join(slices.Compact(list), ", ")
	}
	if len(rt.unicast) > 0 {
		return "the network does not carry IP protocol 112 from it"
	}
	return "the network does not carry its advertisements (switch, VLAN, or a filter of IP protocol 112 or multicast)"
}

// hold notes why g does not take over.
func (r *Runner) hold(g *group, cause, why string) {
	if g.held == "" {
		g.heldFrom = r.now()
	}
	told := g.heldBy == cause && g.held != ""
	g.held, g.heldBy = why, cause
	if !told && cause == CauseHeartbeat {
		r.tell(g, note{from: g.state, cause: cause, reason: "takeover held back: " + why})
	}
}

// unhold notes that nothing keeps g from taking over any more.
func (r *Runner) unhold(g *group) {
	if g.held != "" && g.heldBy == CauseHeartbeat {
		r.tell(g, note{from: g.state, cause: CauseHeartbeat, reason: "takeover no longer held back"})
	}
	g.held, g.heldBy = "", ""
}

// freshFor is how old a heartbeat of p may be to count in a takeover of g.
func (r *Runner) freshFor(p *peer, g *group) time.Duration {
	down := vrrp.DownInterval(3, max(g.priority, 1), g.set.Interval.D())
	return min(3*max(r.beatEvery(), p.every), down)
}

// deadline returns when g needs the loop next; ok is false if never.
func (r *Runner) deadline(g *group) (at time.Duration, ok bool) {
	now := r.now()
	sooner := func(t time.Duration) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	for _, rt := range g.routers {
		if t, set := rt.m.Deadline(); set && (rt.m.State() != vrrp.Backup || t > now) {
			sooner(t)
		}
		if rt.rounds > 0 {
			sooner(rt.next)
		}
		if rt.refused != "" && rt.retry > now {
			sooner(rt.retry)
		}
	}
	if g.held != "" && g.heldBy == CauseHeartbeat {
		for _, p := range r.peers {
			if _, age, fresh := p.fresh(r, g); fresh {
				sooner(now + r.freshFor(p, g) - age)
			}
		}
	}
	if g.notBefore > now {
		sooner(g.notBefore)
	}
	if g.farewellTill > 0 {
		sooner(g.farewellTill)
	}
	switch {
	case g.silent > 0:
		sooner(g.silent)
	case !g.begun && g.served && !r.departing:
		sooner(max(g.startAt, now))
	}
	if t, set := r.engine.deadline(g); set {
		sooner(t)
	}
	return at, ok
}
