// SPDX-License-Identifier: Apache-2.0

// Package nic tells of the network ports of a box: which interface of the kernel
// is the socket with which label on the front, its link, counters, offloads and
// the module in it. It blinks a port's lamp and notices links that come and go.
//
// It is handed a plain list of labels and knows no model of hardware. It changes
// nothing: addresses and routes are set elsewhere. [Ports] are real, [Sim] is a
// row of ports in memory.
package nic

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A Match says which interface a label on the front belongs to. PCI or Bus decide
// where they are given, then Interface, then Driver, of which Order says the how
// manieth controller is meant, in the order of their addresses.
type Match struct {
	Label      string
	PCI        string // address of the controller, such as "0000:01:00.0"
	Bus        string // a device on the way to it in /sys/devices, such as "fe2a0000.ethernet"
	Interface  string // as the kernel calls it
	Driver     string
	Order      int // from 1; 0: the first that no other match has
	Management bool
	Optional   bool // no port at all until there is an interface
}

// String says what is looked for.
func (m Match) String() string {
	var out []string
	for _, f := range []struct{ what, is string }{
		{"PCI address", m.PCI}, {"device", m.Bus}, {"interface", m.Interface}, {"driver", m.Driver},
	} {
		if f.is != "" {
			out = append(out, f.what+" "+f.is)
		}
	}
	if len(out) == 0 {
		return "nothing that the board tells"
	}
	return strings.Join(out, ", ")
}

// A State is what a port can do for traffic.
type State string

// The states.
const (
	Up        State = "up"         // it has a link
	NoCarrier State = "no-carrier" // it is on, and nothing is plugged in or the other end is off
	Down      State = "down"       // it is switched off
	Missing   State = "missing"    // no interface is that port
)

// A Port is one socket for a cable, as it is now.
type Port struct {
	Label      string
	Interface  string // "" while it is missing
	Driver     string
	PCI        string
	MAC        string
	Up         bool // switched on
	Carrier    bool // something answers at the other end
	State      State
	Speed      int    // Mbit/s, 0: not known
	Duplex     string // full, half or ""
	MTU        int    // bytes
	Addresses  []netip.Prefix
	Management bool
	Identify   bool            // its lamp blinks
	Offloads   map[string]bool // what the hardware can be told to do, as ethtool calls it, and whether it does
	Rings      Rings
	Counters   Counters
	SFP        *SFP   // the module in it; nil: none, or none that can be read
	Problem    string // what is not as it should be, in words

	index int
}

// Rings are the queues of packets between the kernel and the hardware.
type Rings struct{ RX, TX, RXMax, TXMax int }

// Counters are those of an interface since it came up.
type Counters struct {
	RXBytes, TXBytes, RXPackets, TXPackets, RXErrors, TXErrors, RXDropped, TXDropped uint64

	Driver map[string]uint64 // the driver's own, under its names
}

// An Event is a port that has changed.
type Event struct {
	Port Port // label, interface and state are filled in
	Was  State
}

// LongestIdentify bounds how long a lamp blinks.
const LongestIdentify = 10 * time.Minute

// noPort is the error for a label that there is not.
func noPort(label string, ports []Port) error {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Label
	}
	return fmt.Errorf("there is no port %q: there are %s", label, strings.Join(names, ", "))
}
