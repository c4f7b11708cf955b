// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/hashicorp/hcl/v2"
)

// A Port is one of the front, as far as the box configures it.
type Port struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Enabled     bool           `json:"enabled"` // true
	MTU         int            `json:"mtu"`     // bytes; 0: what the hardware has
	Addresses   []netip.Prefix `json:"addresses"`
	VLANs       []*VLAN        `json:"vlans"`
	Range       hcl.Range      `json:"-"`
}

// A Bond is several ports that are used as one.
type Bond struct {
	Name        string         `json:"name"` // the kernel calls it so too
	Description string         `json:"description,omitempty"`
	Ports       []string       `json:"ports"` // 1 to 8
	Mode        BondMode       `json:"mode"`  // lacp
	Hash        string         `json:"hash,omitempty"`
	Rate        string         `json:"rate,omitempty"`
	Monitor     Duration       `json:"monitor"` // 100ms
	Enabled     bool           `json:"enabled"` // true
	MTU         int            `json:"mtu"`
	Addresses   []netip.Prefix `json:"addresses"`
	VLANs       []*VLAN        `json:"vlans"`
	Range       hcl.Range      `json:"-"`
}

// A BondMode says how the ports of a bond share the work.
type BondMode string

// The modes.
const (
	BondLACP         BondMode = "lacp"
	BondActiveBackup BondMode = "active_backup"
)

// A VLAN is one on a port or bond.
type VLAN struct {
	Number      string         `json:"number"` // 1 to 4094
	Description string         `json:"description,omitempty"`
	Enabled     bool           `json:"enabled"` // true
	MTU         int            `json:"mtu"`     // 0: that of what it is on
	Addresses   []netip.Prefix `json:"addresses"`
	Range       hcl.Range      `json:"-"`
}

// ID returns the number, 0 where it is none.
func (v *VLAN) ID() int {
	n, err := strconv.Atoi(v.Number)
	if err != nil || n < 1 || n > maxVLAN || strconv.Itoa(n) != v.Number {
		return 0
	}
	return n
}

// A Route is a way to other networks.
type Route struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	To          []netip.Prefix `json:"to"`
	Via         string         `json:"via,omitempty"`  // address of the router; empty: on the cable
	Port        string         `json:"port,omitempty"` // link; empty: the one whose network has Via
	OnLink      bool           `json:"on_link"`
	Metric      int            `json:"metric"` // 100
	Table       int            `json:"table"`  // 254, the main one
	Source      string         `json:"source,omitempty"`
	Range       hcl.Range      `json:"-"`
}

// A RouteRule sends packets to a table of routes.
type RouteRule struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	From        []netip.Prefix `json:"from"` // empty: any
	To          []netip.Prefix `json:"to"`   // empty: any
	Port        string         `json:"port,omitempty"`
	Table       int            `json:"table"`
	Priority    int            `json:"priority"` // 1000
	Range       hcl.Range      `json:"-"`
}

// A NAT gives packets of other machines another source address.
type NAT struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	From        []netip.Prefix `json:"from"`
	Out         string         `json:"out"`
	To          string         `json:"to"` // Masquerade, or an address
	Range       hcl.Range      `json:"-"`
}

// Masquerade in place of an address is the one that the port has.
const Masquerade = "masquerade"

// Forwarding says whether the box passes packets on.
type Forwarding struct {
	IPv4  bool      `json:"ipv4"` // false
	IPv6  bool      `json:"ipv6"` // false
	Range hcl.Range `json:"-"`
}

// Limits of ports, and of the ways between networks.
const (
	maxVLAN        = 4094
	maxLinkAddress = 32
	maxBondPorts   = 8
	maxBondName    = 15 // of an interface: IFNAMSIZ, without the zero behind it
	leastMTU       = 1280
	maxRuleNets    = 16
	maxNATNets     = 64
)

// A Link is a port, a bond or a VLAN: what has addresses.
type Link struct {
	Name      string // "lan1", "bond0", "lan1.100"
	Over      string // of a VLAN: what it is on
	VLAN      int
	Bond      *Bond // of a bond
	Enabled   bool
	MTU       int
	Addresses []netip.Prefix
	Range     hcl.Range

	Description string

	owner any    // the struct
	path  string // for diagnostics
}

// Links lists ports, bonds, and behind each the VLANs on it.
func (c *Config) Links() (out []Link) {
	vlans := func(on Link, list []*VLAN) {
		out = append(out, on)
		for _, v := range list {
			out = append(out, Link{Name: on.Name + "." + v.Number, Over: on.Name, VLAN: v.ID(), Enabled: v.Enabled && on.Enabled, MTU: v.MTU,
				Addresses: v.Addresses, Range: v.Range, Description: v.Description, owner: v, path: on.path + " " + pathOf("vlan", v.Number)})
		}
	}
	for _, p := range c.Ports {
		vlans(Link{Name: p.Name, Enabled: p.Enabled, MTU: p.MTU, Addresses: p.Addresses, Range: p.Range, Description: p.Description,
			owner: p, path: pathOf("port", p.Name)}, p.VLANs)
	}
	for _, b := range c.Bonds {
		vlans(Link{Name: b.Name, Bond: b, Enabled: b.Enabled, MTU: b.MTU, Addresses: b.Addresses, Range: b.Range, Description: b.Description,
			owner: b, path: pathOf("bond", b.Name)}, b.VLANs)
	}
	return out
}

// BondOf returns the bond that a port is in, "" none.
func (c *Config) BondOf(port string) string {
	for _, b := range c.Bonds {
		for _, p := range b.Ports {
			if p == port {
				return b.Name
			}
		}
	}
	return ""
}

// link is what people call the place of the management addresses: the
// port, or its VLAN.
func (m *Management) link() string {
	if m.VLAN > 0 {
		return fmt.Sprintf("%s.%d", m.Port, m.VLAN)
	}
	return m.Port
}
