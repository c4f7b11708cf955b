// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"sync"
	"time"

	"evener/firmware/lb"
	"evener/firmware/stats"
)

// A LiveMember is a member with what it does now and what its probes last saw.
type LiveMember struct {
	Member
	Stand
	Rate   Rate        `json:"rate"`
	Probes []LiveProbe `json:"probes"`
}

// A Stand is how a member stands apart from its health: what it is for, what an
// operator did to it, and who is kept on it.
type Stand struct {
	Spare       bool      `json:"spare" doc:"a hot spare: used only when no regular member is usable"`
	AdminSince  time.Time `json:"admin_since,omitzero" doc:"since when it is enabled, quiesced or disabled"`
	AdminReason string    `json:"admin_reason,omitempty" doc:"why, in the operator's words"`
	AdminBy     string    `json:"admin_by,omitempty" doc:"who did that"`
	KeepSticky  bool      `json:"keep_sticky" doc:"while it is quiesced, persistent clients still come"`
	Sticky      uint64    `json:"sticky" doc:"clients that persistence by address keeps on it; counted every 5 s"`
	Cookies     bool      `json:"cookies" doc:"clients may be kept on it by cookies too, which nobody can count"`
}

func standOf(m lb.MemberStatus, sticky uint64, cookies bool) Stand {
	return Stand{Spare: m.Spare, AdminSince: m.AdminSince, AdminReason: m.AdminReason, AdminBy: m.By,
		KeepSticky: m.KeepSticky, Sticky: sticky, Cookies: cookies}
}

// stickyEvery is how often clients are counted. That goes over all that is
// remembered of them, which may be a million records.
const stickyEvery = 5 * time.Second

// A stickyCount remembers for a while how many clients are kept on each member.
type stickyCount struct {
	count func() map[string]uint64 // by POOL/MEMBER

	mu   sync.Mutex // guards what follows
	at   time.Time
	last map[string]uint64
}

// now returns the counts of at most stickyEvery ago. The caller must not change
// them.
func (s *stickyCount) now() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := time.Now(); s.last == nil || t.Sub(s.at) >= stickyEvery {
		s.at, s.last = t, s.count()
	}
	return s.last
}

// liveMembers returns a function that lists the members by POOL/MEMBER.
func (b *Box) liveMembers() func() map[string]LiveMember {
	sticky := &stickyCount{count: b.cfg.Balancer.StickyMembers}
	return func() map[string]LiveMember {
		now, counts, out := time.Now(), sticky.now(), map[string]LiveMember{}
		for _, p := range b.cfg.Balancer.Pools() {
			cookies := keepsByCookie(b.cfg.Balancer.Config(), p.Name)
			for _, m := range p.Members {
				key := p.Name + "/" + m.Name
				r, _ := b.rateOf(stats.Series{Kind: stats.MemberKind, Name: p.Name, Server: m.Name}, now)
				out[key] = LiveMember{b.memberOf(p.Name, m), standOf(m, counts[key], cookies), r, b.liveProbes(p.Name, m.Name)}
			}
		}
		return out
	}
}
