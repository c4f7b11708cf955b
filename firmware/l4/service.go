// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"net/netip"
	"sync/atomic"
	"time"

	"evener/firmware/balance"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/proxyproto"
	"evener/firmware/stats"
)

// A Generation is all that the workers serve from one commit to the next. It is
// immutable but for its count of connections and flows.
type Generation struct {
	Number uint64
	bound  []Binding // by Port.ID
	live   []liveCount
}

// A Binding says which service a port has in one generation.
type Binding struct {
	Port    *Port
	Service *Service

	// Offset is added to the port of each member. It is the distance of the port
	// from the first of its range, and 0 where the cluster listens on one port.
	Offset uint16
}

// A liveCount is one loop's count of running connections and flows.
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

// Exchanges returns how many connections and flows of g are still running. Any
// goroutine may call it.
func (g *Generation) Exchanges() int64 {
	var n int64
	for i := range g.live {
		n += g.live[i].n.Load()
	}
	return n
}

// binding returns what p serves, nil if nothing. A number may have passed from a
// port that is gone to a new one.
func (g *Generation) binding(p *Port) *Binding {
	if g != nil && p.ID < len(g.bound) && g.bound[p.ID].Port == p {
		return &g.bound[p.ID]
	}
	return nil
}

// A Port is one listening address; a range of ports is as many of them. It
// outlives generations. IDs are small and unique within a generation.
type Port struct {
	ID   int
	UDP  bool
	Addr netip.AddrPort
}

// A Service is one tcp or udp cluster of one generation.
type Service struct {
	Cluster string
	Names   *Names // tcp: routes by TLS server name; nil: clients are not waited for
	Default *Route // for what Names does not take; nil: it is closed

	// Proxies are those whose tcp connections begin with a header of the PROXY
	// protocol, which tells who the client is; others are closed. nil: there is no
	// header.
	Proxies *proxyproto.Trusted

	Timeouts Timeouts
	Limits   Limits
	Retries  int // tcp: more members tried when one cannot be connected to

	// AbortServer resets the member's connection when the client ends its side,
	// instead of passing the end on and waiting for the rest of the answer.
	AbortServer bool

	Stats *stats.Cluster
}

// Timeouts bound the phases of a connection or flow. A zero field takes the
// default named beside it.
type Timeouts struct {
	ClientHead time.Duration // 10s for a whole PROXY header, where there are Proxies, and for a whole ClientHello, where there are Names
	Queue      time.Duration // 5s waiting for a free member
	Connect    time.Duration // 5s
	Tunnel     time.Duration // 1h of silence in both directions; udp: 30s
}

// Limits bound what clients may use.
type Limits struct {
	// Connections of the cluster: further clients of tcp wait in the listening
	// socket's queue. 0 is no limit for tcp, and DefaultFlows on each loop for udp.
	Connections int
}

// DefaultFlows is how many flows of a udp cluster a loop carries if the cluster
// has no limit.
const DefaultFlows = 65536

// A Route is where clients are sent.
type Route struct {
	Pool    *Pool
	View    *balance.View
	Hash    bool // the policy looks at the client's address
	Persist *Sources
}

// Sources keeps clients on members by their address.
type Sources struct {
	Table        *persist.Sources
	Scope        uint64
	Refs         []uint64 // by member
	Bits4, Bits6 int
	Timeout      time.Duration
}

func (s *Sources) key(a netip.Addr) persist.SourceKey {
	return persist.SourceKey{Scope: s.Scope, Addr: persist.Mask(a, s.Bits4, s.Bits6)}
}

// A Pool is the members of a pool as the workers count them.
type Pool struct {
	*pool.Pool
	Stats      []*stats.Member    // by member
	ProxyParts proxyproto.Parts   // of them the checksum
	Proxy      proxyproto.Version // tcp: members are told by it whose a connection is; 0: they are not
	Queue      int                // connections of one loop that may wait when all members are full
}
