// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"evener/ha/vrrp"
)

// Apply makes s what the runner does. A group, router, peer or address that s does
// not change is not touched. Of an error nothing is applied but what it does not
// concern.
func (r *Runner) Apply(ctx context.Context, s Settings) error {
	got := make(chan error, 1)
	if err := r.do(ctx, func() { got <- r.apply(s) }); err != nil {
		return err
	}
	return <-got
}

func (r *Runner) apply(s Settings) error {
	if s.Node != r.node {
		for _, p := range r.peers {
			p.set.Key = nil // the keys are made of both names
		}
	}
	r.node, r.number = s.Node, s.Number
	var errs []error
	errs = append(errs, r.applyPeers(s.Peers))
	// Groups that go are gone before others come: they may have had their addresses.
	for _, g := range slices.Clone(r.groups) {
		if !slices.ContainsFunc(s.Groups, func(n GroupSettings) bool { return n.Name == g.set.Name }) {
			r.removeGroup(g)
		}
	}
	for _, n := range s.Groups {
		if err := r.applyGroup(n); err != nil {
			errs = append(errs, fmt.Errorf("group %s: %w", n.Name, err))
		}
	}
	if r.wanted = s.Listen; r.wanted != r.listening {
		r.listen(r.wanted)
	}
	r.beatNow = true
	err := errors.Join(errs...)
	r.problem = ""
	if err != nil {
		r.problem = err.Error()
		r.log.Error("settings not applied whole", "number", s.Number, "err", err)
	}
	return err
}

