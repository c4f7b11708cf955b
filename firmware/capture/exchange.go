// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// An Exchange is what the balancer tells of a request, of a tcp connection or of a
// udp flow, so that packets can be told to belong to it.
type Exchange struct {
	ID      string // request id; empty: it has none
	Cluster string
	Member  string // POOL/MEMBER; empty: it came to none
	Begin   time.Time
	End     time.Time // zero: it still runs
	UDP     bool
	Client  netip.AddrPort // who connected to the box
	Listen  []Span         // where the cluster listens
	Server  netip.AddrPort // the member; zero: it came to none
	Port    uint16         // the box's, of the connection with the member; 0: not known
}

// A Source tells of exchanges.
type Source interface {
	// Watch has f called with each exchange that ends, from any goroutine, until
	// the function that it returns is called.
	Watch(f func(Exchange)) (stop func(), err error)
	// Open returns the exchanges that run.
	Open() []Exchange
}

// maxExchanges is how many are remembered, the newest: about 16 MiB.
const maxExchanges = 1 << 16

// An exchanges keeps the newest that it is told of.
type exchanges struct {
	list []Exchange // a ring once it is full
	next int        // where the next goes then
	lost uint64
}

func (x *exchanges) add(e Exchange) {
	if len(x.list) < maxExchanges {
		x.list = append(x.list, e)
		return
	}
	x.list[x.next] = e
	x.next = (x.next + 1) % maxExchanges
	x.lost++
}

// side is which connection of an exchange a packet belongs to.
type side uint8

const (
	clientSide side = iota
	serverSide
)

func (s side) String() string {
	if s == clientSide {
		return "client"
	}
	return "server"
}

// An endpoint names a connection of the box by its far end, and by the box's port
// where that is the box's choice.
type endpoint struct {
	side side
	udp  bool
	far  netip.AddrPort
	port uint16 // serverSide
}

// A book finds the exchanges that a packet belongs to.
type book map[endpoint][]*Exchange

func newBook(list []Exchange) book {
	b := book{}
	seen := map[string]bool{} // those that have ended come first: what ran is told twice
	for i := range list {
		e := &list[i]
		if id := e.ID + "/" + e.connection(); e.End.IsZero() && seen[id] {
			continue
		} else if !e.End.IsZero() {
			seen[id] = true
		}
		k := endpoint{side: clientSide, udp: e.UDP, far: e.Client}
		b[k] = append(b[k], e)
		if e.Port != 0 && e.Server.IsValid() {
			k := endpoint{serverSide, e.UDP, e.Server, e.Port}
			b[k] = append(b[k], e)
		}
	}
	for _, l := range b {
		slices.SortStableFunc(l, func(a, b *Exchange) int { return a.Begin.Compare(b.Begin) })
	}
	return b
}

// A flow is what joins a packet with its connection.
type flow struct {
	udp      bool
	src, dst netip.AddrPort
	payload  bool
	at       time.Time
}

// comment says which exchanges a packet belongs to, "" if to none. Where a member
// is a cluster of the same box, a packet is on the server's side of one exchange and
// on the client's of another.
func (b book) comment(f flow) string {
	var parts []string
	say := func(k endpoint, near netip.AddrPort, request bool) {
		for _, e := range pick(b[k], f, near, request) {
			if len(parts) < maxNamed {
				parts = append(parts, e.comment(k.side))
			}
		}
	}
	say(endpoint{clientSide, f.udp, f.src, 0}, f.dst, true)
	say(endpoint{clientSide, f.udp, f.dst, 0}, f.src, false)
	say(endpoint{serverSide, f.udp, f.dst, f.src.Port()}, f.src, true)
	say(endpoint{serverSide, f.udp, f.src, f.dst.Port()}, f.dst, false)
	return strings.Join(parts, "\n")
}

// maxNamed bounds the exchanges that a packet is said to belong to: many share a
// connection of HTTP/2.
const maxNamed = 8

// pick returns those of the exchanges on one connection that the packet belongs to:
// those that ran when it passed. Between two, the first bytes that the client sends
// are the next one's, everything else is the last one's; the handshake before the
// first is the first one's.
func pick(list []*Exchange, f flow, near netip.AddrPort, request bool) []*Exchange {
	var running []*Exchange
	var last, next *Exchange
	for _, e := range list {
		switch {
		case !e.at(near):
		case e.Begin.After(f.at):
			if next == nil {
				next = e
			}
		case e.End.IsZero() || !e.End.Before(f.at):
			running = append(running, e)
		default:
			last = e
		}
	}
	switch {
	case len(running) > 0:
		return running[max(0, len(running)-maxNamed):]
	case next != nil && (last == nil || request && f.payload):
		return []*Exchange{next}
	case last != nil:
		return []*Exchange{last}
	}
	return nil
}

// at says whether near can be the box's end of a connection of e: the member's is
// known by its port, the client's by where the cluster listens.
func (e *Exchange) at(near netip.AddrPort) bool {
	if near.Port() == e.Port && e.Port != 0 {
		return true
	}
	for _, l := range e.Listen {
		if l.has(near) {
			return true
		}
	}
	return false
}

func (e *Exchange) comment(s side) string {
	c := "evener cluster=" + plain(e.Cluster)
	if e.ID != "" {
		c += " exchange=" + plain(e.ID)
	}
	c += " connection=" + e.connection() + " side=" + s.String()
	if e.Member != "" {
		c += " member=" + plain(e.Member)
	}
	return c
}

// connection returns a name for the client's connection that is the same on both
// sides.
func (e *Exchange) connection() string {
	h := fnv.New32a()
	fmt.Fprint(h, e.Client, e.UDP, e.Cluster)
	return fmt.Sprintf("%08x", h.Sum32())
}

// plain makes one word of a text that a client may have chosen.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '_'
		}
		return r
	}, s[:min(len(s), 64)])
}
