// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"evener/ha/heartbeat"
	"evener/ha/vrrp"
)

// Limits of orders.
const (
	keptResults = 64
	maxCrash    = 10 * time.Minute
)

// order carries o out, unless that was done before.
func (r *Runner) order(o Order) {
	if slices.ContainsFunc(r.results, func(d OrderResult) bool { return d.ID == o.ID }) {
		return
	}
	text, err := r.obey(o)
	d := OrderResult{ID: o.ID, OK: err == nil, Text: text}
	if err != nil {
		d.Text = err.Error()
	}
	if len(r.results) == keptResults {
		r.results = r.results[1:]
	}
	r.results = append(slices.Clip(r.results), d)
	r.log.Info("order carried out", "kind", o.Kind, "group", o.Group, "node", o.Node, "by", o.By, "ok", d.OK, "what", d.Text)
}

// obey carries o out in its group, or in all.
func (r *Runner) obey(o Order) (string, error) {
	do := map[string]func(*group, Order) (string, error){
		OrderSwitch: r.hand, OrderStay: r.stay, OrderRebalance: r.rebalance, OrderCrash: r.crash,
	}[o.Kind]
	if do == nil {
		return "", fmt.Errorf("this version knows no order %q", o.Kind)
	}
	if o.By == "" {
		o.By = "somebody"
	}
	text, found := "", false
	var errs []error
	for _, g := range r.groups {
		if o.Group != "" && o.Group != g.set.Name {
			continue
		}
		found = true
		t, err := do(g, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("group %s: %w", g.set.Name, err))
			continue
		}
		if text != "" {
			text += "; "
		}
		text += "group " + g.set.Name + ": " + t
	}
	if !found {
		return "", fmt.Errorf("this box has no group %q", o.Group)
	}
	return text, errors.Join(errs...)
}

// hand gives g to the box that o names, or to the best one.
func (r *Runner) hand(g *group, o Order) (string, error) {
	if o.Node == r.node {
		return r.stay(g, o)
	}
	if g.state != Active {
		return "", fmt.Errorf("it is not active on this box (%s: %s); order the switch where it is active", g.state, g.reason)
	}
	to, err := r.successor(g, o.Node)
	if err != nil {
		return "", err
	}
	r.handTo(g, to, o)
	g.away = o.By
	if to == "" {
		return "given up; no other box is paired, so whoever hears it takes over", nil
	}
	return "handed over to " + to, nil
}

// handTo gives g up because of an order.
func (r *Runner) handTo(g *group, to string, o Order) {
	why := o.Kind + " by " + o.By
	told := why
	if to != "" {
		told += " to " + to
	}
	r.giveUp(g, to, why, told, note{cause: CauseOperator, by: o.By})
}

// giveUp makes the routers of g leave ACTIVE for the box to, which learns of it, and why,
// first. told is what this box tells.
func (r *Runner) giveUp(g *group, to, why, told string, n note) {
	g.heir, g.heirTill, g.heirWhy = to, r.now()+heirFor, why
	g.pinned = ""
	r.reprioritise(g, n) // the heartbeat tells what it has without the pin
	if to != "" {
		r.keepFlows(g)
	}
	r.beatNow = true
	r.beat()
	r.all(g, vrrp.Handover{Why: told}, n)
}

// successor finds the box that g is to go to.
func (r *Runner) successor(g *group, node string) (string, error) {
	best, known := (*heartbeat.Group)(nil), ""
	paired := false
	for _, p := range r.peers {
		if node != "" && p.set.Name != node {
			continue
		}
		paired = paired || p.seal != nil
		b, _, fresh := p.fresh(r, g)
		switch {
		case !fresh && node != "":
			return "", fmt.Errorf("%s is not seen by heartbeat now", node)
		case fresh && !b.Healthy && node != "":
			return "", fmt.Errorf("%s cannot take it: %s", node, b.Reason)
		case fresh && b.Healthy && (best == nil || b.Priority > best.Priority):
			best, known = &b, p.set.Name
		}
	}
	switch {
	case best != nil:
		return known, nil
	case node != "":
		return "", fmt.Errorf("there is no box %q", node)
	case paired:
		return "", errors.New("no other box can take it now")
	}
	return "", nil
}

