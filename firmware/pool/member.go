// SPDX-License-Identifier: Apache-2.0

// Package pool keeps the members of a pool: who they are, what state they are
// in, how much each should get and how much each has. Readers load a Snapshot,
// which nobody will ever change, and count in a Live, where no event loop writes
// another's cache line.
//
// It does not know why a member is down (the reason is a text that somebody
// gives), how one is chosen (package balance), or what a request is. A member
// that has no probe, or has not been probed yet, is Checking, and Checking counts
// as usable: a box without probes serves, and a box that has just started does
// not turn its first clients away.
package pool

import (
	"fmt"
	"net/netip"
	"time"
)

// Health is what probes say of a member.
type Health uint8

// The states of health.
const (
	Checking Health = iota // no verdict yet, or no probes; usable
	Up
	Down
)

// String returns "checking", "up" or "down".
func (h Health) String() string { return word(uint8(h), "checking", "up", "down") }

// Admin is what the operator wants of a member.
type Admin uint8

// The administrative states.
const (
	Enabled  Admin = iota
	Quiesced       // no new clients, unless nobody else is left
	Disabled       // nobody, not even persistent clients
)

// String returns "enabled", "quiesced" or "disabled".
func (a Admin) String() string { return word(uint8(a), "enabled", "quiesced", "disabled") }

// A Tier says which members of a pool are in use.
type Tier uint8

// The tiers, in the order in which they are tried.
const (
	NoTier       Tier = iota // nobody can serve
	RegularTier              // members in normal service
	SpareTier                // hot spares: no regular member is up
	QuiescedTier             // quiesced members: nobody else is left
)

// String returns "none", "regular", "spare" or "quiesced".
func (t Tier) String() string { return word(uint8(t), "none", "regular", "spare", "quiesced") }

func word(v uint8, words ...string) string {
	if int(v) < len(words) {
		return words[v]
	}
	return fmt.Sprintf("unknown (%d)", v)
}

// A Share is a weight in thousandths: Full is a weight of 1. Adjusted weights are
// kept so finely because a member of weight 1 must be adjustable too.
type Share int64

// Full is the share of a weight of 1, and the ramp of a member that has all of
// its weight.
const Full Share = 1000

// A Member is a server in a pool, as of one Snapshot.
type Member struct {
	Name string
	Addr netip.AddrPort

	Static  int   // the weight that the operator gave; 0: no new clients
	Dynamic Share // what the controller made of it; Static*Full without one, 0: taken out
	Ramp    Share // Full, or less while slow start holds the member back
	Weight  int   // what is in effect of Dynamic and Ramp, rounded, for people

	Health Health
	Reason string    // of Health, for people
	Since  time.Time // of Health

	Admin       Admin
	KeepSticky  bool // while quiesced, persistent clients may stay
	AdminReason string
	AdminSince  time.Time

	WeightReason string // of Dynamic

	Spare       bool // used only when no regular member is usable
	DontPersist bool // clients are not kept on it
	TCPMux      bool // connections to it may be reused

	Live *Live
}

// StaticShare is the operator's weight, held back by slow start. Policies that
// measure nothing go by it.
func (m *Member) StaticShare() Share { return Share(m.Static) * m.Ramp }

// DynamicShare is the controller's weight, held back by slow start.
func (m *Member) DynamicShare() Share { return held(m.Dynamic*m.Ramp/Full, m.Dynamic) }

// held keeps rounding from taking out a member that should have a little.
func held(s, of Share) Share {
	if s == 0 && of > 0 {
		return 1
	}
	return s
}

// alive reports whether the member can serve at all.
func (m *Member) alive() bool { return m.Health != Down }

// weighs reports whether new clients may be given to the member by its weight.
func (m *Member) weighs() bool { return m.Static > 0 && m.Dynamic > 0 }

// tier returns the tier that the member is in.
func (m *Member) tier() Tier {
	switch {
	case !m.alive() || !m.weighs() || m.Admin == Disabled:
		return NoTier
	case m.Admin == Quiesced:
		return QuiescedTier
	case m.Spare:
		return SpareTier
	}
	return RegularTier
}
