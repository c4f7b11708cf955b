// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	vip1 = "192.0.2.10/24"
	vip2 = "198.51.100.10/24"
)

// A node is a box of a test: a runner, and an engine that it asks.
type node struct {
	t      *testing.T
	name   string
	b      *box
	r      *Runner
	cancel context.CancelFunc
	done   chan error

	mu      sync.Mutex // guards what follows
	serving Serving
	dead    bool // the engine does not answer
	tracks  map[string]TrackState
	orders  []Order
	changes []Change
	report  Report
}

// secret is the pairing of any two boxes of the tests.
func secret(a, b string) []byte {
	names := []string{a, b}
	slices.Sort(names)
	return bytes.Repeat([]byte(names[0][:1]+names[1][:1]), 16)
}

// start boots a box.
func start(t *testing.T, w *world, name string, s Settings) *node {
	t.Helper()
	return startOn(t, w.box(name), s, nil)
}

func startOn(t *testing.T, b *box, s Settings, resume *Handover) *node {
	t.Helper()
	n := &node{t: t, name: b.name, b: b, serving: Serving{Serving: true}, done: make(chan error, 1)}
	c := Config{Listen: b.listen, Settings: &s, Resume: resume, Neighbour: b.w.neighbour, HandoffWhy: "not wanted by the test"}
	if b.w.flows {
		b.flows = &flows{b: b}
		c.Handoff = b.flows
	}
	n.r = New(b, c, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	n.cancel = cancel
	go func() { n.done <- n.r.Run(ctx) }()
	if p := n.now(); p.Problem != "" {
		t.Fatalf("settings of %s: %s", n.name, p.Problem)
	}
	go n.engine(ctx)
	t.Cleanup(n.stop)
	return n
}

// engine answers the runner until ctx ends.
func (n *node) engine(ctx context.Context) {
	for ctx.Err() == nil {
		n.b.w.mu.Lock()
		stopped, thaw := n.b.stopped, n.b.thaw
		n.b.w.mu.Unlock()
		if stopped {
			<-thaw
		}
		p, err := n.r.Report(ctx)
		if err != nil {
			return
		}
		n.mu.Lock()
		n.report = p
		for _, c := range p.Changes {
			if len(n.changes) == 0 || c.Number > n.changes[len(n.changes)-1].Number {
				n.changes = append(n.changes, c)
			}
		}
		pulse := Pulse{Engine: n.serving, Tracks: n.tracks, Orders: slices.Clone(n.orders)}
		if len(n.changes) > 0 {
			pulse.Acked = n.changes[len(n.changes)-1].Number
		}
		dead := n.dead
		n.mu.Unlock()
		if dead {
			err = n.r.NoPulse(ctx, errors.New("no answer"))
		} else {
			err = n.r.Pulse(ctx, pulse)
		}
		if err != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends a box in order.
func (n *node) stop() {
	n.b.freeze(false)
	n.cancel()
	if err := <-n.done; err != nil {
		n.t.Errorf("Run of %s = %v, want nil", n.name, err)
	}
	n.done <- nil
}

// crash takes a box away at once.
func (n *node) crash() {
	n.b.freeze(true)
	n.b.w.unplug(n.b)
}

func (n *node) set(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

// now returns the report of the runner.
func (n *node) now() Report {
	p, err := n.r.Report(n.t.Context())
	if err != nil {
		n.t.Fatalf("Report of %s: %v", n.name, err)
	}
	return p
}

func (n *node) group() GroupReport { return n.now().Groups[0] }

// order gives an order and returns its outcome.
func (n *node) order(o Order) OrderResult {
	n.t.Helper()
	n.set(func() {
		o.ID = uint64(len(n.orders) + 1)
		n.orders = append(n.orders, o)
	})
	var got OrderResult
	await(n.t, "outcome of the order", func() bool {
		for _, d := range n.now().Orders {
			if d.ID == o.ID {
				got = d
				return true
			}
		}
		return false
	})
	return got
}

// states counts the changes of state of the first group.
func (n *node) states() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []string
	for _, c := range n.changes {
		if c.From != c.To {
			list = append(list, c.To)
		}
	}
	return list
}

// last returns the latest change to a state.
func (n *node) last(state string) (last Change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.changes {
		if c.From != c.To && c.To == state {
			last = c
		}
	}
	return last
}

// told says whether the timeline has a change of the cause with the words.
func (n *node) told(cause, words string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.changes, func(c Change) bool { return c.Cause == cause && strings.Contains(c.Reason, words) })
}

func (n *node) dump() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := ""
	for _, c := range n.changes {
		text += fmt.Sprintf("  %s %v %s->%s %d %s: %s\n", n.name, c.Uptime, c.From, c.To, c.Priority, c.Cause, c.Reason)
	}
	return text
}

// await waits until ok, for a minute of the test's time.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// settled wants want to be the only box that is ACTIVE and has the addresses, and to
// stay that.
func settled(t *testing.T, want *node, others ...*node) {
	t.Helper()
	all := append([]*node{want}, others...)
	holders := func() string {
		var list []string
		for _, a := range []string{vip1, vip2} {
			for _, r := range want.r.groupsNow() {
				if slices.Contains(r, a) {
					list = append(list, want.b.w.holders(a)...)
				}
			}
		}
		return strings.Join(slices.Compact(list), " ")
	}
	good := func() bool {
		for _, n := range others {
			if n.group().State == Active {
				return false
			}
		}
		return want.group().State == Active && holders() == want.name
	}
	defer func() {
		if t.Failed() {
			for _, n := range all {
				t.Logf("timeline:\n%sreport: %+v", n.dump(), n.now())
			}
		}
	}()
	await(t, want.name+" alone to be active", good)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if !good() {
			t.Fatalf("%s was active alone, and does not stay so (addresses are with %q)", want.name, holders())
		}
	}
	if want.group().Reason == "" {
		t.Errorf("%s is active without a reason", want.name)
	}
}

