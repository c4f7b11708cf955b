// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// router returns the station of a router with a number.
func router(f Family, vrid byte) Config {
	c := Config{Interface: "lan1", Family: f, MAC: mac(f, vrid)}
	if f == IPv4 {
		c.Addresses = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, 100 + vrid}), 24)}
	} else {
		c.Addresses = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0xd, 3: 0xb8, 15: 100 + vrid}), 64)}
	}
	return c
}

func TestSixteenRoutersOfOneInterfaceHearEachAdvertisementOnce(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left, right := newBox(t, "left", "192.0.2.11/24"), newBox(t, "right", "192.0.2.12/24")
	lanL, lanR := left.lan(), right.lan()
	var from []Station
	for vrid := byte(1); vrid <= 16; vrid++ {
		f := IPv4
		if vrid > 8 {
			f = IPv6
		}
		a := attach(t, lanL, router(f, vrid))
		must(t, a.Take(router(f, vrid).Addresses...))
		from = append(from, a)
		if vrid%2 == 0 { // the others have MACs that the right box does not know
			attach(t, lanR, router(f, vrid))
		}
	}
	plain := attach(t, lanR, Config{Interface: "lan1", Family: IPv6})
	ready(t, lanR, plain)
	for i, a := range from {
		ready(t, lanL, a)
		f := Of(a.Status().Primary)
		must(t, a.Send(Group(f), payload(byte(i))))
		expect(t, lanR, payload(byte(i)))
	}
	// From a MAC that is not virtual too.
	must(t, plain.Send(Group(IPv6), payload(99)))
	expect(t, lanL, payload(99))
	held := left.run("ip", "-o", "address")
	for vrid := range 16 {
		if want := fmt.Sprintf("%d/", 101+vrid); vrid < 8 && !strings.Contains(held, "192.0.2."+want) {
			t.Errorf("192.0.2.%s is not there:\n%s", want, held)
		}
	}
}

func TestOwnPacketsThatComeBackAreDropped(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24")
	lan := left.lan()
	s := sniff(t, "left")
	for _, c := range []testCase{{IPv4, true}, {IPv6, true}} {
		a := attach(t, lan, c.config())
		ready(t, lan, a)
		must(t, a.Send(Group(c.family), payload(1)))
		eventually(t, "the packet", func() bool { return len(adverts(c, s.all())) > 0 })
		inject(t, adverts(c, s.all())[0]) // as a loop of switches does
		for end := time.Now().Add(long); a.Status().Own == 0; {
			b, err := lan.Wait(end)
			must(t, err)
			if len(b.Packets) > 0 || !b.At.Before(end) {
				t.Fatalf("%v: the own packet came as %+v, counted %+v", c, b, a.Status())
			}
		}
	}
}

func TestInterfaceThatVanishesComesBackToLife(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left, right := newBox(t, "left", "192.0.2.11/24"), newBox(t, "right", "192.0.2.12/24")
	lanL, lanR := left.lan(), right.lan()
	for _, c := range cases {
		a, b := attach(t, lanL, c.config()), attach(t, lanR, c.config())
		ready(t, lanL, a)
		ready(t, lanR, b)
		must(t, a.Take(c.config().Addresses...))
		run(t, "ip", "link", "delete", "left")
		waitFor(t, lanL, "the problem", func(Batch) bool { return strings.Contains(a.Status().Problem, "not there") })
		if err := a.Send(Group(c.family), payload(1)); !errors.Is(err, ErrAbsent) {
			t.Errorf("%v: without its interface Send says %v", c, err)
		}
		must(t, a.Release(c.config().Addresses...))
		left.cable("lan1", "left")
		left.do(func() { must(t, os.WriteFile("/proc/sys/net/ipv6/conf/lan1/accept_dad", []byte("0"), 0)) })
		left.run("ip", "address", "add", "192.0.2.13/24", "dev", "lan1")
		left.run("ip", "link", "set", "lan1", "up")
		forwards(t, "left")
		ready(t, lanL, a)
		must(t, a.Take(c.config().Addresses...))
		must(t, a.Announce())
		must(t, a.Send(Group(c.family), payload(2)))
		if got := expect(t, lanR, payload(2)); c.family == IPv4 && got[0].Src.String() != "192.0.2.13" {
			t.Errorf("sent from %v, want the new address", got[0].Src)
		}
		held, err := a.Held()
		must(t, err)
		if !slices.Equal(held, c.config().Addresses) {
			t.Errorf("%v: held are %v", c, held)
		}
		must(t, a.Close())
		must(t, b.Close())
		left.run("ip", "address", "replace", "192.0.2.11/24", "dev", "lan1")
	}
}

