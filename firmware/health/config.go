// SPDX-License-Identifier: Apache-2.0

package health

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"reflect"
	"strconv"
	"time"
)

// Config says whom a Checker asks and whom it tells. A zero field takes the
// default named beside it.
//
// The functions are called one at a time, in order, by the goroutine of Run. They
// may call the Checker's methods, and hold up all further verdicts until they
// return.
type Config struct {
	Targets    []Target
	Concurrent int            // 256 probes, hence sockets, at once
	Roots      *x509.CertPool // authorities that tls probes trust; nil: the system's

	// OnChange is told of every change of a member's state; nil: nobody is.
	OnChange func(Event)

	// OnLoad is told what an agent or a simple check answered, each time: 0
	// (idle) to 1 (loaded), or Out. NaN: it has not answered for Fall probes in
	// a row, so that its last load is void. nil: nobody is told.
	OnLoad func(pool, member, probe string, value float64)
}

// A Target is one member of one pool and the questions that it is asked.
type Target struct {
	Pool   string
	Member string
	Addr   netip.AddrPort
	Probes []ProbeConfig
	Before *Before // nil: nothing is known; ignored for a member that is known already
}

// Before says that a member was found to be down by somebody who asked earlier.
// It begins as Down, until its probes say otherwise: one good answer of each
// suffices, as for a member of which nothing is known.
type Before struct {
	Reason string // for people
	Since  time.Time
}

// A ProbeConfig is one kind of question. Only Type is required, and Expect or
// ExpectRegex of an acv probe; a zero field takes the default named beside it.
type ProbeConfig struct {
	Name           string // the type; "tcp-2" for the second tcp probe of a member
	Type           Type
	Interval       time.Duration // 15s
	Jitter         int           // per cent of the interval, 0 to 50: a probe comes up to this much late
	Timeout        time.Duration // 5s for the whole probe, all its tries
	ConnectTimeout time.Duration // 1s
	DataTimeout    time.Duration // 2s from the connection to the whole answer, a TLS handshake included
	Rise           int           // 2 good answers in a row lead from Down to Up
	Fall           int           // 3 bad answers in a row lead to Down
	Tries          int           // 1; 100ms lie between two tries
	Port           uint16        // the target's port; agent: 1510

	Method  string // http: GET
	Path    string // http: "/"
	HTTP2   bool   // http: the server speaks HTTP/2
	Service string // grpc: the service that is asked for; the server as a whole

	Host   string // http, grpc: ServerName where that is sent; the member's address and port
	Status []int  // http: 200 to 399

	Preamble    string // all but icmp: sent first on each connection, before TLS; nothing
	Send        string // acv, agent, simple: sent first; nothing
	Expect      string // http, acv: substring of the body or answer
	ExpectRegex string // http, acv: RE2 found in the body or answer
	Within      int    // http, acv: looked for in this many bytes; 1024, at most 1 MiB

	// What follows is for tls probes, and for tcp, http, grpc and acv ones with Secure.
	Secure     bool        // tcp, http, grpc, acv: TLS is spoken before anything is asked
	ServerName string      // for SNI and the certificate; the member's address, without SNI
	SkipVerify bool        // any certificate will do; false: it must be valid for ServerName
	TLS        *tls.Config // authorities, versions and the certificate of the box; nil: Config.Roots, 1.2, none
	TLSID      string      // names what TLS says, which cannot be compared: another name is another question

	Healthy         float64 // simple: the answer that means idle
	Loaded          float64 // simple: the answer that means loaded; both 0: 0 to 100
	Weight          int     // simple: its share of the member's load, 1 to 100; 100
	RequireResponse bool    // agent, simple: no answer counts as bad
}

// An Event is a change of a member's state.
type Event struct {
	Pool   string    `json:"pool"`
	Member string    `json:"member"`
	State  State     `json:"state"`
	Reason string    `json:"reason"` // a printable line for people
	Since  time.Time `json:"since"`
}

// withDefaults returns p with every zero field that has a default filled in.
func (p ProbeConfig) withDefaults() ProbeConfig {
	setDefault(&p.Name, string(p.Type))
	setDefault(&p.Interval, 15*time.Second)
	setDefault(&p.Timeout, 5*time.Second)
	setDefault(&p.ConnectTimeout, time.Second)
	setDefault(&p.DataTimeout, 2*time.Second)
	setDefault(&p.Rise, 2)
	setDefault(&p.Fall, 3)
	setDefault(&p.Tries, 1)
	setDefault(&p.Method, "GET")
	setDefault(&p.Path, "/")
	setDefault(&p.Within, 1024)
	setDefault(&p.Weight, 100)
	if p.Type == Agent {
		setDefault(&p.Port, 1510)
	}
	if p.Healthy == 0 && p.Loaded == 0 {
		p.Loaded = 100
	}
	return p
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// probes returns t's probes with their defaults and with names of their own.
func (t Target) probes() []ProbeConfig {
	out := make([]ProbeConfig, len(t.Probes))
	seen := make(map[Type]int)
	for i, p := range t.Probes {
		seen[p.Type]++
		if n := seen[p.Type]; p.Name == "" && n > 1 {
			p.Name = string(p.Type) + "-" + strconv.Itoa(n)
		}
		out[i] = p.withDefaults()
	}
	return out
}

// addr returns where a probe of a member at member asks.
func (p ProbeConfig) addr(member netip.AddrPort) netip.AddrPort {
	if p.Port != 0 {
		return netip.AddrPortFrom(member.Addr(), p.Port)
	}
	return member
}

// equal reports whether p and q ask the same question in the same way.
func (p ProbeConfig) equal(q ProbeConfig) bool {
	if (p.TLS == nil) != (q.TLS == nil) {
		return false
	}
	p.TLS, q.TLS = nil, nil
	return reflect.DeepEqual(p, q)
}
