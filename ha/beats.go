// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"evener/ha/heartbeat"
)

// heirFor is how long a box that handed a group over says to whom.
const heirFor = 5 * time.Second

// A peer is another box, as its heartbeats show it.
type peer struct {
	set     PeerSettings
	addr    netip.AddrPort
	seal    *heartbeat.Peer // nil: the boxes are not paired
	problem string          // why heartbeats to it are not sent
	every   time.Duration   // between its heartbeats; 0: not known
	groups  map[string]heartbeat.Group
}

// newPeer makes the peer that s describes.
func newPeer(node string, s PeerSettings) (*peer, error) {
	p := &peer{set: s}
	var err error
	if p.addr, err = netip.ParseAddrPort(s.Address); err != nil {
		return nil, fmt.Errorf("peer %s: an address is written ADDRESS:PORT, not %q", s.Name, s.Address)
	}
	if len(s.Key) > 0 {
		if p.seal, err = heartbeat.NewPeer(node, s.Name, s.Key); err != nil {
			return nil, fmt.Errorf("peer %s: %w", s.Name, err)
		}
	}
	return p, nil
}

// same says whether s changes nothing about p's keys.
func (p *peer) same(s PeerSettings) bool {
	return p.set.Name == s.Name && bytes.Equal(p.set.Key, s.Key)
}

// fresh returns what p says of g, if it was heard lately enough for a decision.
func (p *peer) fresh(r *Runner, g *group) (b heartbeat.Group, age time.Duration, ok bool) {
	if p.seal == nil {
		return b, 0, false
	}
	s, heard := p.seal.Seen(r.now())
	if !heard || s.Age >= r.freshFor(p, g) {
		return b, s.Age, false
	}
	b, ok = p.groups[g.set.Name]
	return b, s.Age, ok
}

// beatEvery returns the interval of heartbeats: that of the quickest group.
func (r *Runner) beatEvery() time.Duration {
	every := time.Duration(0)
	for _, g := range r.groups {
		if d := g.set.Interval.D(); every == 0 || d < every {
			every = d
		}
	}
	if every == 0 {
		return time.Second
	}
	return max(every, heartbeat.IntervalMin)
}

// listen opens and closes the socket of heartbeats as the settings want.
func (r *Runner) listen(addr string) {
	if addr == r.listening {
		return
	}
	if r.beats != nil {
		if err := r.beats.Close(); err != nil {
			r.log.Warn("socket of heartbeats not closed", "err", err)
		}
		r.beats, r.listening = nil, ""
	}
	if r.beatProblem = ""; addr == "" {
		return
	}
	at, err := netip.ParseAddrPort(addr)
	if err == nil {
		r.beats, err = r.cfg.Listen(at, r.lan.Wake)
	}
	if err != nil {
		r.beatProblem, r.beatRetry = err.Error(), r.now()+takeRetry
		r.log.Error("heartbeats not received", "err", err)
		return
	}
	r.listening = addr
}

// hear reads all heartbeats that wait.
func (r *Runner) hear() {
	if r.beats == nil {
		return
	}
	for {
		n, _, ok := r.beats.Receive(r.in[:])
		if !ok {
			return
		}
		for _, p := range r.peers {
			if p.seal == nil || !p.seal.Owns(r.in[:n]) {
				continue
			}
			if err := p.seal.Open(r.now(), r.in[:n]); err != nil {
				r.log.Debug("heartbeat refused", "peer", p.set.Name, "err", err)
			} else {
				r.heardFrom(p)
			}
		}
	}
}

// heardFrom takes over what a peer has just said.
func (r *Runner) heardFrom(p *peer) {
	s, _ := p.seal.Seen(r.now())
	p.every = s.Report.Interval
	p.groups = make(map[string]heartbeat.Group, len(s.Report.Groups))
	for _, b := range s.Report.Groups {
		p.groups[b.Name] = b
		g := r.group(b.Name)
		if g != nil && b.State == Active && g.heir == p.set.Name {
			g.heir, g.heirTill = "", 0 // it has taken it; what it says of an heir is new
		}
		if g != nil && b.Heir != "" {
			r.follow(g) // before the advertisement that goes with it
			if b.Heir == r.node {
				r.inherit(g, p, b)
			}
		}
		if g != nil && len(g.farewells) > 0 && !r.stays(g) {
			r.believe(g)
		}
	}
}

// beat sends a heartbeat to every peer if it is time.
func (r *Runner) beat() {
	now := r.now()
	if r.beats == nil || !r.beatNow && now < r.beatAt {
		return
	}
	r.beatNow, r.beatAt, r.beaten = false, now+r.beatEvery(), now
	report := heartbeat.Report{Node: r.node, Interval: r.beatEvery()}
	for _, g := range r.groups {
		b := heartbeat.Group{Name: g.set.Name, State: g.state, Reason: g.reason}
		if !r.departing {
			b.Priority, b.Healthy = g.shownPriority(), g.healthy() && g.state != Init
		}
		if now < g.heirTill {
			b.Heir, b.Reason = g.heir, g.heirWhy
		}
		report.Groups = append(report.Groups, b)
	}
	for _, p := range r.peers {
		if p.seal != nil {
			r.beatTo(p, report)
		}
	}
}

func (r *Runner) beatTo(p *peer, report heartbeat.Report) {
	b, err := p.seal.Seal(report)
	if err == nil {
		err = r.beats.Send(p.addr, b)
	}
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	if problem != "" && p.problem == "" {
		r.log.Warn("heartbeat not sent", "peer", p.set.Name, "err", err)
	}
	p.problem = problem
}

// report tells how p is seen.
func (p *peer) report(now, every time.Duration) PeerReport {
	t := PeerReport{Name: p.set.Name, Paired: p.seal != nil, Groups: map[string]PeerGroup{}}
	if p.seal == nil {
		return t
	}
	s, heard := p.seal.Seen(now)
	if !heard {
		return t
	}
	t.Age = Duration(max(s.Age, 1))
	t.Seen = s.Age < 3*max(every, p.every)
	for name, g := range p.groups {
		t.Groups[name] = PeerGroup{State: g.State, Priority: g.Priority, Healthy: g.Healthy, Reason: g.Reason}
	}
	return t
}
