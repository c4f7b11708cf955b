// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"strings"
	"testing"
	"time"
)

// three boots left, right and third.
func three(t *testing.T) (w *world, list []*node) {
	w = newWorld()
	for _, name := range []string{"left", "right", "third"} {
		list = append(list, start(t, w, name, settings(name, "left", "right", "third")))
	}
	settled(t, list[0], list[1:]...)
	return w, list
}

func TestASwitchStaysUntilRebalance(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		if d := right.order(Order{Kind: OrderSwitch, Group: "front", By: "ann"}); d.OK || !strings.Contains(d.Text, "not active on this box") {
			t.Errorf("switch on the standby = %+v, want it refused", d)
		}
		if d := left.order(Order{Kind: OrderSwitch, Group: "front", By: "ann"}); !d.OK || !strings.Contains(d.Text, "handed over to right") {
			t.Fatalf("switch = %+v, want it done", d)
		}
		settled(t, right, left)
		if !left.told(CauseOperator, "switch by ann to right") {
			t.Errorf("left does not say who:\n%s", left.dump())
		}
		if !left.group().Pinned || !right.group().Pinned || right.group().Priority != pinnedPriority {
			t.Errorf("pinned: left %v, right %v with priority %d; want both, with %d", left.group().Pinned, right.group().Pinned, right.group().Priority, pinnedPriority)
		}
		if got := left.last(Backup); got.By != "ann" {
			t.Errorf("the change was ordered by %q, want ann", got.By)
		}
		if d := right.order(Order{Kind: OrderRebalance, By: "ann"}); !d.OK || !strings.Contains(d.Text, "handed over to left") {
			t.Errorf("rebalance = %+v, want it done", d)
		}
		settled(t, left, right)
		if left.group().Pinned || right.group().Pinned {
			t.Error("the group is still pinned")
		}
	})
}

func TestAPinEndsWithThePeer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		left.order(Order{Kind: OrderSwitch, Node: "right", By: "ann"})
		settled(t, right, left)
		right.crash()
		settled(t, left)
		if left.group().Pinned {
			t.Error("left is still pinned after right died")
		}
	})
}

func TestASwitchGoesToTheNamedBox(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, list := three(t)
		for _, c := range []struct{ to, why string }{{"third", ""}, {"moon", `there is no box "moon"`}} {
			d := list[0].order(Order{Kind: OrderSwitch, Node: c.to, By: "ann"})
			if d.OK != (c.why == "") || !strings.Contains(d.Text, c.why) {
				t.Errorf("switch to %s = %+v, want %q", c.to, d, c.why)
			}
			if c.why != "" {
				continue
			}
			settled(t, list[2], list[0], list[1])
			list[2].order(Order{Kind: OrderSwitch, Node: "left", By: "ann"})
			settled(t, list[0], list[1], list[2])
		}
		list[1].b.link("lan1", false)
		await(t, "left to know", func() bool {
			return strings.Contains(list[0].order(Order{Kind: OrderSwitch, Node: "right", By: "ann"}).Text, "right cannot take it: port lan1")
		})
		if got := list[1].last(Active); got.Number != 0 {
			t.Errorf("right was active on the way: %+v", got)
		}
	})
}

func TestAStandbyCanClaimAGroup(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, list := three(t)
		if d := list[2].order(Order{Kind: OrderStay, Group: "front", By: "ann"}); !d.OK {
			t.Fatalf("stay = %+v", d)
		}
		settled(t, list[2], list[0], list[1])
		list[2].order(Order{Kind: OrderRebalance, By: "ann"})
		settled(t, list[0], list[1], list[2])
		if got := list[1].states(); len(got) != 1 {
			t.Errorf("right came through %v, want backup alone:\n%s%s%s", got, list[0].dump(), list[1].dump(), list[2].dump())
		}
	})
}

func TestARehearsedCrashLooksLikeOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		if d := left.order(Order{Kind: OrderCrash, By: "ann", For: Duration(time.Hour)}); d.OK {
			t.Errorf("crash for an hour = %+v, want it refused", d)
		}
		if d := left.order(Order{Kind: OrderCrash, By: "ann", For: Duration(25 * time.Second)}); !d.OK {
			t.Fatalf("crash = %+v", d)
		}
		settled(t, right, left)
		if !right.told(CauseAdvert, "no advertisement from 192.0.2.1") {
			t.Errorf("right was told, which a crash does not do:\n%s", right.dump())
		}
		settled(t, left, right)
	})
}

func TestAnOrderIsCarriedOutOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		left.order(Order{Kind: OrderSwitch, By: "ann"})
		settled(t, right, left)
		right.order(Order{Kind: OrderRebalance, By: "ann"}) // left is given its first order still, with each pulse
		settled(t, left, right)
		if d := left.order(Order{Kind: "dance"}); d.OK || !strings.Contains(d.Text, "dance") {
			t.Errorf("an order nobody knows = %+v, want it refused", d)
		}
		if d := left.order(Order{Kind: OrderSwitch, Group: "back"}); d.OK || !strings.Contains(d.Text, `no group "back"`) {
			t.Errorf("an order for a group that is not there = %+v, want it refused", d)
		}
	})
}
