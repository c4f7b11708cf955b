// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"fmt"
	"slices"
	"time"
)

// start takes part in the election anew, from INIT or FAULT (RFC 9568, section
// 6.4.1).
func (m *Machine) start(now time.Duration, why string) {
	switch {
	case m.linkDown.on:
		m.enter(now, Fault, m.linkDown.why)
	case m.fault.on:
		m.enter(now, Fault, m.fault.why)
	case m.cfg.owner() && !m.pin.on:
		m.toActive(now, why+": this box owns the addresses (priority 255)")
	default:
		m.learned, m.interval = false, m.cfg.Interval
		text := fmt.Sprintf("%s: takes over if nobody advertises for %s", why, span(m.downInterval()))
		if m.lowered != "" {
			text += "; priority " + m.ownPriority()
		}
		m.toBackup(now, text)
	}
}

// toBackup waits for the silence of the ACTIVE router.
func (m *Machine) toBackup(now time.Duration, why string) {
	m.enter(now, Backup, why)
	m.down.start(now + m.downInterval())
}

// toActive takes the addresses (RFC 9568, sections 6.4.1 and 6.4.2). The
// advertisement goes first: it keeps others from doing the same, and costs
// less time than the addresses. Announcements must wait for the addresses
// (section 8.1.2).
func (m *Machine) toActive(now time.Duration, why string) {
	m.pin = cause{}
	m.learned, m.interval = false, m.cfg.Interval
	m.send(now, m.cfg.Priority)
	m.do(m.take())
	m.do(Announce{Why: why})
	m.enter(now, Active, why)
	m.adver.start(now + m.cfg.Interval)
	m.assertAt, m.healAt = now, now
	m.startAnnouncing(now)
}

// take is the action that brings the addresses to the interface.
func (m *Machine) take() Take { return Take{Accept: m.cfg.Accept || m.cfg.owner()} }

// startAnnouncing sets the timers of announcements.
func (m *Machine) startAnnouncing(now time.Duration) {
	m.again.stop()
	m.refresh.stop()
	if m.cfg.AnnounceAgain > 0 {
		m.again.start(now + m.cfg.AnnounceAgain)
	}
	if m.cfg.AnnounceRefresh > 0 {
		m.refresh.start(now + m.cfg.AnnounceRefresh)
	}
}

// stop goes to INIT or FAULT; an ACTIVE router says so where tell is true, and
// releases its addresses.
func (m *Machine) stop(now time.Duration, to State, tell bool, why string) {
	if m.state == to {
		return
	}
	if m.state == Active {
		if tell {
			m.send(now, PriorityGone)
		}
		m.do(Release{})
	}
	m.enter(now, to, why)
}

// toFault leaves BACKUP or ACTIVE for FAULT. A router in INIT stays there:
// start looks at the causes.
func (m *Machine) toFault(now time.Duration, tell bool, why string) {
	if m.state == Backup || m.state == Active {
		m.stop(now, Fault, tell, why)
	}
}

func (m *Machine) setFault(now time.Duration, c cause) {
	m.fault = c
	if c.on {
		m.toFault(now, true, c.why)
		return
	}
	m.recover(now, c.why)
}

func (m *Machine) linkUp(now time.Duration) {
	m.linkDown = cause{}
	if m.state == Active {
		m.send(now, m.cfg.Priority)
		m.do(Announce{Again: true, Why: "the link came up again"})
		return
	}
	m.recover(now, "the link is up")
}

// recover leaves FAULT when its last cause is gone.
func (m *Machine) recover(now time.Duration, why string) {
	if m.state == Fault && !m.linkDown.on && !m.fault.on {
		m.start(now, why)
	}
}

func (m *Machine) setPin(c cause) {
	if m.state != Active {
		m.pin = c
		m.preemptAt.stop()
	}
}

// handover gives up for another router.
func (m *Machine) handover(now time.Duration, why string) {
	was := m.state
	if was == Active {
		m.send(now, PriorityGone)
		m.do(Release{})
		m.toBackup(now, why)
	}
	m.setPin(cause{true, why})
}

func (m *Machine) setPriority(now time.Duration, e SetPriority) {
	p := min(max(e.Priority, 1), PriorityOwner-1)
	if m.cfg.owner() {
		return
	}
	if m.lowered = ""; e.Base > p {
		m.lowered = fmt.Sprintf("not %d: %s", e.Base, e.Why)
	}
	if p == m.cfg.Priority {
		return
	}
	m.note(false, "priority %d, was %d: %s", p, m.cfg.Priority, e.Why)
	m.cfg.Priority = p
	if m.state == Active {
		m.sendNow(now)
	}
}

// sendNow sends an advertisement out of turn and restarts Adver_Timer.
func (m *Machine) sendNow(now time.Duration) {
	m.send(now, m.cfg.Priority)
	m.adver.start(now + m.cfg.Interval)
}

// configure takes c over without a new election, unless c is another router.
func (m *Machine) configure(now time.Duration, c Config) {
	if err := c.Check(); err != nil {
		m.note(true, "configuration refused: %v", err)
		return
	}
	old, state := m.cfg, m.state
	if !old.sameRouter(&c) {
		m.stop(now, Init, true, "the VRID or family changed")
		m.learned, m.peer = false, Peer{}
		m.adopt(c)
		if state != Init {
			m.start(now, "the VRID or family changed")
		}
		return
	}
	m.adopt(c)
	if old.PreemptDelay != c.PreemptDelay {
		m.preemptAt.stop()
	}
	switch state {
	case Backup:
		if old.Version != c.Version || old.Interval != c.Interval && m.interval == c.Interval {
			m.down.start(now + m.downInterval())
		}
	case Active:
		m.configureActive(now, &old)
	}
}

// configureActive carries out what changed against old.
func (m *Machine) configureActive(now time.Duration, old *Config) {
	c := &m.cfg
	m.interval = c.Interval
	newAddresses := !slices.Equal(old.Addresses, c.Addresses)
	if old.Version != c.Version || old.Priority != c.Priority || old.Interval != c.Interval ||
		old.Source != c.Source || newAddresses {
		m.sendNow(now)
	}
	if newAddresses || old.Accept != c.Accept || old.owner() != c.owner() {
		m.do(m.take())
	}
	if newAddresses {
		m.do(Announce{Again: true, Why: "the addresses changed"})
	}
	if old.AnnounceAgain != c.AnnounceAgain || old.AnnounceRefresh != c.AnnounceRefresh {
		m.startAnnouncing(now)
	}
}

// preempts says whether the router takes over from one of lower priority.
func (m *Machine) preempts() bool {
	return !m.pin.on && (m.cfg.Preempt || m.cfg.owner())
}

// downInterval is Active_Down_Interval.
func (m *Machine) downInterval() time.Duration {
	return DownInterval(m.cfg.Version, m.cfg.Priority, m.interval)
}
