// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"evener/firmware/health"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

var (
	healthWords = []string{"checking", "up", "down"}
	adminWords  = []string{"enabled", "quiesced", "disabled"}
)

// collect writes what the pools, the probes and the table of sources know.
func (b *Balancer) collect(w *stats.Writer) {
	b.mu.Lock()
	gen := b.cur
	b.mu.Unlock()
	b.collectTLS(w)
	w.Int(stats.PersistEntries, int64(b.sources.Stats().Records))
	if gen == nil {
		return
	}
	sticky := b.stickyByRef()
	for _, c := range gen.cfg.Pools {
		p := gen.pools[c.Name]
		snap := p.members.Load()
		counts := map[string]int64{}
		for i := range snap.Members {
			m := &snap.Members[i]
			counts[memberWord(m)]++
			b.collectMember(w, c.Name, snap, i)
			w.Uint(stats.ServerStickySessions, sticky[persist.MemberRef(c.Name, m.Name)], c.Name, m.Name)
		}
		for _, word := range MemberWords() {
			w.Int(stats.PoolServers, counts[word], c.Name, word)
		}
	}
	b.collectProbes(w, gen)
}

func (b *Balancer) collectMember(w *stats.Writer, name string, snap *pool.Snapshot, i int) {
	m := &snap.Members[i]
	w.Bool(stats.ServerUp, m.Health != pool.Down && m.Admin != pool.Disabled, name, m.Name)
	w.State(stats.ServerAdminState, adminWords, m.Admin.String(), name, m.Name)
	w.State(stats.ServerHealth, healthWords, m.Health.String(), name, m.Name)
	w.Int(stats.ServerConnections, m.Live.Sum().Open, name, m.Name)
	w.Int(stats.ServerWeight, int64(m.Weight), name, m.Name)
}

func (b *Balancer) collectProbes(w *stats.Writer, gen *generation) {
	for _, t := range targets(gen) {
		st, ok := b.checker.Status(t.Pool, t.Member)
		if !ok {
			continue
		}
		for _, p := range st.Probes {
			w.Float(stats.ProbeDuration, p.Last.Took.Seconds(), t.Pool, t.Member, p.Name)
			w.Uint(stats.ProbeFailures, p.Bad, t.Pool, t.Member, p.Name, health.Bad.String())
			w.Uint(stats.ProbeFailures, p.Unavailable, t.Pool, t.Member, p.Name, health.Unavailable.String())
		}
	}
}

// stickyByRef counts the records of sources by the member that they name.
func (b *Balancer) stickyByRef() map[uint64]uint64 {
	counts := map[uint64]uint64{}
	b.sources.List(b.now().UnixNano(), func(r persist.SourceRecord) bool {
		counts[r.Ref]++
		return true
	})
	return counts
}
