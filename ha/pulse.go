// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"context"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sys/unix"
)

// Report returns what the runner has to tell.
func (r *Runner) Report(ctx context.Context) (Report, error) {
	got := make(chan Report, 1) // who gave up waiting does not read what comes late
	if err := r.do(ctx, func() { got <- r.report() }); err != nil {
		return Report{}, err
	}
	return <-got, nil
}

func (r *Runner) report() Report {
	now := r.now()
	r.alarm()
	p := Report{Epoch: r.epoch, Settings: r.number, Node: r.node, Simulated: r.cfg.Simulated, Realtime: r.realtime,
		RealtimeWhy: r.realtimeWhy, Groups: []GroupReport{}, Peers: []PeerReport{}, Alarms: append([]Alarm{}, r.alarms...),
		Changes: append([]Change{}, r.timeline.waiting...), Lost: r.timeline.lost,
		Orders: append([]OrderResult{}, r.results...), Problem: r.problem}
	every := r.beatEvery()
	for _, peer := range r.peers {
		p.Peers = append(p.Peers, peer.report(now, every))
	}
	for _, g := range r.groups {
		p.Groups = append(p.Groups, r.reportGroup(g))
	}
	return p
}

// reportGroup tells how g is.
func (r *Runner) reportGroup(g *group) GroupReport {
	now := r.now()
	p := GroupReport{Name: g.set.Name, State: g.state, Since: g.since, Reason: g.reason, Active: r.activeNode(g),
		Healthy: g.healthy(), Pinned: g.pinned != "" || g.away != "", Held: g.held, Base: g.set.Base,
		Priority: g.shownPriority(), Parts: g.parts(), Routers: []RouterReport{}, Handoff: r.reportHandoff(g)}
	p.Parts = append(p.Parts, PriorityPart{Cause: "engine", OK: g.idle == "", Detail: "it serves"})
	engine := &p.Parts[len(p.Parts)-1]
	switch {
	case g.idle != "":
		engine.Detail = g.idle
	case !g.served:
		engine.Detail = "not heard yet"
	}
	if g.pinned != "" {
		p.Parts = append(p.Parts, PriorityPart{Cause: "pinned", Weight: int(g.set.Base) - pinnedPriority, OK: true, Detail: "by " + g.pinned})
	}
	for _, rt := range g.routers {
		p.Routers = append(p.Routers, rt.report(now))
		if s := rt.m.Status(now); p.Held == "" {
			p.Held = s.Held
		}
		if rt.link != "" {
			p.Parts = append(p.Parts, PriorityPart{Cause: "port " + rt.portName(), Detail: rt.link})
		}
	}
	return p
}

// activeNode returns the box that is ACTIVE in g as far as known.
func (r *Runner) activeNode(g *group) string {
	if g.state == Active {
		return r.node
	}
	for _, p := range r.peers {
		if b, _, ok := p.fresh(r, g); ok && b.State == Active {
			return p.set.Name
		}
	}
	return ""
}

// Pulse takes what the engine says: whether it serves, what it tracks, and orders.
func (r *Runner) Pulse(ctx context.Context, p Pulse) error {
	return r.do(ctx, func() {
		r.engine.heard(r.now(), p.Engine)
		r.timeline.acknowledge(p.Acked)
		maps.Copy(r.tracks, p.Tracks)
		for _, g := range r.groups {
			g.judged(r.tracks)
			r.watchEngine(g)
			r.settle(g)
		}
		for _, o := range p.Orders {
			r.order(o)
		}
	})
}

// NoPulse takes a pulse of the engine that failed.
func (r *Runner) NoPulse(ctx context.Context, err error) error {
	return r.do(ctx, func() { r.engine.unheard(err) })
}

// A Handover is what a process leaves for its successor on the same box.
type Handover struct {
	Node   string                `json:"node"`
	Boot   time.Duration         `json:"boot"` // the kernel's time since its start, in nanoseconds
	Groups map[string]HandedOver `json:"groups"`
}

// A HandedOver is a group of a Handover.
type HandedOver struct {
	Active   bool     `json:"active"`
	Pinned   string   `json:"pinned,omitempty"`
	Away     string   `json:"away,omitempty"`
	Interval Duration `json:"interval"`
}

// HandOver ends Run without giving anything up, for a successor that goes on with it.
// The addresses stay where they are until one of the two processes releases them.
func (r *Runner) HandOver(ctx context.Context) (Handover, error) {
	got := make(chan Handover, 1)
	err := r.do(ctx, func() {
		r.leaving = true
		h := Handover{Node: r.node, Boot: bootTime(), Groups: map[string]HandedOver{}}
		for _, g := range r.groups {
			h.Groups[g.set.Name] = HandedOver{Active: g.state == Active, Pinned: g.pinned, Away: g.away, Interval: g.set.Interval}
		}
		got <- h
	})
	if err != nil {
		return Handover{}, err
	}
	return <-got, nil
}

// resume has g go on where the process before this one has left it, if no other box
// can have taken over since.
func (r *Runner) resume(g *group, s GroupSettings) {
	h := r.cfg.Resume
	if h == nil || h.Node != r.node {
		return
	}
	was := h.Groups[s.Name]
	delete(h.Groups, s.Name) // a group that goes and comes is a new one
	if age := bootTime() - h.Boot; age < 0 || age >= 3*was.Interval.D() {
		return
	}
	g.away = was.Away
	if !was.Active {
		return
	}
	g.resumes, g.pinned, g.served, g.startAt = true, was.Pinned, true, r.now()
	r.engine.presume(r.now())
}

// bootTime is the kernel's time since its start, which all processes share.
func bootTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(fmt.Sprintf("the kernel has no time since its start: %v", err)) // since Linux 2.6.39
	}
	return time.Duration(t.Nano())
}
