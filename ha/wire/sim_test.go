// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

// simBox opens a box with two interfaces in the folder of a test.
func simBox(t *testing.T, dir, node string) *Sim {
	t.Helper()
	s, err := OpenSim(SimConfig{Dir: dir, Node: node, Interfaces: []SimInterface{{Name: "lan1"}, {Name: "lan2"}}}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSimRefusesSecondBoxOfOneName(t *testing.T) {
	dir := t.TempDir()
	first := simBox(t, dir, "left")
	if _, err := OpenSim(SimConfig{Dir: dir, Node: "left"}, quiet); err == nil || !strings.Contains(err.Error(), "another name") {
		t.Fatalf("a second left: error %v, want one that asks for another name", err)
	}
	first.Close()
	simBox(t, dir, "left")
}

func TestSimRefusesNamesThatAreNoFiles(t *testing.T) {
	for _, name := range []string{"", "..", ".x", "a/b", "a b", strings.Repeat("a", 65)} {
		if _, err := OpenSim(SimConfig{Dir: t.TempDir(), Node: name}, quiet); err == nil {
			t.Errorf("a box may be called %q", name)
		}
		if err := Plug(t.TempDir(), "left", name, false); err == nil {
			t.Errorf("an interface may be called %q", name)
		}
	}
}

func TestSimWorksInFolderOfLongName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	left, right := simBox(t, dir, "left"), simBox(t, dir, "right")
	a, _ := attach(t, left, Config{Interface: "lan1", Family: IPv4}), attach(t, right, Config{Interface: "lan1", Family: IPv4})
	must(t, a.Send(Group(IPv4), payload(1)))
	expect(t, right, payload(1))
}

func TestSimRemovesStaleSocketsAndCountsFullOnes(t *testing.T) {
	dir := t.TempDir()
	left, right := simBox(t, dir, "left"), simBox(t, dir, "right")
	a := attach(t, left, Config{Interface: "lan1", Family: IPv4})
	stale := filepath.Join(dir, "right", "sock-STALE")
	must(t, os.Rename(right.path, stale)) // its socket lives on
	right.Close()
	must(t, a.Send(Group(IPv4), payload(1)))
	if _, err := os.Stat(stale); err == nil {
		t.Error("the socket that nobody has open is there still")
	}
	simBox(t, dir, "right")
	for range 100_000 {
		must(t, a.Send(Group(IPv4), payload(1)))
		if s := a.Status(); s.Dropped > 0 {
			return
		}
	}
	t.Error("100000 packets went into a box that reads none of them")
}

func TestSimSaysWhoHoldsWhat(t *testing.T) {
	dir := t.TempDir()
	left, right := simBox(t, dir, "left"), simBox(t, dir, "right")
	a, b := attach(t, left, Config{Interface: "lan1", Family: IPv4}), attach(t, right, Config{Interface: "lan1", Family: IPv4})
	other := attach(t, right, Config{Interface: "lan2", Family: IPv4})
	p := netip.MustParsePrefix("192.0.2.10/24")
	holders := func() string {
		t.Helper()
		list, err := Holders(dir)
		must(t, err)
		var out []string
		for _, h := range list {
			out = append(out, h.Interface+" "+h.Address.String()+" "+strings.Join(h.Nodes, "+"))
		}
		return strings.Join(out, ", ")
	}
	check := func(want string) {
		t.Helper()
		if got := holders(); got != want {
			t.Fatalf("holders are %q, want %q", got, want)
		}
	}
	check("")
	must(t, a.Take(p))
	must(t, other.Take(p)) // on another network
	check("lan1 192.0.2.10 left, lan2 192.0.2.10 right")
	must(t, b.Take(p))
	check("lan1 192.0.2.10 left+right, lan2 192.0.2.10 right")
	must(t, Plug(dir, "right", "lan1", false))
	check("lan1 192.0.2.10 left, lan2 192.0.2.10 right")
	must(t, Plug(dir, "right", "lan1", true))
	left.Close()
	must(t, other.Close())
	check("lan1 192.0.2.10 right")
	must(t, os.WriteFile(filepath.Join(dir, "right", "held.json"), []byte("[{"), 0o600))
	if _, err := Holders(dir); err == nil {
		t.Error("a torn file was read as if nothing were held")
	}
}

func TestSimPulledCableIsNoticedAndLosesPackets(t *testing.T) {
	dir := t.TempDir()
	left, right := simBox(t, dir, "left"), simBox(t, dir, "right")
	a := attach(t, left, Config{Interface: "lan1", Family: IPv4})
	attach(t, right, Config{Interface: "lan1", Family: IPv4})
	for _, box := range []string{"left", "right"} {
		must(t, Plug(dir, box, "lan1", false))
		must(t, a.Send(Group(IPv4), payload(1))) // is lost
		lan := map[string]*Sim{"left": left, "right": right}[box]
		waitFor(t, lan, "the cable is out", func(b Batch) bool { return b.Changed })
		if i, _ := lan.Interface("lan1"); i.Carrier || !i.Up {
			t.Errorf("%s: with its cable out lan1 is %+v", box, i)
		}
		if i, _ := lan.Interface("lan2"); !i.Carrier {
			t.Errorf("%s: lan2 has lost its cable too", box)
		}
		must(t, Plug(dir, box, "lan1", true))
		waitFor(t, lan, "the cable is in", func(b Batch) bool { return b.Changed })
		if i, _ := lan.Interface("lan1"); !i.Carrier {
			t.Errorf("%s: with its cable in lan1 is %+v", box, i)
		}
	}
	must(t, a.Send(Group(IPv4), payload(2)))
	expect(t, right, payload(2))
}

func TestSimRoutesGoWithTheCable(t *testing.T) {
	dir := t.TempDir()
	gw := netip.MustParseAddr("198.18.0.1")
	s, err := OpenSim(SimConfig{Dir: dir, Node: "left", Interfaces: []SimInterface{{Name: "lan1", Gateways: []netip.Addr{gw}}}}, quiet)
	must(t, err)
	defer s.Close()
	if r, err := s.DefaultRoutes(IPv4); err != nil || len(r) != 1 || r[0].Gateway != gw || r[0].Interface != "lan1" {
		t.Errorf("routes are %v, %v", r, err)
	}
	if r, _ := s.DefaultRoutes(IPv6); len(r) != 0 {
		t.Errorf("routes of IPv6 are %v", r)
	}
	must(t, Plug(dir, "left", "lan1", false))
	if r, _ := s.DefaultRoutes(IPv4); len(r) != 0 {
		t.Errorf("with the cable out routes are %v", r)
	}
}

func TestSimDropsWhatHasItsOwnAddress(t *testing.T) {
	dir := t.TempDir()
	same := []SimInterface{{Name: "lan1", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}}}
	var boxes []*Sim
	for _, name := range []string{"left", "right"} {
		s, err := OpenSim(SimConfig{Dir: dir, Node: name, Interfaces: same}, quiet)
		must(t, err)
		defer s.Close()
		boxes = append(boxes, s)
	}
	a, b := attach(t, boxes[0], Config{Interface: "lan1", Family: IPv4}), attach(t, boxes[1], Config{Interface: "lan1", Family: IPv4})
	must(t, a.Send(Group(IPv4), payload(1)))
	got, err := boxes[1].Wait(time.Now())
	must(t, err)
	if s := b.Status(); len(got.Packets) != 0 || s.Own != 1 || s.Received != 0 {
		t.Errorf("came %+v, counted %+v", got, s)
	}
}