// inherit takes a group that another box has handed over to this one. It stays here
// if that box would take it back by priority.
func (r *Runner) inherit(g *group, p *peer, b heartbeat.Group) {
	if g.state == Active {
		r.enterFlows(g) // the advertisement of priority 0 was here before
	}
	if g.state != Backup || !g.healthy() || g.heir != "" && r.now() < g.heirTill {
		return
	}
	n := note{cause: CauseOperator}
	if b.Priority >= g.priority {
		g.pinned = "a " + b.Reason + " on " + p.set.Name
		r.reprioritise(g, n)
	}
	r.enterFlows(g)
	r.outdate(g)
	r.all(g, vrrp.Takeover{Why: p.set.Name + " hands over (" + b.Reason + ")"}, n)
}

// stay keeps g on this box, or brings it here.
func (r *Runner) stay(g *group, o Order) (string, error) {
	if g.state != Active && (g.state != Backup || !g.healthy()) {
		return "", fmt.Errorf("this box cannot take it (%s: %s)", g.state, g.reason)
	}
	for _, rt := range g.routers {
		if s := rt.m.Status(r.now()); g.state == Backup && !s.Peer.Gone && s.Peer.Priority == vrrp.PriorityOwner && !rt.set.Owner {
			return "", fmt.Errorf("%v owns the addresses (priority 255) and yields to nobody: order the switch there", s.Peer.Addr)
		}
	}
	g.pinned = o.By
	r.reprioritise(g, note{cause: CauseOperator, by: o.By})
	if g.state == Active {
		return "stays here", nil
	}
	r.all(g, vrrp.Takeover{Why: o.Kind + " by " + o.By}, note{cause: CauseOperator, by: o.By})
	return "taken over", nil
}

// rebalance forgets what orders have pinned, and gives g to the box that has the
// highest priority.
func (r *Runner) rebalance(g *group, o Order) (string, error) {
	pinned := g.pinned != "" || g.away != ""
	g.pinned, g.away = "", ""
	r.reprioritise(g, note{cause: CauseOperator, by: o.By})
	r.all(g, vrrp.Pin{}, note{cause: CauseOperator, by: o.By})
	text := "nothing to do"
	if pinned {
		text = "no longer pinned"
	}
	if g.state != Active {
		return text, nil
	}
	for _, p := range r.peers {
		b, _, fresh := p.fresh(r, g)
		if !fresh || !b.Healthy || b.Priority <= g.priority {
			continue
		}
		if to, err := r.successor(g, ""); err == nil {
			r.handTo(g, to, o)
			r.all(g, vrrp.Pin{}, note{cause: CauseOperator, by: o.By})
			return "handed over to " + to, nil
		}
	}
	return text, nil
}

// crash lets g fall silent as if the box had died: what it has is released, nobody is
// told.
func (r *Runner) crash(g *group, o Order) (string, error) {
	d := o.For.D()
	if d <= 0 || d > maxCrash {
		return "", fmt.Errorf("a rehearsed crash lasts up to %v, not %v", maxCrash, d)
	}
	if !g.begun {
		return "", errors.New("it has not started yet: " + g.reason)
	}
	g.silent, g.silentBy, g.begun = r.now()+d, o.By, false
	g.pinned, g.away, g.heir = "", "", ""
	for _, rt := range g.routers {
		r.perform(rt, vrrp.Release{})
		c := rt.config(g, rt.st.Status().Primary)
		m, err := vrrp.New(c)
		if err != nil {
			return "", err
		}
		rt.m, rt.cfg, rt.down, rt.fault = m, c, "", ""
		r.tellPriority(rt, note{cause: CauseOperator, by: o.By})
	}
	g.pending = &note{cause: CauseOperator, by: o.By, reason: "a crash is rehearsed by " + o.By}
	return fmt.Sprintf("silent for %v", d), nil
}

// follow tells the machines of g whether this box is the next in line: then it need
// not wait for others when the ACTIVE one gives up.
func (r *Runner) follow(g *group) {
	on := g.state == Backup && g.healthy() && len(r.peers) > 0
	for _, p := range r.peers {
		if !slices.Contains(g.set.Homes, p.set.Name) {
			continue
		}
		b, _, fresh := p.fresh(r, g)
		if !fresh || b.Heir != "" && b.Heir != r.node || b.State != Active && b.Healthy && (b.Priority > g.priority || b.Priority == g.priority && p.set.Name < r.node) {
			on = false
		}
	}
	if on != g.next {
		g.next = on
		r.all(g, vrrp.Heir{On: on}, note{cause: CauseHeartbeat})
	}
}
