// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

var (
	v4a = netip.MustParseAddr("192.0.2.10")
	v4b = netip.MustParseAddr("192.0.2.11")
	v6a = netip.MustParseAddr("2001:db8::10")
)

// A bench is a Box in a namespace that has a loopback and no more.
type bench struct {
	*lab
	*Box
	ns      netns.NsHandle
	journal string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	b := &bench{lab: &lab{t: t}, journal: filepath.Join(t.TempDir(), "kept")}
	b.ns = b.namespace()
	b.Box = New(slog.New(slog.DiscardHandler), b.journal)
	return b
}

// try runs f in the namespace and returns its error.
func (b *bench) try(f func() error) (err error) {
	b.t.Helper()
	b.in(b.ns, func() error {
		err = f()
		return nil
	})
	return err
}

// state returns the addresses of the loopback but its own, arp_ignore and
// arp_announce.
func (b *bench) state() (list []netip.Addr, settings string) {
	b.t.Helper()
	b.in(b.ns, func() error {
		_, have, err := loopback()
		for _, a := range have {
			if !a.IsLoopback() {
				list = append(list, a)
			}
		}
		ignore, err1 := sysctl(arpSettings[0].name)
		announce, err2 := sysctl(arpSettings[1].name)
		settings = ignore + announce
		return errors.Join(err, err1, err2)
	})
	slices.SortFunc(list, netip.Addr.Compare)
	return list, settings
}

// want compares the state.
func (b *bench) want(after, settings string, list ...netip.Addr) {
	b.t.Helper()
	if gotList, got := b.state(); !slices.Equal(gotList, list) || got != settings {
		b.t.Errorf("after %s: %v on the loopback, ARP settings %s; want %v, %s", after, gotList, got, list, settings)
	}
}

func TestKeepAndDropLeaveTheKernelAsItWas(t *testing.T) {
	b := newBench(t)
	steps := []struct {
		name     string
		do       func() error
		settings string
		list     []netip.Addr
	}{
		{"keeping IPv6", func() error { return b.Keep([]netip.Addr{v6a}) }, "00", []netip.Addr{v6a}},
		{"keeping IPv4", func() error { return b.Keep([]netip.Addr{v4a, v4b, v4a}) }, "12", []netip.Addr{v4a, v4b, v6a}},
		{"keeping again", func() error { return b.Keep([]netip.Addr{v4a, v6a}) }, "12", []netip.Addr{v4a, v4b, v6a}},
		{"dropping one", func() error { return b.Drop([]netip.Addr{v4a}) }, "12", []netip.Addr{v4b, v6a}},
		{"dropping it again", func() error { return b.Drop([]netip.Addr{v4a}) }, "12", []netip.Addr{v4b, v6a}},
		{"dropping the last of IPv4", func() error { return b.Drop([]netip.Addr{v4b}) }, "00", []netip.Addr{v6a}},
		{"dropping all", func() error { return b.Drop([]netip.Addr{v6a, v4a, v4b}) }, "00", nil},
		{"clearing nothing", b.Clear, "00", nil},
	}
	for _, s := range steps {
		if err := b.try(s.do); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		b.want(s.name, s.settings, s.list...)
	}
	if _, err := os.Stat(b.journal); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is left: %v", err)
	}
}

// What lies on the loopback must neither be a source of new connections nor
// known to neighbours.
func TestKeptAddressIsNoSource(t *testing.T) {
	b := newBench(t)
	if err := b.try(func() error { return b.Keep([]netip.Addr{v4a, v6a}) }); err != nil {
		t.Fatal(err)
	}
	b.in(b.ns, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		list, err := netlink.AddrList(lo, netlink.FAMILY_ALL)
		for _, a := range list {
			if a.IP.Equal(v4a.AsSlice()) && a.Scope != int(netlink.SCOPE_HOST) {
				t.Errorf("scope of %v is %d", a.IP, a.Scope)
			}
			if a.IP.Equal(v6a.AsSlice()) && a.PreferedLft != 0 {
				t.Errorf("%v is preferred for %d s", a.IP, a.PreferedLft)
			}
		}
		return err
	})
}

func TestClearUndoesACrashedRun(t *testing.T) {
	b := newBench(t)
	if err := b.try(func() error { return b.Keep([]netip.Addr{v4a, v6a}) }); err != nil {
		t.Fatal(err)
	}
	next := New(slog.New(slog.DiscardHandler), b.journal)
	if kept, err := next.Kept(); err != nil || !slices.Equal(kept, []netip.Addr{v4a, v6a}) {
		t.Errorf("Kept() = %v, %v", kept, err)
	}
	if err := b.try(next.Clear); err != nil {
		t.Error(err)
	}
	b.want("clearing", "00")
}

// A run may end between the note and the deed, or somebody may clear up first.
func TestClearUndoesWhatWasOnlyNoted(t *testing.T) {
	b := newBench(t)
	j := journal{
		Addresses: []netip.Addr{v4a},
		Settings:  []setting{{"net.ipv4.conf.all.arp_ignore", "0", "1"}, {"net.ipv4.conf.all.arp_announce", "0", "2"}},
	}
	if err := j.write(b.journal); err != nil {
		t.Fatal(err)
	}
	if err := b.try(b.Clear); err != nil {
		t.Error(err)
	}
	b.want("clearing", "00")
}

