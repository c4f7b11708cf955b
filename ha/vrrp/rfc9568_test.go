// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// TestRFC9568 has a row for each MUST and SHOULD of the state machine, named
// by its section. What belongs to the kernel's side of a state (answering ARP
// and neighbour solicitations, accepting packets) follows from Take and
// Release: the addresses are there exactly while the router is ACTIVE.
func TestRFC9568(t *testing.T) {
	owner := func(c *Config) { c.Priority = 255 }
	keep := func(c *Config) { c.Preempt = false }
	run(t, []row{
		{"6.4.1 startup of the owner: advertise, announce, set Adver_Timer, ACTIVE", owner, []step{
			{0, Startup{}, "send255 take+accept announce >active", Active, time.Second},
		}},
		{"6.4.1 startup otherwise: set Active_Down_Timer, BACKUP", nil, []step{started}},
		{"6.4.1 nothing but startup leaves INIT", nil, []step{
			{0, Tick{}, "", Init, none},
			{0, adv(other, 0), "", Init, none},
			{0, adv(other, 50), "", Init, none},
			{0, Shutdown{}, "", Init, none},
			{time.Hour, Tick{}, "", Init, none},
		}},
		{"6.4.2 shutdown: cancel the timer, INIT", nil, []step{started,
			{time.Second, Shutdown{"stop"}, ">init", Init, none},
		}},
		{"6.4.2 Active_Down_Timer fires: advertise, announce, set Adver_Timer, ACTIVE", nil, []step{started,
			{down - 1, Tick{}, "", Backup, down},
			{down, Tick{}, becomes, Active, down + time.Second},
		}},
		{"6.4.2 priority 0: set Active_Down_Timer to Skew_Time", nil, []step{started,
			{time.Second, adv(other, 200), "", Backup, time.Second + down},
			{2 * time.Second, adv(other, 0), "", Backup, 2*time.Second + skew},
			{2*time.Second + skew, Tick{}, becomes, Active, 3*time.Second + skew},
		}},
		{"6.4.2 higher priority: reset the timer", nil, []step{started,
			{time.Second, adv(other, 101), "", Backup, time.Second + down},
		}},
		{"6.4.2 equal priority: reset the timer, whatever the address", nil, []step{started,
			{time.Second, adv(smaller, 100), "", Backup, time.Second + down},
		}},
		{"6.4.2 lower priority, Preempt_Mode true: discard", nil, []step{started,
			{time.Second, adv(other, 99), "", Backup, down},
			{2 * time.Second, adv(other, 99), "", Backup, down},
			{3 * time.Second, adv(other, 99), "", Backup, down},
			active,
		}},
		{"6.4.2 lower priority, Preempt_Mode false: reset the timer", keep, []step{started,
			{time.Second, adv(other, 1), "", Backup, time.Second + down},
		}},
		{"6.4.2 adopt the interval, recompute Skew_Time and Active_Down_Interval", nil, []step{started,
			{time.Second, adv(other, 200, every(100*ms)), "warn", Backup, time.Second + down/10},
			{1100 * ms, adv(other, 0, every(100*ms)), "", Backup, 1100*ms + skew/10},
		}},
		{"6.4.2 a learned interval does not become this router's own", nil, []step{started,
			{time.Second, adv(other, 200, every(100*ms)), "warn", Backup, time.Second + down/10},
			{time.Second + down/10, Tick{}, becomes, Active, 2*time.Second + down/10},
		}},
		{"6.4.3 shutdown: cancel the timer, advertise priority 0, INIT", nil, []step{started, active,
			{4 * time.Second, Shutdown{"stop"}, "send0 release >init", Init, none},
		}},
		{"6.4.3 Adver_Timer fires: advertise, reset Adver_Timer", nil, []step{started, active,
			{down + time.Second - 1, Tick{}, "", Active, down + time.Second},
			{down + time.Second, Tick{}, "send100", Active, down + 2*time.Second},
		}},
		{"6.4.3 priority 0: advertise, reset Adver_Timer", nil, []step{started, active,
			{4 * time.Second, adv(other, 0), "send100 again", Active, 5 * time.Second},
		}},
		{"6.4.3 higher priority: cancel Adver_Timer, set Active_Down_Timer, BACKUP", nil, []step{started, active,
			{4 * time.Second, adv(smaller, 101), "release >backup", Backup, 4*time.Second + down},
		}},
		{"6.4.3 equal priority, greater address: BACKUP", nil, []step{started, active,
			{4 * time.Second, adv(other, 100), "release >backup", Backup, 4*time.Second + down},
		}},
		{"6.4.3 addresses are compared as unsigned numbers", func(c *Config) {
			c.Source = netip.MustParseAddr("127.0.0.1")
		}, []step{started, active,
			{4 * time.Second, adv(netip.MustParseAddr("128.0.0.1"), 100), "release >backup", Backup, 0},
		}},
		{"6.4.3 yielding adopts the interval", nil, []step{started, active,
			{4 * time.Second, adv(other, 200, every(100*ms)), "warn release >backup", Backup, 4*time.Second + down/10},
		}},
		{"6.4.3 lower priority: discard, advertise at once", nil, []step{started, active,
			{4 * time.Second, adv(other, 99), "warn send100 again", Active, down + time.Second},
		}},
		{"6.4.3 equal priority, smaller address: discard, advertise at once", nil, []step{started, active,
			{4 * time.Second, adv(smaller, 100), "warn send100 again", Active, down + time.Second},
		}},
		{"6.4.3 Preempt_Mode does not matter to an ACTIVE router", keep, []step{started, active,
			{4 * time.Second, adv(other, 99), "warn send100 again", Active, 0},
			{5 * time.Second, adv(other, 101), "release >backup", Backup, 0},
		}},
		{"6.4.3 Accept_Mode true: accept packets", func(c *Config) { c.Accept = true }, []step{started,
			{down, Tick{}, "send100 take+accept announce >active", Active, 0},
		}},
		{"6.1 the owner preempts whatever Preempt_Mode is", func(c *Config) {
			c.Priority, c.Preempt, c.PreemptDelay = 255, false, time.Minute
		}, []step{
			{0, LinkDown{"no link"}, "", Init, none},
			{0, Startup{}, ">fault", Fault, none},
			{0, adv(other, 200), "", Fault, none},
			{0, LinkUp{}, "send255 take+accept announce >active", Active, 0},
		}},
		{"7.1, erratum 8298: two owners resolve by election and are logged", owner, []step{
			{0, Startup{}, "send255 take+accept announce >active", Active, 0},
			{1, adv(smaller, 255), "warn warn send255 again", Active, 0},
			{2, adv(other, 255), "warn release >backup", Backup, 0},
		}},
		{"7.1 another VRID is discarded", nil, []step{started,
			{1, adv(other, 200, func(r *Received) { r.VRID = 11 }), "", Backup, down},
		}},
		{"7.1 another version is discarded and logged", nil, []step{started,
			{1, adv(other, 200, v2), "warn", Backup, down},
		}},
		{"7.1 another family is discarded", nil, []step{started,
			{1, adv(netip.MustParseAddr("fe80::9"), 200), "", Backup, down},
		}},
		{"7.1 another interval is logged once, not discarded", nil, []step{started,
			{1, adv(other, 200, every(2*time.Second)), "warn", Backup, 1 + 2*down},
			{2, adv(other, 200, every(2*time.Second)), "", Backup, 2 + 2*down},
		}},
		{"7.1 another list of addresses is logged once, not discarded", nil, []step{started,
			{1, adv(other, 200, func(r *Received) { r.Addresses = addrs("192.0.2.2") }), "warn", Backup, 1 + down},
			{2, adv(other, 200, func(r *Received) { r.Addresses = addrs("192.0.2.2") }), "", Backup, 2 + down},
		}},
		{"8.1.2, 8.2.2 announcements wait for the addresses", nil, []step{started,
			{down, Tick{}, "send100 take announce >active", Active, 0},
		}},
	})
}

