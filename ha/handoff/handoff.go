// SPDX-License-Identifier: Apache-2.0

// Package handoff lets TCP connections end on the box they began on after their
// address has moved to another box of the same Ethernet segment, in a planned
// switch of both.
//
// The new box runs a small program in the kernel, at the ingress of the
// interface (Receive): a TCP packet to one of the addresses that is no bare SYN
// and that no socket of this box is waiting for goes out again by the same
// interface, to the MAC of the old box. The old box keeps the address on its
// loopback (Keep), where no ARP or neighbour discovery answers for it, and
// answers the client directly. New connections never leave the new box. ICMP
// errors about such a connection, with the path's MTU, follow it. UDP is not
// handed off; nor are fragments, IPv6 packets with extension headers and frames
// with a VLAN tag, which are left to the new box's own stack.
//
// A frame that comes from the old box, or from another box of the group, is
// never sent on: no packet goes on twice, whatever the boxes believe of each
// other.
//
// The package does not know when a switch happens, and which box is which:
// package ha's role says so. The order of a switch is
//
//  1. old box: Keep the addresses;
//  2. new box: Receive;
//  3. old box: release the addresses from the network;
//  4. new box: take and announce them, and Drop what it has kept itself since an
//     earlier switch the other way;
//  5. old box: Stop its own Receiver of such a switch, if it runs. Earlier it
//     would reset what the new box has on it; it may also run to its limit.
//
// When the limit has passed, the old box drops the addresses. Leave, Enter and
// Entered do this for failover groups.
package handoff

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits of what Receive takes.
const (
	DefaultLimit = 30 * time.Second
	MaxLimit     = time.Hour
	MaxAddresses = 1024
	MaxPeers     = 16
	MaxFlows     = 65536 // Stats does not count further ones; they are sent on all the same
)

// Config says which packets go where.
type Config struct {
	// Interface is the port that the frames arrive on: the parent where the
	// addresses lie on a macvlan with a virtual MAC.
	Interface string
	// Addresses are the addresses that have moved here.
	Addresses []netip.Addr
	// To is the MAC by which the old box is reached on this segment: its port's
	// own, not the virtual one.
	To net.HardwareAddr
	// Virtual are further MACs that the addresses are reached by: the virtual
	// ones. Frames to any other MAC than these and the interface's own are left
	// alone.
	Virtual []net.HardwareAddr
	// Peers are the MACs of the other boxes of the group. Frames from them, and
	// from To, are never sent on.
	Peers []net.HardwareAddr
	// Limit is how long packets are sent on; 0: DefaultLimit. The kernel's
	// program looks at the clock itself: it ends in time even if this process
	// stands still.
	Limit time.Duration
}

// check says what is wrong with c.
func (c Config) check() error {
	switch {
	case c.Interface == "":
		return errors.New("no interface given")
	case len(c.Addresses) == 0:
		return errors.New("no address given")
	case len(c.Addresses) > MaxAddresses:
		return fmt.Errorf("%d addresses; at most %d can be handed off together", len(c.Addresses), MaxAddresses)
	case len(c.Peers) > MaxPeers || len(c.Virtual) > MaxPeers:
		return fmt.Errorf("more than %d MAC addresses", MaxPeers)
	case c.Limit < 0 || c.Limit > MaxLimit:
		return fmt.Errorf("limit is %v; it must be at most %v", c.Limit, MaxLimit)
	}
	for _, a := range c.Addresses {
		if err := checkAddress(a); err != nil {
			return err
		}
	}
	for _, m := range slices.Concat([]net.HardwareAddr{c.To}, c.Virtual, c.Peers) {
		if len(m) != 6 || m[0]&1 != 0 {
			return fmt.Errorf("%q is not the MAC address of one box on an Ethernet", m.String())
		}
	}
	return nil
}

// checkAddress says why a cannot be handed off.
func checkAddress(a netip.Addr) error {
	a = a.Unmap()
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback():
		return fmt.Errorf("%v is no address that one box can have on a network", a)
	case a.Zone() != "" || a.IsLinkLocalUnicast():
		return fmt.Errorf("%v is link-local: its connections cannot be handed off", a)
	}
	return nil
}

// A Box is this box's side of switches. Leave, Enter and Entered serve whole
// failover groups, while Run runs; Receive, Keep and Drop are what they are made
// of. All may be called from several goroutines.
type Box struct {
	log  *slog.Logger
	kept keeper
	wake chan struct{} // makes Run look again

	mu    sync.Mutex // guards parts
	parts map[string]*part
}

// New returns a Box. What Keep changes in the kernel is noted in the file
// journal before it is done, so that Clear can undo it after a crash.
func New(log *slog.Logger, journal string) *Box {
	return &Box{
		log: log, kept: keeper{log: log, file: journal},
		wake: make(chan struct{}, 1), parts: map[string]*part{},
	}
}

// Stats is what a Receiver has done.
type Stats struct {
	Packets uint64    // TCP packets sent on, segments that the kernel had joined counted singly
	Errors  uint64    // ICMP errors about connections sent on
	Flows   uint64    // connections among them, at most MaxFlows
	Ended   uint64    // connections whose client has sent a FIN or a RST since
	Since   time.Time // when it began
	Until   time.Time // when it ends, or has ended
}
