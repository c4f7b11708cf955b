// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// run runs the box until the test ends, and returns what ends it before.
func (h *host) run() (stop func()) {
	h.l.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.l.in(h.ns, func() error { return h.Run(ctx) })
	}()
	stop = func() { cancel(); <-done }
	h.l.t.Cleanup(stop)
	return stop
}

// kept says whether the address lies on the loopback.
func (h *host) kept() (is bool) {
	h.l.t.Helper()
	h.l.in(h.ns, func() error {
		_, have, err := loopback()
		is = slices.Contains(have, h.l.vip())
		return err
	})
	return is
}

// hand switches a group as package ha does.
func (l *lab) hand(from, to *host, limit time.Duration) {
	l.t.Helper()
	list := []netip.Addr{netip.MustParseAddr("fe80::1"), l.vip()}
	l.in(from.ns, func() error { return from.Leave("front", list, limit) })
	l.in(to.ns, func() error {
		c := to.config(from, limit)
		c.Addresses = list
		return to.Enter("front", []Config{c})
	})
	from.release()
	to.take()
	l.in(to.ns, func() error { return to.Entered("front") })
}

func TestGroupIsHandedBackAndForth(t *testing.T) {
	families(t, false, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		left.run()
		stop := right.run()
		var all []*conn
		for _, from := range []*host{left, right, left, right, left} {
			to := left
			if from == left {
				to = right
			}
			all = append(all, l.dial())
			l.hand(from, to, 0)
			for _, c := range all {
				if err := c.echo("still here"); err != nil {
					t.Errorf("connection of %s: %v", c.name, err)
				}
			}
			if to.kept() || !from.kept() {
				t.Errorf("kept by %s: %v, by %s: %v", to.name, to.kept(), from.name, from.kept())
			}
		}
		if s := right.Stats("front"); s.Flows != 3 {
			t.Errorf("flows = %d, want 3", s.Flows)
		}
		stop()
		if err := all[0].echo("x"); err == nil {
			t.Error("packets are sent on after the end")
		}
	})
}

func TestKeptAddressesAreDroppedInTime(t *testing.T) {
	l := newLab(t, false, false, false)
	left, right := l.boxes["left"], l.boxes["right"]
	stop := left.run()
	began := time.Now()
	l.hand(left, right, time.Millisecond)
	eventually(t, "the address is dropped", func() bool { return !left.kept() })
	if d := time.Since(began); d < keepLonger {
		t.Errorf("dropped after %v", d)
	}
	l.in(left.ns, func() error { return left.Leave("front", []netip.Addr{l.vip()}, time.Hour) })
	if !left.kept() {
		t.Error("not kept")
	}
	stop()
	if left.kept() {
		t.Error("kept after the end")
	}
}