// groupsNow lists the addresses of the routers of each group.
func (r *Runner) groupsNow() [][]string {
	var list [][]string
	p, err := r.Report(context.Background())
	if err != nil {
		return nil
	}
	for _, g := range p.Groups {
		for _, rt := range g.Routers {
			list = append(list, rt.Addresses)
		}
	}
	return list
}

// pair returns the settings of box name, one of homes, with routers on lan1 and lan2.
func settings(name string, homes ...string) Settings {
	s := Settings{Number: 1, Node: name, Listen: "10.255.0.1:7460"}
	base := []uint8{200, 150, 100, 50}
	for i, home := range homes {
		if home != name {
			s.Peers = append(s.Peers, PeerSettings{Name: home, Address: beatAddr(byte(i + 1)).String(), Key: secret(name, home)})
		}
	}
	s.Groups = []GroupSettings{{Name: "front", Homes: homes, Base: base[slices.Index(homes, name)], Interval: Duration(100 * time.Millisecond),
		Preempt: true, Accept: true, OnSplit: "hold", EngineHold: Duration(2 * time.Second),
		Announce: AnnounceSettings{Repeat: 5, Delay: Duration(5 * time.Second)},
		Routers: []RouterSettings{
			{Name: "a", Interface: "lan1", Port: "lan1", VRID: 10, Version: 3, Addresses: []string{vip1}, MAC: "virtual", Checksum: "rfc9568"},
			{Name: "b", Interface: "lan2", Port: "lan2", VRID: 20, Version: 3, Addresses: []string{vip2}, MAC: "port", Checksum: "pseudo"},
		},
		Tracks: []TrackSettings{{Kind: TrackPool, Name: "shop", Weight: 60}}}}
	return s
}

// two boots left and right.
func two(t *testing.T, change func(s *Settings)) (w *world, left, right *node) {
	w = newWorld()
	var list []*node
	for _, name := range []string{"left", "right"} {
		s := settings(name, "left", "right")
		if change != nil {
			change(&s)
		}
		list = append(list, start(t, w, name, s))
	}
	return w, list[0], list[1]
}

// bubble runs a test with a clock of its own.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
