// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// A dhcpd is a real DHCP server at the far end of a cable.
type dhcpd struct {
	t   *testing.T
	ns  netns.NsHandle
	own net.IP

	mu      sync.Mutex // guards what follows
	lends   string
	lasts   time.Duration
	silent  bool
	refuses bool
	heard   []string // what was asked for, and whether of this server alone
	server  *server4.Server
}

// far runs f in the namespace of the far end.
func (d *dhcpd) far(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		if err := netns.Set(d.ns); err != nil {
			d.t.Error(err)
			return
		}
		f()
	}()
	<-done
}

// serve makes a cable from lan0 to a namespace of its own, with a server there.
func serve(t *testing.T, lasts time.Duration) *dhcpd {
	t.Helper()
	d := &dhcpd{t: t, own: net.IPv4(192, 0, 2, 1), lends: "192.0.2.100", lasts: lasts}
	made := make(chan error)
	go func() {
		runtime.LockOSThread()
		var err error
		d.ns, err = netns.New()
		made <- err
	}()
	must(t, <-made)
	ip(t, "link", "add", "lan0", "type", "veth", "peer", "name", "far0")
	far, err := net.InterfaceByName("far0")
	must(t, err)
	ip(t, "link", "set", "lan0", "up")
	moveTo(t, far.Index, d.ns)
	d.far(func() {
		ip(t, "address", "add", "192.0.2.1/24", "dev", "far0")
		ip(t, "link", "set", "far0", "up")
		ip(t, "link", "set", "lo", "up")
	})
	d.start()
	t.Cleanup(d.stop)
	return d
}

func (d *dhcpd) start() {
	d.far(func() {
		s, err := server4.NewServer("far0", &net.UDPAddr{IP: net.IPv4zero, Port: dhcpv4.ServerPort}, d.answer)
		if err != nil {
			d.t.Error(err)
			return
		}
		d.server = s
	})
	go d.server.Serve() // ends with Close
}

func (d *dhcpd) stop() { d.server.Close() }

// moveTo puts one end of a cable into another namespace.
func moveTo(t *testing.T, index int, ns netns.NsHandle) {
	t.Helper()
	must(t, netlink.LinkSetNsFd(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index}}, int(ns)))
}

// be changes how it answers.
func (d *dhcpd) be(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// asked returns what was asked so far.
func (d *dhcpd) asked() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.heard, " ")
}

// answer answers as RFC 2131 says.
func (d *dhcpd) answer(conn net.PacketConn, peer net.Addr, m *dhcpv4.DHCPv4) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.silent {
		return
	}
	if m.MessageType() == dhcpv4.MessageTypeDecline { // as RFC 2131, table 5, has it
		if m.ServerIdentifier().Equal(d.own) && m.ClientIPAddr.IsUnspecified() && peer.(*net.UDPAddr).IP.Equal(net.IPv4bcast) { // as the library has it for 0.0.0.0
			d.heard = append(d.heard, "decline:"+m.RequestedIPAddress().String())
		}
		return
	}
	kind, word := dhcpv4.MessageTypeOffer, "discover"
	if m.MessageType() == dhcpv4.MessageTypeRequest {
		kind, word = dhcpv4.MessageTypeAck, d.request(peer, m)
		if d.refuses {
			kind = dhcpv4.MessageTypeNak
		}
	}
	d.heard = append(d.heard, word)
	mods := []dhcpv4.Modifier{dhcpv4.WithMessageType(kind), dhcpv4.WithServerIP(d.own), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(d.own))}
	if kind == dhcpv4.MessageTypeNak {
		mods = append(mods, dhcpv4.WithOption(dhcpv4.OptMessage("not\x1b here")))
	} else {
		mods = append(mods, dhcpv4.WithYourIP(net.ParseIP(d.lends)), dhcpv4.WithNetmask(net.CIDRMask(24, 32)), dhcpv4.WithRouter(d.own),
			dhcpv4.WithDNS(net.IPv4(192, 0, 2, 53)), dhcpv4.WithOption(dhcpv4.OptNTPServers(net.IPv4(192, 0, 2, 123))), dhcpv4.WithLeaseTime(uint32(d.lasts.Seconds())), dhcpv4.WithOption(dhcpv4.OptDomainName("example.com")))
	}
	reply, err := dhcpv4.NewReplyFromRequest(m, mods...)
	if err != nil {
		d.t.Error(err)
		return
	}
	to := peer
	if a := peer.(*net.UDPAddr); a.IP.IsUnspecified() || kind == dhcpv4.MessageTypeNak {
		to = &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ClientPort}
	}
	if _, err := conn.WriteTo(reply.ToBytes(), to); err != nil && !d.silent {
		d.t.Log(err)
	}
}

