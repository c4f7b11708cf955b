// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/event"
	"evener/firmware/phrase"
)

const (
	keptRehearsals = 50
	rehearsalsKey  = "ha.rehearsals"
	crashLasts     = 10 * time.Second // for which the active box plays dead
	legTime        = time.Minute      // for a takeover, and for answers to be steady
	steadyAnswers  = 50
)

type rehearseParams struct {
	Group string `json:"group"`
	Kind  string `json:"kind" doc:"planned: the active box hands over; crash: it falls silent for 10 seconds"`
	Path  string `json:"path,omitempty" doc:"asked by GET of a cluster of HTTP, such as /health; empty: a TCP connection is all"`
	Host  string `json:"host,omitempty" doc:"of the GET; the address"`
}

// HARehearsals are the last failovers that were performed on purpose.
type HARehearsals struct {
	Rehearsals []HARehearsal `json:"rehearsals" doc:"the newest first, 50 at most"`
	Running    *HARehearsal  `json:"running,omitempty"`
}

// A rehearsal is one that is under way.
type rehearsal struct {
	HARehearsal // guarded by standby.mu
	group       *config.Group
	target      lossTarget
	pinned      bool // before
}

func (b *Box) addRehearsals(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "ha.rehearse", Purpose: "Performs a failover of a group and back, and measures what it costs; ha.rehearsals tells the outcome.",
		Role: api.Admin, Effect: api.System, Sudo: true, Audit: "rehearse {kind} failover of group {group}"}, b.rehearse)
	api.Add(reg, api.Method{Name: "ha.rehearsals", Purpose: "Shows the last failovers that were rehearsed, and what they have cost.",
		Role: api.Viewer, Effect: api.Read}, b.rehearsals)
}

func (b *Box) rehearsals(context.Context, api.Call, struct{}) (HARehearsals, error) {
	out := HARehearsals{Rehearsals: []HARehearsal{}}
	if _, err := b.cfg.Store.Get(rehearsalsKey, &out.Rehearsals); err != nil {
		return out, err
	}
	b.standby.mu.Lock()
	defer b.standby.mu.Unlock()
	if r := b.standby.rehearsing; r != nil {
		now := r.HARehearsal
		out.Running = &now
	}
	phrase.Fill(&out)
	return out, nil
}

