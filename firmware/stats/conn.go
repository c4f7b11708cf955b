// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"net/netip"
	"time"
)

// A Conn is a client's connection, or udp flow, at one moment. Workers tell of
// those that they have; nothing of it is kept.
type Conn struct {
	Client     netip.AddrPort
	Via        netip.AddrPort // who connected to the box, where a PROXY header told of the client
	Server     netip.AddrPort // the member, where one is chosen
	ServerPort uint16         // the box's port of the connection with the member; 0: there is none
	RequestID  string         // of the running exchange; empty: it has none
	Running    time.Duration  // since the exchange, tcp connection or flow began; 0: none runs
	Datagrams  bool           // it is a udp flow
	Shared     bool           // the client's connection carries several exchanges at once
	Pooled     bool           // so does the member's
	Cluster    string
	Generation uint64 // that the running exchange, the connection or the flow belongs to; 0: idle
	Pool       string // empty: no member is chosen
	Member     string
	State      ConnState
	Age        time.Duration // since it was accepted
	Requests   int           // of an http connection: begun so far
	Request    string        // of an http connection: method and target of the one that runs

	// Bytes from and to the client so far; of an http connection, contents of the
	// running exchange.
	In, Out uint64
}

// A ConnState says what a connection is doing.
type ConnState string

// The states.
const (
	ConnHandshake  ConnState = "handshake"  // TLS is being negotiated
	ConnIdle       ConnState = "idle"       // between two requests
	ConnHead       ConnState = "head"       // its request, or TLS greeting, is coming
	ConnQueued     ConnState = "queued"     // waits for a member that has room
	ConnConnecting ConnState = "connecting" // a member is being connected to
	ConnActive     ConnState = "active"     // it is with a member, or is being answered
	ConnTunnel     ConnState = "tunnel"     // bytes go both ways
	ConnClosing    ConnState = "closing"    // it has had its last answer
)
