// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"net/netip"
	"time"
)

// A Machine decides for one virtual router. It is not safe for concurrent use.
// Times are monotonic, from any origin, and never go back.
type Machine struct {
	cfg    Config
	state  State
	since  time.Duration
	reason string // of the last change of state

	lowered string // what makes the priority less than it could be, "": nothing

	linkDown, fault, pin cause
	heir                 bool

	// interval is Active_Adver_Interval: learned from the ACTIVE router while
	// BACKUP, else the router's own.
	interval time.Duration
	learned  bool
	peer     Peer

	down      timer // BACKUP: Active_Down_Timer
	preemptAt timer // BACKUP: when Config.PreemptDelay is over
	adver     timer // ACTIVE: Adver_Timer
	assert    timer // ACTIVE: an advertisement against a worse router that must wait
	heal      timer // ACTIVE: an announcement against a worse router that must wait
	again     timer // ACTIVE: Config.AnnounceAgain
	refresh   timer // ACTIVE: Config.AnnounceRefresh

	sentAt   time.Duration // the last advertisement
	assertAt time.Duration // when the next one against a worse router may go
	healAt   time.Duration // when the next announcement against a worse router may go

	sent, received uint64
	discarded      map[Reason]uint64
	warned         map[warning]struct{}
	out            []Action
}

// A cause is a condition with its reason for people.
type cause struct {
	on  bool
	why string
}

// A timer is a time at which something is due, if it is set.
type timer struct {
	at  time.Duration
	set bool
}

func (t *timer) start(at time.Duration) { *t = timer{at, true} }
func (t *timer) stop()                  { *t = timer{} }
func (t *timer) due(now time.Duration) bool {
	return t.set && now >= t.at
}

// A Peer is another router of the same virtual router.
type Peer struct {
	Addr     netip.Addr // zero: none was heard yet
	Priority uint8      // as it last advertised; the last but 0 where Gone
	Interval time.Duration
	Checksum Checksum
	Heard    time.Duration // when it last advertised
	Gone     bool          // it gave up: its last advertisement had priority 0
}

// A Status is what a router tells about itself.
type Status struct {
	State    State
	Since    time.Duration // when it came to this state
	Reason   string        // why, in plain words
	Priority uint8         // effective
	Held     string        // why a BACKUP router does not take over though it could; "" if nothing holds it
	Pinned   bool          // by Handover or Pin
	Interval time.Duration // Active_Adver_Interval
	Down     time.Duration // Active_Down_Interval
	Peer     Peer          // the other router heard last

	Sent      uint64 // advertisements
	Received  uint64 // advertisements believed
	Discarded map[Reason]uint64
}

// New returns a machine in INIT. The error is that of Config.Check.
func New(c Config) (*Machine, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	m := &Machine{
		discarded: map[Reason]uint64{},
		warned:    map[warning]struct{}{},
	}
	m.adopt(c)
	return m, nil
}

// adopt takes c over.
func (m *Machine) adopt(c Config) {
	m.cfg = c.clone()
	m.cfg.Source = c.Source.WithZone("")
	clear(m.warned)
	if !m.learned || c.Version == 2 {
		m.interval = c.Interval
	}
}

// State returns the state.
func (m *Machine) State() State { return m.state }

// Deadline returns when the next Tick is due; ok is false if none is.
func (m *Machine) Deadline() (at time.Duration, ok bool) {
	for _, t := range []timer{m.down, m.adver, m.assert, m.heal, m.again, m.refresh} {
		if t.set && (!ok || t.at < at) {
			at, ok = t.at, true
		}
	}
	return at, ok
}

// Handle advances the machine to now by one event and returns what the caller
// must do, in order. The slice is good until the next call.
func (m *Machine) Handle(now time.Duration, e Event) []Action {
	m.out = nil
	switch e := e.(type) {
	case Startup:
		if m.state == Init {
			m.start(now, "start")
		}
	case Shutdown:
		m.stop(now, Init, true, e.Why)
	case Tick:
		m.tick(now)
	case Advert:
		m.advert(now, e.Received)
	case SetPriority:
		m.setPriority(now, e)
	case Configure:
		m.configure(now, e.Config)
	case Handover:
		m.handover(now, e.Why)
	case Pin:
		m.setPin(cause{e.On, e.Why})
	case Heir:
		m.heir = e.On
	case Takeover:
		if m.state == Backup {
			m.toActive(now, e.Why)
		}
	case LinkUp:
		m.linkUp(now)
	case LinkDown:
		m.linkDown = cause{true, e.Why}
		m.toFault(now, false, e.Why)
	case SetFault:
		m.setFault(now, cause{e.On, e.Why})
	}
	return m.out
}

// tick does what is due. One call does each thing once, however late it is: a
// box that stood still does not catch up on advertisements.
func (m *Machine) tick(now time.Duration) {
	if m.down.due(now) {
		m.toActive(now, m.silence(now))
	}
	if m.adver.due(now) {
		m.adverFired(now)
	}
	if m.assert.due(now) {
		m.assert.stop()
		m.send(now, m.cfg.Priority)
	}
	if m.heal.due(now) {
		m.heal.stop()
		m.announceHeal(now)
	}
	if m.again.due(now) {
		m.again.stop()
		m.do(Announce{Again: true, Why: "second round after becoming active"})
	}
	if m.refresh.due(now) {
		m.refresh.start(now + m.cfg.AnnounceRefresh)
		m.do(Announce{Again: true, Once: true, Why: "refresh"})
	}
}

// do appends an action.
func (m *Machine) do(a Action) { m.out = append(m.out, a) }

// send sends an advertisement with the priority.
func (m *Machine) send(now time.Duration, priority uint8) {
	m.sent++
	m.sentAt = now
	c := m.cfg.clone()
	m.do(Send{Advertisement{
		Version: c.Version, VRID: c.VRID, Priority: priority,
		Interval: c.Interval, Addresses: c.Addresses,
	}})
}

// enter changes the state and stops every timer; the new state sets its own.
func (m *Machine) enter(now time.Duration, to State, why string) {
	from := m.state
	m.state, m.since, m.reason = to, now, why
	for _, t := range []*timer{
		&m.down, &m.preemptAt, &m.adver, &m.assert, &m.heal, &m.again, &m.refresh,
	} {
		t.stop()
	}
	m.do(Log{From: from, To: to, Text: why})
}