func TestInterfaceSwitchedOffAndOnWorksAsBefore(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left, right := newBox(t, "left", "192.0.2.11/24"), newBox(t, "right", "192.0.2.12/24")
	lanL, lanR := left.lan(), right.lan()
	for _, c := range cases {
		a, b := attach(t, lanL, c.config()), attach(t, lanR, c.config())
		ready(t, lanL, a)
		ready(t, lanR, b)
		must(t, a.Take(c.config().Addresses...))
		left.run("ip", "link", "set", "lan1", "down")
		waitFor(t, lanL, "the problem", func(Batch) bool { return strings.Contains(a.Status().Problem, "switched off") })
		if err := a.Send(Group(c.family), payload(1)); err == nil {
			t.Errorf("%v: sent on an interface that is switched off", c)
		}
		left.run("ip", "link", "set", "lan1", "up")
		forwards(t, "left")
		ready(t, lanL, a)
		must(t, a.Reconcile(c.config().Addresses))
		if held, err := a.Held(); err != nil || !slices.Equal(held, c.config().Addresses) {
			t.Errorf("%v: held are %v, %v", c, held, err)
		}
		must(t, a.Send(Group(c.family), payload(2)))
		expect(t, lanR, payload(2))
		must(t, b.Send(Group(c.family), payload(3)))
		expect(t, lanL, payload(3))
		must(t, a.Close())
		must(t, b.Close())
	}
}

func TestVirtualMACThatSomebodyRemovesIsMadeAgain(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left, right := newBox(t, "left", "192.0.2.11/24"), newBox(t, "right", "192.0.2.12/24")
	lanL, lanR := left.lan(), right.lan()
	c := testCase{IPv4, true}
	a, b := attach(t, lanL, c.config()), attach(t, lanR, c.config())
	ready(t, lanR, b)
	must(t, a.Take(c.config().Addresses...))
	s := sniff(t, "left")
	left.run("ip", "link", "delete", a.Status().Virtual)
	waitFor(t, lanL, "the change", func(b Batch) bool { return b.Changed })
	ready(t, lanL, a)
	must(t, a.Reconcile(c.config().Addresses))
	held, err := a.Held()
	must(t, err)
	if !slices.Equal(held, c.config().Addresses) {
		t.Errorf("held are %v", held)
	}
	must(t, a.Send(Group(IPv4), payload(1)))
	expect(t, lanR, payload(1))
	noReports(t, s.from(mac(IPv4, 10)))
	left.run("ip", "address", "delete", "192.0.2.10/24", "dev", a.Status().Virtual)
	waitFor(t, lanL, "the change", func(b Batch) bool { return b.Changed })
	must(t, a.Reconcile(c.config().Addresses))
	if held, _ := a.Held(); !slices.Equal(held, c.config().Addresses) {
		t.Errorf("held are %v", held)
	}
}

