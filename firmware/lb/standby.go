// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"evener/firmware/health"
	"evener/firmware/persist"
	"evener/firmware/pool"
)

// Silence returns for how long the slowest event loop has not given a sign of life:
// 0 if each has answered since it was asked last. It asks again, and waits for
// nothing. Somebody who wants to know whether clients are served calls it a few
// times a second.
func (b *Balancer) Silence() time.Duration {
	now, worst := b.now().UnixNano(), int64(0)
	for _, u := range b.loops {
		if since := u.asked.Load(); since != 0 {
			worst = max(worst, now-since)
			continue
		}
		u.asked.Store(now)
		u.loop.Post(func() { u.asked.Store(0) })
	}
	return time.Duration(worst)
}

// Serving returns nil while this process serves clients, and else why not.
func (b *Balancer) Serving() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ended:
		return errors.New("the event loops have ended")
	case b.draining:
		return errors.New("the engine takes no new clients: it is about to end")
	case b.cur == nil:
		return errors.New("no configuration is served")
	}
	return nil
}

// SourceTable returns the records of source persistence.
func (b *Balancer) SourceTable() *persist.Sources { return b.sources }

// A RuntimeState is what the operator decided about a member at run time, as boxes
// tell each other.
type RuntimeState struct {
	Pool, Member string
	Stamp        int64  // when it was set, Unix ns
	Node         string // box on which that was
	Value        []byte // JSON
}

// plain reports whether the member is as the configuration has it.
func (st *memberState) plain() bool {
	return st.Admin == pool.Enabled.String() && st.Weight == nil
}

// stamp says when and where st was set. Times of one member only grow, whatever the
// clock does.
func (b *Balancer) stamp(st *memberState) {
	st.Stamp, st.Node = max(b.now().UnixNano(), st.Stamp+1), b.node
}

// MirrorStates has tell called with each state that is set on this box, whose name
// among others is node, and has states that were ended remembered, so that another
// box cannot bring them back; nil ends that. tell must not block.
func (b *Balancer) MirrorStates(node string, tell func(RuntimeState)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.node, b.tell = node, tell
}

func (b *Balancer) tellState(poolName, member string, st memberState) {
	if b.tell == nil {
		return
	}
	if r, err := runtimeState(poolName, member, st); err == nil {
		b.tell(r)
	}
}

func runtimeState(poolName, member string, st memberState) (RuntimeState, error) {
	v, err := json.Marshal(st)
	return RuntimeState{poolName, member, st.Stamp, st.Node, v}, err
}

// RuntimeStates returns those that are set, and those that have ended as far as they
// are remembered.
func (b *Balancer) RuntimeStates() []RuntimeState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []RuntimeState
	for p, members := range b.admin {
		for m, st := range members {
			if st.Node == "" {
				st.Node = b.node // it was set before there were others
			}
			if r, err := runtimeState(p, m, st); err == nil && st.Stamp > 0 {
				out = append(out, r)
			}
		}
	}
	return out
}

// TakeState takes a state that another box has told of, if it was set later than
// what this box has; of equal times the greater name counts. It reports whether it
// did. A state of a member that is not configured here is refused.
func (b *Balancer) TakeState(r RuntimeState) (bool, error) {
	var st memberState
	if err := json.Unmarshal(r.Value, &st); err != nil {
		return false, fmt.Errorf("read the runtime state of %s/%s: %w", r.Pool, r.Member, err)
	}
	if a := st.Admin; a != adminOf(a).String() {
		return false, fmt.Errorf("the runtime state of %s/%s is enabled, quiesced or disabled, not %q", r.Pool, r.Member, a)
	}
	st.Stamp, st.Node = r.Stamp, r.Node
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.released {
		return false, errors.New("another process owns the runtime states now")
	}
	p, i, err := b.member(r.Pool, r.Member)
	if err != nil {
		return false, err
	}
	was := b.admin[r.Pool][r.Member]
	if st.Stamp < was.Stamp || st.Stamp == was.Stamp && st.Node <= was.Node {
		return false, nil
	}
	if err := b.putState(r.Pool, r.Member, st); err != nil {
		return false, err
	}
	b.showTaken(p, i, was, st)
	return true, nil
}

// putState is setState of a whole state that is not this box's own.
func (b *Balancer) putState(poolName, member string, st memberState) error {
	next := b.admin.copied(poolName)
	next[poolName][member] = st
	return b.keepStates(next)
}

// showTaken puts a state that came from another box into effect.
func (b *Balancer) showTaken(p *livePool, i int, was, st memberState) {
	name, member, configured := p.cfg.Name, p.cfg.Members[i].Server, p.cfg.Members[i].Weight
	from := st.By + " on " + st.Node
	if adminOf(was.Admin) != adminOf(st.Admin) || was.Until != st.Until || was.KeepSticky != st.KeepSticky {
		b.showAdmin(name, member, st, b.now())
		b.changed(Change{Pool: name, Member: member, Kind: st.change(), Reason: st.Reason, By: from, Until: st.Until})
	}
	weight := configured
	if st.weighs(configured) {
		weight = *st.Weight
	}
	if p.members.Load().Members[i].Static != weight {
		p.members.SetStatic(i, weight)
		b.changed(Change{Pool: name, Member: member, Kind: Weighted, Reason: st.WeightReason, By: st.WeightBy + " on " + st.Node, Weight: weight})
	}
	b.log.Info("member set by another box", "pool", name, "member", member, "admin", st.Admin, "node", st.Node)
}

// A PeerVerdict is what another box's probes know of a member that is down there.
type PeerVerdict struct {
	Pool, Member string
	Reason       string
	Since        time.Time
}

// TakeVerdicts has members that were not probed here yet count as down where they
// are so on the box called node. What this box's probes find later counts instead.
func (b *Balancer) TakeVerdicts(node string, list []PeerVerdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range list {
		p, i, err := b.member(v.Pool, v.Member)
		if err != nil || p.members.Load().Members[i].Health != pool.Checking {
			continue
		}
		if st, ok := b.checker.Status(v.Pool, v.Member); !ok || len(st.Probes) == 0 {
			continue // nobody would ever find it up again
		}
		reason := fmt.Sprintf("down as seen from %s: %s, being checked", node, v.Reason)
		p.members.SetHealth(i, pool.Down, reason, v.Since)
		b.changed(Change{Pool: v.Pool, Member: v.Member, Kind: WentDown, Reason: reason})
	}
}

// A Verdict is what the probes of this box have found of a member.
type Verdict struct {
	Pool, Member string
	Down         bool
	Reason       string
	Since        time.Time
}

// Verdicts returns what the probes of this process have found.
func (b *Balancer) Verdicts() []Verdict {
	var out []Verdict
	for _, e := range b.checker.States() {
		if e.State == health.Up || e.State == health.Down {
			out = append(out, Verdict{e.Pool, e.Member, e.State == health.Down, e.Reason, e.Since})
		}
	}
	return out
}
