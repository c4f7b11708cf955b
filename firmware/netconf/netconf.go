// SPDX-License-Identifier: Apache-2.0

// Package netconf makes the network of a box what its configuration says: the
// management port, data ports, VLANs and bonds with their addresses, routes, rules
// that choose a table of routes, NAT, name servers, and the name and time zone of
// the box.
//
// A [Conf] is told what is desired, as a whole. It compares that with what is
// there and does what is missing, again and again until both are equal; asked
// twice, it does nothing the second time. It takes away only what it has set
// itself, which it remembers in a file. What it acts on is a [System]: [Linux] is
// the kernel with its files, [Sim] keeps all in memory.
//
// It knows no configuration text and no front panel: which interface a port is, it
// is told.
package netconf

import (
	"net/netip"
	"time"
)

// A Method says where addresses come from.
type Method string

// The methods.
const (
	None   Method = "none" // somebody else configures the network
	Static Method = "static"
	DHCP   Method = "dhcp"
)

// Desired is all that is wanted. Empty fields want what was there before.
type Desired struct {
	Port      string // as people call it
	Interface string // as the kernel calls it; "": the port is not there
	VLAN      int    // in which its addresses are, 1 to 4094; 0: its frames have no tag
	Method    Method
	Addresses []netip.Prefix
	Gateways  []netip.Addr // one of each family at most
	DNS       []netip.Addr // in place of what DHCP gives
	HostName  string
	TimeZone  string // of the IANA database

	// What follows holds whatever Method says.
	Links   []LinkSpec // what a VLAN or bond is made of may come later
	Routes  []RouteSpec
	Rules   []RuleSpec
	NAT     []NATSpec
	Forward Forwarding
	Faces   map[string]string // interfaces by the names of all ports of the board
}

// Protocol is the origin of our routes and rules in the kernel's tables
// (rtm_protocol).
const Protocol = 201

// Metric is the preference of routes of the management port; less is preferred.
const Metric = 20

// A Status tells what holds.
type Status struct {
	Desired   Desired
	Managed   bool
	Why       string         // not managed
	Interface string         // that has the addresses: the port's, or that of its VLAN; "": it is not there
	Addresses []netip.Prefix // of the port, whoever has set them
	Gateways  []netip.Addr   // of our default routes
	DNS       []netip.Addr   // that we have set
	HostName  string         // of the machine now
	TimeZone  string         // of the machine now, "" not known
	Lease     *Lease
	Problems  []string // in words
	Links     []LinkStatus
	Routes    []WayStatus[RouteSpec]
	Rules     []WayStatus[RuleSpec]
	NAT       []WayStatus[NATSpec]
	Forward   Forwarding // as the machine has it
}

// A Lease is an address that a DHCP server has lent.
type Lease struct {
	Interface string       `json:"interface"`
	Address   netip.Prefix `json:"address"`
	Server    netip.Addr   `json:"server"`
	Routes    []Route      `json:"routes"` // that it offers
	DNS       []netip.Addr `json:"dns"`
	NTP       []netip.Addr `json:"ntp,omitempty"` // time servers
	Domain    string       `json:"domain,omitempty"`
	Obtained  time.Time    `json:"obtained"`
	Renew     time.Time    `json:"renew"`   // T1: its server is asked from then on
	Rebind    time.Time    `json:"rebind"`  // T2: every server is
	Expires   time.Time    `json:"expires"` // zero: never
}

// valid reports whether the address may be used.
func (l *Lease) valid(now time.Time) bool {
	return l != nil && l.Address.IsValid() && (l.Expires.IsZero() || now.Before(l.Expires))
}

// A Route is a way to other networks.
type Route struct {
	To      netip.Prefix `json:"to"`
	Gateway netip.Addr   `json:"gateway,omitzero"` // invalid: on the cable itself

	Index  int        `json:"-"` // of the interface
	Metric int        `json:"-"`
	Table  int        `json:"-"` // 0: the main one
	Source netip.Addr `json:"-"` // that the box itself sends from; invalid: the kernel chooses
	Ours   bool       `json:"-"` // it has our Protocol
	OnLink bool       `json:"-"` // the gateway is on the cable, though in none of the networks
}

// defaultRoute returns the way to everywhere by g.
func defaultRoute(g netip.Addr) Route {
	any4, any6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	if g.Is4() {
		return Route{To: netip.PrefixFrom(any4, 0), Gateway: g}
	}
	return Route{To: netip.PrefixFrom(any6, 0), Gateway: g}
}
