// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"evener/firmware/pool"
)

// stateKey is where the runtime states are kept in the State store.
const stateKey = "members"

// A memberState is what the operator decided about a member at run time. It
// outlives the engine.
type memberState struct {
	Admin      string    `json:"admin"` // enabled, quiesced or disabled
	KeepSticky bool      `json:"keep_sticky,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	By         string    `json:"by,omitempty"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until,omitzero"`       // drain: disabled after this
	Cut        bool      `json:"cut,omitempty"`        // drain: what is left then is closed
	Weight     *int      `json:"weight,omitempty"`     // nil: as configured
	Configured int       `json:"configured,omitempty"` // weight when Weight was set: another one puts an end to it

	WeightReason string    `json:"weight_reason,omitempty"`
	WeightBy     string    `json:"weight_by,omitempty"`
	WeightSince  time.Time `json:"weight_since,omitzero"`

	Stamp int64  `json:"stamp,omitempty"` // when it was set, Unix ns; of boxes that differ the later counts
	Node  string `json:"node,omitempty"`  // box on which it was set
}

// weighs reports whether the operator's weight is in force where configured is
// the member's own.
func (st *memberState) weighs(configured int) bool {
	return st.Weight != nil && st.Configured == configured
}

// An Order says who wants a member changed at run time, and why. Every field may
// be left out.
type Order struct {
	By     string
	Reason string // shown with the member's state
	Force  bool   // overrides the guard of the last usable member
	Cut    bool   // closes the member's connections once it is disabled, at once or at the end of a drain
}

// adminState holds the runtime states by pool and member.
type adminState map[string]map[string]memberState

func (a *adminState) load(s State) error {
	*a = adminState{}
	if s == nil {
		return nil
	}
	if _, err := s.Get(stateKey, a); err != nil {
		return fmt.Errorf("load runtime states: %w", err)
	}
	if *a == nil {
		*a = adminState{}
	}
	return nil
}

// set changes one member's state durably, before it takes effect.
func (b *Balancer) setState(poolName, member string, change func(*memberState)) error {
	next := b.admin.copied(poolName)
	st := next[poolName][member]
	change(&st)
	b.stamp(&st)
	if st.plain() && b.tell == nil {
		delete(next[poolName], member)
	} else {
		next[poolName][member] = st
	}
	if err := b.keepStates(next); err != nil {
		return err
	}
	b.tellState(poolName, member, st)
	return nil
}

// copied returns a copy to change, which has a map for the pool.
func (a adminState) copied(poolName string) adminState {
	next := make(adminState, len(a)+1)
	for p, members := range a {
		next[p] = maps.Clone(members)
	}
	if next[poolName] == nil {
		next[poolName] = map[string]memberState{}
	}
	return next
}

// keepStates makes next the runtime states, durably first.
func (b *Balancer) keepStates(next adminState) error {
	if b.cfg.State != nil {
		if err := b.cfg.State.Put(stateKey, next); err != nil {
			return fmt.Errorf("keep runtime state: %w", err)
		}
	}
	b.admin = next
	return nil
}

// restoreAdmin gives the members of a generation that nobody sees yet the states
// that the operator gave them. It matters after a restart; later Adopt does it.
func (b *Balancer) restoreAdmin(gen *generation) {
	for name, members := range b.admin {
		p := gen.pools[name]
		if p == nil {
			continue
		}
		for member, st := range members {
			if i := p.index(member); i >= 0 {
				apply(p, i, st)
			}
		}
	}
}

func apply(p *livePool, i int, st memberState) {
	p.members.SetAdmin(i, adminOf(st.Admin), st.KeepSticky, st.Reason, st.Since)
	if st.weighs(p.cfg.Members[i].Weight) {
		p.members.SetStatic(i, *st.Weight)
	}
}

func adminOf(word string) pool.Admin {
	switch word {
	case pool.Quiesced.String():
		return pool.Quiesced
	case pool.Disabled.String():
		return pool.Disabled
	}
	return pool.Enabled
}

