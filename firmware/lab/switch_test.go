// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"testing"

	"evener/firmware/manage"
)

// moves returns when a group has become active on a box, by the timeline.
func (b *Box) moves(t *testing.T, name string) (out []string) {
	t.Helper()
	var line manage.HATimeline
	must(t, b.Call(t.Context(), "ha.timeline", map[string]any{"group": name, "limit": 1000}, &line))
	seen := map[string]bool{}
	for _, e := range line.Entries {
		if id := e.Node + "/" + e.ID; seen[id] {
			t.Errorf("the timeline has %s twice: %+v", id, line.Entries)
		} else {
			seen[id] = true
		}
		if e.Node == b.Name && e.Object == "group/"+name && e.Args["to"] == manage.HAActive {
			out = append(out, e.Time.String()+" "+e.Kind+" "+e.Text)
		}
	}
	return out
}

// A planned switch moves a group once; it stays there, whatever the boxes prefer,
// until it is switched back, and then stays there too.
func TestASwitchStays(t *testing.T) {
	t.Parallel()
	l := pair(t, Config{Group: quick})
	left, right := l.Boxes[0], l.Boxes[1]
	for _, move := range []struct{ from, to *Box }{{left, right}, {right, left}} {
		t.Run("to "+move.to.Name, func(t *testing.T) {
			visitors := map[string]*Visitor{
				"kept, behind the router": l.Client.Visit(Visits{URL: "http://" + VIP.String() + "/"}),
				"kept, on the network":    l.Neighbour.Visit(Visits{URL: "http://" + VIP.String() + ":81/"}),
				"fresh":                   l.Client.Visit(Visits{URL: "http://" + VIP.String() + "/", Fresh: true}),
			}
			for _, v := range visitors {
				defer v.Stop()
				await(t, "clients are served", func() error { return enough(v, 20) })
			}
			was := move.to.moves(t, "front")
			switchTo(t, move.from, "front", move.to.Name)
			settled(t, l, move.to)
			before := group(t, move.to)
			for name, v := range visitors {
				from := v.Seen().Answered
				await(t, "clients are served again", func() error { return enough(v, from+100) })
				t.Logf("%s, without hand-off: %v", name, v.Stop())
			}
			await(t, "many intervals go by", func() error {
				if g := group(t, move.to); g.Routers[0].Sent < before.Routers[0].Sent+20 {
					return fmt.Errorf("%d advertisements", g.Routers[0].Sent)
				}
				return nil
			})
			settled(t, l, move.to)
			if g := group(t, move.to); g.Since != before.Since || g.Pinned != (move.to != left) {
				t.Errorf("it is %s since %v, pinned: %v (%s); want active since %v, pinned away from home", g.State, g.Since, g.Pinned, g.Reason, before.Since)
			}
			await(t, "the timeline has one takeover more", func() error {
				if now := move.to.moves(t, "front"); len(now) != len(was)+1 {
					return fmt.Errorf("%q, before %q", now, was)
				}
				return nil
			})
		})
	}
}
