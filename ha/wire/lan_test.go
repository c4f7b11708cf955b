// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// A pair is two boxes with an interface lan1 each on one network. The conformance test
// holds for the pairs of both kinds.
type pair struct {
	left, right LAN
	plug        func(in bool) // the cable of left
}

func TestLANSim(t *testing.T) {
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			dir := t.TempDir()
			conforms(t, c, pair{simBox(t, dir, "left"), simBox(t, dir, "right"), func(in bool) { must(t, Plug(dir, "left", "lan1", in)) }})
		})
	}
}

func TestLANLinux(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			left, right := newBox(t, "left", "192.0.2.11/24"), newBox(t, "right", "192.0.2.12/24")
			conforms(t, c, pair{left.lan(), right.lan(), func(in bool) {
				run(t, "ip", "link", "set", "left", map[bool]string{true: "up", false: "down"}[in])
			}})
		})
	}
}

// A testCase is a kind of station.
type testCase struct {
	family  Family
	virtual bool
}

var cases = []testCase{{IPv4, false}, {IPv4, true}, {IPv6, false}, {IPv6, true}}

func (c testCase) String() string {
	return fmt.Sprintf("%v,virtual=%v", c.family, c.virtual)
}

// config is that of a router with number 10.
func (c testCase) config() Config {
	x := Config{Interface: "lan1", Family: c.family, Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("198.51.100.10/24")}}
	if c.family == IPv6 {
		x.Addresses = []netip.Prefix{netip.MustParsePrefix("2001:db8::10/64"), netip.MustParsePrefix("fe80::10/64")}
	}
	if c.virtual {
		x.MAC = mac(c.family, 10)
	}
	return x
}

func mac(f Family, vrid byte) net.HardwareAddr {
	return net.HardwareAddr{0, 0, 0x5e, 0, map[Family]byte{IPv4: 1, IPv6: 2}[f], vrid}
}

func conforms(t *testing.T, c testCase, p pair) {
	a, b := attach(t, p.left, c.config()), attach(t, p.right, c.config())
	ready(t, p.left, a)
	ready(t, p.right, b)
	packetsArriveOnce(t, c, p, a, b)
	addressesComeAndGo(t, c, p, a)
	mistakesAreRefused(t, c, p, a)
	cablesAreNoticed(t, p)
	waitingEnds(t, p.left)
	must(t, a.Close())
	must(t, a.Close())
	if err := a.Send(Group(c.family), payload(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close Send says %v", err)
	}
	if err := a.Take(c.config().Addresses...); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close Take says %v", err)
	}
	again := attach(t, p.left, c.config())
	ready(t, p.left, again)
	must(t, p.left.Close())
	must(t, p.left.Close())
	if _, err := p.left.Wait(time.Now()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close Wait says %v", err)
	}
	if err := again.Send(Group(c.family), payload(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close of the LAN Send says %v", err)
	}
}

// ready waits until a station can work.
func ready(t *testing.T, lan LAN, s Station) {
	t.Helper()
	for end := time.Now().Add(long); s.Status().Problem != ""; {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", long, s.Status().Problem)
		}
		_, err := lan.Wait(end)
		must(t, err)
	}
	i, err := lan.Interface("lan1")
	must(t, err)
	for end := time.Now().Add(long); !i.Carrier; {
		if time.Now().After(end) {
			t.Fatalf("not within %v: a carrier", long)
		}
		_, err := lan.Wait(time.Now().Add(50 * time.Millisecond))
		must(t, err)
		i, err = lan.Interface("lan1")
		must(t, err)
	}
}

func packetsArriveOnce(t *testing.T, c testCase, p pair, a, b Station) {
	t.Helper()
	must(t, a.Send(Group(c.family), payload(1)))
	must(t, a.Send(Group(c.family), payload(2)))
	got := expect(t, p.right, payload(1), payload(2))
	must(t, a.Send(b.Status().Primary, payload(3))) // perhaps from another MAC: no order is kept between them
	got = append(got, expect(t, p.right, payload(3))...)
	for i, x := range got {
		want := Packet{Interface: "lan1", Family: c.family, Src: a.Status().Primary, Dst: Group(c.family), TTL: 255}
		if i == 2 {
			want.Dst = b.Status().Primary
		}
		if x.Interface != want.Interface || x.Family != want.Family || x.Src != want.Src || x.Dst != want.Dst || x.TTL != 255 || x.At.IsZero() {
			t.Errorf("packet %d is %+v, want %+v", i, x, want)
		}
		sum := payload(byte(i + 1))
		if c.family == IPv6 {
			sum = withChecksum(x.Src, x.Dst, sum)
		}
		if !slices.Equal(x.Data, sum) {
			t.Errorf("packet %d holds %x, want %x", i, x.Data, sum)
		}
	}
	// Its own packets the sender does not hear: the first that comes is the other's.
	must(t, b.Send(Group(c.family), payload(4)))
	expect(t, p.left, payload(4))
	if s := a.Status(); s.Sent != 3 || s.Received != 1 || s.Failed != 0 || s.Own != 0 {
		t.Errorf("the sender counted %+v", s)
	}
	if s := b.Status(); s.Sent != 1 || s.Received != 3 {
		t.Errorf("the receiver counted %+v", s)
	}
}

