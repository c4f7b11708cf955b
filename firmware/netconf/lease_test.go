// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// ack is an answer that lends an address, changed by mods.
func ack(t testing.TB, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	base := []dhcpv4.Modifier{dhcpv4.WithMessageType(dhcpv4.MessageTypeAck), dhcpv4.WithYourIP(net.IPv4(192, 0, 2, 100)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 1))), dhcpv4.WithNetmask(net.CIDRMask(24, 32)), dhcpv4.WithLeaseTime(3600)}
	p, err := dhcpv4.New(append(base, mods...)...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLeaseTimes(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	seconds := func(o dhcpv4.OptionCode, n byte) dhcpv4.Modifier { return dhcpv4.WithGeneric(o, []byte{0, 0, n, 0}) } // n*256
	for _, c := range []struct {
		name   string
		mods   []dhcpv4.Modifier
		t1, t2 time.Duration
		end    time.Duration // 0: never
	}{
		{"as usual", nil, 30 * time.Minute, 3150 * time.Second, time.Hour},
		{"as the server says", []dhcpv4.Modifier{seconds(dhcpv4.OptionRenewTimeValue, 2), seconds(dhcpv4.OptionRebindingTimeValue, 4)}, 512 * time.Second, 1024 * time.Second, time.Hour},
		{"the wrong way round", []dhcpv4.Modifier{seconds(dhcpv4.OptionRenewTimeValue, 4), seconds(dhcpv4.OptionRebindingTimeValue, 2)}, 256 * time.Second, 512 * time.Second, time.Hour},
		{"after the end", []dhcpv4.Modifier{seconds(dhcpv4.OptionRenewTimeValue, 200), seconds(dhcpv4.OptionRebindingTimeValue, 200)}, 30 * time.Minute, 3150 * time.Second, time.Hour},
		{"for a century", []dhcpv4.Modifier{dhcpv4.WithLeaseTime(0xfffffff0)}, 0xfffffff0 / 2 * time.Second, 0xfffffff0 / 8 * 7 * time.Second, 0xfffffff0 * time.Second},
		{"for ever", []dhcpv4.Modifier{dhcpv4.WithLeaseTime(0xffffffff)}, 24 * time.Hour, 48 * time.Hour, 0},
	} {
		l, err := leaseOf(ack(t, c.mods...), at)
		must(t, err)
		if l.Renew != at.Add(c.t1) || l.Rebind != at.Add(c.t2) || c.end == 0 != l.Expires.IsZero() || c.end > 0 && l.Expires != at.Add(c.end) {
			t.Errorf("%s: %+v", c.name, l)
		}
	}
}

func TestLeaseRefusesNonsense(t *testing.T) {
	for _, c := range []struct {
		mod  dhcpv4.Modifier
		want string
	}{
		{dhcpv4.WithYourIP(net.IPv4zero), "no address of a machine"},
		{dhcpv4.WithYourIP(net.IPv4(224, 0, 0, 1)), "no address of a machine"},
		{dhcpv4.WithYourIP(net.IPv4(127, 0, 0, 1)), "no address of a machine"},
		{dhcpv4.WithYourIP(net.IPv4bcast), "no address of a machine"},
		{dhcpv4.WithNetmask(net.IPMask{255, 0, 255, 0}), "netmask"},
		{dhcpv4.WithNetmask(net.CIDRMask(0, 32)), "netmask"},
		{dhcpv4.WithLeaseTime(0), "too short"},
		{dhcpv4.WithoutOption(dhcpv4.OptionServerIdentifier), "does not say who it is"},
	} {
		if l, err := leaseOf(ack(t, c.mod), time.Now()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("leaseOf = %+v, %v; want an error with %q", l, err, c.want)
		}
	}
}

func TestLeaseRoutes(t *testing.T) {
	via := func(last byte) net.IP { return net.IPv4(192, 0, 2, last) }
	_, wide, _ := net.ParseCIDR("10.0.0.0/8")
	_, all, _ := net.ParseCIDR("0.0.0.0/0")
	for _, c := range []struct {
		name string
		mods []dhcpv4.Modifier
		want string
	}{
		{"none", nil, ""},
		{"routers", []dhcpv4.Modifier{dhcpv4.WithRouter(via(1), via(2))}, "default via 192.0.2.1"},
		{"a router that is the box", []dhcpv4.Modifier{dhcpv4.WithRouter(via(100), net.IPv4zero, via(2))}, "default via 192.0.2.2"},
		{"classless ones count alone", []dhcpv4.Modifier{dhcpv4.WithRouter(via(1)), dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(
			&dhcpv4.Route{Dest: wide, Router: via(3)}, &dhcpv4.Route{Dest: all, Router: via(4)}, &dhcpv4.Route{Dest: wide, Router: via(5)}))},
			"10.0.0.0/8 via 192.0.2.3, default via 192.0.2.4"},
		{"on the cable", []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(&dhcpv4.Route{Dest: wide, Router: net.IPv4zero}))}, "10.0.0.0/8"},
	} {
		l, err := leaseOf(ack(t, c.mods...), time.Now())
		must(t, err)
		var got []string
		for _, r := range l.Routes {
			got = append(got, r.via())
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: routes are %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLeaseNames(t *testing.T) {
	l, err := leaseOf(ack(t, dhcpv4.WithDNS(net.IPv4(192, 0, 2, 53), net.IPv4zero, net.IPv4(224, 0, 0, 1), net.IPv4(192, 0, 2, 54), net.IPv4(192, 0, 2, 55), net.IPv4(192, 0, 2, 56)),
		dhcpv4.WithOption(dhcpv4.OptDomainName("example.com\nnameserver 203.0.113.1"))), time.Now())
	must(t, err)
	if l.Domain != "" || len(l.DNS) != 3 || l.DNS[2] != netip.MustParseAddr("192.0.2.55") {
		t.Errorf("lease is %+v", l)
	}
}

func FuzzLease(f *testing.F) {
	f.Add(ack(f).ToBytes())
	f.Add(ack(f, dhcpv4.WithRouter(net.IPv4(192, 0, 2, 1)), dhcpv4.WithOption(dhcpv4.OptDomainName("example.com"))).ToBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := dhcpv4.FromBytes(b)
		if err != nil {
			return
		}
		now := time.Now()
		l, err := leaseOf(p, now)
		if err != nil {
			return
		}
		if !l.Address.IsValid() || !l.Server.IsValid() || !l.Renew.Before(l.Rebind) || !l.Expires.IsZero() && !l.Rebind.Before(l.Expires) {
			t.Errorf("lease is %+v", l)
		}
		if text := string(resolvConf(l.DNS, l.Domain)); strings.Count(text, "\n") > 2+mostServers {
			t.Errorf("resolv.conf is %q", text)
		}
		for _, r := range l.Routes {
			if !r.To.IsValid() || r.To != r.To.Masked() {
				t.Errorf("route %+v", r)
			}
		}
	})
}
