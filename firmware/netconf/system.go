// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
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
}

// A Link is an interface.
type Link struct {
	Index   int
	Up      bool
	Carrier bool
	Parent  int // of a VLAN: the index of what it is on; else 0
	VLAN    int // its number; 0: it is none
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
	}
	return "time zone " + s.File.String()
}

func (r Route) via() string {
	to := r.To.String()
	if r.To.Bits() == 0 {
		to = "default"
	}
	if !r.Gateway.IsValid() {
		return to
	}
	return to + " via " + r.Gateway.String()
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
