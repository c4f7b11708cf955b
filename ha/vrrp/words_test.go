// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// play hands events to m and returns the text of the last change of state.
func play(m *Machine, steps ...step) string {
	text := ""
	for _, s := range steps {
		for _, a := range m.Handle(s.at, s.e) {
			if l, ok := a.(Log); ok && l.From != l.To {
				text = l.Text
			}
		}
	}
	return text
}

func at(t time.Duration, e Event) step { return step{at: t, e: e} }

func TestReasonsAreInPlainWords(t *testing.T) {
	quick := func(c *Config) { c.Interval = 100 * ms }
	start := at(0, Startup{})
	up := at(down, Tick{})
	back := SetPriority{Priority: 40, Base: 100, Why: "port back: link down (-60)"}
	for _, c := range []struct {
		want   string
		change func(*Config)
		steps  []step
	}{
		{"start: takes over if nobody advertises for 3.6 s", nil, []step{start}},
		{"start: this box owns the addresses (priority 255)",
			func(c *Config) { c.Priority = 255 }, []step{start}},
		{"nobody advertised for 3.6 s", nil, []step{start, up}},
		{"no advertisement from 10.0.0.9 (priority 200) for 361 ms", quick, []step{start,
			at(10*ms, adv(other, 200, every(100*ms))), at(371*ms, Tick{})}},
		{"10.0.0.9 gave up (priority 0)", nil, []step{start,
			at(10*ms, adv(other, 200)), at(20*ms, adv(other, 0)), at(time.Second, Tick{})}},
		{"priority 100 is higher than 50 of 10.0.0.9", nil, []step{start,
			at(3*time.Second, adv(other, 50)), up}},
		{"10.0.0.9 has the higher priority 200; this box 100", nil, []step{start, up, at(down, adv(other, 200))}},
		{"10.0.0.9 has the higher priority 90; this box 40, not 100: port back: link down (-60)", nil,
			[]step{start, up, at(down, back), at(down, adv(other, 90))}},
		{"10.0.0.9 has the higher priority 200; this box 100", nil, []step{start, up, at(down, back),
			at(down, SetPriority{Priority: 100, Base: 100, Why: "nothing that is tracked fails"}), at(down, adv(other, 200))}},
		{"start: takes over if nobody advertises for 3.8 s; priority 40, not 100: port back: link down (-60)", nil,
			[]step{at(0, back), start}},
		{"10.0.0.9 has the same priority 40 and the greater address, this box 10.0.0.5; priority 40, not 100: port back: link down (-60)", nil,
			[]step{start, up, at(down, back), at(down, adv(other, 40))}},
		{"10.0.0.9 has the same priority 100 and the greater address, this box 10.0.0.5", nil,
			[]step{start, up, at(down, adv(other, 100))}},
		{"this box stood still for 12 min, and 10.0.0.9 took over", func(c *Config) { c.Preempt = false },
			[]step{start, up, at(down+12*time.Minute, adv(other, 50))}},
		{"the engine does not serve", nil, []step{start, up, at(down, SetFault{true, "the engine does not serve"})}},
		{"the link is up: takes over if nobody advertises for 3.6 s", nil, []step{start,
			at(1, LinkDown{"lan1 has no link"}), at(2, LinkUp{})}},
	} {
		if got := play(newMachine(t, c.change), c.steps...); got != c.want {
			t.Errorf("reason %q, want %q", got, c.want)
		}
	}
}

func TestStatusSaysWhatHoldsARouterBack(t *testing.T) {
	start, heard := at(0, Startup{}), at(time.Second, adv(other, 50))
	for _, c := range []struct {
		want   string
		change func(*Config)
		steps  []step
	}{
		{"", nil, []step{start}},
		{"", nil, []step{start, heard}},
		{"", func(c *Config) { c.Preempt = false }, []step{start, at(time.Second, adv(other, 200))}},
		{"10.0.0.9 is active with the lower priority 50, and preempt is off",
			func(c *Config) { c.Preempt = false }, []step{start, heard}},
		{"preempt delay: takes over in 58 s", func(c *Config) { c.PreemptDelay = time.Minute },
			[]step{start, heard}},
		{"switched to right by anna", nil, []step{start, at(1, Pin{true, "switched to right by anna"}), heard}},
		{"", nil, []step{start, at(down, Tick{})}},
	} {
		m := newMachine(t, c.change)
		play(m, c.steps...)
		if got := m.Status(3 * time.Second).Held; got != c.want {
			t.Errorf("held %q, want %q", got, c.want)
		}
	}
}

func TestStatusTellsOfTheOtherRouter(t *testing.T) {
	m := newMachine(t, nil)
	play(m, at(0, Startup{}),
		at(1, adv(other, 200, func(r *Received) { r.VRID = 11 })),
		at(2, adv(netip.MustParseAddr("fe80::9"), 200)),
		at(time.Second, adv(other, 200, every(500*ms), func(r *Received) { r.Checksum = ChecksumPseudo })))
	s := m.Status(2 * time.Second)
	want := Peer{Addr: other, Priority: 200, Interval: 500 * ms, Checksum: ChecksumPseudo, Heard: time.Second}
	if s.Peer != want {
		t.Errorf("peer %+v, want %+v", s.Peer, want)
	}
	if s.Received != 1 || s.Discarded[BadVRID] != 1 || s.Discarded[BadFamily] != 1 {
		t.Errorf("received %d, discarded %v, want 1, one of vrid, one of family", s.Received, s.Discarded)
	}
	if s.Interval != 500*ms || s.Down != down/2 {
		t.Errorf("interval %v, down %v, want %v, %v", s.Interval, s.Down, 500*ms, down/2)
	}
	play(m, at(2*time.Second, adv(other, 0)))
	if p := m.Status(2 * time.Second).Peer; !p.Gone || p.Priority != 200 {
		t.Errorf("peer %+v, want gone, with its last priority", p)
	}
}

func TestForgersCannotFloodTheLog(t *testing.T) {
	m := newMachine(t, nil)
	m.Handle(0, Startup{})
	notes := 0
	for i := range 1000 {
		src := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		for _, a := range m.Handle(time.Duration(i), adv(src, 200, v2)) {
			if _, ok := a.(Log); ok {
				notes++
			}
		}
	}
	if notes != maxWarnings {
		t.Errorf("%d notes for 1000 forged sources, want %d", notes, maxWarnings)
	}
}
