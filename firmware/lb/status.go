// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"evener/firmware/balance"
	"evener/firmware/config"
	"evener/firmware/health"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

// MemberWords lists the words for a member's whole state, the best first.
func MemberWords() []string {
	return []string{"up", "checking", "spare", "full", "quiesced", "disabled", "down"}
}

// memberWord sums a member's state up in one word.
func memberWord(m *pool.Member) string {
	switch {
	case m.Health == pool.Down:
		return "down"
	case m.Admin != pool.Enabled:
		return m.Admin.String()
	case m.Live.Full():
		return "full"
	case m.Spare:
		return "spare"
	}
	return m.Health.String()
}

// A ClusterStatus is a cluster at one moment.
type ClusterStatus struct {
	Name     string
	Labels   map[string]string
	Protocol config.Protocol
	Listen   []config.Listen
	Pool     string
	Disabled bool
	Rules    []RuleStatus
	Totals   stats.ClusterTotals
}

// A RuleStatus is a rule and how often it decided.
type RuleStatus struct {
	Name, When, Pool, Responder string
	Disabled                    bool
	stats.RuleTotals
}

// A PoolStatus is a pool at one moment.
type PoolStatus struct {
	Name    string
	Labels  map[string]string
	Policy  config.Policy
	Tier    pool.Tier
	Members []MemberStatus
}

// A MemberStatus is a member at one moment.
type MemberStatus struct {
	Name       string
	Labels     map[string]string // of its server
	Addr       netip.AddrPort
	State      string      // one of MemberWords
	Why        string      // why a new client does not get it; "" if it may
	By         string      // who brought it into its Admin state
	Until      time.Time   // end of its drain; zero: none runs
	Cut        bool        // what is left then is closed
	Hand       *HandWeight // nil: the weight is the configured one
	Configured int         // weight
	Counts     pool.Counts
	Totals     stats.MemberTotals
	Steps      []balance.Step // of its weight, the latest last
	pool.Member
}

// A HandWeight is a weight that an operator set at run time.
type HandWeight struct {
	Weight int
	By     string
	Reason string
	Since  time.Time
}

// hand returns the weight that an operator gave a member, nil if the configured
// one is in force.
func (st *memberState) hand(configured int) *HandWeight {
	if !st.weighs(configured) {
		return nil
	}
	return &HandWeight{*st.Weight, st.WeightBy, st.WeightReason, st.WeightSince}
}

// Clusters returns all clusters in the order of the configuration.
func (b *Balancer) Clusters() []ClusterStatus {
	cfg := b.Config()
	if cfg == nil {
		return nil
	}
	var out []ClusterStatus
	for _, c := range cfg.Clusters {
		s := ClusterStatus{Name: c.Name, Labels: c.Labels, Protocol: c.Protocol, Listen: c.Listen, Pool: c.Pool,
			Disabled: c.Disabled, Totals: b.registry.Cluster(c.Name).Sum()}
		for _, r := range c.Rules {
			s.Rules = append(s.Rules, RuleStatus{Name: r.Name, When: r.Text, Pool: r.Pool,
				Responder: r.Responder, Disabled: r.Disabled,
				RuleTotals: b.registry.Rule(c.Name, r.Name).Sum()})
		}
		out = append(out, s)
	}
	return out
}

// Pools returns all pools in the order of the configuration.
func (b *Balancer) Pools() []PoolStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cur == nil {
		return nil
	}
	var out []PoolStatus
	for _, c := range b.cur.cfg.Pools {
		p := b.cur.pools[c.Name]
		snap := p.members.Load()
		s := PoolStatus{Name: c.Name, Labels: c.Labels, Policy: c.Policy, Tier: snap.Tier}
		for i := range snap.Members {
			m, st := &snap.Members[i], b.admin[c.Name][snap.Members[i].Name]
			s.Members = append(s.Members, MemberStatus{
				Name: m.Name, Labels: labelsOf(b.cur.cfg, m.Name), Addr: m.Addr, State: memberWord(m), Why: snap.Why(i), Member: *m,
				By: st.By, Until: st.Until, Cut: st.Cut, Configured: c.Members[i].Weight,
				Hand: st.hand(c.Members[i].Weight), Counts: m.Live.Sum(),
				Totals: b.registry.Member(c.Name, m.Name).Sum(), Steps: p.controller.History(i),
			})
		}
		out = append(out, s)
	}
	return out
}

func labelsOf(cfg *config.Config, server string) map[string]string {
	if s := cfg.Server(server); s != nil {
		return s.Labels
	}
	return nil
}

// Connections returns how many connections a member of the running configuration
// has, idle ones too; false if there is no such member.
func (b *Balancer) Connections(poolName, member string) (int64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, i, err := b.member(poolName, member)
	if err != nil {
		return 0, false
	}
	return p.members.Load().Members[i].Live.Sum().Open, true
}

// Probes returns what the probes know of a member; ok is false if it has none.
func (b *Balancer) Probes(poolName, member string) (health.MemberStatus, bool) {
	return b.checker.Status(poolName, member)
}

// Probe asks a member all its questions now, and returns each exchange.
func (b *Balancer) Probe(ctx context.Context, poolName, member string) ([]health.Exchange, error) {
	b.mu.Lock()
	_, _, err := b.member(poolName, member)
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ex := b.checker.Test(ctx, poolName, member)
	if len(ex) == 0 {
		return nil, fmt.Errorf("member %s of pool %q has no probes", member, poolName)
	}
	return ex, nil
}

// A GenerationStatus is a generation that still serves exchanges.
type GenerationStatus struct {
	Number    uint64
	Exchanges int64
	Current   bool
}

// Generations returns the generations that serve, the current one first.
func (b *Balancer) Generations() []GenerationStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.countGenerations()
	if b.cur == nil {
		return nil
	}
	out := []GenerationStatus{{b.cur.number, b.cur.exchanges(), true}}
	for _, g := range b.old {
		out = append(out, GenerationStatus{g.number, g.exchanges(), false})
	}
	return out
}

// Drain stops accepting, closes idle connections and tells busy clients that
// theirs will end. It returns at once; Busy tells how many are left.
func (b *Balancer) Drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draining = true
	b.writeVerdicts(b.now())
	b.each(func(u *unit) {
		u.http.Drain()
		u.stream.Drain()
	})
}

// Busy returns how many client connections and flows are open.
func (b *Balancer) Busy() int {
	n := make(chan int, len(b.loops))
	b.each(func(u *unit) { n <- u.connections() })
	close(n)
	total := 0
	for k := range n {
		total += k
	}
	return total
}

// Release hands over what only one process may own: it stops probing, adjusting
// and keeping verdicts and records, and closes the journal. Exchanges go on.
func (b *Balancer) Release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writeVerdicts(b.now())
	b.released = true
	b.stopProbes()
	return b.closeJournal()
}
