// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"evener/image/slot"
)

// A Status is what people are shown of the slots.
type Status struct {
	Available bool   // the box runs from slots, and can be upgraded
	Why       string // why not
	Running   Running
	Slots     []Slot // A and B; none if there is no disk
	Trial     *Trial // nil: the version that runs is good
	Journal   []Entry
	Rollback  int // the highest index that was good on this box
	Keys      []Key
	Problem   string // what is wrong with the disk or the journal
}

// A Running is the version that runs.
type Running struct {
	Slot     slot.Name // empty: the box does not run from one
	Version  string
	OK       bool // it has passed its self-test
	Try      int  // which of three tries this start is; 0: it was good before
	Recovery bool // the boot loader had no other slot left
}

// The states of a Slot.
const (
	StateGood   = "good"   // has passed its self-test
	StateTrying = "trying" // is armed, or runs on trial
	StateBad    = "bad"    // the boot loader does not choose it, or its header is damaged
	StateEmpty  = "empty"
	StateSpare  = "spare" // a whole version that was never armed
)

// A Slot is one of the two.
type Slot struct {
	Slot     slot.Name
	Manifest slot.Manifest // empty if State is StateEmpty, or the header is damaged
	SignedBy []string      // keys, known here or not
	State    string
	Next     bool   // the boot loader starts it next
	Reason   string // of a state that is bad
}

// A Trial is the self-test of the version that runs.
type Trial struct {
	Checks   []Check // as they were looked at last
	Good     bool    // all of them pass
	Since    time.Time
	Soak     time.Duration
	Deadline time.Time // by the clock as it is now
	GaveUp   string    // why a reboot follows; empty: none does
}

// A Key is one of those whose signatures count, or did.
type Key struct {
	slot.Key
	Revoked bool
}

// Show returns what there is to show. It never waits for the disk.
func (u *Upgrades) Show() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := Status{Available: u.disk != nil && u.cfg.Slot != "", Why: u.cfg.Why, Problem: u.problem(), Rollback: u.journal.Rollback,
		Running: Running{Slot: u.cfg.Slot, Version: u.cfg.Version, Recovery: u.cfg.Recovery}}
	if !s.Available && s.Why == "" {
		s.Why = "the box was not started from a slot"
	}
	s.Journal = slices.Clone(u.journal.Entries)
	slices.Reverse(s.Journal)
	keys := u.policy(false).Keys
	for _, k := range keys.List {
		s.Keys = append(s.Keys, Key{k, keys.IsRevoked(k.ID)})
	}
	if u.disk == nil {
		return s
	}
	if u.cfg.Slot != "" {
		s.Running.OK = u.boot.Good(u.cfg.Slot)
		if !s.Running.OK {
			s.Running.Try = u.boot.Tries(u.cfg.Slot)
		}
	}
	next, _ := u.boot.Choose()
	for _, n := range []slot.Name{slot.A, slot.B} {
		one := u.showSlot(n)
		one.Next = next.Slot == n
		s.Slots = append(s.Slots, one)
	}
	s.Trial = u.showTrial()
	return s
}

func (u *Upgrades) showSlot(n slot.Name) Slot {
	h := u.head(n)
	out := Slot{Slot: n, Manifest: h.header.Manifest}
	for _, sig := range h.header.Signatures {
		out.SignedBy = append(out.SignedBy, sig.Key)
	}
	armed := u.journal.Armed
	switch {
	case errors.Is(h.err, slot.ErrEmpty):
		out.State = StateEmpty
	case h.err != nil:
		out.State, out.Reason = StateBad, sentence(h.err)
	case u.boot.Good(n):
		out.State = StateGood
	case h.gaveUp:
		out.State, out.Reason = StateBad, h.fault.Reason
	case n == u.cfg.Slot || armed != nil && armed.Slot == n || u.boot.Usable(n):
		out.State = StateTrying
	default:
		out.State = StateSpare
	}
	if out.State == StateEmpty && h.gaveUp {
		out.Reason = h.fault.Reason
	}
	return out
}

func (u *Upgrades) showTrial() *Trial {
	t := u.trial
	if t == nil {
		return nil
	}
	out := &Trial{Checks: slices.Clone(t.checks), Good: t.good, Soak: u.cfg.Soak, GaveUp: t.gaveUp}
	if !t.since.IsZero() {
		out.Since = time.Now().Add(-time.Since(t.since)).UTC()
	}
	if !t.began.IsZero() {
		out.Deadline = time.Now().Add(u.cfg.Deadline - time.Since(t.began)).UTC()
	}
	return out
}

// available says why nothing can be done, or nil.
func (u *Upgrades) available() error {
	if u.disk != nil && u.cfg.Slot != "" {
		return nil
	}
	why := u.cfg.Why
	if why == "" {
		why = "the box was not started from a slot"
	}
	return fmt.Errorf("this box cannot be upgraded here: %s", why)
}
