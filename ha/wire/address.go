// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Prepare notes addresses in the journal.
func (s *station) Prepare(list []netip.Prefix) error {
	list, err := addresses(s.cfg.Family, list)
	if err != nil {
		return fmt.Errorf("on %s: %w", s.cfg.Interface, err)
	}
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	if err := s.alive(); err != nil {
		return err
	}
	return s.prepare(list)
}

// inherit finds what a process before this one has taken.
func (s *station) inherit() error {
	e := s.lan.journal.find(s.cfg)
	if e == nil {
		return nil
	}
	i, err := s.lan.Interface(s.cfg.Interface)
	if err != nil {
		return err
	}
	for _, p := range e.Addresses {
		if s.cfg.MAC != nil || slices.Contains(i.Addresses, p) {
			s.ours[p] = true
		}
	}
	return nil
}

// prepare notes list, and what is ours. What the interface has already and is not ours
// is not noted: it belongs to somebody else, and stays.
func (s *station) prepare(list []netip.Prefix) error {
	var there []netip.Prefix
	if s.cfg.MAC == nil {
		i, err := s.lan.Interface(s.cfg.Interface)
		if err != nil {
			return err
		}
		there = i.Addresses
	}
	e := newEntry(s.cfg)
	e.Addresses = []netip.Prefix{}
	for _, p := range list {
		if s.ours[p] || !slices.Contains(there, p) {
			e.Addresses = append(e.Addresses, p)
		}
	}
	for p := range s.ours {
		if !slices.Contains(e.Addresses, p) {
			e.Addresses = append(e.Addresses, p)
		}
	}
	slices.SortFunc(e.Addresses, comparePrefix)
	s.cfg.Addresses = list
	return s.write(e)
}

func comparePrefix(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// write puts the entry of the station into the journal, unless it is there. What is
// noted is refused, where that is wanted, before it is taken.
func (s *station) write(e entry) error {
	j := &s.lan.journal
	if old := j.find(s.cfg); old == nil {
		j.Stations = append(j.Stations, e)
	} else {
		if slices.Equal(old.Addresses, e.Addresses) {
			return nil
		}
		*old = e
	}
	if err := j.write(s.lan.cfg.Journal); err != nil || !s.cfg.Refuse {
		return err
	}
	return s.lan.filter()
}

// noted reports whether the journal has an address of the station.
func (s *station) noted(p netip.Prefix) bool {
	e := s.lan.journal.find(s.cfg)
	return e != nil && slices.Contains(e.Addresses, p)
}

// Take gives addresses to the station.
func (s *station) Take(list ...netip.Prefix) error {
	return s.change(list, func(v view, list []netip.Prefix) error {
		var err error
		for _, p := range list {
			err = errors.Join(err, s.take(v, p))
		}
		return err
	})
}

// Release takes addresses away.
func (s *station) Release(list ...netip.Prefix) error {
	return s.change(list, func(v view, list []netip.Prefix) error {
		var err error
		for _, p := range list {
			err = errors.Join(err, s.release(v, p))
		}
		return err
	})
}

// Reconcile takes what is missing and releases what is too much.
func (s *station) Reconcile(desired []netip.Prefix) error {
	return s.change(desired, func(v view, list []netip.Prefix) error {
		var err error
		for _, p := range s.has(v) {
			if !slices.Contains(list, p) {
				err = errors.Join(err, s.release(v, p))
			}
		}
		for _, p := range list {
			err = errors.Join(err, s.take(v, p))
		}
		return err
	})
}

// change calls f with what there is, and sees that neighbours find the addresses.
func (s *station) change(list []netip.Prefix, f func(view, []netip.Prefix) error) error {
	list, err := addresses(s.cfg.Family, list)
	if err != nil {
		return fmt.Errorf("on %s: %w", s.cfg.Interface, err)
	}
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	if err := s.alive(); err != nil {
		return err
	}
	v, err := look()
	if err != nil {
		return err
	}
	err = f(v, list)
	if s.cfg.Family == IPv6 && s.link().Index != 0 {
		held, e := s.held()
		err = errors.Join(err, e, s.solicit(held))
	}
	return err
}

// link returns the interface that addresses are put on.
func (s *station) link() *netlink.Device {
	if s.cfg.MAC != nil {
		return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: s.virtual, Name: newEntry(s.cfg).Virtual}}
	}
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: s.parent, Name: s.cfg.Interface}}
}