func addressesComeAndGo(t *testing.T, c testCase, p pair, a Station) {
	t.Helper()
	list := c.config().Addresses
	holds := func(want ...netip.Prefix) {
		t.Helper()
		held, err := a.Held()
		must(t, err)
		slices.SortFunc(held, comparePrefix)
		if !slices.Equal(held, want) {
			t.Errorf("held are %v, want %v", held, want)
		}
		i, err := p.left.Interface("lan1")
		must(t, err)
		for _, x := range list {
			if on := slices.Contains(i.Addresses, x); on != (!c.virtual && slices.Contains(want, x)) {
				t.Errorf("%v on lan1 itself: %v", x, on)
			}
		}
	}
	primary := a.Status().Primary
	holds()
	must(t, a.Release(list...))
	must(t, a.Take(list...))
	must(t, a.Take(list...))
	holds(list...)
	must(t, a.Announce())
	must(t, a.Release(list[0]))
	must(t, a.Release(list[0]))
	holds(list[1])
	must(t, a.Announce())
	must(t, a.Reconcile(list[:1]))
	must(t, a.Reconcile(list[:1]))
	holds(list[0])
	other := netip.PrefixFrom(netip.MustParseAddr(map[Family]string{IPv4: "192.0.2.77", IPv6: "2001:db8::77"}[c.family]), list[0].Bits()) // not prepared
	must(t, a.Reconcile([]netip.Prefix{other, list[0]}))
	holds(list[0], other)
	shorter := netip.PrefixFrom(list[0].Addr(), list[0].Bits()-4)
	must(t, a.Reconcile([]netip.Prefix{shorter}))
	holds(shorter)
	if got := a.Status().Primary; got != primary {
		t.Errorf("the primary address became %v, was %v", got, primary)
	}
	must(t, a.Reconcile(nil))
	holds()
}

func mistakesAreRefused(t *testing.T, c testCase, p pair, a Station) {
	t.Helper()
	wrong := map[Family]netip.Addr{IPv4: Group(IPv6), IPv6: Group(IPv4)}[c.family]
	for what, err := range map[string]error{
		"the wrong group":   a.Send(wrong, payload(1)),
		"another group":     a.Send(map[Family]netip.Addr{IPv4: netip.MustParseAddr("224.0.0.1"), IPv6: netip.MustParseAddr("ff02::1")}[c.family], payload(1)),
		"a short payload":   a.Send(Group(c.family), make([]byte, 7)),
		"a long payload":    a.Send(Group(c.family), make([]byte, maxPacket)),
		"the wrong family":  a.Take(netip.PrefixFrom(wrong, 32)),
		"a group":           a.Take(netip.PrefixFrom(Group(c.family), 32)),
		"an invalid prefix": a.Prepare([]netip.Prefix{{}}),
	} {
		if err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	config := c.config()
	for what, f := range map[string]func(*Config){
		"no interface":     func(c *Config) { c.Interface = "" },
		"no family":        func(c *Config) { c.Family = 0 },
		"a short MAC":      func(c *Config) { c.MAC = net.HardwareAddr{2} },
		"the MAC of all":   func(c *Config) { c.MAC = net.HardwareAddr{255, 255, 255, 255, 255, 255} },
		"no MAC":           func(c *Config) { c.MAC = make(net.HardwareAddr, 6) },
		"an address twice": func(c *Config) { c.MAC = mac(c.Family, 11) },
		"a wrong address":  func(c *Config) { c.Addresses = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")} },
	} {
		x := config
		f(&x)
		if s, err := p.left.Attach(x); err == nil {
			t.Errorf("%s: attached as %+v", what, s.Status())
		}
	}
	gone := config
	gone.Interface, gone.Addresses = "none", nil
	s := attach(t, p.left, gone)
	if s.Status().Problem == "" {
		t.Error("an interface that is not there makes no problem")
	}
	if err := s.Send(Group(c.family), payload(1)); !errors.Is(err, ErrAbsent) {
		t.Errorf("without its interface Send says %v", err)
	}
	if err := s.Take(config.Addresses[0]); !errors.Is(err, ErrAbsent) {
		t.Errorf("without its interface Take says %v", err)
	}
	must(t, s.Close())
	if i, err := p.left.Interface("none"); err != nil || i.Present {
		t.Errorf("an interface that is not there is %+v, %v", i, err)
	}
}

func cablesAreNoticed(t *testing.T, p pair) {
	t.Helper()
	for _, in := range []bool{false, true} {
		p.plug(in)
		waitFor(t, p.left, fmt.Sprintf("cable in: %v", in), func(b Batch) bool {
			i, err := p.left.Interface("lan1")
			must(t, err)
			return b.Changed && i.Carrier == in
		})
	}
}

func waitingEnds(t *testing.T, lan LAN) {
	t.Helper()
	for range 3 { // what was under way may end one
		until := time.Now().Add(20 * time.Millisecond)
		b, err := lan.Wait(until)
		must(t, err)
		if !b.Changed && len(b.Packets) == 0 && b.At.Before(until) {
			t.Errorf("Wait until %v ended at %v with nothing", until, b.At)
		}
	}
	lan.Wake()
	waitFor(t, lan, "an end by Wake", func(b Batch) bool { return !b.Changed && len(b.Packets) == 0 })
	lan.Wake()
	done := make(chan error)
	go func() {
		for {
			b, err := lan.Wait(time.Time{})
			if err != nil || !b.Changed && len(b.Packets) == 0 {
				done <- err
				return
			}
		}
	}()
	must(t, <-done)
	go lan.Wake()
	b, err := lan.Wait(time.Time{}) // would last for ever
	must(t, err)
	_ = b
}
