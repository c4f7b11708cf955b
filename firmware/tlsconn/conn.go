// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// An Owner is told, on its loop, how its connection's handshake ended: nil, or
// an *Error. It is told once, and only after that may it close the socket.
type Owner interface {
	Shaken(err error)
}

// A Setup says how the connections of one listener or one member shake hands, on
// one loop. It does not change once it is used.
type Setup struct {
	Gate *Gate
	TLS  *tls.Config // prepared by Prepare

	// Post runs a function on the loop; any goroutine may call it.
	Post func(func())

	// Check, where there is one, judges what was negotiated, such as a client's
	// certificate that is asked for but not insisted on. It runs on the
	// handshake's goroutine after a success and does not make it fail: what it
	// returns is State.Verdict.
	Check func(tls.ConnectionState) error

	// Reason, where there is one, names the errors of the callbacks in TLS, such
	// as a revoked certificate. It returns false for errors it does not know.
	Reason func(error) (Reason, bool)
}

// Prepare sets what this package needs in a configuration that it is to use,
// also in those that GetConfigForClient returns. Without it connections work, but
// the first 128 KiB of each cost a system call for each 1 to 16 KiB.
func Prepare(cfg *tls.Config) {
	cfg.DynamicRecordSizingDisabled = true
	cfg.Renegotiation = tls.RenegotiateNever
}

// A Conn is one TLS connection on a socket of one loop, whose goroutine alone
// calls its methods.
type Conn struct {
	fd      int
	tls     *tls.Conn
	gate    *Gate
	h       *handshake // nil once it has ended
	pending *record    // ciphertext that the socket has not taken, nil for none
	verdict error      // of Setup.Check
	broken  *Error     // why it is of no use any more
	errno   unix.Errno // of the socket, once it failed

	drained   bool // a read would find nothing: no event since the last one
	dry       bool // the last Read found nothing
	due       bool // crypto/tls has an end or an error to tell
	closing   bool // the peer's end has been told of: drained is not trusted
	blocked   bool // a write would get nowhere: no event since the last one
	more      bool // further bytes follow what is being written
	rawEnd    bool // the socket's stream has ended
	ended     bool // Read has told the end
	truncated bool // without the peer's close_notify
}

// NewServer returns a connection to a client, on a socket that the loop watches
// or is about to. The handshake begins with the first event that tells of bytes;
// if the client's first bytes have been read already they are given as first,
// which it keeps, and the handshake begins at once.
func NewServer(s *Setup, fd int, owner Owner, first []byte) *Conn {
	c := newConn(s, fd, owner, Server)
	c.tls = tls.Server((*transport)(c), s.TLS)
	c.h.first = first
	if len(first) > 0 {
		s.Gate.event(c.h, reactor.Readable)
	}
	return c
}

// NewClient returns a connection to a server, on a connected socket that the
// loop watches or is about to. The handshake begins at once. Its tls.Config has
// the server's name: one setup serves servers of one name.
func NewClient(s *Setup, fd int, owner Owner) *Conn {
	c := newConn(s, fd, owner, Client)
	c.tls = tls.Client((*transport)(c), s.TLS)
	s.Gate.event(c.h, reactor.Readable)
	return c
}

func newConn(s *Setup, fd int, owner Owner, role Role) *Conn {
	c := &Conn{fd: fd, gate: s.Gate}
	c.h = &handshake{c: c, setup: s, owner: owner, role: role}
	return c
}

// Ready takes an event of the socket into account. The owner passes on every
// event, also after the handshake, before it reads or writes.
func (c *Conn) Ready(ev reactor.Events) {
	if ev&inbound != 0 {
		c.drained = false
	}
	if ev&(reactor.PeerClosed|reactor.Failed) != 0 {
		c.closing = true
	}
	if ev&outbound != 0 {
		c.blocked = false
	}
	if c.h != nil {
		c.gate.event(c.h, ev)
	}
}

// Shaking reports whether the owner has not been told of the handshake's end.
func (c *Conn) Shaking() bool { return c.h != nil }

// Cancel ends a handshake under way, for Timeout or Cancelled. The owner is told
// of the failure as of any other, soon and not from inside Cancel. After the
// handshake's end it does nothing.
func (c *Conn) Cancel(r Reason) {
	if c.h != nil {
		c.gate.cancel(c.h, r)
	}
}

// State is what was negotiated.
type State struct {
	Version    uint16 // such as tls.VersionTLS13
	Suite      uint16 // the cipher suite, such as tls.TLS_AES_128_GCM_SHA256
	Group      tls.CurveID
	Protocol   string // by ALPN; empty for none
	ServerName string // that the client sent (SNI)
	Resumed    bool
	Peer       []*x509.Certificate // that the peer showed, its own first; not for change
	Verified   bool                // Peer was verified by crypto/tls
	Verdict    error               // of Setup.Check
}

// State returns what was negotiated, after a handshake that ended well. It
// copies a few words; the strings and certificates are shared.
func (c *Conn) State() State {
	s := c.tls.ConnectionState()
	return State{
		Version: s.Version, Suite: s.CipherSuite, Group: s.CurveID, Protocol: s.NegotiatedProtocol,
		ServerName: s.ServerName, Resumed: s.DidResume, Peer: s.PeerCertificates,
		Verified: len(s.VerifiedChains) > 0, Verdict: c.verdict,
	}
}

// errBroken stands for what the connection or the handshake knows better.
var errBroken = errors.New("the connection is broken")
