// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// Config bounds the handshakes of a whole engine. A zero field takes the default
// named beside it.
type Config struct {
	Computing int // half of GOMAXPROCS, at least 1: handshakes that compute at once
	Waiting   int // 4096 in each role: handshakes under way
	PeerBytes int // 64 KiB that a peer may send in one handshake
}

// A Role is the side of a connection that we are.
type Role uint8

// The roles.
const (
	Server Role = iota
	Client
)

// Results counts how handshakes ended. Failed counts by Reason; what was shed
// is Failed[Busy].
type Results struct {
	Done    atomic.Uint64 // with success, resumed ones included
	Resumed atomic.Uint64 // by a session ticket
	Failed  [Reasons]atomic.Uint64
}

// Stats counts what a gate did. Anyone may read.
type Stats struct {
	Computing atomic.Int64    // slots in use
	Waiting   [2]atomic.Int64 // handshakes under way, by Role
	Results   [2]Results      // by Role
}

// A Gate bounds handshakes. All loops of an engine share one.
//
//	        first bytes          slot             would block
//	fresh ──────────────► queued ────► computing ────────────► parked
//	                         ▲             │                     │
//	                         └─────────────┼────── event ────────┘
//	                                       ▼
//	                                     over
//
// Slots are given in order of arrival, to servers' and clients' handshakes in
// turn while both wait: a flood of clients does not hold up our own connections
// to members. Cancel takes a handshake out wherever it is; one that has a
// goroutine then unwinds it without a slot.
type Gate struct {
	cfg     Config
	stats   Stats
	group   sync.WaitGroup
	records sync.Pool // of *record; borrowed while a socket is full

	mu        sync.Mutex // guards what follows, and what handshake says
	computing int
	queues    [2]queue // by Role
	turn      Role     // whose queue is looked at first
	idle      []*worker
	closed    bool
}

// NewGate returns a gate with nothing under way.
func NewGate(cfg Config) *Gate {
	if cfg.Computing <= 0 {
		cfg.Computing = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if cfg.Waiting <= 0 {
		cfg.Waiting = 4096
	}
	if cfg.PeerBytes <= 0 {
		cfg.PeerBytes = 64 << 10
	}
	return &Gate{cfg: cfg, records: sync.Pool{New: func() any { return new(record) }}}
}

// Stats returns the gate's counters.
func (g *Gate) Stats() *Stats { return &g.stats }

// Close ends the goroutines that wait for work, and waits for the others. Whoever
// ends an engine cancels what is under way first.
func (g *Gate) Close() {
	g.mu.Lock()
	g.closed = true
	for _, w := range g.idle {
		close(w.wake)
	}
	g.idle = nil
	g.mu.Unlock()
	g.group.Wait()
}

// enter lets a fresh handshake in and queues it for a slot, unless it has to be
// shed. g.mu is held.
func (g *Gate) enter(h *handshake) bool {
	waiting := &g.stats.Waiting[h.role]
	if waiting.Load() >= int64(g.cfg.Waiting) {
		h.phase = over
		return false
	}
	waiting.Add(1)
	g.enqueue(h)
	return true
}

// enqueue queues h for a slot. g.mu is held.
func (g *Gate) enqueue(h *handshake) {
	h.phase = queued
	g.queues[h.role].push(h)
	g.grant()
}

// grant gives free slots to those who wait. g.mu is held.
func (g *Gate) grant() {
	for g.computing < g.cfg.Computing {
		h := g.queues[g.turn].pop()
		if h == nil {
			h = g.queues[1-g.turn].pop()
		}
		if h == nil {
			return
		}
		g.turn = 1 - h.role
		g.computing++
		g.stats.Computing.Add(1)
		h.phase = computing
		g.resume(h)
	}
}

// yield takes a slot back. g.mu is held.
func (g *Gate) yield() {
	g.computing--
	g.stats.Computing.Add(-1)
	g.grant()
}

// event tells a handshake what its socket is ready for.
func (g *Gate) event(h *handshake, ev reactor.Events) {
	shed := false
	g.mu.Lock()
	if ev&(reactor.PeerClosed|reactor.Failed) != 0 {
		h.closing.Store(true)
	}
	switch {
	case h.phase == fresh && ev&inbound != 0:
		shed = !g.enter(h)
	case h.phase == parked && ev&h.wants != 0:
		g.enqueue(h)
	default:
		h.missed |= ev
	}
	g.mu.Unlock()
	if shed {
		h.finish(ErrBusy)
	}
}

// park gives h's slot back until its socket is ready for what it wants. It
// returns at once if that was told since h cleared it, or h is cancelled.
func (g *Gate) park(h *handshake, wants reactor.Events) {
	g.mu.Lock()
	if h.missed&wants != 0 || h.cancelled() {
		g.mu.Unlock()
		return
	}
	h.phase, h.wants = parked, wants
	g.yield()
	g.mu.Unlock()
	<-h.worker.wake
}

// clear forgets the events that came before the system call that follows.
func (g *Gate) clear(h *handshake, ev reactor.Events) {
	g.mu.Lock()
	h.missed &^= ev
	g.mu.Unlock()
}

// leave gives back what h holds. Its worker may get further work at once.
func (g *Gate) leave(h *handshake) {
	g.mu.Lock()
	defer g.mu.Unlock()
	slot := h.phase == computing
	h.phase = over
	g.stats.Waiting[h.role].Add(-1)
	g.rest(h.worker)
	if slot {
		g.yield()
	}
}

// cancel makes h end for the given reason.
func (g *Gate) cancel(h *handshake, r Reason) {
	if g.takeOut(h, r) {
		h.finish(&Error{Reason: r})
	}
}

// takeOut cancels h and reports whether it has no goroutine that would notice.
func (g *Gate) takeOut(h *handshake, r Reason) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if h.cancelled() {
		return false
	}
	h.cancel.Store(uint32(r) + 1)
	switch h.phase {
	case fresh:
		h.phase = over
		return true
	case queued:
		g.queues[h.role].remove(h)
		if h.worker == nil {
			h.phase = over
			g.stats.Waiting[h.role].Add(-1)
			return true
		}
		h.unwind()
	case parked:
		h.unwind()
	}
	return false
}

// inbound are the events after which a read tells something new.
const inbound = reactor.Readable | reactor.PeerClosed | reactor.Failed

// outbound are the events after which a write may get further.
const outbound = reactor.Writable | reactor.Failed

// again is the temporary error by which crypto/tls hears that the rest of a
// record has not come yet: it keeps what it has and tries anew at the next Read.
type again struct{}

func (again) Error() string   { return unix.EAGAIN.Error() }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }
