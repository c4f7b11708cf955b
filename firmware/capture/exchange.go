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
	Answer  time.Time // when the member's answer began; zero: not known
	End     time.Time // zero: it still runs
	UDP     bool
	Client  netip.AddrPort // who connected to the box
	Listen  []Span         // where the cluster listens
	Server  netip.AddrPort // the member; zero: it came to none
	Shared  bool           // the client's connection carries several at once, as HTTP/2 does
	Pooled  bool           // so does the member's
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

// A book finds the exchanges that a packet belongs to. It reads all packets twice:
// first to learn of the turns of connections, then to say whose they are.
type book struct {
	by    map[endpoint][]*Exchange
	talks map[talkKey]*talk
	turns int  // in all talks
	learn bool // the first reading goes on
}

// maxTurns bounds the memory for turns; packets of those after it go by time alone.
const maxTurns = 1 << 20

func newBook(list []Exchange) *book {
	b := &book{by: map[endpoint][]*Exchange{}, talks: map[talkKey]*talk{}, learn: true}
	seen := map[string]bool{} // those that have ended come first: what ran is told twice
	for i := range list {
		e := &list[i]
		if id := e.ID + "/" + e.connection(); e.End.IsZero() && seen[id] {
			continue
		} else if !e.End.IsZero() {
			seen[id] = true
		}
		k := endpoint{side: clientSide, udp: e.UDP, far: e.Client}
		b.by[k] = append(b.by[k], e)
		if e.Port != 0 && e.Server.IsValid() {
			k := endpoint{serverSide, e.UDP, e.Server, e.Port}
			b.by[k] = append(b.by[k], e)
		}
	}
	for _, l := range b.by {
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

// known ends the first reading.
func (b *book) known() {
	for k, t := range b.talks {
		t.match(k.side)
		t.cur, t.answered = -1, false
	}
	b.learn = false
}

// comment says which exchanges a packet belongs to, "" if to none. Where a member
// is a cluster of the same box, a packet is on the server's side of one exchange and
// on the client's of another. In the first reading it learns.
func (b *book) comment(f flow) string {
	var parts []string
	say := func(k endpoint, near netip.AddrPort, request bool) {
		for _, e := range b.owners(k, f, near, request) {
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

// owners returns the exchanges of a connection that a packet belongs to.
func (b *book) owners(k endpoint, f flow, near netip.AddrPort, request bool) []*Exchange {
	list := b.by[k]
	if len(list) == 0 {
		return nil
	}
	key := talkKey{k, near}
	t := b.talks[key]
	if t == nil && b.learn {
		t = &talk{cur: -1}
		for _, e := range list {
			if e.at(near) {
				t.list = append(t.list, e)
			}
		}
		b.talks[key] = t
	}
	switch {
	case t == nil || len(t.list) == 0:
		return nil
	case t.list[0].many(k.side) || b.turns > maxTurns:
		return pick(t.list, f, near, request)
	}
	before := len(t.turns)
	n := t.step(f, request, b.learn)
	if b.turns += len(t.turns) - before; b.learn {
		return nil
	}
	return t.owners(n)
}

// many reports whether a connection of e carries several exchanges at once.
func (e *Exchange) many(s side) bool {
	if s == clientSide {
		return e.Shared
	}
	return e.Pooled
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
