// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evener/ha/vrrp"
)

// pinnedPriority is that of a box which an order has made ACTIVE: no other box
// preempts it, whatever it speaks.
const pinnedPriority = maxPriority

// A group is one failover group: routers that move together.
type group struct {
	set     GroupSettings
	routers []*router
	tracks  map[string]TrackState

	state    string
	since    time.Time
	reason   string
	priority uint8 // effective, before owners and faults

	priorityWhy string // what makes it so

	begun     bool          // the machines have left INIT
	startAt   time.Duration // not before, by start_delay
	resumes   bool          // the process before this one was ACTIVE
	notBefore time.Duration // it takes over, after a tie that every router may see differently
	silent    time.Duration // a rehearsed crash lasts until then; 0: there is none
	silentBy  string        // who has ordered it
	served    bool          // the engine has served once since the group came
	idle      string        // why the engine makes the group give up, "": it does not
	fault     []fault

	pinned   string // who has put the group here to stay, "": nobody
	away     string // who has sent it away, "": nobody
	heir     string // to whom it was handed over, while that has not taken it
	heirWhy  string
	heirTill time.Duration // and how long to say so
	held     string        // why a takeover is held back
	heldFrom time.Duration
	heldBy   string // Cause
	next     bool   // this box is the next in line
	entered  bool   // connections go on to the box that had the group, or cannot

	farewells    []farewell    // that wait for a heartbeat
	farewellTill time.Duration // and how long; 0: none does

	handProblem string        // why connections are not handed off; "": they are
	bothFrom    time.Duration // since when another box says that it is ACTIVE too; 0: none does

	pending *note // the first thing that moved a router since the group was settled
}

// A fault is a reason for which a group must not be ACTIVE.
type fault struct {
	router *router // whose link it is; nil: it is everybody's
	cause  string
	why    string
}

// feed hands e to the machine of rt, does what it decides, and moves the other
// routers of the group with it.
func (r *Runner) feed(rt *router, e vrrp.Event, n note) {
	from := rt.m.State()
	for _, a := range rt.m.Handle(r.now(), e) {
		r.perform(rt, a)
	}
	to := rt.m.State()
	if from == to {
		return
	}
	g := rt.g
	if s := rt.m.Status(r.now()); n.cause == CauseAdvert && from == vrrp.Active && s.Peer.Priority == g.priority && len(g.routers) > 1 {
		// Both boxes have lost a router now, and both would take over again after the
		// same silence: the box that comes later in homes waits longer.
		rank := time.Duration(slices.Index(g.set.Homes, r.node))
		g.notBefore = r.now() + vrrp.DownInterval(3, s.Peer.Priority, g.set.Interval.D()) + rank*g.set.Interval.D()/2
	}
	if g.pending == nil {
		n.router, n.reason = rt.set.Name, rt.said
		g.pending = &n
	}
	for _, other := range g.routers {
		switch {
		case other == rt:
		case to == vrrp.Active && other.m.State() == vrrp.Backup:
			r.feed(other, vrrp.Takeover{Why: "with router " + rt.set.Name + ": " + rt.said}, n)
		case from == vrrp.Active && to == vrrp.Backup && other.m.State() == vrrp.Active && n.cause == CauseAdvert:
			r.yield(other, "with router "+rt.set.Name+": "+rt.said, n)
		case from == vrrp.Active && to == vrrp.Backup && other.m.State() == vrrp.Active:
			r.feed(other, vrrp.Handover{Why: "with router " + rt.set.Name + ": " + rt.said}, n)
			if g.away == "" {
				r.feed(other, vrrp.Pin{}, n)
			}
		}
	}
}

