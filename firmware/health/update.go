// SPDX-License-Identifier: Apache-2.0

package health

import (
	"fmt"
	"math"
	"time"
)

// Update makes targets the new generation. A member with the same names and
// address keeps its state, and each of its probes that is configured as before
// keeps its verdict and its place in time; a Down member whose probes are new
// stays Down until they have a verdict. Probes that are gone are broken off.
// A call of OnChange that is under way may still speak of the old generation.
//
// When targets has mistakes, Update returns what Check says of it and changes
// nothing.
func (c *Checker) Update(targets []Target) error {
	if err := Check(targets); err != nil {
		return fmt.Errorf("update health checks: %w", err)
	}
	c.mu.Lock()
	c.err = nil
	c.replace(targets, time.Now())
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it has been woken already
	}
	return nil
}

// replace exchanges all members; c.mu is held.
func (c *Checker) replace(targets []Target, now time.Time) {
	old := c.members
	c.members = make(map[key]*member, len(targets))
	for _, t := range targets {
		k := key{t.Pool, t.Member}
		before := old[k]
		if before == nil || before.addr != t.Addr {
			c.members[k] = c.enter(t, before, now)
			continue
		}
		delete(old, k)
		c.members[k] = before
		c.alter(before, t, now)
	}
	for _, m := range old {
		m.gone = true
		for _, p := range m.probes {
			c.drop(p)
		}
	}
}

// enter returns a new member for t. before is the member of that name at another
// address, or nil.
func (c *Checker) enter(t Target, before *member, now time.Time) *member {
	m := &member{key: key{t.Pool, t.Member}, addr: t.Addr, reason: "not probed yet", since: now}
	for _, cfg := range t.probes() {
		m.probes = append(m.probes, c.newProbe(m, cfg, now))
	}
	switch {
	case len(m.probes) == 0:
		m.reason = "has no probes"
	case before == nil && t.Before != nil:
		m.state, m.reason, m.since, m.old = Down, t.Before.Reason, t.Before.Since, true
	}
	if before != nil && before.state != Checking {
		reason := fmt.Sprintf("address changed from %v to %v", before.addr, t.Addr)
		c.change(m, Checking, reason, now)
	}
	return m
}

// alter gives m the probes of t.
func (c *Checker) alter(m *member, t Target, now time.Time) {
	old := make(map[string]*probe, len(m.probes))
	for _, p := range m.probes {
		old[p.Name] = p
	}
	m.probes = nil
	for _, cfg := range t.probes() {
		if p := old[cfg.Name]; p != nil && p.ProbeConfig.equal(cfg) {
			delete(old, cfg.Name)
			m.probes = append(m.probes, p)
			continue
		}
		m.probes = append(m.probes, c.newProbe(m, cfg, now))
	}
	for _, p := range old {
		c.drop(p)
		if !math.IsNaN(p.load) {
			c.setLoad(p, math.NaN())
		}
	}
	c.settle(m, "its probes were changed", now)
	m.old = m.state == Down && !m.saidDown()
}

// saidDown reports whether one of the member's present probes says that it is
// down.
func (m *member) saidDown() bool {
	for _, p := range m.probes {
		if p.judge.State() == Down {
			return true
		}
	}
	return false
}

func (c *Checker) newProbe(m *member, cfg ProbeConfig, now time.Time) *probe {
	p := &probe{
		ProbeConfig: cfg,
		member:      m,
		prober:      c.newProber(cfg, cfg.addr(m.addr), c.cfg.Roots),
		schedule:    newSchedule(c.epoch, m.pool, m.member, cfg),
		judge:       NewJudge(cfg.Rise, cfg.Fall),
		load:        math.NaN(),
	}
	p.due = p.schedule.first(now)
	c.waiting.add(p)
	return p
}

// drop forgets p and breaks it off.
func (c *Checker) drop(p *probe) {
	p.gone = true
	c.waiting.take(p)
	if p.cancel != nil {
		p.cancel()
	}
}
