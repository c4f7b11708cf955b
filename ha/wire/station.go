// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"evener/ha/announce"

	"golang.org/x/sys/unix"
)

// A station is a Station of a Linux. What it has is guarded by the mutex of its LAN.
type station struct {
	lan *Linux
	cfg Config

	parent  int              // index of the interface, 0: not there
	up      bool             // the interface is switched on
	mac     net.HardwareAddr // of the interface
	virtual int              // index of the one with the virtual MAC, 0: none
	own     *socket          // on that
	sender  *announce.Sender
	primary netip.Addr
	local   []netip.Addr // of the interface, that stations have not taken
	problem error

	ours   map[netip.Prefix]bool // taken by us, or by the process before us
	theirs map[netip.Prefix]bool // taken, though somebody else has set them: they stay
	groups map[membership]bool   // that neighbours look for the addresses in
	join   int                   // the socket for that, -1: none
	status Status                // counters only
}

// Send sends a packet.
func (s *station) Send(dst netip.Addr, payload []byte) error {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	if err := s.send(dst, payload); err != nil {
		s.status.Failed++
		return err
	}
	s.status.Sent++
	return nil
}

func (s *station) send(dst netip.Addr, payload []byte) error {
	if err := s.alive(); err != nil {
		return err
	}
	if err := checkSend(s.cfg, dst, payload); err != nil {
		return err
	}
	if err := s.able(); err != nil {
		return fmt.Errorf("send on %s: %w", s.cfg.Interface, err)
	}
	from := s.lan.shared[place{s.parent, s.cfg.Family}]
	if s.cfg.MAC != nil && dst.IsMulticast() {
		from = s.own
	}
	if err := from.send(s.primary, dst, payload); err != nil {
		return fmt.Errorf("send on %s to %v: %w", s.cfg.Interface, dst, err)
	}
	return nil
}

// alive says whether the station is attached still.
func (s *station) alive() error {
	if s.lan.closed || !slices.Contains(s.lan.stations, s) {
		return ErrClosed
	}
	return nil
}

// able says why nothing can be sent.
func (s *station) able() error {
	switch {
	case s.parent == 0:
		return ErrAbsent
	case s.problem != nil:
		return s.problem
	case !s.up:
		return errors.New("the interface is switched off")
	case !s.primary.IsValid():
		return s.noPrimary()
	}
	return nil
}

func (s *station) noPrimary() error {
	if s.cfg.Family == IPv6 {
		return fmt.Errorf("%w: give it a link-local one (RFC 9568 section 5.1.2.1)", ErrNoAddress)
	}
	return fmt.Errorf("%w: give it one of its own, besides those that are taken", ErrNoAddress)
}

// Announce tells where the addresses are.
func (s *station) Announce() error {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	held, err := s.held()
	if err != nil || len(held) == 0 {
		return err
	}
	mac, name := s.cfg.MAC, newEntry(s.cfg).Virtual
	if mac == nil {
		mac, name = s.mac, s.cfg.Interface
	}
	var frames []announce.Frame
	for _, p := range held {
		f, err := s.frame(mac, p.Addr())
		if err != nil {
			return err
		}
		frames = append(frames, f)
	}
	if s.sender == nil {
		if s.sender, err = announce.Open(name); err != nil {
			return err
		}
	}
	return s.sender.Send(frames...)
}

// frame is what announces an address.
func (s *station) frame(mac net.HardwareAddr, a netip.Addr) (announce.Frame, error) {
	if s.cfg.Family == IPv6 {
		return announce.NA(mac, a, false) // no flag R: Evener switches no forwarding on
	}
	return announce.ARP(mac, a, announce.Request)
}

// Status tells how the station is.
func (s *station) Status() Status {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	out := s.status
	out.MAC, out.Primary = slices.Clone(s.mac), s.primary
	if s.cfg.MAC != nil {
		out.Virtual, out.MAC = virtualName(s.cfg.Interface, s.cfg.MAC), slices.Clone(s.cfg.MAC)
	}
	if err := errors.Join(s.alive(), s.able()); err != nil {
		out.Problem = fmt.Sprintf("%s: %v", s.cfg.Interface, err)
	}
	return out
}

// Close releases all addresses and leaves the network.
func (s *station) Close() error {
	l := s.lan
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.alive() != nil {
		return nil
	}
	l.stations = slices.DeleteFunc(l.stations, func(x *station) bool { return x == s })
	s.shut()
	e := l.journal.find(s.cfg)
	if e == nil {
		return l.refresh()
	}
	if err := undo(*e); err != nil {
		return err // it stays in the journal
	}
	l.journal.Stations = slices.DeleteFunc(l.journal.Stations, func(x entry) bool { return x.of(s.cfg) })
	return errors.Join(l.refresh(), l.settle())
}

// shut closes what the station has open.
func (s *station) shut() {
	if s.own != nil {
		s.own.close()
		s.own = nil
	}
	if s.sender != nil {
		_ = s.sender.Close()
		s.sender = nil
	}
	if s.join >= 0 {
		_ = unix.Close(s.join)
		s.join = -1
		clear(s.groups)
	}
}