// yield makes an ACTIVE router leave its addresses to a box that won against another
// router of the group. It gives nothing up by priority 0: who won takes them all, and
// a third box is not to come between. Like the machine itself it advertises once more
// where neighbours may have to learn another MAC.
func (r *Runner) yield(rt *router, why string, n note) {
	if c := &rt.cfg; c.LastAdvert {
		r.send(rt, vrrp.Advertisement{Version: c.Version, VRID: c.VRID, Priority: rt.m.Status(r.now()).Priority, Interval: c.Interval, Addresses: c.Addresses})
	}
	r.feed(rt, vrrp.LinkDown{Why: why}, n)
	r.feed(rt, vrrp.LinkUp{}, n)
}

// all feeds e to every router of g.
func (r *Runner) all(g *group, e vrrp.Event, n note) {
	for _, rt := range g.routers {
		r.feed(rt, e, n)
	}
}

// settle brings what is known of g together: faults, priority, state.
func (r *Runner) settle(g *group) {
	r.refault(g)
	r.reprioritise(g, note{})
	r.begin(g)
	r.conclude(g)
}

// refault tells the machines what keeps the group from being ACTIVE.
func (r *Runner) refault(g *group) {
	n, was := note{cause: CauseLink}, g.fault
	g.fault = g.faults(r.now())
	switch {
	case len(g.fault) > 0:
		n.cause = g.fault[0].cause
	case len(was) > 0:
		n.cause = was[0].cause
	}
	for _, rt := range g.routers {
		var own, others []string
		for _, f := range g.fault {
			if f.router == rt {
				own = append(own, f.why)
			} else {
				others = append(others, f.why)
			}
		}
		r.refaultRouter(rt, strings.Join(own, "; "), strings.Join(others, "; "), n)
	}
}

// refaultRouter tells the machine of rt what has changed of its own link and of the
// rest.
func (r *Runner) refaultRouter(rt *router, own, others string, n note) {
	if others != "" && others != rt.fault {
		r.feed(rt, vrrp.SetFault{On: true, Why: others}, n)
	}
	switch {
	case own == rt.down:
	case own != "":
		r.feed(rt, vrrp.LinkDown{Why: own}, n)
	default:
		r.feed(rt, vrrp.LinkUp{}, n)
	}
	if others == "" && rt.fault != "" {
		r.feed(rt, vrrp.SetFault{Why: "over: " + rt.fault}, n)
	}
	rt.down, rt.fault = own, others
}

// faults lists why g must not be ACTIVE now.
func (g *group) faults(now time.Duration) []fault {
	var list []fault
	if g.silent > 0 {
		list = append(list, fault{cause: CauseOperator, why: "a crash is rehearsed"})
	}
	if g.idle != "" {
		list = append(list, fault{cause: CauseEngine, why: g.idle})
	}
	for _, t := range g.set.Tracks {
		if s := g.tracks[t.Key()]; !s.OK && t.Weight == 0 {
			list = append(list, fault{cause: trackCause(t.Kind), why: t.cause() + ": " + s.Why})
		}
	}
	for _, rt := range g.routers {
		if why := rt.link; why != "" {
			list = append(list, fault{router: rt, cause: CauseLink, why: fmt.Sprintf("port %s: %s", rt.portName(), why)})
		}
		if rt.refused != "" && now < rt.retry {
			list = append(list, fault{cause: CauseLink, why: fmt.Sprintf("port %s: %s", rt.portName(), rt.refused)})
		}
	}
	return list
}

// trackCause returns the cause of a change that a track of the kind makes.
func trackCause(kind string) string {
	if kind == TrackPort || kind == TrackDefaultRoute {
		return CauseLink
	}
	return CauseTrack
}

// reprioritise tells the machines the effective priority if that is another. n may
// say what has changed it.
func (r *Runner) reprioritise(g *group, n note) {
	p, why := g.reckon()
	if g.pinned != "" {
		p, why = pinnedPriority, "pinned by "+g.pinned
	}
	if p == g.priority && why == g.priorityWhy {
		return
	}
	old := g.priority
	g.priority, g.priorityWhy = p, why
	if n.cause == "" {
		n.cause = g.priorityCause()
	}
	for _, rt := range g.routers {
		r.tellPriority(rt, n)
	}
	if g.begun && p != old {
		n.from, n.reason = g.state, fmt.Sprintf("priority %d, was %d: %s", p, old, why)
		r.tell(g, n)
	}
}