// applyPeers takes over who the other boxes are. What is known of one that stays is
// kept.
func (r *Runner) applyPeers(list []PeerSettings) error {
	var errs []error
	var peers []*peer
	for _, s := range list {
		p, err := newPeer(r.node, s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if i := slices.IndexFunc(r.peers, func(old *peer) bool { return old.same(s) }); i >= 0 && p.seal != nil {
			old := r.peers[i]
			old.set, old.addr = s, p.addr
			p = old
		}
		peers = append(peers, p)
	}
	r.peers = peers
	return errors.Join(errs...)
}

// group returns the group of that name, nil if there is none.
func (r *Runner) group(name string) *group {
	for _, g := range r.groups {
		if g.set.Name == name {
			return g
		}
	}
	return nil
}

// removeGroup gives up g and forgets it.
func (r *Runner) removeGroup(g *group) {
	r.all(g, vrrp.Shutdown{Why: "the group was removed from the configuration"}, note{cause: CauseSettings})
	g.begun, g.served = false, false
	r.conclude(g)
	for _, rt := range g.routers {
		r.closeStation(rt)
	}
	r.groups = slices.DeleteFunc(r.groups, func(other *group) bool { return other == g })
}

func (r *Runner) closeStation(rt *router) {
	if err := rt.st.Close(); err != nil {
		r.log.Error("network not left", "group", rt.g.set.Name, "router", rt.set.Name, "err", err)
	}
}

// applyGroup makes s what its group does.
func (r *Runner) applyGroup(s GroupSettings) error {
	g := r.group(s.Name)
	if g != nil && reflect.DeepEqual(g.set, s) {
		return nil
	}
	if err := checkGroup(s); err != nil {
		return err
	}
	fresh := g == nil
	if fresh {
		g = &group{tracks: map[string]TrackState{}, state: Init, since: today(), priority: s.Base,
			startAt: r.now() + s.StartDelay.D()}
		r.resume(g, s)
	}
	// All that can be wrong is found before anything is changed.
	draft := &group{set: s, priority: max(g.priority, 1), tracks: map[string]TrackState{}}
	var made []*router
	for _, rs := range s.Routers {
		rt, err := r.newRouter(draft, rs)
		if err != nil {
			return err
		}
		made = append(made, rt)
	}
	g.set = s
	if fresh {
		r.groups = append(r.groups, g)
		r.watchEngine(g)
	}
	err := r.applyRouters(g, made)
	g.judged(r.tracks)
	r.lookAt(g)
	r.reprioritise(g, note{cause: CauseSettings})
	r.settle(g)
	return err
}

// checkGroup says what of s can never work.
func checkGroup(s GroupSettings) error {
	switch {
	case s.Base < minPriority || s.Base > maxPriority:
		return fmt.Errorf("the base priority is 1 to 254, not %d", s.Base)
	case s.OnSplit != "hold" && s.OnSplit != "takeover":
		return fmt.Errorf("on_split is hold or takeover, not %q", s.OnSplit)
	case s.EngineHold <= 0:
		return fmt.Errorf("engine_hold must be longer than 0s")
	case len(s.Routers) == 0:
		return errors.New("a group needs a router")
	}
	return nil
}

// applyRouters makes made the routers of g: those whose place on the network stays are
// configured, others are closed and opened.
func (r *Runner) applyRouters(g *group, made []*router) error {
	var errs []error
	old := g.routers
	var list, come []*router
	for _, rt := range made {
		rt.g = g
		i := slices.IndexFunc(old, func(o *router) bool { return o.set.Name == rt.set.Name && o.sameStation(rt) })
		if i < 0 {
			come = append(come, rt)
			list = append(list, rt)
			continue
		}
		keep := old[i]
		old = slices.Delete(slices.Clone(old), i, i+1)
		if err := r.keepRouter(keep, rt); err != nil {
			errs = append(errs, err)
		}
		list = append(list, keep)
	}
	for _, rt := range old {
		r.feed(rt, vrrp.Shutdown{Why: "the router was changed in the configuration"}, note{cause: CauseSettings})
		r.closeStation(rt)
	}
	g.routers = list
	for _, rt := range come {
		if err := r.openRouter(g, rt); err != nil {
			errs = append(errs, err)
		}
	}
	g.routers = slices.DeleteFunc(g.routers, func(rt *router) bool { return rt.st == nil })
	return errors.Join(errs...)
}

// keepRouter gives a router new settings. Its addresses change while it is ACTIVE.
func (r *Runner) keepRouter(rt, to *router) error {
	same := slices.Equal(rt.prefixes, to.prefixes)
	rt.set, rt.prefixes, rt.unicast, rt.checksum = to.set, to.prefixes, to.unicast, to.checksum
	if !same {
		if err := rt.st.Prepare(rt.prefixes); err != nil {
			return fmt.Errorf("router %s: %w", rt.set.Name, err)
		}
	}
	r.reconfigure(rt)
	if !same && rt.m.State() == vrrp.Active {
		r.take(rt) // also where only the length of a network is another
	}
	return nil
}

// openRouter joins the network of a new router. In a group that is ACTIVE here it is
// ACTIVE too.
func (r *Runner) openRouter(g *group, rt *router) error {
	st, err := r.lan.Attach(rt.wireConfig())
	if err != nil {
		return fmt.Errorf("router %s: %w", rt.set.Name, err)
	}
	rt.st = st
	r.tellPriority(rt, note{cause: CauseSettings})
	if !g.resumes {
		if err := st.Reconcile(nil); err != nil {
			r.log.Warn("what an earlier process has left was not released", "group", g.set.Name, "router", rt.set.Name, "err", err)
		}
	}
	if !g.begun {
		return nil
	}
	n := note{cause: CauseSettings}
	rt.link = r.linkProblem(rt.set.Interface)
	r.reconfigure(rt)
	if rt.link == "" && st.Status().Primary.IsValid() {
		r.feed(rt, vrrp.LinkUp{}, n)
		rt.down = ""
	}
	r.feed(rt, vrrp.Startup{}, n)
	if g.state == Active && rt.m.State() == vrrp.Backup {
		r.feed(rt, vrrp.Takeover{Why: "the other routers of the group are active here"}, n)
	}
	return nil
}

// sameConfig says whether a machine with a would do as one with b.
func sameConfig(a, b vrrp.Config) bool {
	if a.Priority != vrrp.PriorityOwner && b.Priority != vrrp.PriorityOwner {
		a.Priority = b.Priority // told by SetPriority
	}
	return reflect.DeepEqual(a, b)
}