// request says which of the states of RFC 2131, section 4.3.2, a request is from.
func (d *dhcpd) request(peer net.Addr, m *dhcpv4.DHCPv4) string {
	switch {
	case m.ServerIdentifier() != nil:
		return "select"
	case m.ClientIPAddr == nil || m.ClientIPAddr.IsUnspecified():
		return "verify:" + m.RequestedIPAddress().String()
	case peer.(*net.UDPAddr).IP.Equal(m.ClientIPAddr):
		return "renew"
	}
	return "rebind"
}

// client runs a Conf with DHCP on lan0.
func (d *dhcpd) client(t *testing.T) (c *Conf, end func()) {
	dir := t.TempDir()
	sys := Linux{Resolver: filepath.Join(dir, "resolv.conf"), Zone: filepath.Join(dir, "localtime")}
	c = New(sys, Network{Timeout: 300 * time.Millisecond}, Config{Record: filepath.Join(dir, "network.json"), Check: 200 * time.Millisecond}, slog.New(slog.DiscardHandler))
	must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: DHCP}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return c, func() { cancel(); must(t, <-done) }
}

func has(c *Conf, address string) bool {
	return slices.Contains(c.Status().Addresses, netip.MustParsePrefix(address))
}

func says(c *Conf, text string) bool {
	return strings.Contains(strings.Join(c.Status().Problems, "; "), text)
}

func TestRealLease(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	d := serve(t, time.Hour)
	c, end := d.client(t)
	defer end()
	eventually(t, "the address is there", func() bool { return has(c, "192.0.2.100/24") })
	eventually(t, "the rest is there", func() bool {
		s := c.Status()
		return slices.Equal(s.Gateways, addrs("192.0.2.1")) && slices.Equal(s.DNS, addrs("192.0.2.53")) && len(s.Problems) == 0
	})
	if s := c.Status(); s.Lease == nil || s.Lease.Server != netip.MustParseAddr("192.0.2.1") || s.Lease.Domain != "example.com" ||
		!slices.Equal(s.Lease.NTP, addrs("192.0.2.123")) {
		t.Errorf("the lease is %+v", s.Lease)
	}
	if got := slices.Compact(strings.Fields(d.asked())); !slices.Equal(got, []string{"discover", "select"}) { // each again where the server is slow
		t.Errorf("the server was asked %q", got)
	}
	if out := ip(t, "route", "show", "default"); !strings.Contains(out, "via 192.0.2.1 dev lan0 proto 201 metric 20") {
		t.Errorf("the default route is %q", out)
	}
	must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: None}))
	if s := c.Status(); len(global(s)) > 0 || len(s.Gateways) > 0 {
		t.Errorf("it stays: %+v", s)
	}
}

