// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"time"
)

// maxWarnings bounds how many differences are remembered, and so how much a
// forger of packets can have written to the log.
const maxWarnings = 64

// A warning is something that was said about a router once.
type warning struct {
	source netip.Addr
	about  string
}

// note tells people something that changes no state.
func (m *Machine) note(warn bool, format string, args ...any) {
	m.do(Log{From: m.state, To: m.state, Text: fmt.Sprintf(format, args...), Warn: warn})
}

// warnOnce notes something about a router that holds for each of its packets,
// the first time.
func (m *Machine) warnOnce(source netip.Addr, about, format string, args ...any) {
	w := warning{source, about}
	if _, said := m.warned[w]; said || len(m.warned) >= maxWarnings {
		return
	}
	m.warned[w] = struct{}{}
	m.note(true, format, args...)
}

// silence says why the Active_Down_Timer fired.
func (m *Machine) silence(now time.Duration) string {
	p := &m.peer
	switch {
	case !p.Addr.IsValid():
		return fmt.Sprintf("nobody advertised for %s", span(now-m.since))
	case p.Gone:
		return fmt.Sprintf("%v gave up (priority 0)", p.Addr)
	case m.outranks(now):
		return fmt.Sprintf("priority %d is higher than %d of %v", m.cfg.Priority, p.Priority, p.Addr)
	}
	return fmt.Sprintf("no advertisement from %v (priority %d) for %s",
		p.Addr, p.Priority, span(now-p.Heard))
}

// ownPriority is the priority in words, with what lowers it.
func (m *Machine) ownPriority() string {
	text := strconv.Itoa(int(m.cfg.Priority))
	if m.lowered != "" && !m.cfg.owner() {
		text += ", " + m.lowered
	}
	return text
}

// held says why a BACKUP router that could take over does not.
func (m *Machine) held(now time.Duration) string {
	p := &m.peer
	lower := p.Addr.IsValid() && !p.Gone && p.Priority < m.cfg.Priority
	switch {
	case m.state != Backup:
		return ""
	case !lower:
		return ""
	case m.pin.on:
		return m.pin.why
	case !m.preempts():
		return fmt.Sprintf("%v is active with the lower priority %d, and preempt is off", p.Addr, p.Priority)
	case m.preemptAt.set && now < m.preemptAt.at:
		return fmt.Sprintf("preempt delay: takes over in %s", span(m.preemptAt.at-now))
	}
	return ""
}

// Status returns what there is to tell at now.
func (m *Machine) Status(now time.Duration) Status {
	return Status{
		State: m.state, Since: m.since, Reason: m.reason,
		Priority: m.cfg.Priority, Held: m.held(now),
		Pinned:   m.pin.on,
		Interval: m.interval, Down: m.downInterval(), Peer: m.peer,
		Sent: m.sent, Received: m.received, Discarded: maps.Clone(m.discarded),
	}
}

// span writes a duration for people: "361 ms", "3.6 s", "12 min".
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.4g s", d.Round(100*time.Millisecond).Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}