// A NotFoundError says that there is no object of that name, and what there is.
// An empty Name means that one had to be given.
type NotFoundError struct {
	Kind, Name string
	Have       []string
}

func (e *NotFoundError) Error() string {
	what := fmt.Sprintf("there is no %s %q", e.Kind, e.Name)
	if e.Name == "" {
		what = "say which " + e.Kind
	}
	if len(e.Have) == 0 {
		return what + "; there are none"
	}
	return what + "; there are " + strings.Join(e.Have, ", ")
}

// A GuardError refuses an operation that would leave a pool without a usable
// member. It can be forced.
type GuardError struct{ Pool, Member string }

func (e *GuardError) Error() string {
	return fmt.Sprintf("%s is the last usable member of pool %q: new clients would get no server", e.Member, e.Pool)
}

// member finds a member of the running generation.
func (b *Balancer) member(poolName, member string) (*livePool, int, error) {
	if b.cur == nil {
		return nil, 0, &NotFoundError{Kind: "pool", Name: poolName}
	}
	p := b.cur.pools[poolName]
	if p == nil {
		e := &NotFoundError{Kind: "pool", Name: poolName}
		for _, c := range b.cur.cfg.Pools {
			e.Have = append(e.Have, c.Name)
		}
		return nil, 0, e
	}
	i := p.index(member)
	if i < 0 {
		e := &NotFoundError{Kind: "member", Name: poolName + "/" + member}
		for _, m := range p.cfg.Members {
			e.Have = append(e.Have, poolName+"/"+m.Server)
		}
		return nil, 0, e
	}
	return p, i, nil
}

// lastUsable reports whether member i is the only one that new clients can get.
func lastUsable(p *livePool, i int) bool {
	snap := p.members.Load()
	if snap.Tier == pool.QuiescedTier {
		return false
	}
	if len(snap.Usable) != 1 || snap.Usable[0] != i {
		return false
	}
	for j := range snap.Members { // a spare that is up takes over
		m := &snap.Members[j]
		if j != i && m.Spare && m.Health != pool.Down && m.Admin == pool.Enabled && m.Static > 0 {
			return false
		}
	}
	return true
}

// A StateError refuses an operation that makes no sense in the state that a member
// is in.
type StateError struct{ msg string }

func (e *StateError) Error() string { return e.msg }

// Quiesce keeps new clients from a member. Persistent ones still come if
// keepSticky is set.
func (b *Balancer) Quiesce(poolName, member string, keepSticky bool, o Order) error {
	return b.setAdmin(poolName, member, memberState{Admin: pool.Quiesced.String(), KeepSticky: keepSticky}, o)
}

// DrainMember is Quiesce until a time; then the member is disabled. One that is disabled
// already is refused: draining would bring its persistent clients back.
func (b *Balancer) DrainMember(poolName, member string, keepSticky bool, until time.Time, o Order) error {
	return b.setAdmin(poolName, member,
		memberState{Admin: pool.Quiesced.String(), KeepSticky: keepSticky, Until: until, Cut: o.Cut}, o)
}

// Disable keeps every client from a member. Running exchanges finish, unless o says
// that they are cut.
func (b *Balancer) Disable(poolName, member string, o Order) error {
	return b.setAdmin(poolName, member, memberState{Admin: pool.Disabled.String(), Cut: o.Cut}, o)
}

// Enable brings a member back.
func (b *Balancer) Enable(poolName, member string, o Order) error {
	o.Force = true
	return b.setAdmin(poolName, member, memberState{Admin: pool.Enabled.String()}, o)
}

