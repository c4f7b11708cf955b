// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// A bench is a row of ports whose cables a test can pull.
type bench struct {
	list     func() ([]Port, error)
	identify func(string, time.Duration) error
	run      func(context.Context) error
	events   chan Event

	plug    func(label string, in bool)
	address func(label string, p netip.Prefix)
	send    func(label string) // some traffic
}

func labels() []Match {
	return []Match{{Label: "mgmt", Interface: "lan0", Management: true}, {Label: "1", Interface: "lan1"}}
}

func simulated(t *testing.T) *bench {
	b := &bench{events: make(chan Event, 100)}
	var carried Counters
	s := NewSim(labels(), func(label string) Counters {
		if label == "1" {
			return carried
		}
		return Counters{}
	}, func(e Event) { b.events <- e })
	b.list, b.identify, b.run = s.List, s.Identify, s.Run
	b.plug = func(label string, in bool) { must(t, s.Plug(label, in)) }
	b.address = func(label string, p netip.Prefix) {
		must(t, s.SetAddresses(map[string]string{"mgmt": "lan0", "1": "lan1"}[label], []netip.Prefix{p}))
	}
	b.send = func(string) { carried.TXPackets, carried.TXBytes = carried.TXPackets+1, carried.TXBytes+100 }
	return b
}

func real(t *testing.T) *bench {
	b := &bench{events: make(chan Event, 100)}
	ends := map[string]string{"mgmt": "lan0", "1": "lan1"}
	for _, name := range ends {
		ip(t, "link", "add", name, "type", "veth", "peer", "name", name+"-far")
		ip(t, "link", "set", name, "up")
		ip(t, "link", "set", name+"-far", "up")
	}
	p, err := Open(labels(), Config{Changed: func(e Event) { b.events <- e }}, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { must(t, p.Close()) })
	b.list, b.identify, b.run = p.List, p.Identify, p.Run
	b.plug = func(label string, in bool) {
		ip(t, "link", "set", ends[label]+"-far", map[bool]string{true: "up", false: "down"}[in])
	}
	b.address = func(label string, a netip.Prefix) { ip(t, "address", "add", a.String(), "dev", ends[label]) }
	b.send = func(label string) {
		list, err := p.List()
		must(t, err)
		at := slices.IndexFunc(list, func(p Port) bool { return p.Label == label })
		eventually(t, "a packet is sent", func() bool { // not before the link-local address is there
			c, err := net.Dial("udp", net.JoinHostPort("ff02::1%"+list[at].Interface, "9"))
			if err != nil {
				return false
			}
			defer c.Close()
			_, err = c.Write(make([]byte, 100))
			return err == nil
		})
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSimulatedPortsBehave(t *testing.T) { conform(t, simulated(t)) }

func TestRealPortsBehave(t *testing.T) {
	if inNamespace(t) {
		conform(t, real(t))
	}
}

// conform holds for real and simulated ports.
func conform(t *testing.T, b *bench) {
	get := func(label string) Port {
		t.Helper()
		list, err := b.list()
		must(t, err)
		for _, p := range list {
			if p.Label == label {
				return p
			}
		}
		t.Fatalf("there is no port %s in %v", label, list)
		return Port{}
	}
	eventually(t, "both ports are up", func() bool { return get("mgmt").State == Up && get("1").State == Up })
	list, err := b.list()
	must(t, err)
	if list[0].Label != "mgmt" || list[1].Label != "1" || !list[0].Management || list[1].Management {
		t.Errorf("ports are %v, want mgmt and 1 in the order of the front", list[:2])
	}
	p := get("1")
	if hw, err := net.ParseMAC(p.MAC); err != nil || len(hw) != 6 || p.Interface != "lan1" || p.MTU != 1500 || p.Speed == 0 || p.Duplex != "full" || p.Driver == "" || len(p.Offloads) == 0 {
		t.Errorf("port 1 is %+v", p)
	}

	want := netip.MustParsePrefix("192.0.2.10/24")
	b.address("mgmt", want)
	if p := get("mgmt"); !slices.Contains(p.Addresses, want) {
		t.Errorf("addresses are %v, want %v in them", p.Addresses, want)
	}
	if p := get("1"); slices.Contains(p.Addresses, want) {
		t.Errorf("port 1 has the address of mgmt: %v", p.Addresses)
	}

	before := get("1").Counters
	b.send("1")
	eventually(t, "counters of port 1 move", func() bool {
		c := get("1").Counters
		return c.TXPackets > before.TXPackets && c.TXBytes >= before.TXBytes+100
	})

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.run(ctx) }()
	expectEvent(t, b, "1", false)
	expectEvent(t, b, "1", true)
	if p := get("1"); p.State != Up || !p.Carrier || !p.Up {
		t.Errorf("port 1 is %+v after its cable came back", p)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	if err := b.identify("7", time.Second); err == nil || !strings.Contains(err.Error(), `there is no port "7": there are mgmt, 1`) {
		t.Errorf("identify of a port that is not there = %v", err)
	}
	if err := b.identify("1", time.Hour); err == nil {
		t.Error("a lamp may blink for an hour")
	}
}

// expectEvent pulls or puts a cable until the port's event comes: the first times
// the watcher may not be there yet.
func expectEvent(t *testing.T, b *bench, label string, in bool) {
	t.Helper()
	end := time.After(long)
	for {
		b.plug(label, in)
		again := time.After(time.Second)
		select {
		case e := <-b.events:
			if e.Port.Label == label && (e.Port.State == Up) == in && e.Was != e.Port.State {
				return
			}
		case <-again:
			b.plug(label, !in)
		case <-end:
			t.Fatalf("no event within %v", long)
		}
	}
}

func TestVethCannotBlink(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	b := real(t)
	if err := b.identify("1", time.Second); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "port 1 cannot blink") {
		t.Errorf("identify = %v, want that it is not supported", err)
	}
	must(t, b.identify("1", 0))
}

func TestSimulatedLampBlinks(t *testing.T) {
	s := NewSim(labels(), nil, nil)
	on := func() bool { l, _ := s.List(); return l[1].Identify }
	must(t, s.Identify("1", time.Minute))
	if !on() {
		t.Error("it does not blink")
	}
	must(t, s.Identify("1", 0))
	if on() {
		t.Error("it blinks still")
	}
}

// TestPortsRenamedAndGone changes the names under the ports.
func TestPortsRenamedAndGone(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	b := real(t)
	_, err := b.list() // who has seen nothing can follow nothing
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.run(ctx) }()
	defer func() { cancel(); <-done }()
	expectEvent(t, b, "1", false)
	expectEvent(t, b, "1", true)
	ip(t, "link", "set", "lan1", "down")
	ip(t, "link", "set", "lan1", "name", "elsewhere")
	ip(t, "link", "set", "elsewhere", "up")
	port := func() Port { l, err := b.list(); must(t, err); return l[1] }
	if p := port(); p.Interface != "elsewhere" || !strings.Contains(p.Problem, "its interface was lan1 and is called elsewhere now") {
		t.Errorf("after the rename: %+v", p)
	}
	ip(t, "link", "del", "elsewhere")
	if p := port(); p.State != Missing || p.Interface != "" || !strings.Contains(p.Problem, "is gone") {
		t.Errorf("after it is gone: %+v", p)
	}
	eventually(t, "an event tells that it is missing", func() bool { return (<-b.events).Port.State == Missing })
	ip(t, "link", "add", "lan1", "type", "veth", "peer", "name", "lan1-far")
	if p := port(); p.State != Down || p.Interface != "lan1" || p.Problem != "" {
		t.Errorf("after it came back: %+v", p)
	}
	eventually(t, "an event tells that it is back", func() bool { return (<-b.events).Port.State == Down })
}