// The journal is not synced. A power cut that leaves an empty file has taken away what
// it was about.
func TestAnEmptyJournalIsNone(t *testing.T) {
	b := newBench(t)
	if err := os.WriteFile(b.journal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.try(func() error { return errors.Join(b.Clear(), b.Keep([]netip.Addr{v4a}), b.Drop([]netip.Addr{v4a})) }); err != nil {
		t.Error(err)
	}
	b.want("keeping and dropping", "00")
	if err := os.WriteFile(b.journal, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.try(b.Clear); err == nil {
		t.Error("half a journal is no error")
	}
}

func TestKeepLeavesAloneWhatOthersHaveSet(t *testing.T) {
	b := newBench(t)
	b.in(b.ns, func() error {
		lo, err := netlink.LinkByName("lo")
		return errors.Join(err, setSysctl(arpSettings[0].name, "2"), netlink.AddrAdd(lo, onLoopback(v4b)))
	})
	if err := b.try(func() error { return b.Keep([]netip.Addr{v4a, v4b}) }); err != nil {
		t.Fatal(err)
	}
	b.want("keeping", "22", v4a, v4b)
	b.in(b.ns, func() error { return setSysctl(arpSettings[1].name, "1") })
	if err := b.try(b.Clear); err != nil {
		t.Error(err)
	}
	b.want("clearing", "21", v4b)
}

func TestKeepThatFailsKeepsNothing(t *testing.T) {
	t.Run("journal", func(t *testing.T) {
		b := newBench(t)
		box := New(slog.New(slog.DiscardHandler), filepath.Join(t.TempDir(), "missing", "kept"))
		if err := b.try(func() error { return box.Keep([]netip.Addr{v4a}) }); err == nil {
			t.Error("no error without a folder for the journal")
		}
		b.want("an error", "00")
	})
	t.Run("second address", func(t *testing.T) {
		b := newBench(t)
		b.in(b.ns, func() error { return setSysctl("net.ipv6.conf.lo.disable_ipv6", "1") })
		if err := b.try(func() error { return b.Keep([]netip.Addr{v4a, v6a}) }); err == nil {
			t.Error("no error without IPv6")
		}
		b.want("an error", "00")
	})
	t.Run("loopback down", func(t *testing.T) {
		b := newBench(t)
		b.in(b.ns, func() error {
			lo, err := netlink.LinkByName("lo")
			return errors.Join(err, netlink.LinkSetDown(lo))
		})
		err := b.try(func() error { return b.Keep([]netip.Addr{v4a}) })
		if err == nil || !strings.Contains(err.Error(), "loopback is down") {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("link-local", func(t *testing.T) {
		b := newBench(t)
		if err := b.try(func() error { return b.Keep([]netip.Addr{v4a, netip.MustParseAddr("fe80::1")}) }); err == nil {
			t.Error("a link-local address is kept")
		}
		b.want("an error", "00")
	})
}

func FuzzParseJournal(f *testing.F) {
	f.Add([]byte(`{"addresses":["192.0.2.10"],"settings":[{"name":"net.ipv4.conf.all.arp_ignore","before":"0","set":"1"}]}`))
	f.Add([]byte(`{"addresses":["::ffff:192.0.2.10","fe80::1%lo"]}`))
	f.Add([]byte(`{"settings":[{"name":"../etc/passwd","before":"0","set":"1"}]}`))
	f.Add([]byte(`{}`))
	file := filepath.Join(f.TempDir(), "kept")
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := parseJournal(b)
		if err != nil {
			return
		}
		for _, s := range j.Settings {
			if !strings.HasPrefix(s.Name, "net.ipv4.conf.all.arp_") || len(s.Before) != 1 {
				t.Errorf("accepted %+v", s)
			}
		}
		if err := j.write(file); err != nil {
			t.Fatal(err)
		}
		again, err := readJournal(file)
		if err != nil || len(j.Addresses)+len(j.Settings) > 0 && !reflect.DeepEqual(j, again) {
			t.Errorf("written and read: %+v, %v, want %+v", again, err, j)
		}
	})
}

func TestConfigErrorsSayWhatIsWrong(t *testing.T) {
	good := Config{Interface: "lo", Addresses: []netip.Addr{v4a}, To: stranger}
	tests := []struct {
		name, want string
		change     func(*Config)
	}{
		{"interface", "no interface", func(c *Config) { c.Interface = "" }},
		{"missing interface", "no such network interface", func(c *Config) { c.Interface = "nothing0" }},
		{"addresses", "no address", func(c *Config) { c.Addresses = nil }},
		{"many addresses", "at most 1024", func(c *Config) { c.Addresses = make([]netip.Addr, 1025) }},
		{"bad address", "no address that", func(c *Config) { c.Addresses = []netip.Addr{netip.IPv4Unspecified()} }},
		{"link-local", "link-local", func(c *Config) { c.Addresses = []netip.Addr{netip.MustParseAddr("fe80::1")} }},
		{"no MAC", "MAC address", func(c *Config) { c.To = nil }},
		{"group MAC", "MAC address", func(c *Config) { c.To = net.HardwareAddr{1, 0, 0, 0, 0, 0} }},
		{"peer", "MAC address", func(c *Config) { c.Peers = []net.HardwareAddr{{2}} }},
		{"many peers", "more than 16", func(c *Config) { c.Peers = make([]net.HardwareAddr, 17) }},
		{"long", "at most 1h", func(c *Config) { c.Limit = MaxLimit + 1 }},
		{"negative", "at most 1h", func(c *Config) { c.Limit = -1 }},
	}
	for _, test := range tests {
		c := good
		test.change(&c)
		_, err := New(slog.New(slog.DiscardHandler), "").Receive(c)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: err = %v, want %q in it", test.name, err, test.want)
		}
	}
}
