// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// healEvery is the shortest time between announcements against worse routers.
const healEvery = time.Second

// advert judges a packet (RFC 9568, section 7.1; RFC 3768, section 7.1) and
// hands it to the state.
func (m *Machine) advert(now time.Duration, r Received) {
	r.Source = r.Source.WithZone("")
	if why, text := m.judge(&r); why != "" {
		m.discarded[why]++
		if text != "" {
			m.warnOnce(r.Source, string(why), "%s", text)
		}
		return
	}
	m.received++
	m.compare(&r)
	switch m.state {
	case Backup:
		m.backupAdvert(now, &r)
	case Active:
		m.activeAdvert(now, &r)
	case Fault:
		m.hear(now, &r)
	}
}

// judge returns why r is discarded, "" if it is not, and what people should
// know about that.
func (m *Machine) judge(r *Received) (why Reason, text string) {
	c, src := &m.cfg, r.Source
	switch {
	case m.state == Init:
		return NotTaking, ""
	case FamilyOf(src) != c.Family:
		return BadFamily, ""
	case r.Version != c.Version:
		return BadVersion, fmt.Sprintf("%v speaks VRRP version %d for VRID %d, this box version %d: "+
			"they do not see each other", src, r.Version, r.VRID, c.Version)
	case r.VRID != c.VRID:
		return BadVRID, ""
	case m.state == Active && src == c.Source && r.Priority == c.Priority:
		return FromSelf, fmt.Sprintf("an advertisement from this box's own address %v came back: "+
			"the network loops, or another box has the address", src)
	case c.Version == 3:
		return "", ""
	case r.Auth.Type != AuthNone:
		return BadAuth, fmt.Sprintf("%v uses %v: turn it off there, RFC 3768 abolished it", src, r.Auth.Type)
	case c.owner():
		return FromOwner, fmt.Sprintf("%v advertises addresses that are this box's own (priority 255)", src)
	case r.Interval != c.Interval:
		return BadInterval, fmt.Sprintf("%v advertises every %s, this box every %s: "+
			"version 2 needs the same interval on all", src, span(r.Interval), span(c.Interval))
	}
	return "", ""
}

// compare tells people what differs from the local configuration, and changes
// nothing (RFC 9568, section 7.1, erratum 8298).
func (m *Machine) compare(r *Received) {
	if r.Interval != m.cfg.Interval {
		m.warnOnce(r.Source, "interval", "%v advertises every %s, this box every %s",
			r.Source, span(r.Interval), span(m.cfg.Interval))
	}
	if !sameAddresses(r.Addresses, m.cfg.Addresses) {
		m.warnOnce(r.Source, "addresses", "%v advertises the addresses %v, this box %v",
			r.Source, r.Addresses, m.cfg.Addresses)
	}
	if r.Priority == PriorityOwner && m.cfg.owner() {
		m.warnOnce(r.Source, "owner", "%v too claims to own the addresses (priority 255): only one box may",
			r.Source)
	}
	if c := m.cfg.Checksum; r.Version == 3 && m.cfg.Family == IPv4 && r.Checksum != c {
		m.warnOnce(r.Source, "checksum", "%v sends checksums of the form %q, this box of the form %q; "+
			"if it does not see this box, set checksum = %[2]q", r.Source, r.Checksum.String(), c.String())
	}
}

// hear notes who advertises.
func (m *Machine) hear(now time.Duration, r *Received) {
	if r.Priority == PriorityGone {
		if m.peer.Addr != r.Source {
			m.peer = Peer{Addr: r.Source, Interval: r.Interval}
		}
		m.peer.Gone = true
		m.peer.Heard, m.peer.Checksum = now, r.Checksum
		return
	}
	m.peer = Peer{Addr: r.Source, Priority: r.Priority, Interval: r.Interval,
		Checksum: r.Checksum, Heard: now}
}

// backupAdvert is RFC 9568, section 6.4.2.
func (m *Machine) backupAdvert(now time.Duration, r *Received) {
	followed := m.peer.Addr == r.Source || !m.peer.Addr.IsValid()
	m.hear(now, r)
	switch {
	case r.Priority == PriorityGone:
		if m.heir && followed {
			m.toActive(now, m.silence(now))
			return
		}
		m.down.start(now + SkewTime(m.cfg.Version, m.cfg.Priority, m.interval))
	case m.preempts() && r.Priority < m.cfg.Priority:
		if m.waits(now) {
			m.follow(now, r)
		}
	default:
		m.preemptAt.stop()
		m.follow(now, r)
	}
}

// follow learns the ACTIVE router's interval and restarts Active_Down_Timer.
func (m *Machine) follow(now time.Duration, r *Received) {
	m.interval, m.learned = r.Interval, true
	m.down.start(now + m.downInterval())
}

