// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net/netip"
	"sync/atomic"
	"time"

	"evener/firmware/balance"
	"evener/firmware/http1"
	"evener/firmware/http2"
	"evener/firmware/match"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/proxyproto"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// A Generation is all that the workers serve from one commit to the next. It is
// immutable but for its count of exchanges.
type Generation struct {
	Number uint64
	bound  []Binding // by Port.ID
	live   []liveCount
}

// A Binding says which service a port has in one generation.
type Binding struct {
	Port    *Port
	Service *Service
}

// A liveCount is one loop's count of running exchanges of a generation.
type liveCount struct {
	n atomic.Int64
	_ [120]byte
}

// NewGeneration returns a generation for so many loops.
func NewGeneration(number uint64, loops int, bindings []Binding) *Generation {
	g := &Generation{Number: number, live: make([]liveCount, loops)}
	for _, b := range bindings {
		for b.Port.ID >= len(g.bound) {
			g.bound = append(g.bound, Binding{})
		}
		g.bound[b.Port.ID] = b
	}
	return g
}

// Exchanges returns how many exchanges of g are still running. Any goroutine
// may call it.
func (g *Generation) Exchanges() int64 {
	var n int64
	for i := range g.live {
		n += g.live[i].n.Load()
	}
	return n
}

// service returns what p serves, nil if nothing or if there is no g yet. A number may have passed from a
// port that is gone to a new one.
func (g *Generation) service(p *Port) *Service {
	if g != nil && p.ID < len(g.bound) && g.bound[p.ID].Port == p {
		return g.bound[p.ID].Service
	}
	return nil
}

// A Port is a listening address. It outlives generations, so that a connection
// finds the service that its port has now. IDs are small and unique within a
// generation.
type Port struct {
	ID   int
	Addr netip.AddrPort
}

// A Service is one http cluster of one generation.
type Service struct {
	Cluster  string
	Rules    *match.Set // nil when there are no rules
	Routes   []*Route   // by the index that Rules returns
	Default  *Route     // when no rule matches
	Match    match.Options
	TLS      *TLS           // nil: clients speak plain
	HTTP     http1.Options  // of requests
	HTTP2    *http2.Profile // of clients that speak HTTP/2; nil: none may
	Answers  http1.Options  // of the servers' answers
	Timeouts Timeouts
	Limits   Limits

	AllowTrace bool
	Upgrade    bool // websocket upgrades are forwarded
	// Proxies are those whose connections begin with a header of the PROXY protocol,
	// which tells who the client is; others are closed. nil: there is no header.
	Proxies *proxyproto.Trusted

	Via       bool           // Via is added to requests and answers
	RequestID bool           // X-Request-Id is added to requests
	Trusted   []netip.Prefix // whose forwarding fields and request ids are kept
	Forwarded bool           // Forwarded is added to requests (RFC 7239)
	Own       []string       // names, in lower case, of request fields that only the box may set
	Retries   int            // more members tried for one exchange

	// SecureAnswers makes answers over TLS name this place with https where they
	// name it with http.
	SecureAnswers bool
	// HSTS is the value of Strict-Transport-Security in answers over TLS, in place
	// of the members'; "": theirs goes on.
	HSTS string
	// RedirectHTTPS is the status with which clients of a plain cluster are sent to
	// https, whatever the rules say; 0: they are not.
	RedirectHTTPS int
	RedirectPort  int // that they are sent to; 0: 443

	// Challenge answers what a certificate authority asks for to convince itself of
	// a name (HTTP-01, RFC 8555 section 8.3), before any rule; nil: nothing. It is
	// called on the loops and takes no lock.
	Challenge func(host, path string) (body string, ok bool)

	Stats *stats.Cluster
}

// Timeouts bound the phases of an exchange; a zero one never expires.
type Timeouts struct {
	Handshake, ClientHead, ClientBody, ClientIdle, ClientSend time.Duration

	Queue, Connect, ServerHead, ServerBody, Tunnel time.Duration
}

// Limits bound what one client may ask for; zero means no limit.
type Limits struct {
	Body        int64 // bytes of a request body
	Requests    int   // of one connection
	Connections int   // of the cluster
}

