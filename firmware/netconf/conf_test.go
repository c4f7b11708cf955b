// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A bench is a machine that a test can look at from outside, and change.
type bench struct {
	sys  System
	dir  string // for the record and the files
	add  func(netip.Prefix)
	drop func(netip.Prefix)
}

func simulated(t *testing.T) *bench {
	s := NewSim([]string{"lan0", "lan1"}, nil)
	do := func(k StepKind, p netip.Prefix) {
		must(t, s.Do(Step{Kind: k, Interface: "lan0", Index: 1, Address: p}))
	}
	return &bench{sys: s, dir: t.TempDir(), add: func(p netip.Prefix) { do(AddAddress, p) }, drop: func(p netip.Prefix) { do(RemoveAddress, p) }}
}

// zoneinfo makes a folder with the data of one zone.
func zoneinfo(t *testing.T, dir string) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "zoneinfo/Europe"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "zoneinfo/Europe/Berlin"), []byte("TZif2"), 0o644))
	return filepath.Join(dir, "zoneinfo")
}

func real(t *testing.T) *bench {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver 203.0.113.53\n"), 0o644))
	for _, name := range []string{"lan0", "lan1"} {
		ip(t, "link", "add", name, "type", "veth", "peer", "name", name+"-far")
		ip(t, "link", "set", name+"-far", "up")
	}
	ip(t, "link", "set", "lan0", "up")
	return &bench{sys: Linux{Resolver: filepath.Join(dir, "resolv.conf"), Zone: filepath.Join(dir, "localtime")}, dir: dir,
		add:  func(p netip.Prefix) { ip(t, "address", "add", p.String(), "dev", "lan0") },
		drop: func(p netip.Prefix) { ip(t, "address", "del", p.String(), "dev", "lan0") }}
}

// conf returns a Conf of the bench, as after a start of the engine.
func (b *bench) conf(t *testing.T) *Conf {
	wire, _ := b.sys.(Wire)
	return New(b.sys, wire, Config{Record: filepath.Join(b.dir, "network.json"), Zoneinfo: zoneinfo(t, b.dir)}, slog.New(slog.DiscardHandler))
}

func onBoth(t *testing.T, body func(t *testing.T, b *bench)) {
	if os.Getenv("EVENER_NETNS") == "" {
		t.Run("simulated", func(t *testing.T) { body(t, simulated(t)) })
	}
	if inNamespace(t) {
		body(t, real(t))
	}
}

// wanted is a static configuration of lan0.
func wantedStatic() Desired {
	return Desired{Port: "mgmt", Interface: "lan0", Method: Static, Addresses: prefixes("192.0.2.10/24", "2001:db8::10/64"),
		Gateways: addrs("192.0.2.1", "2001:db8::1"), DNS: addrs("192.0.2.53"), HostName: "lb1", TimeZone: "Europe/Berlin"}
}

// global are the addresses that are not the kernel's own.
func global(s Status) []netip.Prefix {
	out := slices.DeleteFunc(slices.Clone(s.Addresses), func(p netip.Prefix) bool { return p.Addr().IsLinkLocalUnicast() })
	slices.SortFunc(out, netip.Prefix.Compare)
	return out
}

func check(t *testing.T, c *Conf, want ...string) Status {
	t.Helper()
	s := c.Status()
	if got, w := global(s), prefixes(want...); !slices.Equal(got, w) {
		t.Errorf("addresses are %v, want %v; problems: %q", got, w, s.Problems)
	}
	return s
}

func TestSetAndBack(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		theirs := netip.MustParsePrefix("203.0.113.7/24")
		b.add(theirs)
		before, err := b.sys.Read()
		must(t, err)
		c := b.conf(t)
		must(t, c.Set(wantedStatic()))
		s := check(t, c, "192.0.2.10/24", "203.0.113.7/24", "2001:db8::10/64")
		if !s.Managed || s.HostName != "lb1" || s.TimeZone != "Europe/Berlin" || !slices.Equal(s.DNS, addrs("192.0.2.53")) || len(s.Problems) > 0 {
			t.Errorf("status is %+v", s)
		}
		if got := slices.SortedFunc(slices.Values(s.Gateways), netip.Addr.Compare); !slices.Equal(got, addrs("192.0.2.1", "2001:db8::1")) {
			t.Errorf("gateways are %v", got)
		}
		must(t, c.Set(wantedStatic()))
		check(t, c, "192.0.2.10/24", "203.0.113.7/24", "2001:db8::10/64")

		moved := wantedStatic() // within the same network, where the kernel has a first and a second address
		moved.Addresses = prefixes("192.0.2.11/24")
		moved.Gateways = addrs("192.0.2.2")
		must(t, c.Set(moved))
		s = check(t, c, "192.0.2.11/24", "203.0.113.7/24")
		if !slices.Equal(s.Gateways, addrs("192.0.2.2")) {
			t.Errorf("gateways are %v", s.Gateways)
		}
		must(t, c.Set(wantedStatic())) // as a commit that is taken back
		check(t, c, "192.0.2.10/24", "203.0.113.7/24", "2001:db8::10/64")

		c = b.conf(t) // the engine starts anew
		must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: None}))
		s = check(t, c, "203.0.113.7/24")
		after, err := b.sys.Read()
		must(t, err)
		if s.Managed || s.Why == "" || after.HostName != before.HostName || !after.Resolver.equal(before.Resolver) || !after.Zone.equal(before.Zone) || len(after.Routes) > 0 {
			t.Errorf("it is not as before: %+v, state %+v", s, after)
		}
	})
}