// TestRealLeaseIsRenewedReboundAndRunsOut lends for some seconds: the server
// answers, then only others would, then nobody.
func TestRealLeaseIsRenewedReboundAndRunsOut(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	d := serve(t, 8*time.Second)
	c, end := d.client(t)
	defer end()
	eventually(t, "the address is there", func() bool { return has(c, "192.0.2.100/24") })
	eventually(t, "it is renewed from address to address", func() bool { return strings.Contains(d.asked(), "renew") })
	d.be(func() { d.silent = true })
	eventually(t, "it is told that the server does not answer", func() bool { return says(c, "no DHCP server answers; the address holds until") })
	d.be(func() { d.silent, d.lends = false, "192.0.2.100" })
	eventually(t, "it is asked for more again", func() bool { return !says(c, "no DHCP server") })
	d.be(func() { d.silent = true })
	eventually(t, "the address is given up", func() bool { return !has(c, "192.0.2.100/24") })
	eventually(t, "it is told why", func() bool { return says(c, "no address for port mgmt: no DHCP server answers") })
	d.be(func() { d.silent, d.lends = false, "192.0.2.101" })
	eventually(t, "another address is there", func() bool { return has(c, "192.0.2.101/24") && !has(c, "192.0.2.100/24") })
}

func TestRealRebind(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	d := serve(t, 20*time.Second)
	n := Network{Timeout: time.Second}
	l, err := n.Obtain(t.Context(), "lan0", netip.Addr{})
	must(t, err)
	must(t, Linux{}.Do(Step{Kind: AddAddress, Interface: "lan0", Index: index(t), Address: l.Address}))
	if _, err := n.Renew(t.Context(), "lan0", l); err != nil {
		t.Errorf("Renew = %v", err)
	}
	if _, err := n.Rebind(t.Context(), "lan0", l); err != nil {
		t.Errorf("Rebind = %v", err)
	}
	if _, err := n.Verify(t.Context(), "lan0", l); err != nil {
		t.Errorf("Verify = %v", err)
	}
	if got := d.asked(); got != "discover select renew rebind verify:192.0.2.100" {
		t.Errorf("the server was asked %q", got)
	}
	d.be(func() { d.refuses = true })
	for name, ask := range map[string]func() (Lease, error){
		"Renew":  func() (Lease, error) { return n.Renew(t.Context(), "lan0", l) },
		"Rebind": func() (Lease, error) { return n.Rebind(t.Context(), "lan0", l) },
		"Verify": func() (Lease, error) { return n.Verify(t.Context(), "lan0", l) },
		"Obtain": func() (Lease, error) { return n.Obtain(t.Context(), "lan0", netip.Addr{}) },
	} {
		if _, err := ask(); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "not here") {
			t.Errorf("%s = %v, want %v", name, err, ErrRefused)
		}
	}
	d.be(func() { d.silent = true })
	if _, err := (Network{Timeout: 50 * time.Millisecond}).Obtain(t.Context(), "lan0", netip.Addr{}); !errors.Is(err, ErrSilent) {
		t.Errorf("Obtain = %v, want %v", err, ErrSilent)
	}
	if _, err := n.Obtain(t.Context(), "none0", netip.Addr{}); err == nil || !strings.Contains(err.Error(), "speak DHCP on none0") {
		t.Errorf("Obtain = %v", err)
	}
}

func index(t *testing.T) int {
	i, err := net.InterfaceByName("lan0")
	must(t, err)
	return i.Index
}

func TestRealLinkThatComesBackElsewhere(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	d := serve(t, time.Hour)
	c, end := d.client(t)
	defer end()
	eventually(t, "the address is there", func() bool { return has(c, "192.0.2.100/24") })
	d.far(func() { ip(t, "link", "set", "far0", "down") })
	c.LinkChanged()
	eventually(t, "it is told that there is no link", func() bool { return says(c, "port mgmt has no link") })
	d.be(func() { d.refuses = true })
	d.far(func() { ip(t, "link", "set", "far0", "up") })
	c.LinkChanged()
	eventually(t, "it asks whether the address holds", func() bool { return strings.Contains(d.asked(), "verify:192.0.2.100") })
	eventually(t, "it is refused and given up", func() bool { return !has(c, "192.0.2.100/24") })
	d.be(func() { d.refuses, d.lends = false, "192.0.2.102" })
	eventually(t, "the new address is there", func() bool { return has(c, "192.0.2.102/24") })
}
