// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"net/netip"
	"slices"
)

// A simStation is a Station of a Sim. What it has is guarded by the mutex of its LAN.
type simStation struct {
	lan    *Sim
	cfg    Config
	held   []netip.Prefix
	status Status // counters only
}

// Send sends a packet to the other boxes.
func (x *simStation) Send(dst netip.Addr, payload []byte) error {
	x.lan.mu.Lock()
	defer x.lan.mu.Unlock()
	err := x.send(dst, payload)
	if err != nil {
		x.status.Failed++
		return err
	}
	x.status.Sent++
	return nil
}

func (x *simStation) send(dst netip.Addr, payload []byte) error {
	if err := x.alive(); err != nil {
		return err
	}
	if err := checkSend(x.cfg, dst, payload); err != nil {
		return err
	}
	src := x.primary()
	if !src.IsValid() {
		return fmt.Errorf("send on %s: %w", x.cfg.Interface, ErrAbsent)
	}
	if !plugged(x.lan.cfg.Dir, x.lan.cfg.Node, x.cfg.Interface) {
		return nil // as a cable that is out loses it
	}
	data := payload
	if x.cfg.Family == IPv6 {
		data = withChecksum(src, dst, payload)
	}
	full, err := x.lan.send(simPacket{iface: x.cfg.Interface, src: src, dst: dst.WithZone(""), ttl: 255, data: data})
	x.status.Dropped += full
	return err
}

// alive says whether the station is attached still.
func (x *simStation) alive() error {
	if x.lan.closed || !slices.Contains(x.lan.stations, x) {
		return ErrClosed
	}
	return nil
}

// primary returns the address to send from.
func (x *simStation) primary() netip.Addr {
	for _, i := range x.lan.cfg.Interfaces {
		if i.Name != x.cfg.Interface {
			continue
		}
		for _, p := range i.Addresses {
			if a := p.Addr(); Of(a) == x.cfg.Family && (x.cfg.Family == IPv4 || a.IsLinkLocalUnicast()) {
				return a
			}
		}
	}
	return netip.Addr{}
}

// Prepare keeps the addresses from other stations; there is nothing to note.
func (x *simStation) Prepare(list []netip.Prefix) error {
	list, err := addresses(x.cfg.Family, list)
	if err != nil {
		return fmt.Errorf("on %s: %w", x.cfg.Interface, err)
	}
	x.lan.mu.Lock()
	defer x.lan.mu.Unlock()
	if err := x.alive(); err != nil {
		return err
	}
	x.cfg.Addresses = list
	return nil
}

// Take notes that this box has the addresses.
func (x *simStation) Take(list ...netip.Prefix) error {
	return x.change(list, func(held, list []netip.Prefix) []netip.Prefix {
		for _, p := range list {
			if !slices.Contains(held, p) {
				held = append(held, p)
			}
		}
		return held
	})
}

// Release notes that this box has the addresses no more.
func (x *simStation) Release(list ...netip.Prefix) error {
	return x.change(list, func(held, list []netip.Prefix) []netip.Prefix {
		return slices.DeleteFunc(held, func(p netip.Prefix) bool { return slices.Contains(list, p) })
	})
}

// Reconcile notes that this box has just these addresses.
func (x *simStation) Reconcile(desired []netip.Prefix) error {
	return x.change(desired, func(_, list []netip.Prefix) []netip.Prefix { return list })
}

func (x *simStation) change(list []netip.Prefix, f func(held, list []netip.Prefix) []netip.Prefix) error {
	list, err := addresses(x.cfg.Family, list)
	if err != nil {
		return fmt.Errorf("on %s: %w", x.cfg.Interface, err)
	}
	x.lan.mu.Lock()
	defer x.lan.mu.Unlock()
	if err := x.alive(); err != nil {
		return err
	}
	now := f(slices.Clone(x.held), list)
	if slices.Equal(now, x.held) {
		return nil
	}
	if len(now) > 0 && !x.primary().IsValid() {
		return fmt.Errorf("take addresses on %s: %w", x.cfg.Interface, ErrAbsent)
	}
	x.held = now
	if err := x.lan.note(); err != nil {
		return err
	}
	x.report()
	return nil
}

// report logs addresses that another box has too.
func (x *simStation) report() {
	all, err := Holders(x.lan.cfg.Dir)
	if err != nil {
		x.lan.log.Warn("holders of addresses not read", "err", err)
		return
	}
	for _, h := range all {
		mine := slices.ContainsFunc(x.held, func(p netip.Prefix) bool { return p.Addr() == h.Address })
		if mine && h.Interface == x.cfg.Interface && len(h.Nodes) > 1 {
			x.lan.log.Warn("address taken that another box has", "iface", h.Interface, "address", h.Address, "nodes", h.Nodes)
		}
	}
}

// Held lists the addresses that the station has.
func (x *simStation) Held() ([]netip.Prefix, error) {
	x.lan.mu.Lock()
	defer x.lan.mu.Unlock()
	return slices.Clone(x.held), x.alive()
}

// Announce does nothing but say whether it could: who has an address, the other boxes
// read in a file.
func (x *simStation) Announce() error {
	x.lan.mu.Lock()
	defer x.lan.mu.Unlock()
	return x.alive()
}

// Status tells how the station is.
func (x *simStation) Status() Status {
	x.lan.mu.Lock()
	defer x.lan.mu.Unlock()
	s := x.status
	s.MAC, s.Primary = slices.Clone(x.cfg.MAC), x.primary()
	if s.MAC == nil {
		s.MAC = x.lan.mac(x.cfg.Interface)
	} else {
		s.Virtual = virtualName(x.cfg.Interface, x.cfg.MAC)
	}
	if !s.Primary.IsValid() {
		s.Problem = fmt.Sprintf("%s: %v", x.cfg.Interface, ErrAbsent)
	}
	return s
}

// Close leaves the network.
func (x *simStation) Close() error {
	x.lan.mu.Lock()
	defer x.lan.mu.Unlock()
	if x.alive() != nil {
		return nil
	}
	x.lan.stations = slices.DeleteFunc(x.lan.stations, func(y *simStation) bool { return x == y })
	had := len(x.held) > 0
	x.held = nil
	if !had {
		return nil
	}
	return x.lan.note()
}