// TestRFC3768 has the rows in which version 2 differs.
func TestRFC3768(t *testing.T) {
	two := func(c *Config) { c.Version = 2 }
	slow := func(c *Config) { c.Version, c.Interval = 2, 5*time.Second }
	run(t, []row{
		{"6.1 Skew_Time is a part of one second, not of the interval", slow, []step{
			{0, Startup{}, ">backup", Backup, 15*time.Second + skew},
			{1, adv(other, 0, v2, every(5*time.Second)), "", Backup, 1 + skew},
		}},
		{"7.1 the interval must match, else discard", two, []step{started,
			{1, adv(other, 200, v2, every(5*time.Second)), "warn", Backup, down},
			{2, adv(other, 200, v2, every(5*time.Second)), "", Backup, down},
			{3, adv(other, 200, v2), "", Backup, 3 + down},
		}},
		{"7.1 authentication is discarded", two, []step{started,
			{1, adv(other, 200, v2, func(r *Received) { r.Auth.Type = AuthText }), "warn", Backup, down},
		}},
		{"7.1 the owner discards", func(c *Config) { c.Version, c.Priority = 2, 255 }, []step{
			{0, Startup{}, "send255 take+accept announce >active", Active, time.Second},
			{1, adv(other, 255, v2), "warn", Active, time.Second},
		}},
		{"7.1 version 3 is discarded and logged", two, []step{started,
			{1, adv(other, 200), "warn", Backup, down},
		}},
		{"6.4.3 lower priority: discard without an advertisement; neighbours are healed", two, []step{started, active,
			{4 * time.Second, adv(other, 99, v2), "warn again", Active, down + time.Second},
		}},
		{"6.4.3 higher priority: BACKUP", two, []step{started, active,
			{4 * time.Second, adv(other, 101, v2), "release >backup", Backup, 4*time.Second + down},
		}},
	})
}

// TestSentAdvertisementIsTheConfigured looks into a Send.
func TestSentAdvertisementIsTheConfigured(t *testing.T) {
	m := newMachine(t, nil)
	m.Handle(0, Startup{})
	var got *Advertisement
	for _, a := range m.Handle(down, Tick{}) {
		if s, ok := a.(Send); ok {
			got = &s.Advertisement
		}
	}
	if got == nil {
		t.Fatal("nothing sent")
	}
	b, err := got.Marshal(self, IPv4.Group(), ChecksumRFC9568)
	if want := unhex(t, vectors[0].bytes); err != nil || string(b) != string(want) {
		t.Errorf("sent %x, %v, want %x", b, err, want)
	}
}
