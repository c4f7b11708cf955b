// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config describes a pool. Name and Members are required; a zero field takes the
// default named beside it.
type Config struct {
	Name      string
	Members   []MemberConfig
	SlowStart time.Duration  // 0: a member that comes back gets its full weight at once
	Loops     int            // 1: event loops that will count
	Wake      func(loop int) // nil; see LiveConfig
	Adjusted  bool           // somebody will call SetDynamic: Adopt keeps what the last controller made of the weights
	Now       time.Time      // since when the members are in their first state
}

// MemberConfig describes a member.
type MemberConfig struct {
	Name           string
	Addr           netip.AddrPort
	Weight         int  // 0: no new clients
	MaxConnections int  // 0: unlimited
	Spare          bool // used only when no regular member is usable
	DontPersist    bool
	TCPMux         bool
	Unprobed       bool // nobody will call SetHealth: Adopt must not carry an old verdict over
}

// A Pool is the current set of members of one generation. Readers never block:
// they load a Snapshot. Writers replace it whole, and only when something is
// different.
type Pool struct {
	cfg  Config
	snap atomic.Pointer[Snapshot]

	mu     sync.Mutex // serialises writers; held while changes are told, so they come in order
	ramps  []time.Time
	listen []func(*Snapshot)
}

// New returns a pool with every member checking, enabled and at its static
// weight.
func New(cfg Config) *Pool {
	p := &Pool{cfg: cfg, ramps: make([]time.Time, len(cfg.Members))}
	members := make([]Member, len(cfg.Members))
	for i, c := range cfg.Members {
		members[i] = Member{
			Name: c.Name, Addr: c.Addr,
			Static: c.Weight, Dynamic: Share(c.Weight) * Full, Ramp: Full, Weight: c.Weight,
			Since: cfg.Now, AdminSince: cfg.Now,
			Spare: c.Spare, DontPersist: c.DontPersist, TCPMux: c.TCPMux,
			Live: NewLive(LiveConfig{Loops: cfg.Loops, Limit: c.MaxConnections, Wake: cfg.Wake}),
		}
	}
	p.snap.Store(newSnapshot(cfg.Name, 1, members))
	return p
}

// Name returns the pool's name.
func (p *Pool) Name() string { return p.cfg.Name }

// Load returns the pool as it is now.
func (p *Pool) Load() *Snapshot { return p.snap.Load() }

// OnChange calls f with the present snapshot and then with each new one, in
// order, one at a time. f must not call a method of p that writes, and must not
// block.
func (p *Pool) OnChange(f func(*Snapshot)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listen = append(p.listen, f)
	f(p.snap.Load())
}

// SetHealth notes the verdict on member i. A member that goes from Down to Up
// begins its slow start. Since changes only with the verdict, so a reason that is
// reworded does not hide how long a member has been down.
func (p *Pool) SetHealth(i int, h Health, reason string, now time.Time) {
	p.change(func(m []Member) bool {
		if m[i].Health == h && m[i].Reason == reason {
			return false
		}
		if m[i].Health != h {
			if m[i].Health == Down && h == Up && p.cfg.SlowStart > 0 {
				p.ramps[i] = now
				m[i].Ramp = minRamp
			} else if h == Down {
				p.ramps[i] = time.Time{}
				m[i].Ramp = Full
			}
			m[i].Since = now
		}
		m[i].Health, m[i].Reason = h, reason
		return true
	})
}

// SetAdmin notes what the operator wants of member i. keepSticky counts only
// with Quiesced.
func (p *Pool) SetAdmin(i int, a Admin, keepSticky bool, reason string, now time.Time) {
	keepSticky = keepSticky && a == Quiesced
	p.change(func(m []Member) bool {
		if m[i].Admin == a && m[i].KeepSticky == keepSticky && m[i].AdminReason == reason {
			return false
		}
		if m[i].Admin != a {
			m[i].AdminSince = now
		}
		m[i].Admin, m[i].KeepSticky, m[i].AdminReason = a, keepSticky, reason
		return true
	})
}

// SetStatic changes the operator's weight of member i. What the controller made
// of the old weight is kept in proportion.
func (p *Pool) SetStatic(i int, weight int) {
	p.change(func(m []Member) bool {
		if m[i].Static == weight {
			return false
		}
		m[i].Dynamic = rescale(m[i].Dynamic, m[i].Static, weight)
		m[i].Static = weight
		return true
	})
}

// rescale returns dynamic moved from one static weight to another.
func rescale(dynamic Share, from, to int) Share {
	if from <= 0 {
		return Share(to) * Full
	}
	return held(dynamic*Share(to)/Share(from), dynamic*Share(to))
}

// SetDynamic sets what the controller makes of every member's weight, in
// thousandths and with the reason of each. A share of 0 takes the member out: it
// gets no new clients.
func (p *Pool) SetDynamic(shares []Share, reasons []string) {
	p.change(func(m []Member) bool {
		changed := false
		for i := range m {
			if i >= len(shares) || m[i].Dynamic == shares[i] && m[i].WeightReason == reasons[i] {
				continue
			}
			m[i].Dynamic, m[i].WeightReason = shares[i], reasons[i]
			changed = true
		}
		return changed
	})
}

// minRamp is what a member gets at the beginning of its slow start.
const minRamp = Full / 10

// Ramp raises the members that are in their slow start: their share grows in a
// straight line from nothing to all over Config.SlowStart, but is never below a
// tenth. It is called about once a second.
func (p *Pool) Ramp(now time.Time) {
	p.change(func(m []Member) bool {
		changed := false
		for i := range m {
			if p.ramps[i].IsZero() {
				continue
			}
			r := p.rampAt(i, now)
			if r == Full {
				p.ramps[i] = time.Time{}
			}
			changed = changed || r != m[i].Ramp
			m[i].Ramp = r
		}
		return changed
	})
}

// rampAt returns the ramp of a member in its slow start. A clock that was set
// back begins it again rather than holding the member back for years.
func (p *Pool) rampAt(i int, now time.Time) Share {
	d := now.Sub(p.ramps[i])
	if d < 0 {
		p.ramps[i], d = now, 0
	}
	if d >= p.cfg.SlowStart {
		return Full
	}
	return max(minRamp, Share(int64(Full)*int64(d)/int64(p.cfg.SlowStart)))
}

// change lets edit work on a copy of the members and publishes it if edit reports
// a difference.
func (p *Pool) change(edit func([]Member) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.snap.Load()
	members := append([]Member(nil), old.Members...)
	if !edit(members) {
		return
	}
	for i := range members {
		members[i].settle()
	}
	s := newSnapshot(p.cfg.Name, old.Version+1, members)
	p.snap.Store(s)
	for _, f := range p.listen {
		f(s)
	}
}

// settle rounds the effective weight for people; a little is not shown as none.
func (m *Member) settle() {
	share := m.DynamicShare()
	m.Weight = int((share + Full/2) / Full)
	if m.Weight == 0 && share > 0 && m.Static > 0 {
		m.Weight = 1
	}
}
