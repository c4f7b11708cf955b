// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"evener/firmware/manage"
)

// second is a group whose home is the right box, of a lab with three.
const second = `
group "second" {
  homes    = ["right", "left", "third"]
  interval = "100ms"
  handoff  = "0s"

  router "lan" {
    port      = "front"
    vrid      = 11
    addresses = ["192.0.2.11/24"]
  }
}

cluster "second" {
  protocol = "http"
  listen   = ["192.0.2.11:80"]
  pool     = "shop"
}
`

// quick has a box release the addresses at once when it is told to, so that the
// kernels show where they are.
const quick = "interval = \"100ms\"\n  handoff = \"0s\""

// powerOff is what a power cut does: no process is left, and no carrier.
func (b *Box) powerOff(t *testing.T) {
	t.Helper()
	for _, port := range []string{Front, Back, Link} {
		must(t, b.lab.Unplug(b.Space, port))
	}
	must(t, b.Signal(syscall.SIGKILL))
	await(t, "the last process of "+b.Name+" ends", func() error {
		if pids, err := b.Space.pids(); err != nil || len(pids) > 0 {
			return errors.Join(err, fmt.Errorf("processes %v", pids))
		}
		return nil
	})
}

func (b *Box) powerOn(t *testing.T) {
	t.Helper()
	for _, port := range []string{Front, Back, Link} {
		must(t, b.lab.Plug(b.Space, port))
	}
	must(t, b.Start())
	must(t, b.Await(t.Context()))
}

// at waits until the boxes that run agree on where groups are, and their kernels too.
func at(t *testing.T, l *Lab, running []*Box, where map[string]*Box) {
	t.Helper()
	vips := map[string]string{"front": VIP.String(), "second": "192.0.2.11"}
	await(t, "every group is where it should be", func() error {
		for _, b := range running {
			for name, want := range where {
				if has, err := b.Holds(vips[name]); err != nil || has != (b == want) {
					return errors.Join(err, fmt.Errorf("box %s has the address of %s: %v", b.Name, name, has))
				}
				g, err := b.find(t, name)
				if err != nil {
					return err
				}
				if (g.State == manage.HAActive) != (b == want) || g.Active != want.Name || g.Reason == "" {
					return fmt.Errorf("box %s: %s is %s because of %q, and active on %q", b.Name, name, g.State, g.Reason, g.Active)
				}
			}
		}
		return nil
	})
	for name := range where {
		v := l.Client.Visit(Visits{URL: "http://" + vips[name] + "/", Fresh: true})
		await(t, name+" is served", func() error { return enough(v, 3) })
		v.Stop()
	}
}

// Of three boxes each stands in for each, in the order of homes; two groups with
// other homes are on two boxes.
func TestThreeBoxes(t *testing.T) {
	t.Parallel()
	l := pair(t, Config{Boxes: 3, Group: quick, More: second})
	left, right, third := l.Boxes[0], l.Boxes[1], l.Boxes[2]
	for _, s := range []struct {
		name          string
		do            func(t *testing.T)
		running       []*Box
		front, second *Box
	}{
		{"all run", func(*testing.T) {}, l.Boxes, left, right},
		{"left loses its power", left.powerOff, []*Box{right, third}, right, right},
		{"right loses its power too", right.powerOff, []*Box{third}, third, third},
		{"right comes back", right.powerOn, []*Box{right, third}, right, right},
		{"left comes back", left.powerOn, l.Boxes, left, right},
		{"front is sent to third", func(t *testing.T) {
			for _, b := range l.Boxes { // left has just come back
				await(t, b.Name+" is in sync", func() error { return b.inSync(t.Context()) })
			}
			switchTo(t, left, "front", "third")
		}, l.Boxes, third, right},
		{"second is sent to left, by a box that has it not", func(t *testing.T) {
			switchTo(t, third, "second", "left")
		}, l.Boxes, third, left},
		{"all is rebalanced", func(t *testing.T) {
			must(t, right.Call(t.Context(), "ha.rebalance", struct{}{}, nil))
		}, l.Boxes, left, right},
	} {
		ok := t.Run(s.name, func(t *testing.T) {
			s.do(t)
			at(t, l, s.running, map[string]*Box{"front": s.front, "second": s.second})
		})
		if !ok {
			return
		}
	}
}
