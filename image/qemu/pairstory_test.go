// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"evener/firmware/lab"
	"evener/image/slot"
)

// TestPairOfBoxesServesItsClients is the life of two boxes that stand in for each other,
// in steps on one pair, with clients that ask all the time.
//
// It runs before all tests that are parallel: then both places are free, and none is kept
// empty until the other is free too.
func TestPairOfBoxesServesItsClients(t *testing.T) {
	if flag.Lookup("test.shuffle").Value.String() != "off" {
		t.Parallel() // one that waits for its turn may have a place already
	}
	r := releaseOf(t, "amd64")
	bad := r.with(t, "panics")
	began := time.Now()
	p := newPair(t)
	t.Logf("two boxes are paired after %.0f s", time.Since(began).Seconds())
	defer p.told()
	p.visit()
	for _, step := range []struct {
		name string
		run  func()
	}{
		{"planned switch", p.planned},
		{"clock", p.clock},
		{"crash", p.crash}, // after which sessions of the clock as it was set still hold
		{"upgrade", func() { p.upgrade(r) }},
		{"bad upgrade", func() { p.badUpgrade(r, bad) }},
	} {
		began := time.Now()
		step.run()
		t.Logf("%s took %.0f s", step.name, time.Since(began).Seconds())
	}
}

// visit sends clients, who ask until the test ends: one that keeps its connection, and
// one that makes a new one each time. Both keep cookies.
func (p *pair) visit() {
	p.t.Helper()
	for name, fresh := range map[string]bool{"kept": false, "fresh": true} {
		v := p.client.Visit(lab.Visits{URL: pairURL, Every: 250 * time.Millisecond, Timeout: 20 * time.Second, Fresh: fresh, Cookies: true})
		p.t.Cleanup(func() { v.Stop() })
		p.visitors[name] = v
	}
	p.served("at the beginning")
	for _, v := range p.visitors {
		v.Forget()
	}
}

// served waits until each client has got ten answers more.
func (p *pair) served(when string) {
	p.t.Helper()
	for name, v := range p.visitors {
		from := v.Seen().Answered
		p.right.await("the client "+name+" is served "+when, func() error {
			if s := v.Seen(); s.Answered < from+10 {
				return fmt.Errorf("%w: %v", errNotYet, s)
			}
			return nil
		})
	}
}

// count tells what the clients saw in a step, and begins anew: nobody may have come to
// another server, and no more than so many requests may have failed.
func (p *pair) count(failed int) {
	p.t.Helper()
	p.served("after it")
	for name, v := range p.visitors {
		s := v.Seen()
		v.Forget()
		p.t.Logf("%s: %v", name, s)
		if s.Failed > failed || s.Changes > 0 {
			p.t.Errorf("%s: %d requests failed, and %d went to another server; want %d at most, and none: %v", name, s.Failed, s.Changes, failed, s)
		}
	}
}

// planned moves the group there and back.
func (p *pair) planned() {
	p.left.order("ha.switch", map[string]any{"group": "front", "node": "right"})
	p.settled(p.right, p.left)
	p.count(0)
	for _, who := range []*person{p.left, p.right} {
		if why := who.standing().Groups[0].Handoff.Problem; why != "" {
			p.t.Errorf("a box hands off no connections: %s", why)
		}
	}
	if g := p.right.standing().Groups[0]; !g.Pinned || !strings.Contains(g.Reason, "admin") {
		p.t.Errorf("right is active because %q, pinned: %v; want the order of admin", g.Reason, g.Pinned)
	}
	p.home()
	p.settled(p.left, p.right)
	p.count(0)
}

// order has a group moved. The box refuses that while it does not see the other one, as on
// a machine where the guests get no processor for seconds, and where that was done by an
// order whose answer came too late.
func (p *person) order(method string, params any) {
	p.t.Helper()
	p.await(method, func() error {
		err := p.ask(method, params, nil)
		if err != nil && strings.Contains(err.Error(), "ha.there") {
			return nil
		}
		return err
	})
}