// A Route is where a rule, or the cluster itself, sends a request.
type Route struct {
	Rule      string // "" for the cluster's own
	Pool      *Pool  // nil: the responder answers always
	View      *balance.View
	Hash      Hash
	Persist   []Persist // primary and fallback
	Responder *Responder

	Rewrite    *rewrite.URL   // of targets; nil: they go on as they are
	RequestOps []*rewrite.Ops // the cluster's, then the rule's
	AnswerOps  []*rewrite.Ops // likewise; of the box's own answers too
	Compress   *Compression   // of answers; nil: they go on as they are

	AbortServer, OnceOnly, ClientIP, TCPMux bool

	Stats *stats.Rule // nil for the cluster's own
}

// A Hash says what a hashing policy looks at.
type Hash uint8

// What is hashed.
const (
	NoHash Hash = iota
	HashSource
	HashURI
)

// A Persist is one method of keeping a client on its member: either Cookies or
// Sources is set.
type Persist struct {
	Cookies *persist.Cookies
	Sources *Sources
}

// Sources keeps clients on members by their address.
type Sources struct {
	Table        *persist.Sources
	Scope        uint64
	Refs         []uint64 // by member
	Bits4, Bits6 int
	Timeout      time.Duration
}

// A Pool is the members of a pool as the workers reach them.
type Pool struct {
	*pool.Pool
	Upstreams []*Upstream // by member
	Queue     int         // exchanges of one loop that may wait when all members are full
}

// An Upstream holds the connections to one member. It outlives generations.
type Upstream struct {
	Addr  netip.AddrPort
	Idle  int            // idle connections that each loop keeps
	Mux   bool           // connections are used again
	TLS   *TLS           // nil: the member speaks plain
	HTTP2 *http2.Profile // not nil: the member speaks HTTP/2
	Stats *stats.Member

	// Proxy is the version of the PROXY protocol in which each connection begins by
	// telling of its client; 0: none does. One that does is not shared by clients.
	// It is not for members of HTTP/2, whose connections always are.
	Proxy      proxyproto.Version
	ProxyParts proxyproto.Parts // what version 2 tells beside the addresses

	slots []upstreamSlot
}

// shared reports whether a connection may serve one client after another.
func (up *Upstream) shared() bool { return up.Mux && up.Proxy == 0 }

// TLS is how connections are secured.
type TLS struct {
	Setups []*tlsconn.Setup // by loop

	// Describe says what a handshake with a client has told; nil: nothing. It is
	// called once for each connection, on its loop.
	Describe func(tlsconn.State) *Secured

	// Terms names all that a client agrees on but for certificates, such as versions,
	// ciphers and protocols: connections of other terms are drained. Clients names the
	// rules for certificates of clients: those of other rules are not served at all.
	// Named tells whether there is a certificate for a name; nil: nobody asks. They
	// are of use with Describe only.
	Terms, Clients string
	Named          func(serverName string) bool
}

// Secured is what rules and members may know of a client's TLS connection.
type Secured struct {
	match.TLS
	Cipher      string // IANA name
	ALPN        string // "": none
	CN          string // common name of the client's certificate
	Shown       bool   // the client has shown a certificate, in this connection or in that which it resumed
	Resumed     bool
	Verify      string // SUCCESS, NONE, or FAILED: and the reason
	Serial, PEM string // of the client's certificate; PEM in one line, URL-encoded
	Fields      []SecuredField

	// What was agreed on, filled in from the TLS that the handshake went by.
	Terms, Clients string
	Named          bool // there was a certificate for the name that the client asked for
}

// A SecuredField is a request field that tells members of the client's TLS.
type SecuredField struct{ Name, Value string }

// An upstreamSlot belongs to one loop.
type upstreamSlot struct {
	idle  []*serverConn // the most recently used is the last
	muxes []*serverMux
	gone  bool // Forget was called: nothing is kept
	_     [72]byte
}

// NewUpstream returns an upstream without connections.
func NewUpstream(addr netip.AddrPort, loops int) *Upstream {
	return &Upstream{Addr: addr, slots: make([]upstreamSlot, loops)}
}
