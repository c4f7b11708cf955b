// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/accesslog"
	"evener/firmware/balance"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A Worker serves tcp and udp clusters on one event loop. Its exported methods
// are for the loop's goroutine: reach it with reactor.Loop.Post.
type Worker struct {
	loop  *reactor.Loop
	index int
	log   *slog.Logger
	cfg   Config
	gen   *Generation
	bufs  reactor.Buffers
	pipes reactor.Pipes

	listeners map[int]*listener // by descriptor
	sockets   map[int]*udpSocket
	relays    relay // head of the circular list of all connections
	conns     int   // connections and flows
	draining  bool

	flows      map[*stats.Cluster]*flowList
	yieldAfter time.Duration // silence after which a flow gives way to a new one
	packet     *packet       // the datagram in hand; nil before the first udp port

	cursors  []balance.Cursor // by View.ID
	queues   map[*Pool]*queue
	access   *accesslog.Slot // this loop's; nil: no access log
	namer    *accesslog.Log
	names    map[string]accesslog.Name
	record   accesslog.Record
	loggedAt int64 // loop clock of the last logged fault of a peer

	wallBase int64 // wall clock minus loop clock, in nanoseconds
	wallAt   int64 // loop clock when wallBase was read
}

// Config is what a Worker needs beside its loop.
type Config struct {
	Loops          int               // workers that serve the same clusters
	MaxConnections int               // connections and flows of this worker; 0: no limit
	Others         func() int        // further connections that count to MaxConnections; nil: none
	Engine         *stats.EngineSlot // this loop's
}

// NewWorker returns a worker that serves nothing yet.
func NewWorker(loop *reactor.Loop, cfg Config, log *slog.Logger) *Worker {
	w := &Worker{
		loop: loop, index: loop.Index(), log: log, cfg: cfg,
		listeners:  map[int]*listener{},
		sockets:    map[int]*udpSocket{},
		flows:      map[*stats.Cluster]*flowList{},
		yieldAfter: time.Second,
		queues:     map[*Pool]*queue{},
		names:      map[string]accesslog.Name{},
	}
	w.relays.next, w.relays.prev = &w.relays, &w.relays
	return w
}

// Use makes g what new connections and flows are served by. Those that run go on
// with what they began with.
func (w *Worker) Use(g *Generation) {
	w.gen = g
	w.ServeQueues()
}

// UseAccess puts a record of each connection and flow into log; nil means none is
// kept.
func (w *Worker) UseAccess(log *accesslog.Log) {
	w.access, w.namer = nil, log
	clear(w.names)
	if log != nil {
		w.access = log.Slot(w.index)
	}
}

// Listen serves p from a socket, which the caller keeps open until after
// StopListening: a listening one, or a bound one where p is udp. A socket that is
// served already stays.
func (w *Worker) Listen(p *Port, fd int) error {
	if p.UDP {
		return w.listenUDP(p, fd)
	}
	return w.listenTCP(p, fd)
}

// StopListening takes no more clients of p. Its sockets stay open, and so do the
// tcp connections; its udp flows end, because they answer from these sockets.
func (w *Worker) StopListening(p *Port) {
	for fd, l := range w.listeners {
		if l.port == p {
			l.stop()
			delete(w.listeners, fd)
		}
	}
	for fd, s := range w.sockets {
		if s.port == p {
			s.stop()
			s.closeFlows(stats.Shutdown)
			delete(w.sockets, fd)
		}
	}
}

// drainGrace is how long a flow may be silent while the worker drains: another
// process gets its client's datagrams, and only answers are still to come.
const drainGrace = 2 * time.Second

// Drain makes the worker take no new client. Connections and flows go on until
// they end, flows with at most two seconds of silence; CloseAll bounds it.
func (w *Worker) Drain() {
	w.draining = true
	for _, l := range w.listeners {
		l.stop()
	}
	clear(w.listeners)
	for _, s := range w.sockets {
		s.stop()
		for _, f := range s.flows {
			f.touch()
		}
	}
}

// Connections returns how many connections and flows are open.
func (w *Worker) Connections() int { return w.conns }

// CloseAll ends every connection and flow at once.
func (w *Worker) CloseAll() {
	for r := w.relays.next; r != &w.relays; {
		next := r.next
		r.cut(stats.Shutdown)
		r = next
	}
	for _, s := range w.sockets {
		s.closeFlows(stats.Shutdown)
	}
	w.pipes.Close()
}

// over reports whether the worker has as many connections as it may.
func (w *Worker) over() bool {
	if w.cfg.MaxConnections == 0 {
		return false
	}
	n := w.conns
	if w.cfg.Others != nil {
		n += w.cfg.Others()
	}
	return n >= w.cfg.MaxConnections
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

// complain logs a fault that is not a peer's, or one of many that are, at most
// once a second.
func (w *Worker) complain(what string, p *Port, errno unix.Errno) {
	if now := w.loop.Now(); w.loggedAt == 0 || now-w.loggedAt > int64(time.Second) {
		w.loggedAt = now
		w.log.Warn(what, "listen", p.Addr, "err", errno, "connections", w.conns)
	}
}

// or returns d, or what stands for a zero one.
func or(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}
