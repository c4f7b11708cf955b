// SPDX-License-Identifier: Apache-2.0

// Package balance chooses one member of a pool's snapshot, and computes the
// weights by which the measuring policies choose.
//
// It knows nothing of sockets, requests or clocks: a key is a number that
// somebody hashed, a step of the controller is told how much time has passed.
// What one policy makes of one snapshot is a Set, built once and shared by all
// event loops; a loop's place in it is a Cursor. Picking takes no lock and
// allocates nothing.
//
// # Hashing
//
// The hash policies use a Maglev table (Eisenbud et al., NSDI 2016) of 65537
// places, weighted, filled from the members' names, so that two boxes with the
// same configuration send a key to the same member. When one of 100 equal members
// leaves, its own 1 % of the keys must move; measured here, another 0.5 % move
// too, and the largest share is within 0.2 % of the smallest (see
// TestMaglevDisruptionIsWithinItsBand). The hash is not secret: whoever can
// choose keys can choose members.
package balance

import (
	"fmt"
	"slices"
	"sync/atomic"

	"evener/firmware/pool"
)

// Policy names how a member is chosen.
type Policy string

// The policies. Of the ones that measure, the Controller turns what is measured
// into weights, and they differ only in what counts how much.
const (
	RoundRobin       Policy = "round_robin"       // in turn, whatever the weights; the default, also for ""
	StaticWeight     Policy = "static_weight"     // in turn, as often as the operator's weight says
	LeastConnections Policy = "least_connections" // the fewest active for its weight
	FastestResponse  Policy = "fastest_response"  // measured: mostly the time to the first byte
	Adaptive         Policy = "adaptive"          // measured: a bit of everything
	ServerAgent      Policy = "server_agent"      // measured: mostly what the agent says
	Custom           Policy = "custom"            // measured: the operator's mixture
	Random2          Policy = "random2"           // the better of two drawn at random
	SourceHash       Policy = "source_hash"       // a client address always gets the same member
	URIHash          Policy = "uri_hash"          // a request target always gets the same member
)

// A method is how a Set is read; several policies share one.
type method uint8

const (
	inTurn method = iota
	fewest
	betterOfTwo
	byKey
)

// how returns a policy's method and what it weighs by. Configurations are
// checked, so an unknown name is a programming error.
func (p Policy) how() (method, func(*pool.Member) pool.Share) {
	switch p {
	case RoundRobin, "":
		return inTurn, func(m *pool.Member) pool.Share { return m.Ramp }
	case StaticWeight:
		return inTurn, (*pool.Member).StaticShare
	case FastestResponse, Adaptive, ServerAgent, Custom:
		return inTurn, (*pool.Member).DynamicShare
	case LeastConnections:
		return fewest, (*pool.Member).StaticShare
	case Random2:
		return betterOfTwo, (*pool.Member).StaticShare
	case SourceHash, URIHash:
		return byKey, (*pool.Member).StaticShare
	}
	panic(fmt.Sprintf("balance: unknown policy %q", string(p)))
}

// Measures reports whether the policy goes by weights that a Controller adjusts.
func (p Policy) Measures() bool {
	return p == FastestResponse || p == Adaptive || p == ServerAgent || p == Custom
}

// Keyed reports whether the policy goes by the key that is given to Pick.
func (p Policy) Keyed() bool { return p == SourceHash || p == URIHash }

// A Set is what one policy makes of one snapshot. It is immutable.
type Set struct {
	policy Policy
	method method
	snap   *pool.Snapshot
	shares []pool.Share // by member index; 0: not usable
	lives  []*pool.Live // by member index; beside Members to keep a pick's memory small
	order  []uint16     // member indices: the rotation, or the Maglev table
}

// MaxMembers is how many members a pool can have.
const MaxMembers = 1<<16 - 1

// Build prepares p for s. It takes about two milliseconds for a hash policy and
// at most a quarter of one for the others. It panics if p is unknown or s has more
// than MaxMembers; checked configurations do not get there.
func Build(p Policy, s *pool.Snapshot) *Set { return build(p, s, nil) }

// build reuses the table of old, a Set of the same policy and pool, if the
// snapshots differ only in what the policy does not look at.
func build(p Policy, s *pool.Snapshot, old *Set) *Set {
	if len(s.Members) > MaxMembers {
		panic(fmt.Sprintf("balance: pool %q has %d members", s.Pool, len(s.Members)))
	}
	how, share := p.how()
	set := &Set{
		policy: p, method: how, snap: s,
		shares: make([]pool.Share, len(s.Members)),
		lives:  make([]*pool.Live, len(s.Members)),
	}
	for i := range s.Members {
		set.lives[i] = s.Members[i].Live
	}
	for _, i := range s.Usable {
		set.shares[i] = share(&s.Members[i])
	}
	switch {
	case old != nil && slices.Equal(old.shares, set.shares):
		set.order = old.order
	case how == byKey:
		set.order = maglev(s, set.shares)
	case how != fewest:
		set.order = rotation(set.shares)
	}
	return set
}

// Snapshot returns what the set was built from; the member indices are its.
func (s *Set) Snapshot() *pool.Snapshot { return s.snap }

// Policy returns what the set was built for.
func (s *Set) Policy() Policy { return s.policy }

// free reports whether member i may be given out.
func (s *Set) free(i int, tried []int) bool {
	return !slices.Contains(tried, i) && !s.lives[i].Full()
}

// A View is a policy applied to a pool as it changes. Any loop may read it; its
// changes come one at a time, from Pool.OnChange.
type View struct {
	id     int
	policy Policy
	set    atomic.Pointer[Set]
}

// NewView returns a view with an id that its owner chose.
func NewView(id int, p Policy, s *pool.Snapshot) *View {
	v := &View{id: id, policy: p}
	v.set.Store(Build(p, s))
	return v
}

// Refresh makes the view follow s. An older snapshot than it has is ignored.
func (v *View) Refresh(s *pool.Snapshot) {
	if old := v.set.Load(); s.Version > old.snap.Version {
		v.set.Store(build(v.policy, s, old))
	}
}

// Set returns the present set.
func (v *View) Set() *Set { return v.set.Load() }

// ID returns the view's number.
func (v *View) ID() int { return v.id }

// Policy returns the view's policy.
func (v *View) Policy() Policy { return v.policy }
