// SPDX-License-Identifier: Apache-2.0

package health

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"time"
)

// A MemberStatus is all that is known of a member.
type MemberStatus struct {
	Event
	Addr    netip.AddrPort `json:"addr"`
	HasLoad bool           `json:"has_load"`
	Load    float64        `json:"load"` // mean of its probes' loads by weight, or Out
	Probes  []ProbeStatus  `json:"probes"`
}

// A ProbeStatus is all that is known from one probe of a member.
type ProbeStatus struct {
	Name     string         `json:"name"`
	Type     Type           `json:"type"`
	Addr     netip.AddrPort `json:"addr"`     // the port means nothing to icmp
	State    State          `json:"state"`    // its verdict
	Deciding bool           `json:"deciding"` // its verdict counts for the member's state
	Running  bool           `json:"running"`
	Due      time.Time      `json:"due"`  // of the next one; in the past: it waits for room
	Last     Result         `json:"last"` // Last.At is zero before the first

	Good        uint64 `json:"good"`
	Bad         uint64 `json:"bad"`
	Unavailable uint64 `json:"unavailable"`
	Abstain     uint64 `json:"abstain"`
}

// Status returns what is known of a member, and false if there is none.
func (c *Checker) Status(pool, member string) (MemberStatus, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members[key{pool, member}]
	if m == nil {
		return MemberStatus{}, false
	}
	s := MemberStatus{Event: m.event(), Addr: m.addr}
	s.Load, s.HasLoad = m.load()
	counts := deciding(m.votes())
	for i, p := range m.probes {
		s.Probes = append(s.Probes, ProbeStatus{
			Name:        p.Name,
			Type:        p.Type,
			Addr:        p.addr(m.addr),
			State:       p.judge.State(),
			Deciding:    counts[i],
			Running:     p.cancel != nil,
			Due:         p.due,
			Last:        p.last,
			Good:        p.counts[Good],
			Bad:         p.counts[Bad],
			Unavailable: p.counts[Unavailable],
			Abstain:     p.counts[Abstain],
		})
	}
	return s, true
}

// load returns the mean of the known loads, weighted; Out if one of them is. The
// weight of an agent is that of a simple check without a weight.
func (m *member) load() (load float64, ok bool) {
	sum, weights := 0.0, 0.0
	for _, p := range m.probes {
		switch {
		case math.IsNaN(p.load):
		case p.load == Out:
			return Out, true
		default:
			sum += p.load * float64(p.Weight)
			weights += float64(p.Weight)
		}
	}
	if weights == 0 {
		return 0, false
	}
	return sum / weights, true
}

// States returns the present state of every member, by pool and member: what a
// new generation of pools begins with.
func (c *Checker) States() []Event {
	c.mu.Lock()
	events := make([]Event, 0, len(c.members))
	for _, m := range c.members {
		events = append(events, m.event())
	}
	c.mu.Unlock()
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Member, b.Member))
	})
	return events
}

// A Count says how many probes of a type ended in one way.
type Count struct {
	Type    Type    `json:"type"`
	Outcome Outcome `json:"outcome"`
	Reason  Reason  `json:"reason"`
	N       uint64  `json:"n"`
}

// Totals are the counters of all probes since New, those of members that are
// gone and not those of Test.
type Totals struct {
	Counts  []Count `json:"counts"`  // by type, outcome and reason
	Members int     `json:"members"` // at present
	Running int     `json:"running"` // probes under way at present
	Overdue int     `json:"overdue"` // probes that wait for room at present
	Skipped uint64  `json:"skipped"` // intervals that passed while a probe was under way
}

// Totals returns the counters.
func (c *Checker) Totals() Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := Totals{Members: len(c.members), Running: c.running, Skipped: c.skipped}
	for count, n := range c.counts {
		count.N = n
		t.Counts = append(t.Counts, count)
	}
	slices.SortFunc(t.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Outcome, b.Outcome),
			cmp.Compare(a.Reason, b.Reason))
	})
	now := time.Now()
	for _, p := range c.waiting {
		if p.due.Before(now) {
			t.Overdue++
		}
	}
	return t
}

// warnEvery is how often the log hears that probes of one type are Unavailable
// for one reason.
const warnEvery = time.Hour

func (c *Checker) count(p *probe, r Result, now time.Time) {
	k := Count{Type: p.Type, Outcome: r.Outcome, Reason: r.Reason}
	c.counts[k]++
	p.counts[r.Outcome]++
	if r.Outcome != Unavailable {
		return
	}
	if last, ok := c.warned[k]; !ok || now.Sub(last) >= warnEvery {
		c.warned[k] = now
		c.log.Warn("probe unavailable", "pool", p.member.pool, "member", p.member.member,
			"probe", p.Name, "reason", string(r.Reason), "err", r.Detail)
	}
}