func TestSecondAddressOfOthersStays(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.conf(t)
		d := wantedStatic()
		d.Addresses = prefixes("192.0.2.10/24")
		d.Gateways = addrs("192.0.2.1")
		must(t, c.Set(d))
		b.add(netip.MustParsePrefix("192.0.2.77/24")) // behind ours
		must(t, c.Set(Desired{Method: None, Interface: "lan0"}))
		check(t, c, "192.0.2.77/24")
	})
}

func TestAnotherPortTakesOver(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.conf(t)
		must(t, c.Set(wantedStatic()))
		d := wantedStatic()
		d.Interface, d.Port = "lan1", "1"
		must(t, c.Set(d)) // it is switched on too
		s, err := b.sys.Read()
		must(t, err)
		for _, a := range s.Addresses {
			if a.Index == s.Interfaces["lan0"].Index && !a.Prefix.Addr().IsLinkLocalUnicast() {
				t.Errorf("lan0 has still %v", a.Prefix)
			}
		}
		check(t, c, "192.0.2.10/24", "2001:db8::10/64")
		if !s.Interfaces["lan1"].Up {
			t.Error("lan1 is not up")
		}
	})
}

func TestRunRepairs(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.conf(t)
		must(t, c.Set(wantedStatic()))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		b.drop(netip.MustParsePrefix("192.0.2.10/24"))
		c.LinkChanged()
		eventually(t, "the address is back", func() bool { return len(global(c.Status())) == 2 })
		eventually(t, "the gateway is back", func() bool { return len(c.Status().Gateways) == 2 })
		cancel()
		must(t, <-done)
		check(t, c, "192.0.2.10/24", "2001:db8::10/64")
	})
}

func TestPortThatIsNotThere(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.conf(t)
		d := wantedStatic()
		d.Interface = ""
		must(t, c.Set(d))
		if s := c.Status(); len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "port mgmt is not there") {
			t.Errorf("problems are %q", s.Problems)
		}
		d.Port = ""
		must(t, c.Set(d))
		if s := c.Status(); len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "name one in management") {
			t.Errorf("problems are %q", s.Problems)
		}
	})
}

// A shaky system fails at what it is told to.
type shaky struct {
	*Sim
	lacks []string
	fail  func(Step) error
}

func (s *shaky) Read() (State, error) {
	st, err := s.Sim.Read()
	st.Lacks = s.lacks
	return st, err
}

func (s *shaky) Do(x Step) error {
	if s.fail != nil {
		if err := s.fail(x); err != nil {
			return err
		}
	}
	return s.Sim.Do(x)
}

func TestWithoutRightsNothingIsTried(t *testing.T) {
	s := &shaky{Sim: NewSim([]string{"lan0"}, nil), lacks: []string{"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"},
		fail: func(x Step) error {
			if x.Kind != PutResolver && x.Kind != PutZone {
				t.Errorf("it tries %s", x)
			}
			return nil
		}}
	c := New(s, s, Config{}, slog.New(slog.DiscardHandler))
	d := wantedStatic()
	must(t, c.Set(d))
	st := c.Status()
	if st.Managed || !strings.Contains(st.Why, "lacks the right CAP_NET_ADMIN") || len(st.Problems) != 2 || st.Problems[0] != st.Why || !strings.Contains(st.Problems[1], "the host name stays") {
		t.Errorf("status is %+v", st)
	}
	d.Method, d.Addresses, d.Gateways, d.HostName = DHCP, nil, nil, ""
	must(t, c.Set(d))
	if st := c.Status(); !strings.Contains(st.Why, "CAP_NET_ADMIN and CAP_NET_RAW") {
		t.Errorf("status is %+v", st)
	}
}

func TestFailuresAreToldAndTriedAgain(t *testing.T) {
	broken := true
	s := &shaky{Sim: NewSim([]string{"lan0"}, nil), fail: func(x Step) error {
		if broken && x.Kind == AddRoute {
			return errors.New("network is unreachable")
		}
		return nil
	}}
	c := New(s, s, Config{}, slog.New(slog.DiscardHandler))
	if err := c.Set(wantedStatic()); err == nil || !strings.Contains(err.Error(), "route add default via 192.0.2.1 dev lan0: network is unreachable") {
		t.Errorf("Set = %v", err)
	}
	if st := check(t, c, "192.0.2.10/24", "2001:db8::10/64"); len(st.Problems) != 2 {
		t.Errorf("problems are %q, want one for each route", st.Problems)
	}
	broken = false
	must(t, c.Set(wantedStatic()))
	if st := c.Status(); len(st.Problems) != 0 || len(st.Gateways) != 2 {
		t.Errorf("status is %+v", st)
	}
}

