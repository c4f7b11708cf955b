// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// deafTo loses what one box sends to another, but for heartbeats.
func deafTo(from, to string, ifaces ...string) func(string, string, string) bool {
	return func(f, t, iface string) bool { return f == from && t == to && slices.Contains(ifaces, iface) }
}

func TestAPeerThatHeartbeatsShowHoldsTheTakeover(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		w.lose(deafTo("left", "right", "lan1", "lan2"))
		settled(t, left, right)
		want := "peer left seen by heartbeat"
		if g := right.group(); !strings.Contains(g.Held, want) || !strings.Contains(g.Held, "but not by VRRP on port lan1") {
			t.Errorf("held = %q, want %q with the port", g.Held, want)
		}
		if got := alarms(right); !strings.Contains(got, want) || !right.told(CauseHeartbeat, "takeover held back: "+want) {
			t.Errorf("alarms = %q, want the split; timeline:\n%s", got, right.dump())
		}
		// The heartbeats cease too: now the peer counts as dead.
		w.lose(func(f, t, _ string) bool { return f == "left" && t == "right" })
		await(t, "right to take over", func() bool { return right.group().State == Active })
		before := w.count("left")
		w.lose(nil)
		settled(t, left, right)
		if w.count("left") == before {
			t.Error("left did not announce its addresses after the split")
		}
		if got := alarms(left) + alarms(right); got != "" {
			t.Errorf("alarms after healing: %s", got)
		}
	})
}

func TestAPeerThatIsNotWellHoldsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		w.lose(deafTo("left", "right", "lan1", "lan2"))
		left.set(func() { left.serving = Serving{Why: "gone"} })
		settled(t, right, left)
	})
}

func TestTheCauseOfASplitIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		left.b.set(func() { w.mangle = true })
		settled(t, left, right)
		for _, g := range []string{right.group().Held, alarms(right)} {
			if !strings.Contains(g, "not by VRRP on port lan1: advertisements come and are refused for their checksum") {
				t.Errorf("right says %q, want the checksums as the cause", g)
			}
		}
	})
}

func TestAPeerThatGivesUpHoldsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, func(s *Settings) { // the third never comes, so nobody knows who is next in line
			s.Groups[0].Homes = append(s.Groups[0].Homes, "third")
			s.Peers = append(s.Peers, PeerSettings{Name: "third", Address: "10.255.0.3:7460", Key: secret("third", s.Node)})
		})
		settled(t, left, right)
		w.lose(func(f, _, iface string) bool { return f == "left" && iface == "beats" })
		begin := time.Now()
		left.stop()
		await(t, "right to take over", func() bool { return right.group().State == Active })
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("right took over after %v, although left said that it goes:\n%s", took, right.dump())
		}
	})
}

func TestOnSplitTakeoverTakesAndTells(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, func(s *Settings) { s.Groups[0].OnSplit = "takeover" })
		settled(t, left, right)
		w.lose(deafTo("left", "right", "lan1", "lan2"))
		await(t, "right to take over", func() bool { return right.group().State == Active })
		await(t, "the alarm", func() bool { return strings.Contains(alarms(right), "both boxes are active") })
		await(t, "the alarm of the other", func() bool {
			return strings.Contains(alarms(left), "192.0.2.2 is active too on port lan1, with priority 150: it does not hear this box")
		})
		if !right.told(CauseHeartbeat, "takes over although peer left seen by heartbeat") {
			t.Errorf("right does not say what it saw:\n%s", right.dump())
		}
		w.lose(nil)
		settled(t, left, right)
		if got := alarms(left) + alarms(right); got != "" {
			t.Errorf("alarms after healing: %s", got)
		}
	})
}

func TestRoutersTakeOverTogetherOrNotAtAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, func(s *Settings) { s.Peers, s.Listen = nil, "" })
		settled(t, left, right)
		w.lose(deafTo("left", "right", "lan2"))
		settled(t, left, right)
		if got := alarms(right); !strings.Contains(got, "nobody advertises on port lan2, but 192.0.2.1 (priority 200) on port lan1") {
			t.Errorf("alarms = %q, want the silence of lan2", got)
		}
		w.lose(nil)
		settled(t, left, right)
		if got := alarms(right); got != "" {
			t.Errorf("alarms after healing: %s", got)
		}
	})
}

// On lan1 the address of right is the greater one, on lan2 that of left: each loses a
// tie on one of them.
func TestATieEndsWithOneBox(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, func(s *Settings) { s.Groups[0].Base = 100; s.Peers, s.Listen = nil, "" })
		await(t, "one to be active", func() bool { return (left.group().State == Active) != (right.group().State == Active) })
		time.Sleep(20 * time.Second)
		if left.group().State == Active {
			settled(t, left, right)
		} else {
			settled(t, right, left)
		}
		if n := len(left.states()) + len(right.states()); n > 8 {
			t.Errorf("%d changes until one was active:\n%s%s", n, left.dump(), right.dump())
		}
	})
}

func TestACutOfTheHeartbeatsMovesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, left, right := two(t, nil)
		settled(t, left, right)
		w.lose(func(_, _, iface string) bool { return iface == "beats" })
		settled(t, left, right)
		if p := right.now().Peers[0]; p.Seen || p.Age.D() < 10*time.Second {
			t.Errorf("peer = %+v, want it unseen for a while", p)
		}
		left.crash()
		settled(t, right)
	})
}

func TestTheNextInLineDoesNotWaitForOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		var list []*node
		for _, name := range []string{"left", "right", "third"} {
			list = append(list, start(t, w, name, settings(name, "left", "right", "third")))
		}
		settled(t, list[0], list[1], list[2])
		list[0].b.link("lan1", false)
		settled(t, list[1], list[0], list[2])
		var down, up time.Time
		for _, n := range list[:2] {
			for _, c := range n.changes {
				switch {
				case n == list[0] && c.To == Fault:
					down = c.Time
				case n == list[1] && c.To == Active:
					up = c.Time
				}
			}
		}
		if took := up.Sub(down); took > 10*time.Millisecond {
			t.Errorf("the next in line was active after %v, want at once", took)
		}
		list[1].crash()
		settled(t, list[2], list[0])
	})
}

// count returns how many announcements a box has made.
func (w *world) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.announced[name]
}
