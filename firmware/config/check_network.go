// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is right or wrong on every machine alike
)

// management checks how the box is reached.
func (c *checker) management() {
	m := &c.cfg.Management
	const path = "management"
	if m.Method == MethodStatic && !c.given(m, "address") {
		c.diags.Add(c.where(m, "method", m.Range), path, "address is missing: method \"static\" needs one, such as address = [\"192.0.2.10/24\"]")
	}
	for _, l := range []struct {
		keyword string
		n, most int
	}{{"address", len(m.Address), maxAddresses}, {"dns", len(m.DNS), maxNameservers}} {
		if l.n > l.most {
			c.diags.Add(c.where(m, l.keyword, m.Range), path, "%s must have at most %d entries, not %d", l.keyword, l.most, l.n)
		}
	}
	for i, p := range m.Address {
		at := c.element(m, "address", i, m.Range)
		j := slices.IndexFunc(m.Address, func(o netip.Prefix) bool { return o.Addr() == p.Addr() })
		switch {
		case j < i && m.Address[j] != p:
			c.diags.Add(at, path, "address has %s twice, with different networks: %s and %s", p.Addr(), m.Address[j], p)
		case m.Method == MethodDHCP && p.Addr().Is4():
			c.diags.Add(at, path, "address %s is of IPv4, which DHCP gives; write method = \"static\", or leave it out", p)
		}
	}
	c.gateways(m, path)
	if s := &c.cfg.System; len(s.NTP) > maxTimeServers {
		c.diags.Add(c.where(s, "ntp", s.Range), "system", "ntp must have at most %d entries, not %d", maxTimeServers, len(s.NTP))
	} else if i := slices.Index(s.NTP, NoServers); i >= 0 && len(s.NTP) > 1 {
		c.diags.Add(c.element(s, "ntp", i, s.Range), "system", "ntp must have either time servers or \"none\" alone")
	}
}

// gateways checks that the routers can be reached.
func (c *checker) gateways(m *Management, path string) {
	first := map[bool]netip.Addr{}
	for i, g := range m.Gateway {
		at := c.element(m, "gateway", i, m.Range)
		if other, dup := first[g.Is4()]; dup {
			c.diags.Add(at, path, "gateway has %s and %s: there can be one of IPv4 and one of IPv6", other, g)
			continue
		}
		first[g.Is4()] = g
		if m.Method == MethodDHCP && g.Is4() {
			c.diags.Add(at, path, "gateway %s is of IPv4, which DHCP gives; write method = \"static\", or leave it out", g)
			continue
		}
		if err := m.reaches(g); err != nil {
			c.diags.Add(at, path, "gateway %v", err)
		}
	}
}

// reaches says why the router g cannot be reached from the port's own networks.
func (m *Management) reaches(g netip.Addr) error {
	if g.Is6() && g.IsLinkLocalUnicast() {
		return nil // it is on the cable
	}
	var near []string
	for _, p := range m.Address {
		switch {
		case p.Addr() == g:
			return fmt.Errorf("%s is the address of the port itself", g)
		case p.Contains(g) && notHost(netip.PrefixFrom(g, p.Bits())) != nil:
			return fmt.Errorf("%s %w", g, notHost(netip.PrefixFrom(g, p.Bits())))
		case p.Contains(g):
			return nil
		case p.Addr().Is4() == g.Is4():
			near = append(near, p.Masked().String())
		}
	}
	if len(near) == 0 {
		return fmt.Errorf("%s needs an address of the same family in address", g)
	}
	return fmt.Errorf("%s lies outside of the port's networks, which are %s: it could not be reached", g, strings.Join(near, ", "))
}

// parsePrefix reads an address with the length of its network.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return p, errors.New(`must be addresses with the lengths of their networks, such as "192.0.2.10/24" or "2001:db8::10/64"`)
	}
	if err := oneMachine(p.Addr()); err != nil && !p.Addr().IsLoopback() {
		return p, err
	}
	if p.Bits() == 0 {
		return p, errors.New("must have the length of the network behind the slash, such as /24: 0 would be every address there is")
	}
	if err := notHost(p); err != nil {
		return p, fmt.Errorf("must be addresses of one machine: this %w", err)
	}
	return p, nil
}

// checkOutside checks an address of a port, which others must reach.
func checkOutside(s string) error {
	p, err := parsePrefix(s)
	if err != nil {
		return err
	}
	return oneMachine(p.Addr())
}

// parseIP reads an address without port and zone.
func parseIP(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return a, errors.New(`must be IP addresses without a port, such as "192.0.2.1" or "2001:db8::1"`)
	}
	if a.IsLoopback() {
		return a, nil // a name server may run here
	}
	return a, oneMachine(a)
}

// oneMachine refuses what cannot be the address of a machine on a network.
func oneMachine(a netip.Addr) error {
	switch {
	case a.IsUnspecified():
		return errors.New("must be the address of one machine")
	case a.IsMulticast():
		return errors.New("must not be a multicast address")
	case a.IsLoopback():
		return errors.New("must not be a loopback address: nobody else could reach it")
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return errors.New("must not be the broadcast address")
	}
	return nil
}

// notHost says why p cannot be the address of a machine in its network: the host
// part is all zeros, or in IPv4 all ones. In networks of two or one there is no
// such thing (RFC 3021, RFC 6164).
func notHost(p netip.Prefix) error {
	if p.Addr().BitLen()-p.Bits() < 2 {
		return nil
	}
	if p.Addr() == p.Masked().Addr() {
		return fmt.Errorf("is the network %s itself, whose host part is 0", p)
	}
	if b := p.Addr().AsSlice(); p.Addr().Is4() {
		for i := p.Bits(); i < 32; i++ {
			if b[i/8]&(0x80>>(i%8)) == 0 {
				return nil
			}
		}
		return fmt.Errorf("is the broadcast address of %s", p.Masked())
	}
	return nil
}

// checkHostName checks a name as RFC 1123, section 2.1, allows it and as the kernel
// keeps it.
func checkHostName(s string) error {
	bad := fmt.Errorf(`must be 1 to %d letters, digits and "-", in parts of at most 63 between dots, such as "lb1" or "lb1.example.com"`, maxHostName)
	if len(s) > maxHostName {
		return bad
	}
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || len(part) > 63 || !all(part, "-") || part[0] == '-' || part[len(part)-1] == '-' {
			return bad
		}
	}
	if strings.Trim(s, "0123456789.") == "" {
		return errors.New("must have a letter, or it would look like an address")
	}
	return nil
}

// checkTimeServer checks a name or address of a time server, perhaps with a port.
func checkTimeServer(s string) error {
	bad := errors.New(`must be a host name or an address, such as "pool.ntp.org", "192.0.2.123" or "[2001:db8::123]:123"`)
	a, err := netip.ParseAddr(s)
	if err != nil {
		if checkHost(s) != nil {
			return bad
		}
		host, _, err := net.SplitHostPort(s)
		if err != nil {
			host = strings.Trim(s, "[]")
		}
		if a, err = netip.ParseAddr(host); err != nil {
			return nil // a name
		}
	}
	if a.Zone() != "" || a.Is4In6() || a.IsUnspecified() || a.IsMulticast() {
		return bad
	}
	return nil
}

// checkTimeZone checks a name of the IANA database.
func checkTimeZone(s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		return errors.New(`must be a time zone of the IANA database, such as "Europe/Berlin", "Asia/Shanghai" or "UTC"`)
	}
	return nil
}
