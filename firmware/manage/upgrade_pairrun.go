// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"evener/firmware/event"
)

// A pairRun leads the upgrade of a pair through its steps. Each step can be begun
// anew: it looks first at what is done already.
type pairRun struct {
	b   *Box
	ctx context.Context // of this process: a run does not outlive it
	st  *pairState
}

// A doubt is why an upgrade of a pair stops, in words for people.
type doubt string

func (d doubt) Error() string { return string(d) }

func doubtf(format string, args ...any) error { return doubt(fmt.Sprintf(format, args...)) }

// run goes on from the step that is noted until the end, or until ctx ends.
func (r *pairRun) run() {
	steps := map[string]func() (string, error){PairCheck: r.check, PairSend: r.send, PairPeer: r.first, PairSoak: r.soak,
		PairSwitch: r.move, PairSelf: r.second, PairBack: r.back}
	for !r.st.over() {
		name := r.st.Step
		r.mark(name, "runs", "")
		text, err := steps[name]()
		if r.ctx.Err() != nil {
			return // the box goes down: the next process goes on
		}
		if err != nil {
			r.mark(name, "failed", err.Error())
			r.end(PairStopped, err.Error()+r.advice())
			return
		}
		r.mark(name, "done", text)
		if i := slices.Index(pairSteps, name); i+1 < len(pairSteps) {
			r.enter(pairSteps[i+1])
		} else {
			r.end(PairDone, "")
		}
	}
}

// advice says how things stand, and what can be done.
func (r *pairRun) advice() string {
	switch r.st.At {
	case PairCheck, PairSend:
		return ". Neither box was changed: mend that, and begin again"
	case PairPeer, PairSoak:
		return fmt.Sprintf(". Clients are served as before by %s, which was not changed. Look at %s, and begin again, or start its other slot", r.st.Second, r.st.First)
	}
	return fmt.Sprintf(". Look at both boxes: %s has version %s. Beginning again goes on with what is left", r.st.First, r.st.Version)
}

// enter notes that a step begins.
func (r *pairRun) enter(step string) {
	r.change(func(st *pairState) {
		st.Step, st.At, st.Since, st.Why, st.Done, st.Total = step, step, time.Now().UTC(), "", 0, 0
	})
}

// mark notes how a step does.
func (r *pairRun) mark(step, state, text string) {
	r.change(func(st *pairState) {
		for i := range st.Steps {
			if s := &st.Steps[i]; s.Step == step && s.State != "done" {
				if s.State != state {
					s.Since = time.Now().UTC()
				}
				s.State, s.Text = state, text
			}
		}
	})
}

// tell shows what a step waits for, without a word to the disk.
func (r *pairRun) tell(done, total int64, why string) {
	u := &r.b.upgrades
	u.mu.Lock()
	st := r.st
	st.Done, st.Total, st.Why = done, total, why
	for i := range st.Steps {
		if st.Steps[i].Step == st.Step {
			st.Steps[i].Text = why
		}
	}
	u.mu.Unlock()
	r.show()
}

// change changes what is noted, on the disk too, and tells the other box.
func (r *pairRun) change(f func(*pairState)) {
	u := &r.b.upgrades
	u.mu.Lock()
	f(r.st)
	err := saveJSON(r.b.pairFile(), r.st)
	u.mu.Unlock()
	if err != nil {
		r.b.log.Error("upgrade of the pair not noted", "err", err)
	}
	r.show()
}

// show shows the upgrade here and on the other box.
func (r *pairRun) show() {
	u := &r.b.upgrades
	u.mu.Lock()
	p := r.st.UpgradePair
	p.Steps = slices.Clone(p.Steps)
	u.pair = &p
	changed(u.topic)
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.ctx, 3*time.Second)
	defer cancel()
	// It may be away: then it is told by the next word.
	_ = r.b.askUpgrade(ctx, r.peer(), upgradeAsk{Op: "pair", Pair: &p}, &struct{}{})
}

func (r *pairRun) peer() string {
	if r.st.First == r.st.Lead {
		return r.st.Second
	}
	return r.st.First
}

// end ends the upgrade.
func (r *pairRun) end(step, why string) {
	r.change(func(st *pairState) { st.Step, st.Why, st.Since = step, why, time.Now().UTC() })
	args := map[string]any{"first": r.st.First, "second": r.st.Second, "version": r.st.Version, "reason": why}
	kind := event.PairUpgraded
	if step == PairStopped {
		kind = event.PairStopped
	}
	r.b.happened(kind, "upgrade", args)
	r.b.log.Info("upgrade of the pair ended", "step", step, "at", r.st.At, "version", r.st.Version, "why", why)
}

// stopped reports that a person has stopped it.
func (r *pairRun) stopped() error {
	r.b.upgrades.mu.Lock()
	defer r.b.upgrades.mu.Unlock()
	if by := r.b.upgrades.lead.stop; by != "" {
		return doubtf("%s has stopped it", by)
	}
	return nil
}

// status asks a box how it is.
func (r *pairRun) status(node string) (x upgradeBox, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
	defer cancel()
	return x, r.b.askUpgrade(ctx, node, upgradeAsk{Op: "status"}, &x)
}

// until asks look again and again: until it is done, or has a doubt, or limit is over.
func (r *pairRun) until(limit time.Duration, look func() (done bool, waits string, err error)) error {
	end := time.Now().Add(limit)
	tick := time.NewTicker(pairEvery)
	defer tick.Stop()
	for {
		if err := r.stopped(); err != nil {
			return err
		}
		done, waits, err := look()
		if done || err != nil {
			return err
		}
		if time.Now().After(end) {
			return doubtf("not within %v: %s", limit, waits)
		}
		select {
		case <-r.ctx.Done():
			return r.ctx.Err()
		case <-tick.C:
		}
	}
}
