// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	holdMark = "EVENER_WIRE_HOLD" // the journal of a process that only holds addresses
	nobody   = 65534
)

func TestMain(m *testing.M) {
	if file := os.Getenv(holdMark); file != "" {
		if err := hold(file); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// hold takes addresses of all kinds and goes on until it is killed.
func hold(file string) error {
	l, err := OpenLinux(LinuxConfig{Journal: file}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	for _, c := range held4 {
		s, err := l.Attach(c)
		if err != nil {
			return err
		}
		if err := s.Take(c.Addresses...); err != nil {
			return err
		}
		for s.Status().Problem != "" {
			if strings.Contains(s.Status().Problem, "CAP_") {
				return errors.New(s.Status().Problem)
			}
			if _, err := l.Wait(time.Now().Add(long)); err != nil {
				return err
			}
		}
		if err := errors.Join(s.Announce(), s.Send(Group(c.Family), payload(1))); err != nil {
			return err
		}
	}
	fmt.Println("holding")
	for {
		if _, err := l.Wait(time.Time{}); err != nil {
			return err
		}
	}
}

// held4 are stations of all four kinds, whose addresses differ.
var held4 = []Config{
	{Interface: "lan1", Family: IPv4, MAC: mac(IPv4, 10), Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24")}, Refuse: true},
	{Interface: "lan1", Family: IPv4, Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.20/24"), netip.MustParsePrefix("198.51.100.1/24")}},
	{Interface: "lan1", Family: IPv6, MAC: mac(IPv6, 10), Addresses: []netip.Prefix{netip.MustParsePrefix("fe80::10/64")}},
	{Interface: "lan1", Family: IPv6, Addresses: []netip.Prefix{netip.MustParsePrefix("2001:db8::20/64")}},
}

// holder starts a process that holds addresses in the box, with no rights but those
// that it needs, and waits until it does.
func (b *box) holder() *exec.Cmd {
	b.t.Helper()
	cmd, line := b.startHolder(unix.CAP_NET_ADMIN, unix.CAP_NET_RAW)
	if got := line(); got != "holding\n" {
		b.t.Fatalf("the process that is to hold addresses says %q", got)
	}
	return cmd
}

// startHolder starts one with these rights. Line waits for the first that it says.
func (b *box) startHolder(caps ...uintptr) (cmd *exec.Cmd, line func() string) {
	b.t.Helper()
	must(b.t, os.Chown(filepath.Dir(b.file), nobody, nobody))
	cmd = exec.Command("/proc/self/exe") // which somebody without rights may run, wherever it is
	cmd.Env = append(os.Environ(), holdMark+"="+b.file)
	cmd.Stderr = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, AmbientCaps: caps}
	out, err := cmd.StdoutPipe()
	must(b.t, err)
	b.do(func() { must(b.t, cmd.Start()) })
	b.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, func() string {
		text, _ := bufio.NewReader(out).ReadString('\n')
		return text
	}
}

// kill kills it and waits for its end.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Error("the process ended well")
	}
}

// openFolder makes the folder of the journal one that nobody can reach.
func (b *box) openFolder() {
	b.t.Helper()
	dir, err := os.MkdirTemp("", "evener-wire-")
	must(b.t, err)
	b.t.Cleanup(func() { os.RemoveAll(dir) })
	b.file = filepath.Join(dir, "ha.addresses")
}

// state is what a box has that this package changes.
func (b *box) state() string {
	b.t.Helper()
	out := b.run("ip", "-o", "address") + b.run("ip", "-o", "link")
	b.do(func() {
		for _, x := range []string{"all/rp_filter", "default/rp_filter", "lo/rp_filter", "lan1/rp_filter", "lan1/arp_ignore", "lan1/arp_announce", "lan1/accept_local", "lan1/promote_secondaries"} {
			v, err := readSetting("net/ipv4/conf/" + x)
			must(b.t, err)
			out += x + "=" + v + "\n"
		}
	})
	var lines []string
	for line := range strings.Lines(out) {
		line, _, _ = strings.Cut(line, "valid_lft")
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

// settledState returns the state once the box's own link-local address is there and no
// other box can have it.
func (b *box) settledState() string {
	b.t.Helper()
	eventually(b.t, "the own link-local address", func() bool {
		now := b.run("ip", "-6", "address")
		return strings.Contains(now, "fe80::") && !strings.Contains(now, "tentative")
	})
	return b.state()
}

func TestCleanUndoesEverythingAfterKill(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64")
	left.openFolder()
	left.do(func() {
		must(t, writeSetting("net/ipv4/conf/all/rp_filter", "1"))
		must(t, writeSetting("net/ipv4/conf/lo/rp_filter", "2"))
		must(t, writeSetting("net/ipv4/conf/lan1/rp_filter", "0"))
	})
	before := left.settledState()
	cmd := left.holder()
	during := left.state()
	for _, want := range []string{"192.0.2.10/24", "192.0.2.20/24", "198.51.100.1/24", "fe80::10/64", "2001:db8::20/64", "v010a-lan1", "v020a-lan1",
		"all/rp_filter=0", "lo/rp_filter=2", "lan1/rp_filter=1", "default/rp_filter=1", "lan1/arp_ignore=1", "lan1/arp_announce=2"} {
		if !strings.Contains(during, want) {
			t.Errorf("while it holds, %s is not there:\n%s", want, during)
		}
	}
	if n := left.tables(); n != 1 {
		t.Errorf("while it holds there are %d tables", n)
	}
	kill(t, cmd)
	if still := left.state(); still != during {
		t.Errorf("its death has changed\n%s\nto\n%s", during, still)
	}
	for range 2 {
		left.do(func() { must(t, Clean(left.file)) })
		if after := left.state(); after != before {
			t.Errorf("what was\n%s\nis now\n%s", before, after)
		}
		if n := left.tables(); n != 0 {
			t.Errorf("afterwards there are %d tables", n)
		}
		if _, err := os.Stat(left.file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the journal is there still: %v", err)
		}
	}
}

func TestCleanUndoesWhateverWasDoneByThen(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64")
	left.openFolder()
	left.do(func() { must(t, writeSetting("net/ipv4/conf/all/rp_filter", "1")) })
	before := left.settledState()
	for i := range 12 {
		cmd, _ := left.startHolder(unix.CAP_NET_ADMIN, unix.CAP_NET_RAW)
		time.Sleep(time.Duration(i) * 8 * time.Millisecond) // to die at different points
		kill(t, cmd)
		left.do(func() { must(t, Clean(left.file)) })
		if after := left.state(); after != before {
			t.Fatalf("run %d: what was\n%s\nis now\n%s", i, before, after)
		}
	}
}

func TestProcessWithoutRightsSaysWhichItNeeds(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24")
	left.openFolder()
	for _, c := range []struct {
		caps []uintptr
		want string
	}{{nil, "CAP_NET_ADMIN"}, {[]uintptr{unix.CAP_NET_RAW}, "CAP_NET_ADMIN"}, {[]uintptr{unix.CAP_NET_ADMIN}, "CAP_NET_RAW"}} {
		cmd, line := left.startHolder(c.caps...)
		if got := line(); !strings.Contains(got, "this process needs "+c.want) {
			t.Errorf("with the rights %v it says %q, want %s", c.caps, got, c.want)
		}
		kill(t, cmd)
		left.do(func() { must(t, Clean(left.file)) })
	}
}

// tables counts our tables of nftables.
func (b *box) tables() (n int) {
	b.t.Helper()
	b.do(func() {
		list, err := tablesOf()
		must(b.t, err)
		n = len(list)
	})
	return n
}

func TestNextProcessGoesOnWithTheAddresses(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64")
	left.openFolder()
	before := left.settledState()
	kill(t, left.holder())
	index := func() string {
		line, _, _ := strings.Cut(left.run("ip", "-o", "link", "show", "v010a-lan1"), ":")
		return line
	}
	was := index()
	lan := left.lan()
	var kept []Station
	for _, c := range held4[:2] {
		s := attach(t, lan, c)
		ready(t, lan, s)
		if held, err := s.Held(); err != nil || !slices.Equal(held, c.Addresses) {
			t.Errorf("held are %v, %v, want %v", held, err, c.Addresses)
		}
		kept = append(kept, s)
	}
	if is := index(); is != was {
		t.Errorf("the interface with the virtual MAC is another one: %s, was %s", is, was)
	}
	_, err := lan.Wait(time.Now())
	must(t, err)
	// By then those of the stations that nobody has attached are gone.
	if now := left.run("ip", "address"); strings.Contains(now, "fe80::10/") || strings.Contains(now, "2001:db8::20/") {
		t.Errorf("what no station wants is there still:\n%s", now)
	}
	must(t, kept[0].Reconcile(nil))
	must(t, kept[1].Reconcile(nil))
	must(t, lan.Close())
	if after := left.state(); after != before {
		t.Errorf("what was\n%s\nis now\n%s", before, after)
	}
}

func TestAddressOfTheInterfaceItselfStays(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	own := netip.MustParsePrefix("192.0.2.11/24")
	late := netip.MustParsePrefix("192.0.2.15/24")
	left, right := newBox(t, "left", own.String()), newBox(t, "right", "192.0.2.12/24")
	lan := left.lan()
	virtual := attach(t, lan, Config{Interface: "lan1", Family: IPv4, MAC: mac(IPv4, 10)})
	if err := virtual.Take(own); err == nil || !strings.Contains(err.Error(), "no virtual MAC") {
		t.Errorf("an own address was taken with a virtual MAC: %v", err)
	}
	must(t, virtual.Close())
	a := attach(t, lan, Config{Interface: "lan1", Family: IPv4, Addresses: []netip.Prefix{own, late}})
	left.run("ip", "address", "add", late.String(), "dev", "lan1") // noted by us, set by somebody else
	must(t, a.Take(own, late))
	must(t, a.Take(own, late))
	if held, err := a.Held(); err != nil || !slices.Equal(held, []netip.Prefix{own, late}) {
		t.Errorf("held are %v, %v", held, err)
	}
	if err := a.Take(netip.PrefixFrom(own.Addr(), 32)); err == nil || !strings.Contains(err.Error(), "192.0.2.11/24") {
		t.Errorf("an own address was taken with another length: %v", err)
	}
	must(t, a.Announce())
	// The owner sends from it, and is heard by who has it meanwhile.
	lanR := right.lan()
	b := attach(t, lanR, Config{Interface: "lan1", Family: IPv4, Addresses: []netip.Prefix{own}})
	ready(t, lan, a)
	ready(t, lanR, b)
	must(t, b.Take(own))
	must(t, a.Send(Group(IPv4), payload(1)))
	if got := expect(t, lanR, payload(1)); got[0].Src != own.Addr() {
		t.Errorf("the owner sends from %v", got[0].Src)
	}
	must(t, b.Close())
	must(t, a.Release(own))
	must(t, a.Reconcile(nil))
	if held, err := a.Held(); err != nil || len(held) != 0 {
		t.Errorf("held are %v, %v", held, err)
	}
	left.do(func() { must(t, Clean(left.file)) }) // as after a crash
	must(t, lan.Close())
	if out := left.run("ip", "address", "show", "dev", "lan1"); !strings.Contains(out, own.String()) || !strings.Contains(out, late.String()) {
		t.Errorf("addresses of somebody else are gone:\n%s", out)
	}
}

func TestSettingsThatSomebodyElseChangedStay(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24")
	lan := left.lan()
	attach(t, lan, testCase{IPv4, true}.config())
	left.do(func() { must(t, writeSetting("net/ipv4/conf/lan1/arp_announce", "1")) })
	must(t, lan.Close())
	left.do(func() {
		if v, _ := readSetting("net/ipv4/conf/lan1/arp_announce"); v != "1" {
			t.Errorf("arp_announce became %s", v)
		}
	})
}

func TestStationSaysWhatItsInterfaceLacks(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left")
	lan := left.lan()
	a := attach(t, lan, testCase{IPv4, true}.config())
	if p := a.Status().Problem; !strings.Contains(p, "no address to send from") {
		t.Errorf("without an address the problem is %q", p)
	}
	if err := a.Send(Group(IPv4), payload(1)); !errors.Is(err, ErrNoAddress) {
		t.Errorf("without an address Send says %v", err)
	}
	left.run("ip", "link", "set", "lan1", "down")
	must(t, a.Close())
	a = attach(t, lan, testCase{IPv4, true}.config())
	if p := a.Status().Problem; !strings.Contains(p, "lan1: the interface is switched off") {
		t.Errorf("with lan1 off the problem is %q", p)
	}
	left.run("ip", "address", "add", "192.0.2.11/24", "dev", "lan1")
	left.run("ip", "link", "set", "lan1", "up")
	ready(t, lan, a)
	s := sniff(t, "left")
	must(t, a.Send(Group(IPv4), payload(1)))
	eventually(t, "the packet", func() bool { return len(adverts(testCase{IPv4, true}, s.all())) == 1 })
	left.run("ip", "link", "add", "br1", "type", "bridge")
	left.run("ip", "link", "add", "x1", "type", "veth", "peer", "name", "x2")
	left.run("ip", "link", "set", "x1", "master", "br1", "up")
	b := attach(t, lan, Config{Interface: "x1", Family: IPv4, MAC: mac(IPv4, 11)})
	if p := b.Status().Problem; !strings.Contains(p, "bridge") {
		t.Errorf("on a port of a bridge the problem is %q", p)
	}
	left.run("ip", "link", "add", "v010c-x2", "type", "veth", "peer", "name", "x3")
	c := attach(t, lan, Config{Interface: "x2", Family: IPv4, MAC: mac(IPv4, 12)})
	if p := c.Status().Problem; !strings.Contains(p, "another interface is called v010c-x2") {
		t.Errorf("with its name in use the problem is %q", p)
	}
}
