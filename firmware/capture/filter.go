// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"net/netip"
)

// An Expr is a filter as it was written: one of and, or, not and Primitive.
type Expr interface{ expr() }

type (
	and struct{ a, b Expr }
	or  struct{ a, b Expr }
	not struct{ a Expr }
)

// A Primitive is one test of a packet: a protocol, an address, a port or a VLAN, or
// a protocol with one of them, such as "tcp dst port 80".
type Primitive struct {
	Proto Proto // 0: any
	Dir   Dir
	Kind  Kind
	Net   netip.Prefix // Host and Net
	Low   uint16       // Port; VLAN
	High  uint16
}

func (and) expr()       {}
func (or) expr()        {}
func (not) expr()       {}
func (Primitive) expr() {}

// A Proto is a protocol of a packet.
type Proto uint8

// The protocols that a filter can name.
const (
	AnyProto Proto = iota
	IP
	IP6
	ARP
	TCP
	UDP
	ICMP
	ICMP6
)

var protoNames = [...]string{"", "ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6"}

// A Dir says which of two addresses or ports a test means.
type Dir uint8

// The directions.
const (
	Either Dir = iota // source or destination
	Both              // source and destination
	Src
	Dst
)

var dirNames = [...]string{"", "src and dst", "src", "dst"}

// A Kind is what a Primitive compares.
type Kind uint8

// The kinds.
const (
	Alone Kind = iota // the protocol is all there is
	Net               // an address or a network
	Port              // a port or a range
	VLAN              // Low to High
)

// String returns p as it could be written.
func (p Primitive) String() string {
	s := ""
	word := func(w string) {
		if w == "" {
			return
		}
		if s != "" {
			s += " "
		}
		s += w
	}
	word(protoNames[p.Proto])
	word(dirNames[p.Dir])
	switch p.Kind {
	case Net:
		if p.Net.IsSingleIP() {
			word("host " + p.Net.Addr().String())
		} else {
			word("net " + p.Net.String())
		}
	case Port:
		if p.Low == p.High {
			word(fmt.Sprintf("port %d", p.Low))
		} else {
			word(fmt.Sprintf("portrange %d-%d", p.Low, p.High))
		}
	case VLAN:
		word("vlan")
		if p.Low == p.High {
			word(fmt.Sprint(p.Low))
		}
	}
	return s
}

// text writes e with every parenthesis; ParseFilter reads it back.
func text(e Expr) string {
	switch e := e.(type) {
	case and:
		return "(" + text(e.a) + " and " + text(e.b) + ")"
	case or:
		return "(" + text(e.a) + " or " + text(e.b) + ")"
	case not:
		return "not " + text(e.a)
	case Primitive:
		return e.String()
	}
	return ""
}
