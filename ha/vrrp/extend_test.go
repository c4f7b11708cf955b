// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"testing"
	"time"
)

// on and off say that a condition holds, or not.
const (
	on  = true
	off = false
)

// rivals is what an ACTIVE router says to the first advertisement of a worse
// one.
const rivals = "warn send100 again"

// TestBeyondTheRFC has a row for each promise that no RFC makes.
func TestBeyondTheRFC(t *testing.T) {
	const s = time.Second
	keep := func(c *Config) { c.Preempt = false }
	delay := func(c *Config) { c.PreemptDelay = 10 * s }
	run(t, []row{
		{"preempt delay: follows a worse router until it is over", delay, []step{started,
			{1 * s, adv(other, 99), "note", Backup, 1*s + down},
			{6 * s, adv(other, 99), "", Backup, 6*s + down}, // late, but the timer was not ticked
			{10*s + 999*ms, adv(other, 99), "", Backup, 10*s + 999*ms + down},
			{11 * s, adv(other, 99), "", Backup, 10*s + 999*ms + down},
			{10*s + 999*ms + down, Tick{}, becomes, Active, 0},
		}},
		{"preempt delay: a better router in between starts it anew", delay, []step{started,
			{1 * s, adv(other, 99), "note", Backup, 1*s + down},
			{2 * s, adv(third, 101), "", Backup, 2*s + down},
			{12 * s, adv(other, 99), "note", Backup, 12*s + down},
			{13 * s, adv(other, 99), "", Backup, 13*s + down},
		}},
		{"preempt delay: silence is not waited for", delay, []step{started, active}},

		{"handover: priority 0, BACKUP, and no taking back from a worse router", nil, []step{started, active,
			{4 * s, Handover{"order"}, "send0 release >backup", Backup, 4*s + down},
			{5 * s, adv(other, 50), "", Backup, 5*s + down},
			{6 * s, adv(other, 50), "", Backup, 6*s + down},
		}},
		{"handover: takes back what falls silent, which ends the pin", nil, []step{started, active,
			{4 * s, Handover{"order"}, "send0 release >backup", Backup, 4*s + down},
			{4*s + down, Tick{}, becomes, Active, 0},
			{9 * s, adv(other, 101), "release >backup", Backup, 0},
			{10 * s, adv(other, 99), "", Backup, 9*s + down},
		}},
		{"pin: its end brings the router home", nil, []step{started,
			{1, Pin{on, "order"}, "", Backup, down},
			{1 * s, adv(other, 50), "", Backup, 1*s + down},
			{2 * s, Pin{off, "order"}, "", Backup, 1*s + down},
			{2 * s, adv(other, 50), "", Backup, 1*s + down},
			{1*s + down, Tick{}, becomes, Active, 0},
		}},
		{"pin: an owner waits too", func(c *Config) { c.Priority = 255 }, []step{
			{0, Pin{on, "order"}, "", Init, none},
			{0, Startup{}, ">backup", Backup, 3*s + s/256},
			{1, adv(other, 50), "", Backup, 1 + 3*s + s/256},
		}},
		{"heir: takes over at once after priority 0", nil, []step{started,
			{1, Heir{on}, "", Backup, down},
			{1 * s, adv(other, 200), "", Backup, 1*s + down},
			{2 * s, adv(other, 0), becomes, Active, 3 * s},
		}},
		{"heir: another router that gives up is not whom it follows", nil, []step{started,
			{1, Heir{on}, "", Backup, down},
			{1 * s, adv(other, 200), "", Backup, 1*s + down},
			{2 * s, adv(third, 0), "", Backup, 2*s + skew},
			{2*s + 1, adv(other, 200), "", Backup, 2*s + 1 + down},
		}},
		{"takeover: at once, against a pin", nil, []step{started,
			{1, Pin{on, "order"}, "", Backup, down},
			{2, Takeover{"group"}, becomes, Active, 2 + s},
		}},
		{"takeover: not from FAULT", nil, []step{started,
			{1, LinkDown{"no link"}, ">fault", Fault, none},
			{2, Takeover{"group"}, "", Fault, none},
		}},

		{"handover: waits by the own interval, not by one learned before", nil, []step{started,
			{1, adv(other, 200, every(100*ms)), "warn", Backup, 0},
			{1 * s, Tick{}, becomes, Active, 0},
			{2 * s, Handover{"order"}, "send0 release >backup", Backup, 2*s + down},
		}},
		{"pin: an owner that was pinned preempts again", func(c *Config) { c.Priority, c.Preempt = 255, false }, []step{
			{0, Pin{on, "order"}, "", Init, none},
			{0, Startup{}, ">backup", Backup, 3*s + s/256},
			{1, Pin{off, "order"}, "", Backup, 0},
			{2, adv(other, 50), "", Backup, 3*s + s/256},
		}},
		{"preempt delay: is forgotten when the state changes", delay, []step{started,
			{1 * s, adv(other, 99), "note", Backup, 1*s + down},
			{2 * s, Takeover{"order"}, becomes, Active, 0},
			{3 * s, adv(other, 200), "release >backup", Backup, 0},
			{20 * s, adv(other, 99), "note", Backup, 20*s + down},
		}},

		{"link loss while ACTIVE: FAULT without a word that could not be sent", nil, []step{started, active,
			{4 * s, LinkDown{"no link"}, "release >fault", Fault, none},
			{5 * s, adv(other, 50), "", Fault, none},
			{6 * s, LinkUp{}, ">backup", Backup, 6*s + down},
		}},
		{"link loss before the start", nil, []step{
			{0, LinkDown{"no link"}, "", Init, none},
			{0, Startup{}, ">fault", Fault, none},
			{1, LinkUp{}, ">backup", Backup, 1 + down},
		}},
		{"link up again while ACTIVE: advertise and announce again", nil, []step{started, active,
			{4 * s, LinkUp{}, "send100 again", Active, 0},
		}},
		{"fault while ACTIVE: priority 0", nil, []step{started, active,
			{4 * s, SetFault{on, "engine"}, "send0 release >fault", Fault, none},
			{5 * s, SetFault{off, "engine"}, ">backup", Backup, 5*s + down},
		}},
		{"fault and link loss: both must end", nil, []step{started,
			{1, SetFault{on, "engine"}, ">fault", Fault, none},
			{2, LinkDown{"no link"}, "", Fault, none},
			{3, SetFault{off, "engine"}, "", Fault, none},
			{4, LinkUp{}, ">backup", Backup, 4 + down},
		}},
		{"link loss and fault: both must end", nil, []step{started,
			{1, LinkDown{"no link"}, ">fault", Fault, none},
			{2, SetFault{on, "engine"}, "", Fault, none},
			{3, LinkUp{}, "", Fault, none},
			{4, SetFault{off, "engine"}, ">backup", Backup, 4 + down},
		}},
		{"after FAULT it waits by the own interval, not by one learned before", nil, []step{started,
			{1, adv(other, 200, every(100*ms)), "warn", Backup, 0},
			{2, LinkDown{"no link"}, ">fault", Fault, none},
			{3, LinkUp{}, ">backup", Backup, 3 + down},
		}},
		{"shutdown in FAULT", nil, []step{started,
			{1, SetFault{on, "engine"}, ">fault", Fault, none},
			{2, Shutdown{"stop"}, ">init", Init, none},
			{3, SetFault{off, "engine"}, "", Init, none},
		}},

		{"priority while ACTIVE: advertised at once", nil, []step{started, active,
			{4 * s, SetPriority{Priority: 50, Why: "port"}, "note send50", Active, 5 * s},
			{4 * s, SetPriority{Priority: 50, Why: "port"}, "", Active, 5 * s},
		}},
		{"priority is bounded to 1 and 254", nil, []step{started, active,
			{4 * s, SetPriority{Priority: 0, Why: "port"}, "note send1", Active, 0},
			{4 * s, SetPriority{Priority: 255, Why: "port"}, "note send254", Active, 0},
		}},
		{"priority of an owner stays", func(c *Config) { c.Priority = 255 }, []step{
			{0, Startup{}, "send255 take+accept announce >active", Active, 0},
			{1, SetPriority{Priority: 50, Why: "port"}, "", Active, s},
		}},
		{"priority while BACKUP decides about the next advertisement", nil, []step{started,
			{1 * s, adv(other, 150), "", Backup, 1*s + down},
			{2 * s, SetPriority{Priority: 151, Why: "port"}, "note", Backup, 1*s + down},
			{3 * s, adv(other, 150), "", Backup, 1*s + down},
			{1*s + down, Tick{}, "send151 take announce >active", Active, 0},
		}},

		{"the other form of the checksum is logged once", nil, []step{started,
			{1, adv(other, 200, pseudo), "warn", Backup, 0},
			{2, adv(other, 200, pseudo), "", Backup, 0},
		}},
		{"the same form of the checksum is not", func(c *Config) { c.Checksum = ChecksumPseudo }, []step{started,
			{1, adv(other, 200, pseudo), "", Backup, 0},
			{2, adv(other, 200), "warn", Backup, 0},
		}},

		{"a long pause: what was received first wins", nil, []step{started,
			{1 * s, adv(other, 200), "", Backup, 1*s + down},
			{60 * s, adv(other, 200), "", Backup, 60*s + down},
			{60 * s, Tick{}, "", Backup, 60*s + down},
		}},
		{"a long pause while ACTIVE: one advertisement, no catching up", nil, []step{started, active,
			{60 * s, Tick{}, "send100", Active, 61 * s},
		}},
		{"a long pause while ACTIVE, preempting: stays, the other yields", nil, []step{started, active,
			{60 * s, adv(other, 50), rivals, Active, 0},
		}},
		{"a long pause while ACTIVE, not preempting: the one that took over keeps it", keep, []step{started, active,
			{60 * s, adv(other, 50), "release >backup", Backup, 60*s + down},
		}},
		{"a long pause while ACTIVE, preempt delay: it begins", delay, []step{started, active,
			{60 * s, adv(other, 50), "release >backup", Backup, 60*s + down},
			{61 * s, adv(other, 50), "note", Backup, 61*s + down},
		}},
		{"late ticks do not stretch the interval", nil, []step{started, active,
			{down + s + 100*ms, Tick{}, "send100", Active, down + 2*s},
			{down + 2*s + 600*ms, Tick{}, "send100", Active, down + 3*s + 600*ms},
		}},

		{"two that each think the other worse do not flood", nil, []step{started, active,
			{4 * s, adv(other, 99), rivals, Active, 0},
			{4*s + 10*ms, adv(other, 99), "", Active, 4*s + 100*ms},
			{4*s + 20*ms, adv(other, 99), "", Active, 4*s + 100*ms},
			{4*s + 100*ms, Tick{}, "send100", Active, 0},
			{4*s + 101*ms, Tick{}, "", Active, down + s},
			{down + s, Tick{}, "send100", Active, 5 * s},
			{5 * s, Tick{}, "again", Active, down + 2*s},
		}},
		{"what was held back for worse routers is not sent after yielding", nil, []step{started, active,
			{4 * s, adv(other, 99), rivals, Active, 0},
			{4*s + 10*ms, adv(other, 99), "", Active, 4*s + 100*ms},
			{4*s + 20*ms, adv(third, 200), "release >backup", Backup, 4*s + 20*ms + down},
			{5 * s, Tick{}, "", Backup, 4*s + 20*ms + down},
		}},
		{"an own advertisement that comes back is no rival", nil, []step{started, active,
			{4 * s, adv(self, 100), "warn", Active, 0},
			{4 * s, adv(self, 100), "", Active, 0},
		}},
		{"another box with the same address is one", nil, []step{started, active,
			{4 * s, adv(self, 101), "release >backup", Backup, 0},
		}},
		{"without a virtual MAC: one last advertisement when yielding", func(c *Config) { c.LastAdvert = true },
			[]step{started, active,
				{4 * s, adv(other, 200), "send100 release >backup", Backup, 0},
			}},

		{"announcements: second round and refresh", func(c *Config) {
			c.AnnounceAgain, c.AnnounceRefresh = 500*ms, 700*ms
		}, []step{started,
			{down, Tick{}, becomes, Active, down + 500*ms},
			{down + 500*ms, Tick{}, "again", Active, down + 700*ms},
			{down + 700*ms, Tick{}, "again", Active, down + s},
			{down + s, Tick{}, "send100", Active, down + 1400*ms},
			{down + 1400*ms, Tick{}, "again", Active, down + 2*s},
		}},
	})
}

