// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"evener/firmware/accesslog"
	"evener/firmware/balance"
	"evener/firmware/compress"
	"evener/firmware/http2"
	"evener/firmware/match"
	"evener/firmware/message"
	"evener/firmware/reactor"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
)

// A Worker serves http clusters on one event loop. Its exported methods are for
// the loop's goroutine: reach it with reactor.Loop.Post.
type Worker struct {
	loop   *reactor.Loop
	index  int
	log    *slog.Logger
	cfg    Config
	gen    *Generation
	bufs   reactor.Buffers
	pipes  reactor.Pipes
	random *rand.Rand

	listeners map[int]*listener // by descriptor
	clients   clientConn        // head of the circular list of all client connections
	conns     int
	unwatched watchList
	later     later
	draining  bool
	away      map[*Port]bool // see Away

	cursors  []balance.Cursor // by View.ID
	spare    spares[exchange]
	queues   map[*Pool]*queue
	wanted   []bool // by member; scratch of serveQueue
	request  match.Request
	trailers message.Head
	h2       *http2.Pool
	streams  spares[streamClient]
	servers  spares[streamServer]
	own      message.Head    // of an answer of the box itself; scratch
	edits    rewrite.Changes // of an answer; scratch

	spareEdits spares[rewrite.Changes]
	encoders   *compress.Pool  // nil until the first answer is compressed
	packed     []byte          // what an encoder has made; scratch
	text       []byte          // scratch
	access     *accesslog.Slot // nil: no access log
	namer      *accesslog.Log  // numbers the names in its records
	names      map[string]accesslog.Name
	record     accesslog.Record
	loggedAt   int64 // loop clock of the last logged fault of a peer

	wallBase int64 // wall clock minus loop clock, in nanoseconds
	wallAt   int64 // loop clock when wallBase was read
	date     []byte
	dateAt   int64 // the second that date tells
}

// Config is what a Worker needs beside its loop.
type Config struct {
	Loops          int               // workers that serve the same clusters
	MaxConnections int               // client connections of this worker; 0: no limit
	Others         func() int        // further connections that count to MaxConnections; nil: none
	Engine         *stats.EngineSlot // this loop's

	Compress compress.PoolConfig // what encoders of this loop may hold
}

// NewWorker returns a worker that serves nothing yet.
func NewWorker(loop *reactor.Loop, cfg Config, log *slog.Logger) *Worker {
	w := &Worker{
		loop: loop, index: loop.Index(), log: log, cfg: cfg,
		random:    rand.New(rand.NewChaCha8(seed())),
		h2:        http2.NewPool(),
		listeners: map[int]*listener{},
		queues:    map[*Pool]*queue{},
		names:     map[string]accesslog.Name{},
	}
	w.clients.next, w.clients.prev = &w.clients, &w.clients
	w.unwatched.w = w
	w.unwatched.timer.Owner = &w.unwatched
	return w
}

func seed() (s [32]byte) {
	for i := range s {
		s[i] = byte(rand.Uint32())
	}
	return s
}

// Use makes g what new exchanges are served by. Idle connections of ports that g
// does not serve are closed, and clients that have agreed on what does not hold any
// more are sent to a connection of their own: see Service.keeps.
func (w *Worker) Use(g *Generation) {
	w.gen = g
	for c := w.clients.next; c != &w.clients; {
		next := c.next
		switch svc := c.service(); {
		case c.state == clientMuxed:
			if svc == nil || svc.HTTP2 == nil || !svc.keeps(c) {
				c.mux.drain()
			}
		case c.state != clientIdle || c.x != nil:
		case svc == nil:
			c.close()
		case !svc.keeps(c):
			w.loop.SetTimer(&c.timer, drainIdle)
		}
		c = next
	}
	// Those that wait finish on their own generation, but what it lets them have
	// may be different now.
	w.ServeQueues()
}

