// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Bounds of what a server may give.
const (
	leastLease  = 2 * time.Second
	mostRoutes  = 64
	mostServers = 3 // as many name servers as a resolver asks
	mostClocks  = 4
	endless     = 0xffffffff * time.Second
)

// leaseOf reads the answer to a question that was asked at a time. What a server
// tells is not to be trusted: what makes no sense is refused or left out.
func leaseOf(p *dhcpv4.DHCPv4, asked time.Time) (Lease, error) {
	ip, ok := netip.AddrFromSlice(p.YourIPAddr.To4())
	if !ok || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return Lease{}, fmt.Errorf("the DHCP server gives %v, which is no address of a machine", p.YourIPAddr)
	}
	mask := p.SubnetMask()
	if mask == nil {
		mask = net.IP(ip.AsSlice()).DefaultMask()
	}
	bits, size := mask.Size()
	if size != 32 || bits == 0 {
		return Lease{}, fmt.Errorf("the DHCP server gives the netmask %v, which is none", mask)
	}
	l := Lease{Address: netip.PrefixFrom(ip, bits), Obtained: asked.Round(0), Domain: domain(p.DomainName())}
	if l.Server, ok = netip.AddrFromSlice(p.ServerIdentifier().To4()); !ok {
		return Lease{}, errors.New("the DHCP server does not say who it is")
	}
	l.DNS, l.NTP = servers(p.DNS(), mostServers), servers(p.NTPServers(), mostClocks)
	l.Routes = routesOf(p, l.Address)
	return l, l.times(p)
}

// servers returns those of a list that can be one, most at most.
func servers(list []net.IP, most int) (out []netip.Addr) {
	for _, s := range list {
		if a, ok := netip.AddrFromSlice(s.To4()); ok && !a.IsUnspecified() && !a.IsMulticast() && len(out) < most {
			out = append(out, a)
		}
	}
	return out
}

// times fills in how long the lease lasts. T1 and T2 are half and seven eighths
// unless the server says otherwise (RFC 2131, section 4.4.5).
func (l *Lease) times(p *dhcpv4.DHCPv4) error {
	d := p.IPAddressLeaseTime(0)
	if d < leastLease {
		return fmt.Errorf("the DHCP server lends the address for %v, which is too short", d)
	}
	t1, t2 := p.IPAddressRenewalTime(0), p.IPAddressRebindingTime(0)
	if d >= endless {
		const day = 24 * time.Hour
		l.Renew, l.Rebind = l.Obtained.Add(day), l.Obtained.Add(2*day)
		return nil
	}
	if t2 <= 0 || t2 >= d {
		t2 = d - d/8 // not d*7/8, which overflows from 42 years on
	}
	if t1 <= 0 || t1 >= t2 {
		if t1 = d / 2; t1 >= t2 {
			t1 = t2 / 2
		}
	}
	l.Renew, l.Rebind, l.Expires = l.Obtained.Add(t1), l.Obtained.Add(t2), l.Obtained.Add(d)
	return nil
}

// routesOf returns the ways that a server offers. Where it gives classless routes,
// its routers do not count (RFC 3442).
func routesOf(p *dhcpv4.DHCPv4, own netip.Prefix) (out []Route) {
	usable := func(g netip.Addr) bool {
		return !g.IsMulticast() && !g.IsLoopback() && g != own.Addr() && g != netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	if list := p.ClasslessStaticRoute(); len(list) > 0 {
		seen := make(map[netip.Prefix]bool)
		for _, r := range list {
			to, ok := netip.AddrFromSlice(r.Dest.IP.To4())
			bits, _ := r.Dest.Mask.Size()
			via, ok2 := netip.AddrFromSlice(r.Router.To4())
			if !ok || !ok2 || !usable(via) || len(out) == mostRoutes {
				continue
			}
			x := Route{To: netip.PrefixFrom(to, bits).Masked()}
			if !via.IsUnspecified() {
				x.Gateway = via
			}
			if !seen[x.To] {
				out = append(out, x)
			}
			seen[x.To] = true
		}
		return out
	}
	for _, r := range p.Router() {
		if via, ok := netip.AddrFromSlice(r.To4()); ok && usable(via) && !via.IsUnspecified() {
			return []Route{defaultRoute(via)}
		}
	}
	return nil
}

// domain returns a name that may stand in resolv.conf, or nothing.
func domain(s string) string {
	s = strings.TrimRight(s, ".\x00")
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_' {
			return ""
		}
	}
	if len(s) > 253 {
		return ""
	}
	return s
}