func TestOthersDefaultRouteIsTold(t *testing.T) {
	s := NewSim([]string{"lan0"}, nil)
	must(t, s.Do(Step{Kind: AddRoute, Index: 1, Route: Route{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("203.0.113.1"), Index: 1}}))
	c := New(s, s, Config{}, slog.New(slog.DiscardHandler))
	must(t, c.Set(wantedStatic()))
	if st := c.Status(); len(st.Problems) != 1 || !strings.Contains(st.Problems[0], "another program has set default via 203.0.113.1 with metric 0") {
		t.Errorf("problems are %q", st.Problems)
	}
	must(t, c.Set(Desired{Method: None}))
	if st, _ := s.Read(); len(st.Routes) != 1 {
		t.Errorf("routes are %v, want the other's", st.Routes)
	}
}

func TestRecordThatCannotBeReadOrKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "network.json")
	must(t, os.WriteFile(file, []byte("{"), 0o600))
	s := NewSim([]string{"lan0"}, nil)
	c := New(s, s, Config{Record: file}, slog.New(slog.DiscardHandler))
	if st := c.Status(); len(st.Problems) != 1 || !strings.Contains(st.Problems[0], "what was set before stays") {
		t.Errorf("problems are %q", st.Problems)
	}
	c = New(s, s, Config{Record: filepath.Join(file, "not", "there")}, slog.New(slog.DiscardHandler))
	if err := c.Set(wantedStatic()); err == nil || !strings.Contains(err.Error(), "keep what is set") {
		t.Errorf("Set = %v", err)
	}
	if st, _ := s.Read(); len(st.Addresses) != 0 {
		t.Errorf("addresses %v are set that nobody will know of", st.Addresses)
	}
}

// TestCrashAfterEachStep ends the engine after each step: the next one must find
// the way back.
func TestCrashAfterEachStep(t *testing.T) {
	for n := range 8 {
		b := simulated(t)
		before, err := b.sys.Read()
		must(t, err)
		left := n
		s := &shaky{Sim: b.sys.(*Sim), fail: func(Step) error {
			if left--; left < 0 {
				return errors.New("crashed")
			}
			return nil
		}}
		wire := s.Sim
		c := New(s, wire, Config{Record: filepath.Join(b.dir, "network.json"), Zoneinfo: zoneinfo(t, b.dir)}, slog.New(slog.DiscardHandler))
		_ = c.Set(wantedStatic()) // it crashes
		must(t, b.conf(t).Set(Desired{Method: None}))
		after, err := b.sys.Read()
		must(t, err)
		if len(after.Addresses) != 0 || len(after.Routes) != 0 || after.HostName != before.HostName || !after.Resolver.equal(before.Resolver) || !after.Zone.equal(before.Zone) {
			t.Errorf("after a crash behind step %d it does not go back: %+v", n, after)
		}
	}
}

func TestFilesAreReplacedWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "resolv.conf")
	for _, f := range []File{
		{There: true, Text: []byte("one")}, {There: true, Link: "../elsewhere"}, {There: true, Text: []byte("two")}, {}, {There: true, Link: "x"}, {},
	} {
		must(t, putFile(path, f))
		got, err := readFile(path)
		must(t, err)
		if !got.equal(f) {
			t.Errorf("file is %v, want %v", got, f)
		}
	}
	if err := putFile(filepath.Join(dir, "not", "there"), File{There: true, Text: []byte("x")}); err == nil || err.Error() != "write "+filepath.Join(dir, "not", "there")+": no such file or directory" {
		t.Errorf("putFile = %v", err)
	}
	must(t, os.WriteFile(path, bytes.Repeat([]byte("x"), maxFile+1), 0o600))
	if err := putFile(path, File{There: true, Text: []byte("one")}); err == nil || !strings.Contains(err.Error(), "would be lost") {
		t.Errorf("a long file is replaced: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files are left behind: %v", left)
	}
}

func TestIPv6SwitchedOff(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	b := real(t)
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/lan0/disable_ipv6", []byte("1"), 0))
	c := b.conf(t)
	err := c.Set(wantedStatic())
	if err == nil || !strings.Contains(err.Error(), "IPv6 is switched off on it") {
		t.Errorf("Set = %v", err)
	}
	check(t, c, "192.0.2.10/24")
}

func TestAddressThatAnotherMachineHas(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	b := real(t)
	ip(t, "address", "add", "2001:db8::10/64", "dev", "lan0-far", "nodad")
	c := b.conf(t)
	must(t, c.Set(wantedStatic()))
	eventually(t, "it is told", func() bool {
		return strings.Contains(strings.Join(c.Status().Problems, "; "), "address 2001:db8::10 cannot be used: another machine on the network has it")
	})
}