// setAdmin gives a member Admin, KeepSticky, Until and Cut of want. Cut is kept with
// a drain only: there is nothing left to cut when an engine starts.
func (b *Balancer) setAdmin(poolName, member string, want memberState, o Order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, i, err := b.member(poolName, member)
	if err != nil {
		return err
	}
	if !want.Until.IsZero() && p.members.Load().Members[i].Admin == pool.Disabled {
		return &StateError{fmt.Sprintf("%s/%s is disabled and gets no clients: there is nothing to drain, "+
			"and draining would bring persistent ones back; enable or quiesce it first if you want that", poolName, member)}
	}
	if !o.Force && lastUsable(p, i) {
		return &GuardError{poolName, member}
	}
	now := b.now()
	err = b.setState(poolName, member, func(st *memberState) {
		if st.Admin != want.Admin {
			st.Since = now
		}
		st.Admin, st.KeepSticky, st.Until = want.Admin, want.KeepSticky, want.Until
		st.Cut = want.Cut && !want.Until.IsZero()
		st.Reason, st.By = o.Reason, o.By
	})
	if err != nil {
		return err
	}
	b.showAdmin(poolName, member, b.admin[poolName][member], now)
	b.log.Info("member set", "pool", poolName, "member", member, "admin", want.Admin, "cut", want.Cut, "by", o.By, "reason", o.Reason)
	b.changed(Change{Pool: poolName, Member: member, Kind: want.change(), Reason: o.Reason, By: o.By, Until: want.Until})
	if want.Cut && want.Until.IsZero() {
		b.cut(poolName, member, p.members.Upstreams[i], o)
	}
	return nil
}

// change says what an order to bring a member into st is.
func (st *memberState) change() ChangeKind {
	switch {
	case !st.Until.IsZero():
		return Draining
	case st.Admin == pool.Quiesced.String():
		return Quiesced
	case st.Admin == pool.Disabled.String():
		return Disabled
	}
	return Enabled
}

// SetWeight changes a member's weight until it is configured anew; -1 goes back
// to the configured weight.
func (b *Balancer) SetWeight(poolName, member string, weight int, o Order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, i, err := b.member(poolName, member)
	if err != nil {
		return err
	}
	if weight < -1 || weight > 200 {
		return fmt.Errorf("weight must be 0 to 200, or -1 for the configured one, not %d", weight)
	}
	if weight == 0 && !o.Force && lastUsable(p, i) {
		return &GuardError{poolName, member}
	}
	err = b.setState(poolName, member, func(st *memberState) {
		if st.Admin == "" {
			st.Admin, st.Since = pool.Enabled.String(), b.now()
		}
		st.Weight, st.WeightReason, st.WeightBy, st.WeightSince = nil, "", "", time.Time{}
		if weight >= 0 {
			st.Weight, st.Configured = &weight, p.cfg.Members[i].Weight
			st.WeightReason, st.WeightBy, st.WeightSince = o.Reason, o.By, b.now()
		}
	})
	if err != nil {
		return err
	}
	if weight < 0 {
		weight = p.cfg.Members[i].Weight
	}
	p.members.SetStatic(i, weight)
	b.log.Info("member set", "pool", poolName, "member", member, "weight", weight)
	b.changed(Change{Pool: poolName, Member: member, Kind: Weighted, Reason: o.Reason, By: o.By, Weight: weight})
	return nil
}

// endDrains disables the members whose drain is over.
func (b *Balancer) endDrains(now time.Time) {
	for name, members := range b.admin {
		for member, st := range members {
			if st.Until.IsZero() || now.Before(st.Until) {
				continue
			}
			p, i, err := b.member(name, member)
			if err != nil {
				continue
			}
			cut := st.Cut
			err = b.setState(name, member, func(st *memberState) {
				st.Admin, st.KeepSticky, st.Until, st.Since = pool.Disabled.String(), false, time.Time{}, now
				st.Cut = false
			})
			if err != nil {
				b.log.Error("drain not ended", "pool", name, "member", member, "err", err)
				continue
			}
			b.showAdmin(name, member, b.admin[name][member], now)
			b.log.Info("member drained", "pool", name, "member", member, "cut", cut)
			b.changed(Change{Pool: name, Member: member, Kind: Drained, Reason: st.Reason})
			if cut {
				b.cut(name, member, p.members.Upstreams[i], Order{By: st.By, Reason: st.Reason})
			}
		}
	}
}
