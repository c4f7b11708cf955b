// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evener/ha/wire"
)

func TestOneOfTwoThatBootAtOnceIsActive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		if got := right.states(); len(got) != 1 || got[0] != Backup {
			t.Errorf("right came through %v, want backup alone", got)
		}
		if got := right.group(); got.Active != "left" || got.Routers[0].Master != "192.0.2.1" || got.Routers[0].MasterPriority != 200 {
			t.Errorf("right knows %q, %s with %d as active, want left, 192.0.2.1 with 200", got.Active, got.Routers[0].Master, got.Routers[0].MasterPriority)
		}
		if got := right.group().Routers[1].PeerChecksum; got != "pseudo" {
			t.Errorf("checksum of the peer on lan2 = %q, want pseudo", got)
		}
	})
}

func TestACrashIsNoticedAndItsEndToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		left.crash()
		begin := time.Now()
		await(t, "right to take over", func() bool { return right.group().State == Active })
		if took := time.Since(begin); took > 400*time.Millisecond {
			t.Errorf("right took over after %v, want 400ms at most", took)
		}
		settled(t, right)
		if !right.told(CauseAdvert, "no advertisement from 192.0.2.1 (priority 200)") {
			t.Errorf("right does not say why it took over:\n%s", right.dump())
		}
	})
}

func TestAllRoutersLeaveWithOneLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		left.b.link("lan2", false)
		time.Sleep(50 * time.Millisecond) // on lan2 nothing could be said any more
		if got := strings.Join(append(w.holders(vip1), w.holders(vip2)...), " "); got != "right right" {
			t.Errorf("addresses are with %q right after the link, want right to have both", got)
		}
		settled(t, right, left)
		if g := left.group(); g.State != Fault || !strings.Contains(g.Reason, "port lan2: link down") || g.Priority != 0 {
			t.Errorf("left is %s with priority %d (%s), want fault with 0 for the link of lan2", g.State, g.Priority, g.Reason)
		}
		if !left.told(CauseLink, "port lan2") || !right.told(CauseAdvert, "gave up") {
			t.Errorf("nobody says why:\n%s%s", left.dump(), right.dump())
		}
		left.b.link("lan2", true)
		settled(t, left, right)
	})
}

func TestAnEngineThatDoesNotServeGivesUp(t *testing.T) {
	for _, how := range []struct {
		name string
		fail func(n *node)
		heal func(n *node)
		why  string
	}{
		{"silent", func(n *node) { n.dead = true }, func(n *node) { n.dead = false }, "the engine does not answer: no answer"},
		{"says so", func(n *node) { n.serving = Serving{Why: "a port is taken"} }, func(n *node) { n.serving = Serving{Serving: true} },
			"the engine does not serve: a port is taken"},
	} {
		t.Run(how.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, left, right := two(t, nil)
				settled(t, left, right)
				left.set(func() { how.fail(left) })
				time.Sleep(time.Second)
				if left.group().State != Active {
					t.Fatal("left gave up before engine_hold was over")
				}
				settled(t, right, left)
				if !left.told(CauseEngine, how.why) {
					t.Errorf("left does not say why:\n%s", left.dump())
				}
				for range 5 { // comes and goes: not believed
					left.set(func() { how.heal(left) })
					time.Sleep(2500 * time.Millisecond)
					left.set(func() { how.fail(left) })
					time.Sleep(2500 * time.Millisecond)
				}
				if got := left.states(); len(got) != 3 || got[2] != Fault {
					t.Errorf("left came through %v: it believes an engine that comes and goes:\n%s", got, left.dump())
				}
				left.set(func() { how.heal(left) })
				settled(t, left, right)
			})
		})
	}
}

func TestNothingBeginsBeforeTheEngineServes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		s := settings("left", "left", "right")
		s.Groups[0].StartDelay = Duration(5 * time.Second)
		n := start(t, w, "left", s)
		n.set(func() { n.serving = Serving{Why: "no listener"} })
		time.Sleep(10 * time.Second)
		if g := n.group(); g.State != Init || !strings.Contains(g.Reason, "no listener") {
			t.Errorf("group is %s (%s), want init because of the engine", g.State, g.Reason)
		}
		n.set(func() { n.serving = Serving{Serving: true} })
		settled(t, n)
	})
}

