// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"evener/firmware/lab"
)

// pairURL is the cluster of the pair, at an address that one of the boxes has.
const pairURL = "http://192.0.2.10/"

// pairLimit bounds what a pair may take for a test, on a machine that does much else.
const pairLimit = 35 * time.Minute

// A pair is two boxes on a network with a client and two servers, which are namespaces
// of this machine:
//
//	client .100   web1 .11   web2 .12
//	   └────────────┼──────────┘
//	          192.0.2.0/24, the cluster at .10
//	        .2 │       .3 │
//	      ┌────┴───┐  ┌───┴────┐
//	      │  left  ├──┤  right │   10.255.0.0/24, .1 and .2
//	      └────────┘  └────────┘
type pair struct {
	t           *testing.T
	ctx         context.Context         // ends when a guest does that nobody has switched off
	broken      context.CancelCauseFunc // says why
	places      *Places
	left, right *person
	client      *lab.Space
	visitors    map[string]*lab.Visitor
	cut         map[*Guest]context.CancelFunc // before it is switched off
}

// shared is what both boxes have. A group stays where it is when its box has come back,
// and what gets no processor for seconds is not taken for dead.
const shared = `
group "front" {
  homes       = ["left", "right"]
  interval    = "3s"
  preempt     = false
  engine_hold = "1m"

  router "lan" {
    port      = "1"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }

  track "pool" "shop" {}
}

server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}

  probe "http" {
    path     = "/health"
    interval = "1s"
    timeout  = "10s"
  }
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.10:80"]
  pool     = "shop"

  persist "cookie" {}
}
`