// crash cuts the power of the active box, which is standby when it is back.
func (p *pair) crash() {
	p.cut[p.left.Guest]()
	if err := p.left.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.right.await("right is active", func() error {
		if s := p.right.standing(); s.Groups[0].State != "active" {
			return fmt.Errorf("%w: %+v", errNotYet, s)
		}
		return nil
	})
	// What is on its way to a box that is dead gets no answer: it fails when the box that
	// takes over knows nothing of the connection, or when the client has waited for long.
	p.count(100)
	p.left = p.again("left", p.left)
	p.settled(p.right, p.left)
	p.count(0)
}

// An upgrading is what is used of the API's upgrade.pair.show.
type upgrading struct {
	Pair struct {
		Step, At, Why, First string
		Steps                []struct{ Step, State, Text string }
	}
}

// bring brings a bundle to boxes at once.
func (p *pair) bring(bundle []byte, boxes ...*person) {
	p.t.Helper()
	done := make(chan error, len(boxes))
	for _, who := range boxes {
		go func() {
			refused, err := who.user.Take(p.ctx, bundle)
			if refused != "" {
				err = fmt.Errorf("the update is refused: %s", refused)
			}
			done <- err
		}()
	}
	for range boxes {
		if err := <-done; err != nil {
			p.t.Fatal(err)
		}
	}
}

// button has a box upgrade both with one order, to the newest that it has, and waits for
// the end of that.
func (p *person) button() (u upgrading) {
	p.t.Helper()
	p.sudo()
	p.must("upgrade.pair.begin", map[string]any{"soak": "5s"}, nil)
	p.await("the end of the upgrade of both", func() error {
		u = upgrading{}
		if err := p.ask("upgrade.pair.show", nil, &u); err != nil {
			return err
		}
		if u.Pair.Step != "done" && u.Pair.Step != "stopped" {
			return fmt.Errorf("%w: %+v", errNotYet, u.Pair)
		}
		return nil
	})
	return u
}

// newer makes a bundle that is newer than r's. An upgrade of both boxes is for the newest
// that a slot has, and for none that is the same payload as what runs.
func (r release) newer(t *testing.T, version string, payload []byte, by time.Duration) []byte {
	t.Helper()
	return r.bundle(t, version, payload, r.Key, func(m *slot.Manifest) {
		at, err := time.Parse(time.RFC3339, m.Created)
		if err != nil {
			t.Fatal(err)
		}
		m.Created = at.Add(by).Format(time.RFC3339)
	})
}

// upgrade brings a version to both boxes. The group moves there and back as it does when a
// person orders that: connections are handed off, and no request may fail.
func (p *pair) upgrade(r release) {
	bundle := r.newer(p.t, "9.1.0", append(bytes.Clone(r.Payload), make([]byte, slot.BackUnit)...), time.Second)
	p.bring(bundle, p.left, p.right) // the mirror takes long for what is so large; it has the next
	u := p.right.button()
	if u.Pair.Step != "done" || u.Pair.First != "left" {
		p.t.Fatalf("the upgrade of both: %+v; want it done, left first", u.Pair)
	}
	p.settled(p.right, p.left)
	p.runs("9.1.0")
	p.count(0)
}

// badUpgrade brings a version that crashes: the box on standby goes back, and the other
// one, which serves, is not touched.
func (p *pair) badUpgrade(r release, bad []byte) {
	before := p.right.Resets()
	p.bring(r.newer(p.t, "9.2.0", bad, 2*time.Second), p.right)
	u := p.right.button()
	if w := u.Pair.Why; u.Pair.Step != "stopped" || u.Pair.At != "peer" || !strings.Contains(w, "left went back to version") || !strings.Contains(w, "served as before by right") {
		p.t.Errorf("the upgrade of both: %+v; want it stopped, because left went back", u.Pair)
	}
	p.settled(p.right, p.left)
	p.runs("9.1.0")
	if n := p.right.Resets() - before; n != 0 {
		p.t.Errorf("the box that serves has begun anew %d times", n)
	}
	p.count(0)
}

// runs looks whether both boxes run a version from slot B, which is good.
func (p *pair) runs(version string) {
	p.t.Helper()
	for _, who := range []*person{p.left, p.right} {
		if s := who.upgrades(); s.Running.Slot != "B" || !s.Running.OK || s.Slots[1].Version != version || s.Slots[1].State != "good" {
			p.t.Errorf("a box runs slot %s of %+v; want %s in slot B, which is good", s.Running.Slot, s.Slots, version)
		}
	}
}
