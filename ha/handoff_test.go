// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/ha/handoff"
)

// flows notes what it is told of connections, and whether the box has the address then.
type flows struct {
	b *box

	mu    sync.Mutex // guards what follows
	calls []string
	fail  error // of Leave and Enter
}

func (f *flows) note(format string, args ...any) {
	here := "gone"
	if slices.Contains(f.b.w.holders(vip1), f.b.name) {
		here = "here"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...)+" "+here)
}

func (f *flows) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail
}

func (f *flows) Leave(group string, list []netip.Addr, limit time.Duration) error {
	f.note("leave %s %v %v", group, list, limit)
	return f.err()
}

func (f *flows) Enter(group string, ports []handoff.Config) error {
	for _, c := range ports {
		f.note("enter %s %s %v to %v virtual %v peers %v %v", group, c.Interface, c.Addresses, c.To, c.Virtual, c.Peers, c.Limit)
	}
	return f.err()
}

func (f *flows) Entered(group string) error {
	f.note("entered %s", group)
	return nil
}

func (f *flows) Stats(string) handoff.Stats { return handoff.Stats{Packets: 7, Flows: 2, Ended: 1} }

// take returns what was noted, and forgets it.
func (f *flows) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := strings.Join(f.calls, "\n")
	f.calls = nil
	return text
}

// neighbour finds the MAC that every port of a box has.
func (w *world) neighbour(_ context.Context, _ string, a netip.Addr) (net.HardwareAddr, error) {
	if w.hidden {
		return nil, errors.New("it does not answer")
	}
	n := a.As4()[3]
	if n > 50 {
		n = 100 - n // see station.primary
	}
	return net.HardwareAddr{2, 0, 0, 0, 0, n}, nil
}

// handed boots left and right with connections handed off.
func handed(t *testing.T, hidden bool) (left, right *node) {
	t.Helper()
	w := newWorld()
	w.flows, w.hidden = true, hidden
	var list []*node
	for _, name := range []string{"left", "right"} {
		s := settings(name, "left", "right")
		s.Groups[0].Handoff = Duration(30 * time.Second)
		list = append(list, start(t, w, name, s))
	}
	settled(t, list[0], list[1])
	for _, n := range list {
		n.b.flows.take()
	}
	return list[0], list[1]
}

func TestASwitchHandsConnectionsOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		left.order(Order{Kind: OrderSwitch, By: "ann"})
		settled(t, right, left)
		if got, want := left.b.flows.take(), "leave front [192.0.2.10 198.51.100.10] 30s here"; got != want {
			t.Errorf("left: %s\nwant  %s", got, want)
		}
		if got, want := right.b.flows.take(), "enter front lan1 [192.0.2.10] to 02:00:00:00:00:01 virtual [00:00:5e:00:01:0a] peers [02:00:00:00:00:01] 30s gone\n"+
			"enter front lan2 [198.51.100.10] to 02:00:00:00:00:01 virtual [] peers [02:00:00:00:00:01] 30s gone\n"+
			"entered front here"; got != want {
			t.Errorf("right: %s\nwant   %s", got, want)
		}
		if h := right.group().Handoff; h == nil || h.Problem != "" || h.Packets != 7 || h.Connections != 2 || h.Ended != 1 {
			t.Errorf("right reports %+v", h)
		}
		right.order(Order{Kind: OrderRebalance, By: "ann"})
		settled(t, left, right)
		if got := right.b.flows.take() + left.b.flows.take(); strings.Count(got, "enter front") != 2 || !strings.HasPrefix(got, "leave front") || !strings.HasSuffix(got, "entered front here") {
			t.Errorf("back again: %s", got)
		}
	})
}

// A box that gets a group back while it still says to whom it has given it takes it by
// that box's word, and not by the advertisement that comes after.
func TestASwitchBackAtOnceHandsConnectionsOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		from, to := handed(t, false)
		for range 6 {
			from.order(Order{Kind: OrderSwitch, By: "ann"})
			await(t, to.name+" to be active", func() bool { return to.group().State == Active && from.group().State == Backup })
			got := to.b.flows.take()
			if strings.Count(got, "enter front") != 2 || strings.Contains(got, "30s here") || !strings.HasSuffix(got, "entered front here") {
				t.Errorf("%s: %s\nwant connections sent on before the addresses are here", to.name, got)
			}
			if why := to.group().Reason; !strings.Contains(why, from.name+" hands over") {
				t.Errorf("%s is active because of %q, want the order", to.name, why)
			}
			from, to = to, from
			to.b.flows.take()
		}
		settled(t, from, to)
	})
}

// A box that stops hands over as in a switch. The other has the group by priority and not by
// an order: it gives it back to the one that is preferred.
func TestABoxThatStopsHandsConnectionsOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		kept, err := left.r.Depart(t.Context())
		if err != nil || !kept {
			t.Fatalf("Depart = %v, %v; want connections to be kept", kept, err)
		}
		settled(t, right, left)
		if got, want := left.b.flows.take(), "leave front [192.0.2.10 198.51.100.10] 30s here"; got != want {
			t.Errorf("left: %s\nwant  %s", got, want)
		}
		if got := right.b.flows.take(); strings.Count(got, "enter front") != 2 || strings.Contains(got, "30s here") || !strings.HasSuffix(got, "entered front here") {
			t.Errorf("right: %s\nwant connections sent on before the addresses are here", got)
		}
		if g := right.group(); g.Pinned || g.Reason != "left hands over (it stops)" {
			t.Errorf("right: pinned %v, because of %q", g.Pinned, g.Reason)
		}
		if c := left.last(Init); c.From != Active || c.Reason != "handed over to right: it stops" {
			t.Errorf("left went from %s to init because of %q", c.From, c.Reason)
		}
		right.crash()
		time.Sleep(5 * time.Second)
		if g := left.group(); g.State != Init {
			t.Errorf("left is %s again: %s", g.State, g.Reason)
		}
	})
}

func TestABoxThatStopsAloneKeepsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		right.crash()
		time.Sleep(time.Second)
		if kept, err := left.r.Depart(t.Context()); kept || err != nil {
			t.Errorf("Depart = %v, %v; want nothing kept", kept, err)
		}
		if got := left.b.flows.take(); got != "" {
			t.Errorf("left: %s, want nothing", got)
		}
	})
}

// The advertisement that a box gives up may overtake the heartbeat that says so. Were the
// addresses taken at once, connections of the other box would end.
func TestAnOvertakenHeartbeatIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		right.b.set(func() { right.b.w.late = goneWait / 2 })
		left.order(Order{Kind: OrderSwitch, By: "ann"})
		settled(t, right, left)
		got := right.b.flows.take()
		if strings.Count(got, "enter front") != 2 || strings.Contains(got, "30s here") || !strings.HasSuffix(got, "entered front here") {
			t.Errorf("right: %s\nwant connections sent on before the addresses are here", got)
		}
	})
	bubble(t, func(t *testing.T) { // one that stops for good hands nothing over
		left, right := handed(t, false)
		right.b.set(func() { right.b.w.late = goneWait / 5 })
		left.stop()
		began := time.Now()
		await(t, "right to take over", func() bool { return right.group().State == Active })
		if d := time.Since(began); d >= goneWait {
			t.Errorf("right took over after %v, and has had the heartbeat long before", d)
		}
		if got, want := right.b.flows.take(), "entered front here"; got != want {
			t.Errorf("right: %s, want %s", got, want)
		}
	})
}

// A heartbeat may overtake advertisements too: the last ones with the priority that the box
// had until it handed over are not a reason to give the group back.
func TestAnOvertakenAdvertisementIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		left.order(Order{Kind: OrderSwitch, By: "ann"})
		settled(t, right, left)
		left.b.flows.take()
		left.b.set(func() { left.b.w.slow = goneWait / 2 })
		const interval = 100 * time.Millisecond
		time.Sleep(interval - time.Since(right.group().Since)%interval + time.Millisecond) // one is under way
		right.order(Order{Kind: OrderSwitch, By: "ann"})
		settled(t, left, right)
		if got := left.b.flows.take(); strings.Count(got, "entered front here") != 1 {
			t.Errorf("left: %s\nwant the group taken once", got)
		}
		if why := left.group().Reason; !strings.Contains(why, "right hands over") {
			t.Errorf("left is active because of %q, want the order", why)
		}
	})
}

func TestALateHeartbeatHandsOffAllTheSame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		left.b.w.lose(func(_, _, kind string) bool { return kind == "beats" })
		left.order(Order{Kind: OrderSwitch, Node: "right", By: "ann"})
		await(t, "right to take over", func() bool { return right.group().State == Active })
		if got, want := right.b.flows.take(), "entered front here"; got != want {
			t.Errorf("before the heartbeat: %s, want %s", got, want)
		}
		left.b.w.lose(nil)
		await(t, "packets to be sent on", func() bool { return strings.HasPrefix(right.b.flows.take(), "enter front lan1") })
	})
}

func TestACrashHandsNothingOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		left.set(func() { left.serving = Serving{Why: "gone"} })
		settled(t, right, left)
		if got := left.b.flows.take(); got != "" {
			t.Errorf("left, whose engine is gone: %s", got)
		}
		left.crash()
		if got, want := right.b.flows.take(), "entered front here"; got != want {
			t.Errorf("right: %s, want %s", got, want)
		}
	})
}

func TestASwitchGoesOnWithoutHandoff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, false)
		for _, n := range []*node{left, right} {
			n.b.flows.fail = errors.New("no rights")
		}
		left.order(Order{Kind: OrderSwitch, By: "ann"})
		settled(t, right, left)
		for _, n := range []*node{left, right} {
			if h := n.group().Handoff; h == nil || h.Problem != "no rights" {
				t.Errorf("%s reports %+v, want why", n.name, h)
			}
		}
	})
	bubble(t, func(t *testing.T) {
		_, left, _ := two(t, func(s *Settings) { s.Groups[0].Handoff = Duration(time.Second) })
		if h := left.group().Handoff; h == nil || h.Problem != "not wanted by the test" {
			t.Errorf("left reports %+v, want why", h)
		}
	})
}

func TestABoxWhoseMACIsUnknownIsNotSentTo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		left, right := handed(t, true)
		left.order(Order{Kind: OrderSwitch, By: "ann"})
		settled(t, right, left)
		if got := right.b.flows.take(); strings.Contains(got, "enter front") {
			t.Errorf("right: %s, want nothing sent on", got)
		}
		if h := right.group().Handoff; h == nil || !strings.Contains(h.Problem, "not known on lan1") {
			t.Errorf("right reports %+v, want why", h)
		}
	})
}