// tellPriority tells the machine of rt the priority, and what makes it less than its
// base.
func (r *Runner) tellPriority(rt *router, n note) {
	r.feed(rt, vrrp.SetPriority{Priority: rt.g.priority, Base: rt.g.set.Base, Why: rt.g.priorityWhy}, n)
}

// priorityCause names what has changed the priority.
func (g *group) priorityCause() string {
	for _, t := range g.set.Tracks {
		if !g.tracks[t.Key()].OK {
			return trackCause(t.Kind)
		}
	}
	return CauseTrack
}

// begin takes the machines out of INIT when the engine serves and start_delay is
// over.
func (r *Runner) begin(g *group) {
	if g.begun || r.departing || g.silent > 0 || !g.served || r.now() < g.startAt {
		return
	}
	g.begun = true
	n := note{cause: CauseStart}
	r.all(g, vrrp.Startup{}, n)
	if g.resumes {
		g.resumes = false
		g.pending = nil // what is told is that it goes on
		r.all(g, vrrp.Takeover{Why: "goes on for the process before it"}, n)
	}
	if g.away != "" {
		r.all(g, vrrp.Pin{On: true, Why: "switched by " + g.away}, n)
	}
}

// conclude finds the state of g, and tells of a change.
func (r *Runner) conclude(g *group) {
	from := g.state
	g.state = g.stateNow()
	n := g.pending
	g.pending = nil
	if g.state == from {
		if n != nil && len(g.fault) > 0 {
			g.reason = g.fault[0].why
		}
		if !g.begun {
			g.reason = r.waiting(g)
		}
		return
	}
	if n == nil {
		n = &note{cause: CauseStart, reason: "start"}
	}
	if g.state == Fault && len(g.fault) > 0 {
		n.cause, n.reason = g.fault[0].cause, g.fault[0].why
	}
	if g.state == Active {
		g.heir, g.away = "", ""
		r.enteredFlows(g)
	} else {
		g.pinned, g.entered = "", false
	}
	n.from, g.since, g.reason = from, today(), n.reason
	r.tell(g, *n)
	r.beatNow = true
	r.reprioritise(g, note{cause: n.cause, by: n.by}) // a group that is not ACTIVE is not pinned here
}

// waiting says why the machines are in INIT.
func (r *Runner) waiting(g *group) string {
	switch {
	case g.silent > 0:
		return fmt.Sprintf("a crash is rehearsed by %s", g.silentBy)
	case g.idle != "":
		return g.idle
	case !g.served:
		return "waits for the engine to serve"
	}
	return fmt.Sprintf("start delay: %v more", (g.startAt - r.now()).Round(time.Second))
}

// stateNow returns the state of g as those of its routers have it.
func (g *group) stateNow() string {
	if !g.begun || len(g.routers) == 0 {
		return Init
	}
	active := false
	for _, rt := range g.routers {
		switch rt.m.State() {
		case vrrp.Fault, vrrp.Init:
			return Fault
		case vrrp.Active:
			active = true
		}
	}
	if active {
		return Active
	}
	return Backup
}

// healthy says whether g could be ACTIVE on this box.
func (g *group) healthy() bool { return g.begun && len(g.fault) == 0 }

// shownPriority is the priority that others are told: 0 where the group gives up.
func (g *group) shownPriority() uint8 {
	if !g.healthy() {
		return 0
	}
	if !slices.ContainsFunc(g.routers, func(rt *router) bool { return !rt.set.Owner }) {
		return vrrp.PriorityOwner
	}
	return g.priority
}

// portName is the name of the router's port for people.
func (rt *router) portName() string {
	if rt.set.Port != "" {
		return rt.set.Port
	}
	return rt.set.Interface
}
