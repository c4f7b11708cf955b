// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// solicit joins, on the interface below, the groups by which neighbours look for the
// addresses: what the virtual MAC says of groups is not let out.
func (s *station) solicit(held []netip.Prefix) error {
	want := make(map[netip.Addr]bool)
	for _, p := range held {
		a := p.Addr().As16()
		want[netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 11: 1, 12: 0xff, 13: a[13], 14: a[14], 15: a[15]})] = true
	}
	if s.join < 0 && len(want) > 0 {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("join the groups of neighbours: %w", err)
		}
		s.join = fd
	}
	set := func(g netip.Addr, option int) error {
		err := unix.SetsockoptIPv6Mreq(s.join, unix.IPPROTO_IPV6, option, &unix.IPv6Mreq{Multiaddr: g.As16(), Interface: uint32(s.parent)})
		if errors.Is(err, unix.EADDRINUSE) || option == unix.IPV6_LEAVE_GROUP && errors.Is(err, unix.EADDRNOTAVAIL) {
			return nil
		}
		return err
	}
	for g := range want {
		if !s.groups[g] {
			if err := set(g, unix.IPV6_JOIN_GROUP); err != nil {
				return fmt.Errorf("join %v on %s: %w", g, s.cfg.Interface, err)
			}
			s.groups[g] = true
		}
	}
	for g := range s.groups {
		if !want[g] {
			if err := set(g, unix.IPV6_LEAVE_GROUP); err != nil {
				return fmt.Errorf("leave %v on %s: %w", g, s.cfg.Interface, err)
			}
			delete(s.groups, g)
		}
	}
	return nil
}