// with is Configure with the test's configuration changed.
func with(change func(*Config)) Configure {
	c := testConfig()
	change(&c)
	return Configure{c}
}

func TestConfigure(t *testing.T) {
	const s = time.Second
	same := func(*Config) {}
	run(t, []row{
		{"the same configuration does nothing", nil, []step{started, active,
			{4 * s, with(same), "", Active, down + s},
		}},
		{"addresses: stays ACTIVE, takes and announces them", nil, []step{started, active,
			{4 * s, with(func(c *Config) { c.Addresses = addrs("192.0.2.1", "192.0.2.2") }),
				"send100 take again", Active, 5 * s},
		}},
		{"priority, interval, preempt: stays ACTIVE", nil, []step{started, active,
			{4 * s, with(func(c *Config) { c.Priority, c.Interval, c.Preempt = 7, 100*ms, false }),
				"send7", Active, 4*s + 100*ms},
		}},
		{"version: stays ACTIVE", nil, []step{started, active,
			{4 * s, with(func(c *Config) { c.Version = 2 }), "send100", Active, 5 * s},
		}},
		{"accept: takes anew", nil, []step{started, active,
			{4 * s, with(func(c *Config) { c.Accept = true }), "take+accept", Active, down + s},
		}},
		{"refresh: its timer alone", nil, []step{started, active,
			{4 * s, with(func(c *Config) { c.AnnounceRefresh = 100 * ms }), "", Active, 4*s + 100*ms},
		}},
		{"own interval while nobody is heard: waits by it", nil, []step{started,
			{1 * s, with(func(c *Config) { c.Interval = 100 * ms }), "", Backup, 1*s + down/10},
		}},
		{"own interval while another is heard: goes on waiting by the other's", nil, []step{started,
			{1 * s, adv(other, 200), "", Backup, 1*s + down},
			{2 * s, with(func(c *Config) { c.Interval = 100 * ms }), "", Backup, 1*s + down},
		}},
		{"preempt delay: begins anew", func(c *Config) { c.PreemptDelay = 10 * s }, []step{started,
			{1 * s, adv(other, 99), "note", Backup, 1*s + down},
			{2 * s, with(func(c *Config) { c.PreemptDelay = 20 * s }), "", Backup, 1*s + down},
			{3 * s, adv(other, 99), "note", Backup, 3*s + down},
		}},
		{"what was said about a peer is said again", nil, []step{started,
			{1, adv(other, 200, v2), "warn", Backup, down},
			{2, with(same), "", Backup, down},
			{3, adv(other, 200, v2), "warn", Backup, down},
		}},
		{"VRID: gives the old one up and starts anew", nil, []step{started, active,
			{4 * s, with(func(c *Config) { c.VRID = 11 }), "send0 release >init >backup", Backup, 4*s + down},
		}},
		{"VRID while not started", nil, []step{
			{0, with(func(c *Config) { c.VRID = 11 }), "", Init, none},
		}},
		{"a wrong one is refused", nil, []step{started, active,
			{4 * s, with(func(c *Config) { c.VRID = 0 }), "warn", Active, down + s},
		}},
	})
}

// TestGivingUpAVRIDNamesTheOldOne looks into the Send of such a change.
func TestGivingUpAVRIDNamesTheOldOne(t *testing.T) {
	m := newMachine(t, nil)
	m.Handle(0, Startup{})
	m.Handle(down, Tick{})
	out := m.Handle(down, with(func(c *Config) { c.VRID = 11 }))
	if s, ok := out[0].(Send); !ok || s.VRID != 10 || s.Priority != 0 {
		t.Errorf("first action %+v, want an advertisement of VRID 10 with priority 0", out[0])
	}
}
