// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A System is what a Conf acts on.
type System interface {
	// Read tells what there is. It needs no rights.
	Read() (State, error)
	// Do takes one step.
	Do(Step) error
}

// A State is what there is.
type State struct {
	Boot       string          // differs after each start of the machine
	Interfaces map[string]Link // by name
	Addresses  []Address
	Routes     []Route // ours, and the default routes of everybody
	HostName   string
	Resolver   File
	Zone       File
	Lacks      []string // rights that are needed to change it, such as CAP_NET_ADMIN
	Rules      []Rule   // ours
	NAT        []NAT    // what our table has, in its order
	Forward    Forwarding
}

// A Link is an interface.
type Link struct {
	Index   int
	Up      bool
	Carrier bool
	Parent  int // of a VLAN: the index of what it is on; else 0
	VLAN    int // its number; 0: it is none
	MTU     int // bytes
	Master  int // index of the bond that it is in; 0: none

	Bond *BondState // nil: it is none
}

// A BondState is what a bond is like.
type BondState struct {
	Mode    BondMode
	Hash    Hash
	Fast    bool
	Monitor time.Duration
	Active  []int  // indexes of the members that carry packets
	Partner string // MAC address of the other end of LACP; "": nobody answers
}

// A Rule sends packets to a table of routes.
type Rule struct {
	V6       bool
	From, To netip.Prefix // invalid: any
	In       string       // interface; "": any
	Table    int
	Priority int
}

// A NAT gives packets from a network, which leave by an interface, another source.
type NAT struct {
	From netip.Prefix
	Out  string     // interface
	To   netip.Addr // invalid: the first address that the interface has
}

// An Address is one of an interface.
type Address struct {
	Index     int
	Prefix    netip.Prefix
	Duplicate bool // another machine has it (RFC 4862, section 5.4)
}

// A File is a small file, or a link to one.
type File struct {
	There bool   `json:"there"`
	Link  string `json:"link,omitempty"` // what it points to
	Text  []byte `json:"text,omitempty"` // otherwise what is in it
}

func (f File) equal(g File) bool {
	return f.There == g.There && f.Link == g.Link && bytes.Equal(f.Text, g.Text)
}

// A StepKind is something that can be done.
type StepKind uint8

// The kinds of steps.
const (
	LinkUp StepKind = iota
	AddAddress
	RemoveAddress
	AddRoute
	RemoveRoute
	SetHostName
	PutResolver
	PutZone
	AddVLAN
	RemoveVLAN
	LinkDown
	SetMTU
	AddBond
	RemoveBond
	ChangeBond // its hash and how often it looks
	AddMember
	RemoveMember
	AddRule
	RemoveRule
	PutNAT // the whole table of one family, at once
	SetForward
)

// A Step changes one thing.
type Step struct {
	Kind      StepKind
	Interface string // for people
	Index     int    // of a new VLAN that of the port
	Address   netip.Prefix
	Route     Route
	Name      string // of the machine, or of the interface of a VLAN
	VLAN      int
	File      File
	MTU       int
	Bond      BondState
	Master    int // index of the bond
	Rule      Rule
	NAT       []NAT // all that the table has then
	V6        bool  // of a table of NAT, and of forwarding
	On        bool  // of forwarding
}

// String says what is done, in the words of the ip command where it has some.
func (s Step) String() string {
	switch s.Kind {
	case LinkUp:
		return "link set up dev " + s.Interface
	case AddVLAN:
		return fmt.Sprintf("link add link %s name %s type vlan id %d", s.Interface, s.Name, s.VLAN)
	case RemoveVLAN:
		return "link del " + s.Name
	case AddAddress:
		return fmt.Sprintf("address add %s dev %s", s.Address, s.Interface)
	case RemoveAddress:
		return fmt.Sprintf("address del %s dev %s", s.Address, s.Interface)
	case AddRoute:
		return "route add " + s.Route.via() + " dev " + s.Interface
	case RemoveRoute:
		return "route del " + s.Route.via() + " dev " + s.Interface
	case SetHostName:
		return "host name " + s.Name
	case PutResolver:
		return "name servers " + s.File.String()
	case PutZone:
		return "time zone " + s.File.String()
	}
	return s.more()
}

// more is String of what concerns other than the management port.
func (s Step) more() string {
	switch s.Kind {
	case LinkDown:
		return "link set down dev " + s.Interface
	case SetMTU:
		return fmt.Sprintf("link set mtu %d dev %s", s.MTU, s.Interface)
	case AddBond:
		return "link add name " + s.Interface + " type bond " + s.Bond.String()
	case RemoveBond:
		return "link del " + s.Interface
	case ChangeBond:
		return "link set dev " + s.Interface + " type bond " + s.Bond.String()
	case AddMember:
		return "link set dev " + s.Interface + " master " + s.Name
	case RemoveMember:
		return "link set dev " + s.Interface + " nomaster"
	case AddRule:
		return "rule add " + s.Rule.String()
	case RemoveRule:
		return "rule del " + s.Rule.String()
	case SetForward:
		return fmt.Sprintf("forwarding of %s: %t", family(s.V6), s.On)
	}
	if len(s.NAT) == 0 {
		return "no NAT of " + family(s.V6)
	}
	words := make([]string, len(s.NAT))
	for i, n := range s.NAT {
		words[i] = n.String()
	}
	return "NAT of " + family(s.V6) + ": " + strings.Join(words, ", ")
}

func family(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}

// String is what the ip command calls its options.
func (b BondState) String() string {
	mode := map[BondMode]string{LACP: "802.3ad", ActiveBackup: "active-backup"}[b.Mode]
	words := fmt.Sprintf("mode %s miimon %d", mode, b.Monitor.Milliseconds())
	if b.Mode != LACP {
		return words
	}
	rate := "slow"
	if b.Fast {
		rate = "fast"
	}
	return fmt.Sprintf("%s xmit_hash_policy %s lacp_rate %s", words, b.Hash, rate)
}

// String is r as the ip command has it.
func (r Rule) String() string {
	words := fmt.Sprintf("priority %d", r.Priority)
	if !r.From.IsValid() && !r.To.IsValid() && r.V6 {
		words = "family inet6 " + words
	}
	if r.From.IsValid() {
		words += " from " + r.From.String()
	}
	if r.To.IsValid() {
		words += " to " + r.To.String()
	}
	if r.In != "" {
		words += " iif " + r.In
	}
	return fmt.Sprintf("%s table %d", words, r.Table)
}

// String says what happens to which packets.
func (n NAT) String() string {
	to := "masquerade"
	if n.To.IsValid() {
		to = "snat to " + n.To.String()
	}
	return fmt.Sprintf("from %s out %s %s", n.From, n.Out, to)
}

func (r Route) via() string {
	to := r.To.String()
	if r.To.Bits() == 0 {
		to = "default"
	}
	if r.Gateway.IsValid() {
		to += " via " + r.Gateway.String()
	}
	if r.Source.IsValid() {
		to += " src " + r.Source.String()
	}
	if r.Table != 0 {
		to += fmt.Sprintf(" table %d", r.Table)
	}
	return to
}

// String says what the file is.
func (f File) String() string {
	switch {
	case !f.There:
		return "none"
	case f.Link != "":
		return "as in " + f.Link
	}
	var words []string
	for line := range strings.Lines(string(f.Text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			words = append(words, strings.TrimPrefix(line, "nameserver "))
		}
	}
	return printable(strings.Join(words, ", "))
}

// printable returns what of somebody's text may be shown.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 200)]
}
