// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// refresh makes sockets and virtual MACs fit the interfaces that there are. It is
// called after each change, and does nothing where all fits. What is wrong with one
// station is its problem; an error means that nothing can be known. The caller holds
// l.mu.
func (l *Linux) refresh() error {
	v, err := look()
	if err != nil {
		return err
	}
	for _, s := range l.stations {
		s.find(v)
	}
	wishes, settings := parentWishes(l.configs())
	if settings == nil {
		settings = l.set(wishes)
	}
	made := make(map[*station]error)
	for _, s := range l.stations {
		made[s] = s.makeVirtual(v)
	}
	filtered := l.filter()
	for _, s := range l.stations {
		err := errors.Join(settings, made[s], filtered)
		if err == nil {
			err = s.connect()
		}
		l.tell(s, err)
	}
	for at, x := range l.shared {
		if !slices.ContainsFunc(l.stations, func(s *station) bool { return s.parent == at.index && s.cfg.Family == at.family }) {
			x.close()
			delete(l.shared, at)
		}
	}
	return nil
}

// tell logs a problem that was not there before, or is no more.
func (l *Linux) tell(s *station, err error) {
	was := s.problem
	s.problem = err
	switch {
	case err != nil && (was == nil || was.Error() != err.Error()):
		l.log.Warn("station not connected", "iface", s.cfg.Interface, "family", s.cfg.Family.String(), "mac", s.cfg.MAC.String(), "err", err)
	case err == nil && was != nil:
		l.log.Info("station connected", "iface", s.cfg.Interface, "family", s.cfg.Family.String(), "mac", s.cfg.MAC.String())
	}
}

// find takes what a view says of the interface of a station.
func (s *station) find(v view) {
	index := 0
	s.primary, s.local, s.up = netip.Addr{}, nil, false
	if link := v.links[s.cfg.Interface]; link != nil {
		index = link.Attrs().Index
		s.mac, s.up = link.Attrs().HardwareAddr, link.Attrs().RawFlags&unix.IFF_UP != 0
	}
	if index != s.parent {
		s.shut()
		s.parent, s.virtual = index, 0
	}
	for _, a := range v.addresses[index] {
		p := prefixOf(a)
		if s.lan.taken(s.cfg.Interface, p) {
			continue
		}
		s.local = append(s.local, p.Addr())
		usable := Of(p.Addr()) == s.cfg.Family && a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0
		if usable && !s.primary.IsValid() && (s.cfg.Family == IPv4 || p.Addr().IsLinkLocalUnicast()) {
			s.primary = p.Addr()
		}
	}
}

// taken reports whether an address of an interface is one that a station has taken.
func (l *Linux) taken(iface string, p netip.Prefix) bool {
	return slices.ContainsFunc(l.stations, func(s *station) bool { return s.cfg.Interface == iface && s.cfg.MAC == nil && s.ours[p] })
}

// connect opens the sockets that the station needs.
func (s *station) connect() error {
	if s.parent == 0 {
		return nil // told by Status as long as it is so
	}
	at := place{s.parent, s.cfg.Family}
	if s.lan.shared[at] == nil {
		x, err := openSocket(s.cfg.Family, s.cfg.Interface, s.parent, nil)
		if err != nil {
			return err
		}
		s.lan.shared[at] = x
	}
	if s.cfg.MAC == nil {
		return nil
	}
	name := newEntry(s.cfg).Virtual
	if err := netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: s.virtual}}); err != nil {
		return fmt.Errorf("switch %s on: %w", name, err)
	}
	if s.own != nil {
		return nil
	}
	x, err := openSocket(s.cfg.Family, name, s.virtual, s.cfg.MAC)
	if err != nil {
		return err
	}
	s.own = x
	return nil
}

// alias marks interfaces that are ours.
const alias = "evener: virtual MAC"

// makeVirtual makes the interface with the virtual MAC, switched off. One that is
// there and right is used on, with the addresses that it has.
func (s *station) makeVirtual(v view) error {
	if s.cfg.MAC == nil || s.parent == 0 {
		return nil
	}
	name := newEntry(s.cfg).Virtual
	if old := v.links[name]; old != nil {
		a := old.Attrs()
		m, is := old.(*netlink.Macvlan)
		if is && a.ParentIndex == s.parent && m.Mode == netlink.MACVLAN_MODE_PRIVATE && bytes.Equal(a.HardwareAddr, s.cfg.MAC) {
			s.became(a.Index)
			return setVirtual(name, s.cfg.Family)
		}
		if !is || a.Alias != alias {
			return fmt.Errorf("another interface is called %s: rename or remove it", name)
		}
		if err := netlink.LinkDel(old); err != nil {
			return fmt.Errorf("remove the outdated %s: %w", name, err)
		}
	}
	s.became(0)
	m := &netlink.Macvlan{LinkAttrs: netlink.NewLinkAttrs(), Mode: netlink.MACVLAN_MODE_PRIVATE}
	m.Name, m.ParentIndex, m.HardwareAddr = name, s.parent, s.cfg.MAC
	if err := netlink.LinkAdd(m); err != nil {
		return fmt.Errorf("make %s with %v on %s: %w", name, s.cfg.MAC, s.cfg.Interface, whyNot(err))
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s, just made: %w", name, err)
	}
	if err := netlink.LinkSetAlias(link, alias); err != nil {
		return fmt.Errorf("mark %s as ours: %w", name, err)
	}
	s.became(link.Attrs().Index)
	return setVirtual(name, s.cfg.Family)
}

// became notes the index of the virtual interface. Sockets of another one are void.
func (s *station) became(index int) {
	if s.virtual != index {
		s.shut()
		s.virtual = index
	}
}

func whyNot(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("this process needs CAP_NET_ADMIN: %w", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("it belongs to a bridge or bond: use that one: %w", err)
	case errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("this kernel has no macvlan (CONFIG_MACVLAN): use the MAC of the interface: %w", err)
	}
	return err
}