func FuzzParseSim(f *testing.F) {
	f.Add(simPacket{iface: "lan1", src: netip.MustParseAddr("198.18.0.1"), dst: Group(IPv4), ttl: 255, data: payload(1)}.append(nil))
	f.Add(simPacket{iface: "lan1", src: netip.MustParseAddr("fe80::1"), dst: Group(IPv6), ttl: 255}.append(nil))
	f.Add([]byte("EVL1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parseSim(b)
		if !ok {
			return
		}
		again, ok := parseSim(p.append(nil))
		if !ok || again.iface != p.iface || again.src != p.src || again.dst != p.dst || again.ttl != p.ttl || string(again.data) != string(p.data) {
			t.Errorf("%+v came back as %+v, %v", p, again, ok)
		}
	})
}

// payload is one that differs by n; its bytes 6 and 7 are the place of a checksum.
func payload(n byte) []byte { return []byte{0x31, 10, n, 1, 0, 100, 0, 0, 192, 0, 2, n} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func attach(t *testing.T, lan LAN, c Config) Station {
	t.Helper()
	s, err := lan.Attach(c)
	must(t, err)
	return s
}

// long is more than anything takes here.
const long = 30 * time.Second

// waitFor waits until one batch is as wanted.
func waitFor(t *testing.T, lan LAN, what string, ok func(Batch) bool) {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); {
		b, err := lan.Wait(end)
		must(t, err)
		if ok(b) {
			return
		}
	}
	t.Fatalf("not within %v: %s", long, what)
}

// expect waits for packets, which differ in their third byte, and wants no others.
func expect(t *testing.T, lan LAN, want ...[]byte) (got []Packet) {
	t.Helper()
	waitFor(t, lan, "packets", func(b Batch) bool {
		got = append(got, b.Packets...)
		return len(got) >= len(want)
	})
	if len(got) != len(want) {
		t.Fatalf("%d packets came, want %d: %v", len(got), len(want), got)
	}
	for i, p := range got {
		if p.Data[2] != want[i][2] || len(p.Data) != len(want[i]) {
			t.Errorf("packet %d is %x, want %x", i, p.Data, want[i])
		}
	}
	return got
}
