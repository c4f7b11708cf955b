// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func (n *node) apply(s Settings) error { return n.r.Apply(n.t.Context(), s) }

func TestSettingsThatChangeNothingTouchNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		before, sent := w.count("left"), left.group().Routers[0].Sent
		s := settings("left", "left", "right")
		s.Number = 2
		s.Groups = append(s.Groups, s.Groups[0])
		s.Groups[1].Name = "back"
		s.Groups[1].Routers = []RouterSettings{{Name: "c", Interface: "lan3", VRID: 30, Version: 3, Addresses: []string{"203.0.113.1/24"}, MAC: "port"}}
		if err := left.apply(s); err != nil {
			t.Fatal(err)
		}
		settled(t, left, right)
		if got := left.now().Settings; got != 2 {
			t.Errorf("settings %d in force, want 2", got)
		}
		if got := w.count("left") - before; got > 10 { // five of the new group, and five later
			t.Errorf("%d announcements after a change elsewhere", got)
		}
		if got := left.group().Routers[0].Sent - sent; got > 205 {
			t.Errorf("%d advertisements in 20s at 100ms after a change elsewhere", got)
		}
	})
}

func TestAddressesChangeWhileActive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		const more = "192.0.2.77/24"
		s := settings("left", "left", "right")
		s.Groups[0].Routers[0].Addresses = []string{more, vip1}
		s.Groups[0].Routers = append(s.Groups[0].Routers, RouterSettings{Name: "c", Interface: "lan3", VRID: 30, Version: 3,
			Addresses: []string{"203.0.113.1/24"}, MAC: "port"})
		if err := left.apply(s); err != nil {
			t.Fatal(err)
		}
		for _, a := range []string{more, vip1, vip2, "203.0.113.1/24"} {
			if got := strings.Join(w.holders(a), " "); got != "left" {
				t.Errorf("%s is with %q at once after the change, want left", a, got)
			}
		}
		s = settings("left", "left", "right")
		s.Groups[0].Base = 180
		if err := left.apply(s); err != nil {
			t.Fatal(err)
		}
		if got := append(w.holders(more), w.holders("203.0.113.1/24")...); len(got) != 0 {
			t.Errorf("addresses that are configured no more are with %v", got)
		}
		if g := left.group(); g.Priority != 180 || g.State != Active {
			t.Errorf("priority %d, state %s; want 180 and active", g.Priority, g.State)
		}
		await(t, "the peer to hear the priority 180", func() bool { return right.group().Routers[0].MasterPriority == 180 })
		if got := left.states(); len(got) != 2 {
			t.Errorf("left came through %v, want backup and active alone", got)
		}
	})
}

func TestAGroupThatIsRemovedGoesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		s := settings("left", "left", "right")
		s.Groups = nil
		begin := time.Now()
		if err := left.apply(s); err != nil {
			t.Fatal(err)
		}
		await(t, "right to take over", func() bool { return right.group().State == Active })
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("right took over after %v: it was not told", took)
		}
		if got := strings.Join(w.holders(vip1), " "); got != "right" {
			t.Errorf("address is with %q, want right", got)
		}
	})
}

func TestABoxThatEndsHandsOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		left.stop()
		if got := w.holders(vip1); strings.Join(got, " ") == "left" {
			t.Errorf("address is with %v after the end of left", got)
		}
		settled(t, right)
		if _, err := left.r.Report(t.Context()); err == nil {
			t.Error("a runner that has ended reports")
		}
	})
}

func TestASuccessorGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		right.order(Order{Kind: OrderStay, By: "ann"})
		settled(t, right, left)
		h, err := right.r.HandOver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		<-right.done
		right.done <- nil
		if got := strings.Join(w.holders(vip1), " "); got != "right" {
			t.Fatalf("address is with %q between the processes, want right", got)
		}
		w.unplug(right.b)
		next := w.box("right")
		next.num, next.st = right.b.num, nil
		n := startOn(t, next, settings("right", "left", "right"), &h)
		if got := n.group(); got.State != Active || !got.Pinned {
			t.Fatalf("successor is %s, pinned %v, at once after its settings; want active and pinned", got.State, got.Pinned)
		}
		settled(t, n, left)
		if got := left.states(); len(got) != 3 {
			t.Errorf("left came through %v, want it to notice nothing of the hand-over", got)
		}
	})
}

func TestALateSuccessorBeginsAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		h := &Handover{Node: "left", Boot: bootTime() - time.Minute, Groups: map[string]HandedOver{"front": {Active: true, Interval: Duration(time.Second)}}}
		n := startOn(t, w.box("left"), settings("left", "left", "right"), h)
		if got := n.group().State; got == Active {
			t.Error("a successor after a minute goes on as if nothing had been")
		}
		settled(t, n)
	})
}

func TestMistakesOfSettingsAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		for _, c := range []struct {
			break_ func(g *GroupSettings)
			want   string
		}{
			{func(g *GroupSettings) { g.Base = 255 }, "base priority is 1 to 254"},
			{func(g *GroupSettings) { g.OnSplit = "" }, "on_split is hold or takeover"},
			{func(g *GroupSettings) { g.EngineHold = 0 }, "engine_hold"},
			{func(g *GroupSettings) { g.Routers = nil }, "needs a router"},
			{func(g *GroupSettings) { g.Routers[1].Addresses = []string{"192.0.2.1"} }, "router b: an address is written"},
			{func(g *GroupSettings) { g.Routers[1].Addresses = nil }, "router b: a virtual router needs an address"},
			{func(g *GroupSettings) { g.Routers[1].MAC = "mine" }, "mac is virtual or port"},
			{func(g *GroupSettings) { g.Routers[1].Checksum = "crc" }, "checksum is rfc9568 or pseudo"},
			{func(g *GroupSettings) { g.Routers[1].Unicast = []string{"box"} }, "a unicast peer is an IP address"},
			{func(g *GroupSettings) { g.Routers[1].VRID = 0 }, "VRID must be 1 to 255"},
			{func(g *GroupSettings) { g.Interval = 5 }, "interval must be"},
		} {
			s := settings("left", "left", "right")
			c.break_(&s.Groups[0])
			if err := left.apply(s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Apply = %v, want %q", err, c.want)
			}
			if got := left.now().Problem; !strings.Contains(got, c.want) {
				t.Errorf("problem = %q, want %q", got, c.want)
			}
		}
		settled(t, left, right) // with what was good before
	})
}

func TestTheTimelineIsBoundedAndCountsWhatItLoses(t *testing.T) {
	var l timeline
	for i := range maxChanges + 10 {
		l.add(Change{Reason: fmt.Sprint(i)})
	}
	if len(l.waiting) != maxChanges || l.lost != 10 || l.waiting[0].Number != 11 {
		t.Errorf("%d wait from number %d, %d lost; want %d from 11, 10 lost", len(l.waiting), l.waiting[0].Number, l.lost, maxChanges)
	}
	l.acknowledge(maxChanges)
	if len(l.waiting) != 10 || l.waiting[0].Number != maxChanges+1 {
		t.Errorf("%d wait from number %d after an acknowledgement, want 10 from %d", len(l.waiting), l.waiting[0].Number, maxChanges+1)
	}
	l.acknowledge(1 << 40)
	l.add(Change{})
	if len(l.waiting) != 1 || l.waiting[0].Number != maxChanges+11 {
		t.Errorf("next change = %+v, want number %d", l.waiting, maxChanges+11)
	}
}