func TestNewsThatGotLostAreMadeGoodByListing(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24")
	lan := left.lan()
	a := attach(t, lan, testCase{IPv4, true}.config())
	ready(t, lan, a)
	// More news than the socket holds, the last of which is that the cable is out.
	var many strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&many, "address add 10.%d.%d.1/32 dev lo\n", i/250, i%250)
	}
	left.do(func() {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(many.String())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	run(t, "ip", "link", "set", "left", "down")
	waitFor(t, lan, "the cable is out", func(b Batch) bool {
		i, err := lan.Interface("lan1")
		must(t, err)
		return b.Changed && !i.Carrier
	})
	run(t, "ip", "link", "set", "left", "up")
	waitFor(t, lan, "the cable is in: news come still", func(b Batch) bool {
		i, err := lan.Interface("lan1")
		must(t, err)
		return b.Changed && i.Carrier
	})
}

func TestDefaultRoutesFollowTheCable(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64")
	lan := left.lan()
	routes := func(f Family) string {
		t.Helper()
		list, err := lan.DefaultRoutes(f)
		must(t, err)
		return fmt.Sprint(list)
	}
	left.run("ip", "route", "add", "default", "via", "192.0.2.2", "metric", "20")
	left.run("ip", "route", "add", "default", "via", "192.0.2.1", "metric", "10")
	left.run("ip", "route", "add", "0.0.0.0/1", "via", "192.0.2.1")
	left.run("ip", "route", "add", "default", "via", "2001:db8::1")
	if got, want := routes(IPv4), "[{lan1 192.0.2.1 10} {lan1 192.0.2.2 20}]"; got != want {
		t.Errorf("routes are %s, want %s", got, want)
	}
	if got, want := routes(IPv6), "[{lan1 2001:db8::1 1024}]"; got != want {
		t.Errorf("routes are %s, want %s", got, want)
	}
	waitFor(t, lan, "the change", func(b Batch) bool { return b.Changed })
	run(t, "ip", "link", "set", "left", "down")
	waitFor(t, lan, "no route", func(Batch) bool { return routes(IPv4) == "[]" })
}

func TestRefusedAddressIsAnsweredButNotServed(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64")
	run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "br0")
	run(t, "ip", "address", "add", "2001:db8::1/64", "dev", "br0", "nodad")
	lan, s := left.lan(), sniff(t, "left")
	var l net.Listener
	left.do(func() {
		var err error
		l, err = net.Listen("tcp", ":7")
		must(t, err)
	})
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	for _, c := range cases {
		for _, refuse := range []bool{true, false} {
			config := c.config()
			config.Refuse, config.Addresses = refuse, nil // refused from when they are taken, not before
			a := attach(t, lan, config)
			ready(t, lan, a)
			config.Addresses = c.config().Addresses
			must(t, a.Take(config.Addresses...))
			vip := config.Addresses[0].Addr().String()
			patience := long
			if refuse {
				patience = 300 * time.Millisecond // a refused one gets no answer, however long it waits
			}
			conn, err := net.DialTimeout("tcp", net.JoinHostPort(vip, "7"), patience)
			if err == nil {
				_, err = conn.Read(make([]byte, 1))
				conn.Close()
			}
			if served := errors.Is(err, io.EOF); served == refuse {
				t.Errorf("%v, refuse=%v: the connection ended with %v", c, refuse, err)
			}
			own := map[Family]string{IPv4: "192.0.2.11", IPv6: "2001:db8::11"}[c.family]
			conn, err = net.DialTimeout("tcp", net.JoinHostPort(own, "7"), long)
			if err != nil {
				t.Errorf("%v, refuse=%v: its own address: %v", c, refuse, err)
			} else {
				conn.Close()
			}
			if n := run(t, "ip", "neighbour", "show", vip); !strings.Contains(n, a.Status().MAC.String()) {
				t.Errorf("%v, refuse=%v: the neighbour knows %q", c, refuse, n)
			}
			if c.family == IPv6 { // whether it is there still, neighbours ask it alone
				s.forget()
				ask := asksAlone(a.Status().MAC, net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.ParseIP("2001:db8::1"), net.ParseIP(vip))
				inject(t, ask)
				eventually(t, "an answer to who asks it alone", func() bool { return len(answers(c, s.all(), "10")) > 0 })
			}
			must(t, a.Close())
			run(t, "ip", "neighbour", "flush", "all")
		}
	}
}
