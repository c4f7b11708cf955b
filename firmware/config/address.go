// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

var errAddress = errors.New(`must be an IP address with a port, such as "192.0.2.1:80" or "[2001:db8::1]:80"`)

// parseAddress reads "address:port". Names, zones and IPv4 addresses in IPv6
// clothes are refused: each thing has one spelling.
func parseAddress(s string) (netip.AddrPort, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return netip.AddrPort{}, errAddress
	}
	addr, err := parseHost(s[:i])
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := parsePort(s[i+1:])
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(addr, port), nil
}

// parseHost reads an address as it stands before ":port".
func parseHost(s string) (netip.Addr, error) {
	bare := s
	bracketed := strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]")
	if bracketed {
		bare = s[1 : len(s)-1]
	}
	addr, err := netip.ParseAddr(bare)
	switch {
	case err != nil || bracketed != addr.Is6():
		return addr, errAddress
	case addr.Zone() != "":
		return addr, errors.New("must have no zone")
	case addr.Is4In6():
		return addr, fmt.Errorf("must be written as the IPv4 address %s", addr.Unmap())
	case addr.IsMulticast():
		return addr, errors.New("must not be a multicast address")
	}
	return addr, nil
}

// parsePort reads a port without leading zeros.
func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || s[0] == '0' || s[0] == '+' {
		return 0, errors.New("must have a port of 1 to 65535")
	}
	return uint16(n), nil
}

// parseListen reads "address:port" or "address:first-last".
func parseListen(s string) (Listen, error) {
	colon, dash := strings.LastIndexByte(s, ':'), strings.LastIndexByte(s, '-')
	if dash < colon || colon < 0 {
		a, err := parseAddress(s)
		return Listen{Addr: a, Last: a.Port()}, err
	}
	a, err := parseAddress(s[:dash])
	if err != nil {
		return Listen{}, err
	}
	last, err := parsePort(s[dash+1:])
	if err != nil {
		return Listen{}, err
	}
	if last <= a.Port() {
		return Listen{}, errors.New("must have a range of ports whose last is greater than its first")
	}
	return Listen{Addr: a, Last: last}, nil
}

// String returns l as it is written in a configuration.
func (l Listen) String() string {
	if l.Last == l.Addr.Port() {
		return l.Addr.String()
	}
	return fmt.Sprintf("%s-%d", l.Addr, l.Last)
}

// overlaps reports whether a socket on l and one on m of the same transport
// would claim the same address. "0.0.0.0" claims every IPv4 address and "[::]"
// every IPv6 address: listeners on it take no IPv4.
func (l Listen) overlaps(m Listen) bool {
	if l.Last < m.Addr.Port() || m.Last < l.Addr.Port() {
		return false
	}
	a, b := l.Addr.Addr(), m.Addr.Addr()
	return a == b || covers(a, b) || covers(b, a)
}

// covers reports whether a is a wildcard that b falls under.
func covers(a, b netip.Addr) bool {
	return a.IsUnspecified() && a.Is4() == b.Is4()
}

// parseNetwork reads "10.0.0.0/8", or an address, which is a network of one.
func parseNetwork(s string) (netip.Prefix, error) {
	bad := errors.New(`must be networks or addresses, such as "10.0.0.0/8" or "2001:db8::/32"`)
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" || a.Is4In6() {
			return netip.Prefix{}, bad
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, bad
	}
	if m := p.Masked(); m != p {
		return netip.Prefix{}, fmt.Errorf("must be networks without bits behind the prefix, such as %q", m)
	}
	return p, nil
}

// checkListen checks an address that we listen on.
func checkListen(s string) error { _, err := parseAddress(s); return err }

// checkServerAddress checks an address that we connect to.
func checkServerAddress(s string) error {
	a, err := parseAddress(s)
	if err == nil && a.Addr().IsUnspecified() {
		return errors.New("must be the address of one machine")
	}
	return err
}
