// SPDX-License-Identifier: Apache-2.0

// Package wire connects routers of VRRP with real networks: raw sockets of IP
// protocol 112, virtual MAC addresses, the taking and releasing of addresses, and
// what happens to interfaces. What a packet says and who ought to have an address it
// does not know; package ha decides that.
//
// A [LAN] is all networks that a box is plugged into. [OpenLinux] gives those of the
// kernel, [OpenSim] simulated ones, between boxes that share a folder. A router joins
// one of them as a [Station].
//
// Nothing here starts a goroutine: one thread calls [LAN.Wait] again and again and
// does the rest between. So that thread can be given a priority that no traffic
// starves, and after a pause of the whole process what waited in the sockets is read
// before anybody judges how much time has passed.
//
// What a LAN of the kernel changes is noted in a file first; [Clean] undoes what that
// file lists after a process that had no time to do so.
package wire

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// A LAN is all networks of a box. Its methods may be called by several goroutines,
// Wait by one at a time. Those of the kernel act in the network namespace of the
// calling thread: where that matters, lock the goroutine to its thread.
type LAN interface {
	// Attach joins a network. The interface need not be there, be up or have an
	// address: Station.Status tells, and the station comes alive when it is so. An
	// error means that the configuration can never work.
	Attach(Config) (Station, error)

	// Wait blocks until a packet has come, something has changed, Wake was called, or
	// the time until is reached (zero: no limit). It reads all that waits in the
	// sockets at the end, not at the beginning, of its pause, though at most 512
	// packets (Batch.More). It also brings stations back to life whose interface went
	// and came.
	Wait(until time.Time) (Batch, error)

	// Wake ends a Wait, or the next one. Any goroutine may call it.
	Wake()

	// Interface tells of an interface as of now; one that is not there is not Present.
	Interface(name string) (Interface, error)

	// DefaultRoutes lists those of a family, the preferred one first.
	DefaultRoutes(Family) ([]DefaultRoute, error)

	// Close detaches all stations and gives everything back. A process that hands its
	// addresses over to its successor ends without Close: the successor's Attach
	// finds the addresses in the same journal and goes on with them.
	Close() error
}

// A Station is a router's place on a network.
type Station interface {
	// Send sends a packet of protocol 112 with TTL or hop limit 255 and class 0xC0
	// from Status().Primary: to the multicast group of the family ([Group]) from the
	// station's MAC, to another router's address from the MAC of the interface. In IPv6
	// the kernel fills in the checksum at offset 6.
	Send(dst netip.Addr, payload []byte) error

	// Prepare notes addresses that the station may take from now on, besides those it
	// holds, so that Take need not write to the disk first. Those of Config are
	// prepared.
	Prepare([]netip.Prefix) error

	// Take gives addresses to the station, at once usable (no duplicate address
	// detection). Those that it has already are none of the errors. All are tried; the
	// error joins what went wrong.
	Take(...netip.Prefix) error

	// Release takes addresses away. Those that it has not are none of the errors.
	Release(...netip.Prefix) error

	// Reconcile takes what of desired is missing and releases what else the station
	// holds. Where nothing is to be done it writes nothing.
	Reconcile(desired []netip.Prefix) error

	// Held lists the addresses that the station has, as the kernel says.
	Held() ([]netip.Prefix, error)

	// Announce tells the network, once, where the addresses are that the station holds:
	// gratuitous ARP or unsolicited neighbour advertisements.
	Announce() error

	// Status tells how the station is.
	Status() Status

	// Close releases all addresses and leaves the network.
	Close() error
}

// A Config says what a station is. Interface and Family are required.
type Config struct {
	Interface string // as the kernel calls it
	Family    Family

	// MAC is the virtual MAC address; nil: that of the interface. No two stations of an
	// interface may have the same one.
	MAC net.HardwareAddr

	// Addresses are those that the station may take; it does not take them by itself.
	Addresses []netip.Prefix

	// Refuse accepts no packets for the addresses but those that find out where they
	// are (RFC 9568 section 6.1, Accept_Mode false).
	Refuse bool
}

// A Family is one of the two IP protocols.
type Family int

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// String returns "IPv4" or "IPv6".
func (f Family) String() string {
	if f == IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// Of returns the family of an address.
func Of(a netip.Addr) Family {
	if a.Is4() || a.Is4In6() {
		return IPv4
	}
	return IPv6
}

// Group returns the address that all routers of a family listen to (RFC 9568
// sections 5.1.1.2 and 5.1.2.2).
func Group(f Family) netip.Addr {
	if f == IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
	}
	return netip.AddrFrom4([4]byte{224, 0, 0, 18})
}

// Protocol is the IP protocol number of VRRP.
const Protocol = 112

// A Batch is what Wait has to tell.
type Batch struct {
	// At is the moment by which to judge time: all that had come by then has been read,
	// unless More is set. However long the process was stopped afterwards, a packet that
	// waits does not look like one that is missing.
	At time.Time

	Packets []Packet // those from one MAC address in the order in which they came

	// Changed: an interface, an address, a route or a station may not be what it was.
	// Ask for what matters.
	Changed bool

	// More packets wait still: time should not be judged before they are read.
	More bool
}

// A Packet is one of protocol 112 that another box has sent. One that reached this
// box on several ways is told of once; the own ones are not.
type Packet struct {
	Interface string
	Family    Family
	Src, Dst  netip.Addr // without zone
	TTL       int        // or hop limit
	Data      []byte     // what follows the IP header; the receiver's to keep
	At        time.Time  // when it was read, with the monotonic clock
}

// An Interface is what is known of one now.
type Interface struct {
	Name      string
	Index     int // 0: of the simulation, or not present
	Present   bool
	Up        bool // switched on
	Carrier   bool // switched on, and plugged in
	MAC       net.HardwareAddr
	Addresses []netip.Prefix // of both families, with those that stations hold on it
}

// A DefaultRoute is a way to everywhere.
type DefaultRoute struct {
	Interface string
	Gateway   netip.Addr // invalid: on the cable itself
	Metric    int
}

// A Status tells how a station is.
type Status struct {
	Virtual string           // the interface with the virtual MAC, "": none
	MAC     net.HardwareAddr // that packets to the group come from
	Primary netip.Addr       // that packets come from; invalid: there is none
	Problem string           // why the station cannot work now, "": it can

	Sent, Failed uint64 // packets
	Received     uint64 // packets of its interface and family
	Own          uint64 // of those, dropped because they had the address of this box
	Dropped      uint64 // of the simulation: not sent because the receiver was full
}

// ErrAbsent is what Send and Take wrap while the interface is not there.
var ErrAbsent = errors.New("the interface is not there")

// ErrNoAddress is what Send wraps while the interface has no address to send from.
var ErrNoAddress = errors.New("the interface has no address to send from")

// ErrClosed is the error of a LAN or station after its Close.
var ErrClosed = errors.New("closed")