// UseAccess puts a record of each exchange into log; nil means none is kept.
func (w *Worker) UseAccess(log *accesslog.Log) {
	w.access, w.namer = nil, log
	clear(w.names)
	if log != nil {
		w.access = log.Slot(w.index)
	}
}

// drainIdle is how long a connection stays idle before a draining worker closes
// it. A client that is about to send its next request gets that answered, and is
// told that its connection ends: closing at once would lose what is on its way.
const drainIdle = 2 * time.Second

// Drain makes the worker take no new connection, tell the clients of running
// exchanges that their connection ends, and close those that stay idle.
func (w *Worker) Drain() {
	w.draining = true
	for _, l := range w.listeners {
		l.stop()
	}
	clear(w.listeners)
	for c := w.clients.next; c != &w.clients; c = c.next {
		switch c.state {
		case clientIdle, clientMuxed:
			c.part()
		}
	}
}

// Away says at which ports no client arrives any more, since another box has their
// addresses now. Their clients are told that their connections end, and those that
// stay idle are closed: the next request finds the other box. A port that is missing
// here serves as ever.
func (w *Worker) Away(ports map[*Port]bool) {
	w.away = ports
	for c := w.clients.next; c != &w.clients; c = c.next {
		if (c.state == clientIdle || c.state == clientMuxed) && ports[c.port] {
			c.part()
		}
	}
}

// part sends away a client that has no exchange of HTTP/1 under way.
func (c *clientConn) part() {
	if c.state == clientMuxed {
		c.mux.drain()
		return
	}
	c.w.loop.SetTimer(&c.timer, drainIdle)
}

// parting reports whether the client has to come again by another connection.
func (c *clientConn) parting() bool {
	return c.w.draining || len(c.w.away) > 0 && c.w.away[c.port]
}

// idleTime is how long a connection may be idle where its service says d.
func (c *clientConn) idleTime(d time.Duration) time.Duration {
	if d = orNever(d); c.parting() {
		return min(d, drainIdle)
	}
	return d
}

// Connections returns how many client connections are open.
func (w *Worker) Connections() int { return w.conns }

// CloseAll ends every connection at once.
func (w *Worker) CloseAll() {
	for c := w.clients.next; c != &w.clients; {
		next := c.next
		if c.x != nil {
			c.x.abort(stats.Shutdown)
		} else {
			c.close()
		}
		c = next
	}
	w.pipes.Close()
}

// Forget closes the idle connections to upstreams that serve no more.
func (w *Worker) Forget(ups []*Upstream) {
	for _, up := range ups {
		idle := up.slots[w.index].idle
		up.slots[w.index].idle, up.slots[w.index].gone = nil, true
		for _, s := range idle {
			s.close()
		}
		for muxes := up.slots[w.index].muxes; len(muxes) > 0; muxes = up.slots[w.index].muxes {
			muxes[len(muxes)-1].drain()
		}
	}
}

func (w *Worker) cursor(v *balance.View) *balance.Cursor {
	for v.ID() >= len(w.cursors) {
		w.cursors = append(w.cursors, balance.Cursor{})
	}
	return &w.cursors[v.ID()]
}

// wall returns the wall-clock time of the turn in Unix nanoseconds. It follows a
// clock that is set within a second.
func (w *Worker) wall() int64 {
	now := w.loop.Now()
	if w.wallBase == 0 || now-w.wallAt > int64(time.Second) {
		w.wallBase, w.wallAt = time.Now().UnixNano()-now, now
	}
	return w.wallBase + now
}

// httpDate returns the time for a Date field (RFC 9110 section 5.6.7).
func (w *Worker) httpDate() []byte {
	now := w.wall()
	if second := now / int64(time.Second); second != w.dateAt || w.date == nil {
		w.dateAt = second
		w.date = time.Unix(second, 0).UTC().AppendFormat(w.date[:0], "Mon, 02 Jan 2006 15:04:05 GMT")
	}
	return w.date
}