// waits says whether Config.PreemptDelay is not over yet; the first call
// starts it.
func (m *Machine) waits(now time.Duration) bool {
	if m.cfg.PreemptDelay == 0 || m.cfg.owner() {
		return false
	}
	if !m.preemptAt.set {
		m.preemptAt.start(now + m.cfg.PreemptDelay)
		m.note(false, "priority %d is higher than %d of %v: takes over in %s (preempt delay)",
			m.cfg.Priority, m.peer.Priority, m.peer.Addr, span(m.cfg.PreemptDelay))
	}
	return now < m.preemptAt.at
}

// outranks says whether an ACTIVE router of lower priority is heard now: then
// it is not its silence that the timer is about.
func (m *Machine) outranks(now time.Duration) bool {
	p := &m.peer
	return p.Addr.IsValid() && !p.Gone && p.Priority < m.cfg.Priority &&
		now-p.Heard < DownInterval(m.cfg.Version, m.cfg.Priority, p.Interval)
}

// activeAdvert is RFC 9568, section 6.4.3.
func (m *Machine) activeAdvert(now time.Duration, r *Received) {
	known := m.peer.Addr == r.Source && !m.peer.Gone && now-m.peer.Heard < 10*m.cfg.Interval
	slept := now - m.sentAt
	m.hear(now, r)
	switch {
	case r.Priority == PriorityGone:
		m.sendNow(now)
		m.announceHeal(now)
	case r.Priority > m.cfg.Priority:
		m.yield(now, r, fmt.Sprintf("%v has the higher priority %d; this box %s",
			r.Source, r.Priority, m.ownPriority()))
	case r.Priority == m.cfg.Priority && r.Source.Compare(m.cfg.Source) > 0:
		why := fmt.Sprintf("%v has the same priority %d and the greater address, this box %v",
			r.Source, r.Priority, m.cfg.Source)
		if m.lowered != "" {
			why += "; priority " + m.ownPriority()
		}
		m.yield(now, r, why)
	case slept > 3*m.cfg.Interval && (!m.preempts() || m.cfg.PreemptDelay > 0 && !m.cfg.owner()):
		m.concede(now, r, slept)
	default:
		if !known {
			m.note(true, "%v is active too, with the lower priority %d (this box %d): this box stays",
				r.Source, r.Priority, m.cfg.Priority)
		}
		m.assertActive(now)
	}
}

// yield leaves the addresses to a better router.
func (m *Machine) yield(now time.Duration, r *Received, why string) {
	if m.cfg.LastAdvert {
		m.send(now, m.cfg.Priority)
	}
	m.do(Release{})
	m.interval, m.learned = r.Interval, true
	m.toBackup(now, why)
}

// concede leaves the addresses to a worse router that took over while this box
// stood still, since this box would not take them from it either. It says
// nothing: its priority would make the other yield.
func (m *Machine) concede(now time.Duration, r *Received, slept time.Duration) {
	m.do(Release{})
	m.interval, m.learned = r.Interval, true
	m.toBackup(now, fmt.Sprintf("this box stood still for %s, and %v took over", span(slept), r.Source))
}

// assertActive answers a worse router that is ACTIVE too: with an
// advertisement at once (RFC 9568, section 6.4.3; version 2 waits for its turn),
// so that it yields, and an announcement, for neighbours that listened to it.
// Both are bounded, so that two boxes that each think the other worse cannot
// flood the network; what is held back is sent when its time comes.
func (m *Machine) assertActive(now time.Duration) {
	if m.cfg.Version == 3 {
		if gap := m.cfg.Interval / 10; now >= m.assertAt {
			m.assertAt = now + gap
			m.send(now, m.cfg.Priority)
		} else if !m.assert.set {
			m.assert.start(m.assertAt)
		}
	}
	if now >= m.healAt {
		m.announceHeal(now)
	} else if !m.heal.set {
		m.heal.start(m.healAt)
	}
}

// announceHeal announces for neighbours that may have listened to another.
func (m *Machine) announceHeal(now time.Duration) {
	m.healAt = now + healEvery
	m.do(Announce{Again: true, Once: true, Why: fmt.Sprintf("%v was active too", m.peer.Addr)})
}

// adverFired is Adver_Timer. The next one is reckoned from when this one was
// due, so that late ticks do not stretch the interval, unless it is very late.
func (m *Machine) adverFired(now time.Duration) {
	next := m.adver.at + m.cfg.Interval
	if next < now+m.cfg.Interval/2 {
		next = now + m.cfg.Interval
	}
	m.send(now, m.cfg.Priority)
	m.adver.start(next)
}

// sameAddresses says whether a and b hold the same addresses in any order.
func sameAddresses(a, b []netip.Addr) bool {
	if len(a) != len(b) {
		return false
	}
	seen := make(map[netip.Addr]int, len(a))
	for i := range a {
		seen[a[i].WithZone("")]++
		seen[b[i].WithZone("")]--
	}
	for _, n := range seen {
		if n != 0 {
			return false
		}
	}
	return true
}