func (b *Box) rehearse(ctx context.Context, c api.Call, p rehearseParams) (HARehearsal, error) {
	if err := unscoped(c, "failover groups"); err != nil {
		return HARehearsal{}, err
	}
	if p.Kind != "planned" && p.Kind != "crash" {
		return HARehearsal{}, api.Errorf(api.CodeParams, "params.kind", "kind is planned or crash, not %q", p.Kind)
	}
	g, err := b.findGroup(p.Group)
	if err != nil {
		return HARehearsal{}, err
	}
	target, err := targetOf(b.standbyConfig(), g, p.Path, p.Host)
	if err != nil {
		return HARehearsal{}, err
	}
	now := b.groupNow(g)
	to := b.understudy(g, now.Active)
	if now.Active == "" || to == "" {
		return HARehearsal{}, api.Errorf(api.CodeConflict, "ha.nobody", "%s cannot be rehearsed: it must be active on one box, and another one be well, seen by heartbeat and reached by the mirror", g.Name)
	}
	r := &rehearsal{group: g, target: target, pinned: now.Pinned, HARehearsal: HARehearsal{ID: rand.Text(), Group: g.Name, Kind: p.Kind,
		By: c.Author, Started: time.Now().UTC(), State: "waiting", From: now.Active, To: to, Target: target.String()}}
	r.Prober, r.Outside = b.prober(now.Active, to)
	out := r.HARehearsal
	s := &b.standby
	s.mu.Lock()
	if s.rehearsing != nil {
		defer s.mu.Unlock()
		return HARehearsal{}, api.Errorf(api.CodeConflict, "ha.rehearsing", "a rehearsal of %s is under way", s.rehearsing.Group)
	}
	s.rehearsing = r
	s.mu.Unlock()
	select {
	case b.stage <- r:
		return out, nil
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rehearsing = nil
	return HARehearsal{}, api.Errorf(api.CodeFailed, "ha.closed", "the engine is about to end")
}

// prober returns the box that asks while a group moves from one box to another: a
// third one where it can be reached, else the one that takes over.
func (b *Box) prober(from, to string) (node string, outside bool) {
	h := b.showHA()
	if h.Node != from && h.Node != to {
		return h.Node, true
	}
	for _, p := range h.Peers {
		if p.Name != from && p.Name != to && p.Mirror.Connected {
			return p.Name, true
		}
	}
	return to, false
}

// understudy returns the box that would take a group over from active: this box, or
// the first home that is well and can be asked.
func (b *Box) understudy(g *config.Group, active string) string {
	if active == "" {
		return ""
	}
	h := b.showHA()
	for _, home := range g.Homes {
		if home == active {
			continue
		}
		if home == h.Node {
			if b.groupNow(g).Healthy && b.reaches(h, active) {
				return home
			}
			continue
		}
		for _, p := range h.Peers {
			if p.Name == home && p.Mirror.Connected && p.Heartbeat.Seen && p.Groups[g.Name].Healthy && b.reaches(h, active) {
				return home
			}
		}
	}
	return ""
}

// reaches tells whether orders get to a box.
func (b *Box) reaches(h HAShow, node string) bool {
	return node == h.Node || slices.ContainsFunc(h.Peers, func(p HAPeer) bool { return p.Name == node && p.Mirror.Connected })
}

// perform carries a rehearsal out, and keeps what came of it.
func (b *Box) perform(ctx context.Context, r *rehearsal) {
	err := b.acts(ctx, r)
	s := &b.standby
	s.mu.Lock()
	r.State, r.Finished = "done", time.Now().UTC()
	if err != nil {
		r.State, r.Problem = "failed", err.Error()
	}
	s.rehearsing = nil
	out := r.HARehearsal
	s.poke()
	s.mu.Unlock()
	if err != nil {
		b.happened(event.RehearsalFailed, event.Object("group", r.Group), map[string]any{"group": r.Group, "kind": r.Kind, "error": out.Problem})
	} else {
		b.happened(event.RehearsalDone, event.Object("group", r.Group), map[string]any{"group": r.Group, "kind": r.Kind,
			"asked": out.Away.Asked + out.Back.Asked, "failed": out.Away.Failed + out.Back.Failed,
			"gap": time.Duration(max(out.Away.Gap, out.Back.Gap)).Round(time.Millisecond).String()})
	}
	if err := b.keepRehearsal(out); err != nil {
		b.log.Error("rehearsal not kept", "err", err)
	}
	b.tellTrial(ctx, trialOrder{Step: "keep", Result: &out})
}

// acts moves the group away and back.
func (b *Box) acts(ctx context.Context, r *rehearsal) error {
	by := r.By + " (rehearsal)"
	order := HAOrder{Kind: HAOrderSwitch, Group: r.Group, Node: r.To, By: by}
	if r.Kind == "crash" {
		order = HAOrder{Kind: HAOrderCrash, Group: r.Group, By: by, For: api.Duration(crashLasts)}
	}
	if err := b.leg(ctx, r, "away", &r.Away, r.From, r.To, order); err != nil {
		return err
	}
	back := HAOrder{Kind: HAOrderSwitch, Group: r.Group, Node: r.From, By: by}
	if err := b.leg(ctx, r, "back", &r.Back, r.To, r.From, back); err != nil {
		return err
	}
	if r.pinned {
		return nil
	}
	free := HAOrder{Kind: HAOrderRebalance, Group: r.Group, By: by}
	for _, node := range []string{r.From, r.To} {
		if _, err := b.orderAt(ctx, node, free); err != nil {
			return fmt.Errorf("the group is back, but stays pinned: %w", err)
		}
	}
	return nil
}

// leg has a group move from one box to another while it is measured.
func (b *Box) leg(ctx context.Context, r *rehearsal, state string, leg *HARehearsalLeg, from, to string, o HAOrder) (err error) {
	b.standby.mu.Lock()
	r.State = state
	b.standby.poke()
	b.standby.mu.Unlock()
	if err := b.probeAt(ctx, r.Prober, trialOrder{Step: "start", ID: r.ID, Target: r.target, Hold: r.Outside}, nil); err != nil {
		return err
	}
	ended := false
	end := func() error {
		var got HARehearsalLeg
		ended = true
		if err := b.probeAt(context.WithoutCancel(ctx), r.Prober, trialOrder{Step: "end", ID: r.ID}, &got); err != nil {
			return err
		}
		b.standby.mu.Lock()
		defer b.standby.mu.Unlock()
		got.Takeover = leg.Takeover
		*leg = got
		return nil
	}
	defer func() {
		if !ended {
			err = errors.Join(err, end())
		}
	}()
	if err := b.steady(ctx, r); err != nil {
		return fmt.Errorf("%s does not answer steadily before the group moves: %w", r.target, err)
	}
	took, err := b.move(ctx, r, from, to, o)
	if err != nil {
		return err
	}
	b.standby.mu.Lock()
	leg.Takeover = api.Duration(took)
	b.standby.mu.Unlock()
	if err := b.steady(ctx, r); err != nil {
		return fmt.Errorf("%s does not answer steadily after %s has become active: %w", r.target, to, err)
	}
	return end()
}

// move gives the order, waits until the group is active on the box to, and returns
// how long that took. After a crash the group may come back by itself: then there was
// no order, and it took no time.
func (b *Box) move(ctx context.Context, r *rehearsal, from, to string, o HAOrder) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, legTime)
	defer cancel()
	var began time.Time // of the order
	var last error
	for {
		active := b.groupNow(r.group).Active
		switch {
		case active == to && !began.IsZero():
			return time.Since(began), nil
		case active == to && o.Node == to:
			return 0, nil
		case active == from && began.IsZero():
			// The box that plays dead cannot take the group before it has ended.
			start := time.Now()
			if _, last = b.orderAt(ctx, from, o); last == nil {
				began = start
				continue
			}
			if o.Kind == HAOrderCrash || r.Kind == "planned" {
				return 0, last
			}
		}
		select {
		case <-ctx.Done():
			if last == nil {
				last = fmt.Errorf("it is active on %q after %v", active, legTime)
			}
			return 0, fmt.Errorf("%s did not become active: %w", to, last)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// steady waits until the probe is answered all the time.
func (b *Box) steady(ctx context.Context, r *rehearsal) error {
	ctx, cancel := context.WithTimeout(ctx, legTime)
	defer cancel()
	for {
		var st trialSteady
		if err := b.probeAt(ctx, r.Prober, trialOrder{Step: "steady", ID: r.ID}, &st); err != nil {
			return err
		}
		if st.OK {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New(st.Why)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// keepRehearsal keeps what came of a rehearsal, once.
func (b *Box) keepRehearsal(r HARehearsal) error {
	var list []HARehearsal
	if _, err := b.cfg.Store.Get(rehearsalsKey, &list); err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(x HARehearsal) bool { return x.ID == r.ID }) {
		return nil
	}
	list = append([]HARehearsal{r}, list...)
	return b.cfg.Store.Put(rehearsalsKey, list[:min(len(list), keptRehearsals)])
}