func TestSixtyFourPorts(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	var matches []Match
	for i := range 32 {
		near, far := fmt.Sprintf("p%d", 2*i), fmt.Sprintf("p%d", 2*i+1)
		ip(t, "link", "add", near, "type", "veth", "peer", "name", far)
		for _, n := range []string{near, far} {
			matches = append(matches, Match{Label: n[1:], Interface: n})
		}
	}
	p, err := Open(matches, Config{}, slog.New(slog.DiscardHandler))
	must(t, err)
	list, err := p.List()
	must(t, err)
	begun := time.Now()
	_, err = p.List()
	must(t, err)
	t.Logf("64 ports are listed in %v", time.Since(begun))
	if len(list) != 64 {
		t.Fatalf("there are %d ports, want 64", len(list))
	}
	for i, port := range list {
		if port.Label != fmt.Sprint(i) || port.State != Down {
			t.Errorf("port %d is %+v", i, port)
		}
	}
	must(t, p.Close())
	if _, err := p.List(); !errors.Is(err, ErrClosed) {
		t.Errorf("List after Close = %v", err)
	}
}

func TestPortsWithoutLabelsAreInterfaces(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	ip(t, "link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
	ip(t, "link", "add", "br0", "type", "bridge")
	p, err := Open(nil, Config{}, slog.New(slog.DiscardHandler))
	must(t, err)
	defer p.Close()
	list, err := p.List()
	must(t, err)
	var names []string
	for _, port := range list {
		names = append(names, port.Label)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"lan0", "lan1"}) {
		t.Errorf("ports are %v, want lan0 and lan1: no loopback, no bridge", names)
	}
}