func TestTrackedPoolsMoveTheGroup(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		left.set(func() { left.tracks = map[string]TrackState{"pool/shop": {Why: "0 of 3 members up"}} })
		settled(t, right, left)
		g := left.group()
		if g.Priority != 140 || g.Parts[0].OK || g.Parts[0].Cause != "pool shop" || g.Parts[0].Weight != 60 || g.Parts[0].Detail != "0 of 3 members up" {
			t.Errorf("priority %d of %+v, want 140 for pool shop", g.Priority, g.Parts)
		}
		if !left.told(CauseTrack, "priority 140, was 200: pool shop: 0 of 3 members up (-60)") {
			t.Errorf("left does not say why:\n%s", left.dump())
		}
		left.set(func() { left.tracks = map[string]TrackState{"pool/shop": {OK: true}} })
		settled(t, left, right)
	})
}

func TestATrackWithoutWeightIsAFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, func(s *Settings) {
			s.Groups[0].Tracks = []TrackSettings{{Kind: TrackPort, Name: "wan", Interface: "wan"}, {Kind: TrackDefaultRoute, Name: "v4", Weight: 20}}
		})
		settled(t, left, right)
		if p := left.group().Priority; p != 180 {
			t.Errorf("priority without a default route = %d, want 180", p)
		}
		left.b.set(func() { left.b.routes = []wire.DefaultRoute{{Interface: "lan1"}} })
		await(t, "the route to count", func() bool { return left.group().Priority == 200 })
		left.b.link("wan", false)
		settled(t, right, left)
		if g := left.group(); g.State != Fault || g.Reason != "port wan: link down" {
			t.Errorf("left is %s (%s), want fault for port wan", g.State, g.Reason)
		}
	})
}

func TestPriorityIsBounded(t *testing.T) {
	g := &group{set: GroupSettings{Base: 150}, tracks: map[string]TrackState{}}
	for _, c := range []struct{ weight, want uint8 }{{0, 150}, {100, 50}, {149, 1}, {255, 1}} {
		g.set.Tracks = []TrackSettings{{Kind: TrackCustom, Name: "x", Weight: c.weight}}
		if got, why := g.reckon(); got != c.want || c.weight > 0 && !strings.Contains(why, "custom x") {
			t.Errorf("150 - %d = %d (%s), want %d", c.weight, got, why, c.want)
		}
	}
}

func TestAFrozenBoxReadsBeforeItJudges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		right.b.freeze(true) // the BACKUP: what came meanwhile tells that left is well
		time.Sleep(time.Minute)
		right.b.freeze(false)
		settled(t, left, right)
		if got := right.states(); len(got) != 1 {
			t.Errorf("right came through %v, want backup alone", got)
		}
		left.b.freeze(true)
		await(t, "right to take over", func() bool { return right.group().State == Active })
		time.Sleep(time.Minute)
		left.b.freeze(false)
		settled(t, left, right)
		if left.told(CauseEngine, "engine") {
			t.Errorf("left takes its own pause for the engine's:\n%s", left.dump())
		}
	})
}

func TestAPauseAfterReadingIsNoSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, func(s *Settings) { s.Peers = nil }) // no heartbeat holds the takeover
		settled(t, left, right)
		for range 20 {
			right.b.set(func() { right.b.stall = 700 * time.Millisecond })
			time.Sleep(2 * time.Second)
		}
		settled(t, left, right)
		if got := right.states(); len(got) != 1 {
			t.Errorf("right came through %v, want backup alone:\n%s", got, right.dump())
		}
	})
}

func TestABoxThatCannotTakeItsAddressesGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		left.b.set(func() { left.b.refuse = errors.New("no rights") })
		right.order(Order{Kind: OrderStay, By: "ann"})
		settled(t, right, left)
		right.order(Order{Kind: OrderRebalance, By: "ann"})
		await(t, "left to try", func() bool { return left.told(CauseLink, "cannot be taken: no rights") })
		await(t, "an alarm", func() bool { return strings.Contains(alarms(left), "no rights") })
		left.b.set(func() { left.b.refuse = nil })
		settled(t, left, right)
	})
}

func TestLossOfPacketsMovesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		n := 0
		w.lose(func(string, string, string) bool { n++; return n*7%10 < 3 })
		time.Sleep(5 * time.Minute)
		settled(t, left, right)
		if got := append(left.states(), right.states()...); len(got) != 3 {
			t.Errorf("states %v with 30 %% loss, want backup, active and backup", got)
		}
	})
}

// alarms joins the texts of the alarms of n.
func alarms(n *node) string {
	text := ""
	for _, a := range n.now().Alarms {
		text += a.Text + "\n"
	}
	return text
}
