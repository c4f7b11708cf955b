// SPDX-License-Identifier: Apache-2.0

// Package health asks servers how they are and decides which of them are up.
//
// A prober asks one question once. A Judge turns the answers of one probe into
// a verdict by counting good and bad ones in a row; it has no clock and no
// socket. The verdicts of all probes of a member make the member's State. A
// Checker does this for thousands of members with few sockets: it spreads the
// questions over time and tells its caller of every change.
//
// The package knows neither pools nor traffic: Pool and Member are only names
// in its events, and what a change of state means to clients is decided by the
// receiver of the event. A member that has no probes, or none that decides,
// stays Checking for ever; whether that one may serve is the caller's decision.
package health

import (
	"encoding"
	"fmt"
	"time"
)

// A State is what is known of a member or what one of its probes says.
type State uint8

// The states.
const (
	Checking State = iota // no verdict yet
	Up
	Down
)

var stateNames = [...]string{"checking", "up", "down"}

// String returns checking, up or down.
func (s State) String() string { return name(stateNames[:], int(s)) }

// MarshalText returns the same text as String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Type is a kind of question.
type Type string

// The types, with the names that the configuration uses.
const (
	ICMP   Type = "icmp"   // echo request, echo reply
	TCP    Type = "tcp"    // a connection is accepted
	TLS    Type = "tls"    // a TLS handshake succeeds
	HTTP   Type = "http"   // a request is answered as expected
	GRPC   Type = "grpc"   // grpc.health.v1 says SERVING
	ACV    Type = "acv"    // a string is sent, another is expected
	Agent  Type = "agent"  // a server agent prints an integer from -1 to 100
	Simple Type = "simple" // a simple health check prints a float
)

// An Outcome is the result of one probe in one word.
type Outcome uint8

// The outcomes.
const (
	Good        Outcome = iota
	Bad                 // the member did not answer, or not as expected
	Unavailable         // this box could not ask: a right or a resource is missing
	Abstain             // an agent that need not answer gave no usable answer
)

var outcomeNames = [...]string{"good", "bad", "unavailable", "abstain"}

// String returns good, bad, unavailable or abstain.
func (o Outcome) String() string { return name(outcomeNames[:], int(o)) }

// MarshalText returns the same text as String.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// A Reason is the cause of an outcome, from a small fixed set fit for a metric's
// label.
type Reason string

// The reasons.
const (
	OK             Reason = "ok"
	Refused        Reason = "refused"         // the port is closed
	Reset          Reason = "reset"           // the connection was reset
	Unreachable    Reason = "unreachable"     // the network or a router said so
	ConnectTimeout Reason = "connect_timeout" // no connection within ConnectTimeout
	DataTimeout    Reason = "data_timeout"    // no whole answer within DataTimeout
	Timeout        Reason = "timeout"         // the whole probe took Timeout
	Closed         Reason = "closed"          // the connection ended before a whole answer
	TooLong        Reason = "too_long"        // the answer exceeds what a probe reads
	Handshake      Reason = "handshake"       // the TLS handshake failed
	Certificate    Reason = "certificate"     // the certificate was not accepted
	Status         Reason = "status"          // an HTTP status outside the wanted set
	Mismatch       Reason = "mismatch"        // the expected text is not in the answer
	Syntax         Reason = "syntax"          // the answer breaks the protocol
	AskedOut       Reason = "out"             // the agent asked to be taken out
	Permission     Reason = "permission"      // unavailable: this process may not ask
	Resources      Reason = "resources"       // unavailable: no descriptors, ports or memory
	Unsupported    Reason = "unsupported"     // unavailable: this box lacks the address family or protocol
	Failed         Reason = "failed"          // any other error; the detail says more
)

// Out is the load of a member whose agent asks for no work at all.
const Out = -1.0

// A Result is the answer to one probe, all its tries included.
type Result struct {
	Outcome Outcome       `json:"outcome"`
	Reason  Reason        `json:"reason"`
	Detail  string        `json:"detail"` // one printable line of at most 256 bytes for people
	At      time.Time     `json:"at"`     // when it was asked; zero: never
	Took    time.Duration `json:"took"`
	Tries   int           `json:"tries"`
	HasLoad bool          `json:"has_load"` // agent and simple: Load was answered
	Load    float64       `json:"load"`     // 0 idle to 1 loaded, or Out
	Expires time.Time     `json:"expires"`  // tls: end of the certificate's validity; zero: none seen
}

// out reports whether the member's agent asked to be taken out.
func (r Result) out() bool { return r.HasLoad && r.Load == Out }

var (
	_ encoding.TextMarshaler = State(0)
	_ encoding.TextMarshaler = Outcome(0)
)

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}