// newPair has both boxes set up, paired, and serving.
func newPair(t *testing.T) *pair {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	image := imageOf(t, "qemu-x86_64", ".img")
	places, err := Take(t.Context(), 2) // both at once: who held one could wait for the other for ever
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(places.Free)
	front, link := network(t), network(t)
	p := &pair{t: t, places: places, visitors: map[string]*lab.Visitor{}, cut: map[*Guest]context.CancelFunc{}}
	ctx, cancel := context.WithTimeout(t.Context(), pairLimit)
	t.Cleanup(cancel)
	p.ctx, p.broken = context.WithCancelCause(ctx)
	p.client = host(t, front, "client", "192.0.2.100/24")
	for i, name := range []string{"web1", "web2"} {
		o := &lab.Origin{Space: host(t, front, name, fmt.Sprintf("192.0.2.%d/24", 11+i)), Name: name}
		if err := o.Serve(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.Close)
	}
	boxes, done := [2]*box{}, make(chan error, 2)
	people := [2]*Person{}
	for i, name := range []string{"left", "right"} {
		boxes[i] = p.boot(name, Config{Disk: image, Overlay: filepath.Join(t.TempDir(), name+".qcow2"), Watchdog: true, NICs: []NIC{{Forward: []int{ConsolePort}},
			{Switch: front, MAC: fmt.Sprintf("52:54:00:00:01:0%d", i+2)}, {Switch: link, MAC: fmt.Sprintf("52:54:00:00:02:0%d", i+1)}}})
		go func() {
			var err error
			if people[i], err = boxes[i].SetUp(p.ctx, name); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
			done <- err
		}()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	for _, who := range people {
		t.Cleanup(who.CloseIdleConnections)
	}
	p.left, p.right = &person{boxes[0], people[0]}, &person{boxes[1], people[1]}
	p.left.configure("left", "right", 1)
	p.right.configure("right", "left", 2)
	p.introduce()
	return p
}

// boot starts a box, without which the pair does not go on until it is cut off.
func (p *pair) boot(name string, cfg Config) *box {
	p.t.Helper()
	b := bootAs(p.t, p.t.Name()+"-"+name, p.places, cfg)
	b.ctx = p.ctx
	watched, cut := context.WithCancel(p.ctx)
	p.cut[b.Guest] = cut
	go func() {
		if err := b.Wait(watched); watched.Err() == nil {
			p.broken(fmt.Errorf("%s has ended: %v", name, err))
		}
	}()
	return b
}

// again switches a box on whose guest has ended.
func (p *pair) again(name string, who *person) *person {
	p.t.Helper()
	b := p.boot(name, who.cfg)
	return &person{b, who.user.At(b.Guest)}
}

// configure gives the box called name its part of the pair. Its place n is in its
// addresses.
func (p *person) configure(name, peer string, n int) {
	p.t.Helper()
	text := fmt.Sprintf(`
upgrade { soak = "1s" }

port "1" { addresses = ["192.0.2.%d/24"] }
port "2" { addresses = ["10.255.0.%d/24"] }

node {
  name   = %q
  listen = "10.255.0.%d:7460"

  peer %q { address = "10.255.0.%d:7460" }
}
%s`, n+1, n, name, n, peer, 3-n, shared)
	p.change("10m", func(old string) string { return old + text })
	p.must("config.confirm", nil, nil)
}

// change commits another configuration. Confirm is how long it then waits for the word
// to stay; "" is no time.
func (p *person) change(confirm string, f func(old string) string) {
	p.t.Helper()
	var old struct{ Text string }
	p.must("config.text", nil, &old)
	p.must("config.set", map[string]any{"text": f(old.Text)}, nil)
	order := map[string]any{"comment": "another configuration"}
	if confirm != "" {
		order["confirm"] = confirm
	}
	p.must("config.commit", order, nil)
}

// A pairing is what is used of the API's ha.pair.show.
type pairing struct{ Phase, Code, Listen, Problem string }

// introduce pairs the boxes as two people do who read each other the code, and waits
// until each has what the other has.
func (p *pair) introduce() {
	p.t.Helper()
	both := []*person{p.left, p.right}
	for _, who := range both {
		who.sudo()
	}
	var begun pairing
	p.left.await("pairing begins", func() error { return p.left.ask("ha.pair.begin", nil, &begun) })
	p.right.await("it is joined", func() error {
		return p.right.ask("ha.pair.join", map[string]any{"address": begun.Listen}, nil)
	})
	var codes [2]string
	for i, who := range both {
		codes[i] = who.pairing(func(s pairing) bool { return s.Code != "" }).Code
	}
	if codes[0] != codes[1] {
		p.t.Fatalf("one box shows the code %s, the other %s", codes[0], codes[1])
	}
	for _, who := range both {
		who.must("ha.pair.confirm", map[string]any{"code_matches": true}, nil)
	}
	for _, who := range both {
		who.pairing(func(s pairing) bool { return s.Phase == "done" })
	}
	p.home() // whoever was first is active
	p.settled(p.left, p.right)
}

// home brings the group to left, by an order that is given again where it was not carried
// out.
func (p *pair) home() {
	p.t.Helper()
	p.left.await("left is active", func() error {
		s := p.left.standing()
		if s.Groups[0].State == "active" && s.Groups[0].Active == "left" {
			return nil
		}
		err := p.left.ask("ha.rebalance", nil, nil)
		return errors.Join(errNotYet, err, pause(p.ctx, 2*time.Second))
	})
}

// told shows what the boxes tell of a test that has failed.
func (p *pair) told() {
	if !p.t.Failed() {
		return
	}
	for _, who := range []*person{p.left, p.right} {
		var told struct {
			Entries []struct{ Time, Node, Text string }
		}
		if err := who.ask("ha.timeline", nil, &told); err != nil {
			p.t.Log(err)
		}
		for _, e := range slices.Backward(told.Entries) {
			p.t.Log(e.Time, e.Node, e.Text)
		}
	}
}

// pairing waits for a state of the pairing.
func (p *person) pairing(good func(pairing) bool) (s pairing) {
	p.t.Helper()
	p.await("the pairing", func() error {
		if err := p.ask("ha.pair.show", nil, &s); err != nil || good(s) {
			return err
		}
		return fmt.Errorf("%w: %+v", errNotYet, s)
	})
	return s
}

// A standing is what is used of the API's ha.show.
type standing struct {
	Groups []struct {
		Name, State, Reason string
		Active              string
		Since               time.Time
		Pinned              bool
		Handoff             struct{ Problem string }
	}
	Peers []struct {
		Mirror      struct{ Connected bool }
		Heartbeat   struct{ Seen bool }
		Differences struct{ State, Problem string }
	}
}

func (p *person) standing() (s standing) {
	p.t.Helper()
	p.await("ha.show", func() error {
		err := p.ask("ha.show", nil, &s)
		if err == nil && (len(s.Groups) != 1 || len(s.Peers) != 1) {
			err = fmt.Errorf("%w: %+v", errNotYet, s)
		}
		return err
	})
	return s
}

// settled waits until one box alone is active, and both know each other and have the
// same.
func (p *pair) settled(active, standby *person) {
	p.t.Helper()
	for who, want := range map[*person]string{active: "active", standby: "backup"} {
		who.await("it is "+want, func() error {
			s := who.standing()
			g, peer := s.Groups[0], s.Peers[0]
			if g.State != want || !peer.Mirror.Connected || !peer.Heartbeat.Seen || peer.Differences.State != "in sync" {
				return fmt.Errorf("%w: %+v", errNotYet, s)
			}
			return nil
		})
	}
}
