// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A membership is of one group on one interface.
type membership struct {
	index int
	group netip.Addr
}

// solicit joins the groups by which neighbours look for the addresses. The kernel does
// so too, but some time after it was given an address. And on the interface below a
// virtual MAC it does not, where somebody has to: switches that listen to reports hear
// none from the virtual MAC.
func (s *station) solicit(held []netip.Prefix) error {
	want := make(map[membership]bool)
	for _, p := range held {
		a := p.Addr().As16()
		group := netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 11: 1, 12: 0xff, 13: a[13], 14: a[14], 15: a[15]})
		want[membership{s.parent, group}] = true
		want[membership{s.link().Index, group}] = true
	}
	if s.join < 0 && len(want) > 0 {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("join the groups of neighbours: %w", err)
		}
		s.join = fd
	}
	for m := range want {
		if !s.groups[m] {
			if err := s.membership(unix.IPV6_JOIN_GROUP, m); err != nil {
				return fmt.Errorf("join %v on %s: %w", m.group, s.cfg.Interface, err)
			}
			s.groups[m] = true
		}
	}
	for m := range s.groups {
		if !want[m] {
			if err := s.membership(unix.IPV6_LEAVE_GROUP, m); err != nil {
				return fmt.Errorf("leave %v on %s: %w", m.group, s.cfg.Interface, err)
			}
			delete(s.groups, m)
		}
	}
	return nil
}

// membership joins or leaves. What is so already is no error: an interface that went
// took its memberships with it.
func (s *station) membership(option int, m membership) error {
	err := unix.SetsockoptIPv6Mreq(s.join, unix.IPPROTO_IPV6, option, &unix.IPv6Mreq{Multiaddr: m.group.As16(), Interface: uint32(m.index)})
	if errors.Is(err, unix.EADDRINUSE) || option == unix.IPV6_LEAVE_GROUP && (errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV)) {
		return nil
	}
	return err
}
