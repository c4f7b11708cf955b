// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"fmt"
	"math"
	"time"

	"evener/firmware/config"
	"evener/firmware/health"
	"evener/firmware/pool"
)

// tickUntil does what is to be done each second until ctx ends.
func (b *Balancer) tickUntil(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now := time.Now()
			b.tick(b.now(), now.Sub(last))
			last = now
		}
	}
}

func (b *Balancer) tick(now time.Time, dt time.Duration) {
	b.mu.Lock()
	released := b.released
	if b.cur != nil && !released {
		for _, p := range b.cur.pools {
			p.members.Ramp(now)
			if p.adjusted {
				p.adjust(dt)
			}
		}
		b.endDrains(now)
		b.keepVerdicts(now)
		b.cur.renewTickets(now)
		b.renewSelfSigned(now)
	}
	b.countGenerations()
	b.countLoops()
	b.mu.Unlock()
	if released {
		return
	}
	if b.cfg.Journal == nil {
		b.sources.Tick(now.UnixNano())
		return
	}
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	if b.journal.closed {
		return
	}
	if err := b.cfg.Journal.Flush(now.UnixNano()); err != nil {
		b.log.Error("persistence records not saved", "err", err)
	}
}

// closeJournal saves what is left and lets go of the journal; the second call does
// nothing.
func (b *Balancer) closeJournal() error {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	if b.cfg.Journal == nil || b.journal.closed {
		return nil
	}
	b.journal.closed = true
	return b.cfg.Journal.Close(b.now().UnixNano())
}

// countLoops copies what the loops count about themselves into the statistics.
func (b *Balancer) countLoops() {
	for i, u := range b.loops {
		s, slot := u.loop.Stats(), b.registry.Engine().Slot(i)
		slot.Busy.Add(uint64(s.Busy.Load()) - slot.Busy.Value())
		slot.Wakeups.Add(s.Turns.Load() - slot.Wakeups.Value())
	}
}

// onHealth takes a probe's verdict into the pool.
func (b *Balancer) onHealth(e health.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, i, err := b.member(e.Pool, e.Member)
	if err != nil {
		return // the commit that took it away was faster
	}
	state := pool.Checking
	switch e.State {
	case health.Up:
		state = pool.Up
	case health.Down:
		state = pool.Down
	}
	before := p.members.Load().Members[i].Health
	p.members.SetHealth(i, state, e.Reason, e.Since)
	b.verdicts.changed = true
	switch {
	case before != pool.Down && state == pool.Down:
		b.changed(Change{Pool: e.Pool, Member: e.Member, Kind: WentDown, Reason: e.Reason})
	case before == pool.Down && state == pool.Up:
		b.changed(Change{Pool: e.Pool, Member: e.Member, Kind: CameUp, Reason: e.Reason})
	}
	if state != pool.Down {
		for loop := range b.loops {
			b.serveQueues(loop)
		}
	}
}

// changed tells of a change, where anybody wants to know.
func (b *Balancer) changed(c Change) {
	if b.cfg.Changed != nil {
		b.cfg.Changed(c)
	}
}

// onLoad takes what an agent or a simple check said.
func (b *Balancer) onLoad(poolName, member, probe string, value float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, i, err := b.member(poolName, member)
	if err != nil {
		return
	}
	p.loads[i].note(probe, value, p.cfg.Probes)
}

// note takes the answer of the probe of that name into account; NaN makes it
// void.
func (l *memberLoad) note(probe string, value float64, probes []*config.Probe) {
	c := probeByName(probe, probes)
	if c == nil {
		return
	}
	if c.Type == config.ProbeAgent {
		l.hasAgent = !math.IsNaN(value)
		l.agent = -1
		if value >= 0 {
			l.agent = int(math.Round(100 * value))
		}
		return
	}
	if math.IsNaN(value) {
		delete(l.checks, probe)
		return
	}
	if l.checks == nil {
		l.checks = map[string]checkLoad{}
	}
	l.checks[probe] = checkLoad{value, c.Weight}
}

// probeByName finds a probe by the name that probeNames gave it.
func probeByName(name string, probes []*config.Probe) *config.Probe {
	for i, n := range probeNames(probes) {
		if n == name {
			return probes[i]
		}
	}
	return nil
}

// probeNames names the probes of a pool by their type, and from the second of a
// type on with its number: http, http-2.
func probeNames(probes []*config.Probe) []string {
	seen := map[config.ProbeType]int{}
	names := make([]string, len(probes))
	for i, p := range probes {
		seen[p.Type]++
		names[i] = string(p.Type)
		if n := seen[p.Type]; n > 1 {
			names[i] = fmt.Sprintf("%s-%d", p.Type, n)
		}
	}
	return names
}