func (s *station) take(v view, p netip.Prefix) error {
	link := s.link()
	if link.Index == 0 {
		if s.problem != nil {
			return fmt.Errorf("take %v on %s: %w", p, s.cfg.Interface, s.problem)
		}
		return fmt.Errorf("take %v on %s: %w", p, s.cfg.Interface, ErrAbsent)
	}
	same := func(q netip.Prefix) bool { return q.Addr() == p.Addr() }
	there := v.prefixes(link.Index)
	if s.cfg.MAC != nil && slices.ContainsFunc(v.prefixes(s.parent), same) {
		return fmt.Errorf("take %v: it is an address of %s itself, which answers for it with its own MAC: a router whose own address it is has no virtual MAC", p, s.cfg.Interface)
	}
	if slices.Contains(there, p) {
		return s.found(p)
	}
	if i := slices.IndexFunc(there, same); i >= 0 {
		if s.cfg.MAC == nil && !s.ours[there[i]] {
			return fmt.Errorf("take %v: somebody else has given %v to %s: remove that, or take it with the same length", p, there[i], s.cfg.Interface)
		}
		if err := s.release(v, there[i]); err != nil {
			return err
		}
	}
	if !s.noted(p) {
		e := *s.lan.journal.find(s.cfg)
		e.Addresses = append(slices.Clone(e.Addresses), p)
		slices.SortFunc(e.Addresses, comparePrefix)
		if err := s.write(e); err != nil {
			return err
		}
	}
	if err := addAddress(link, p, s.cfg.MAC != nil && s.routed(v, p)); err != nil {
		return fmt.Errorf("take %v on %s: %w", p, s.cfg.Interface, err)
	}
	s.ours[p] = true
	return nil
}

// found deals with an address that is there already.
func (s *station) found(p netip.Prefix) error {
	if s.cfg.MAC != nil {
		s.ours[p] = true
		return nil
	}
	if s.ours[p] {
		return nil
	}
	s.theirs[p] = true
	if !s.noted(p) {
		return nil
	}
	// Somebody else has set it since it was noted: it is theirs, and stays.
	e := *s.lan.journal.find(s.cfg)
	e.Addresses = slices.DeleteFunc(slices.Clone(e.Addresses), func(q netip.Prefix) bool { return p == q })
	return s.write(e)
}

// routed reports whether the interface below leads to the network of an address. Then
// the interface with the virtual MAC gets no route to there: two would compete.
func (s *station) routed(v view, p netip.Prefix) bool {
	return !p.Addr().IsLinkLocalUnicast() && slices.ContainsFunc(v.prefixes(s.parent), func(q netip.Prefix) bool { return q.Masked() == p.Masked() })
}

func addAddress(link netlink.Link, p netip.Prefix, routed bool) error {
	a := &netlink.Addr{IPNet: ipNet(p), Flags: unix.IFA_F_NODAD}
	if routed {
		a.Flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if p.Addr().Is6() {
		a.ValidLft, a.PreferedLft = math.MaxInt32, 0 // not to be the source of what the box itself begins
	}
	err := netlink.AddrAdd(link, a)
	switch {
	case errors.Is(err, unix.EEXIST):
		return nil
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("this process needs CAP_NET_ADMIN: %w", err)
	case p.Addr().Is6() && errors.Is(err, unix.EACCES):
		return fmt.Errorf("IPv6 is switched off on it (sysctl net.ipv6.conf.%s.disable_ipv6): %w", link.Attrs().Name, err)
	case errors.Is(err, unix.ENODEV):
		return ErrAbsent
	}
	return err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func (s *station) release(v view, p netip.Prefix) error {
	link := s.link()
	delete(s.theirs, p)
	if link.Index == 0 || s.cfg.MAC == nil && !s.ours[p] {
		return nil
	}
	if err := removeAddress(link, p); err != nil {
		return fmt.Errorf("release %v on %s: %w", p, s.cfg.Interface, err)
	}
	delete(s.ours, p)
	v.addresses[link.Index] = slices.DeleteFunc(v.addresses[link.Index], func(a netlink.Addr) bool { return prefixOf(a) == p })
	return nil
}

func removeAddress(link netlink.Link, p netip.Prefix) error {
	err := netlink.AddrDel(link, &netlink.Addr{IPNet: ipNet(p)})
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// Held lists the addresses that the station has.
func (s *station) Held() ([]netip.Prefix, error) {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	return s.held()
}

func (s *station) held() ([]netip.Prefix, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	v, err := look()
	if err != nil {
		return nil, err
	}
	return s.has(v), nil
}

// has lists the addresses of the station: all of its virtual MAC, or those of the
// interface that it may take.
func (s *station) has(v view) (out []netip.Prefix) {
	link := s.link()
	if link.Index == 0 {
		return nil
	}
	for _, p := range v.prefixes(link.Index) {
		if Of(p.Addr()) != s.cfg.Family {
			continue
		}
		if s.cfg.MAC != nil || s.ours[p] || s.theirs[p] {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, comparePrefix)
	return out
}
