// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A LinkSpec is what is wanted of a port, of a bond of ports, or of a VLAN on one of
// these. What it is says which of Interface, Bond and VLAN are set.
type LinkSpec struct {
	Name      string // as people call it: "lan1", "bond0", "lan1.100"
	Interface string // as the kernel calls it; of a port "" where it is not there, of a VLAN ""
	Over      string // of a VLAN: the Name of what it is on
	VLAN      int    // of a VLAN: its number, 1 to 4094; else 0
	Bond      *BondSpec
	Off       bool // it is switched off
	MTU       int  // bytes; 0: what it has without us
	Addresses []netip.Prefix
}

// A BondSpec is what is wanted of a bond.
type BondSpec struct {
	Members []Member
	Mode    BondMode
	Hash    Hash          // which member carries a packet; of LACP only
	Fast    bool          // the other end sends each second, not each 30 s; of LACP only
	Monitor time.Duration // how often the links of members are looked at; whole milliseconds
}

// A Member is a port in a bond.
type Member struct {
	Port      string // as people call it
	Interface string // as the kernel calls it; "": it is not there
}

// A BondMode says how members share the work.
type BondMode string

// The modes.
const (
	LACP         BondMode = "lacp"          // all carry, as agreed with the other end (IEEE 802.1AX)
	ActiveBackup BondMode = "active_backup" // one carries
	otherMode    BondMode = "other"         // which the box never makes
)

// A Hash says what of a packet decides which member carries it.
type Hash string

// The hashes.
const (
	HashMAC   Hash = "layer2"
	HashIP    Hash = "layer2+3"
	HashFlow  Hash = "layer3+4"
	otherHash Hash = "other"
)

// A RouteSpec is a static route.
type RouteSpec struct {
	Name   string
	To     netip.Prefix
	Via    netip.Addr // invalid: what is on the cable of Dev
	Dev    string     // Name of the link; "": the one whose network has Via
	Metric int
	Table  int        // 0: the main one
	Source netip.Addr // of packets of the box itself; invalid: the kernel chooses
	OnLink bool       // Via is on the cable of Dev, though in none of its networks
}

// A RuleSpec sends packets to a table of routes.
type RuleSpec struct {
	Name     string
	From, To []netip.Prefix // none: any
	In       string         // Name of the link that they come in by; "": any
	Table    int
	Priority int // less is asked first
}

// A NATSpec gives packets that leave the box another source address.
type NATSpec struct {
	Name string
	From []netip.Prefix
	Out  string     // Name of the link that they leave by
	To   netip.Addr // invalid: the first address that the link has
}

// String is w as the ip command has it.
func (w RouteSpec) String() string {
	words := Route{To: w.To, Gateway: w.Via, Source: w.Source, Table: w.Table}
	if words.Table == mainTable {
		words.Table = 0
	}
	out := words.via()
	if w.Dev != "" {
		out += " dev " + w.Dev
	}
	out += fmt.Sprintf(" metric %d", w.Metric)
	if w.OnLink {
		out += " onlink"
	}
	return out
}

// String says which packets go where.
func (w RuleSpec) String() string {
	words := ""
	for _, l := range []struct {
		name string
		nets []netip.Prefix
	}{{"from", w.From}, {"to", w.To}} {
		if len(l.nets) > 0 {
			words += l.name + " " + listed(l.nets) + " "
		}
	}
	if w.In != "" {
		words += "iif " + w.In + " "
	}
	return fmt.Sprintf("%stable %d priority %d", words, w.Table, w.Priority)
}

// String says what happens to which packets.
func (w NATSpec) String() string {
	to := "masquerade"
	if w.To.IsValid() {
		to = "snat to " + w.To.String()
	}
	return fmt.Sprintf("from %s out %s %s", listed(w.From), w.Out, to)
}

func listed(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = p.String()
	}
	return strings.Join(words, ",")
}

// A Forwarding says for which families the box passes packets on that are not for
// itself. What is false stays as the machine has it.
type Forwarding struct{ IPv4, IPv6 bool }

// more reports whether anything but the management port is wanted.
func (d Desired) more() bool {
	return len(d.Links)+len(d.Routes)+len(d.Rules)+len(d.NAT) > 0 || d.Forward != Forwarding{}
}

// spec returns the wanted link of a name.
func (d Desired) spec(name string) (LinkSpec, bool) {
	for _, l := range d.Links {
		if l.Name == name {
			return l, true
		}
	}
	return LinkSpec{}, false
}

// find returns the interface of the link that people call name, as far as there is
// one: a link of d, the seat of the management port, or any port.
func (s State) find(d Desired, name string) (string, Link, bool) {
	if l, wanted := d.spec(name); wanted {
		return s.of(d, l)
	}
	face := d.Faces[name]
	switch {
	case name == d.Port:
		face = d.Interface
	case d.VLAN > 0 && name == seatName(d.Port, d.VLAN):
		return s.seat(d.Interface, d.VLAN)
	}
	link, there := s.Interfaces[face]
	return face, link, there
}

// of returns the interface of a wanted link.
func (s State) of(d Desired, l LinkSpec) (string, Link, bool) {
	if l.VLAN > 0 {
		_, below, there := s.find(d, l.Over)
		if !there {
			return "", Link{}, false
		}
		return s.vlan(tagged{below.Index, l.VLAN})
	}
	link, there := s.Interfaces[l.Interface]
	return l.Interface, link, there && (l.Bond == nil || link.Bond != nil)
}

// memberOf returns the bond that an interface is to be in, "" none.
func (d Desired) memberOf(face string) string {
	for _, l := range d.Links {
		if l.Bond == nil {
			continue
		}
		for _, m := range l.Bond.Members {
			if m.Interface == face && face != "" && (face != d.Interface || d.Method == None) {
				return l.Name
			}
		}
	}
	return ""
}
