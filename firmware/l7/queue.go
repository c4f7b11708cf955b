// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"slices"

	"evener/firmware/pool"
	"evener/firmware/stats"
)

// A queue holds the exchanges of one loop that wait for room in a pool, first
// come, first served.
type queue struct {
	head, tail *exchange
	n          int
}

func (q *queue) push(x *exchange) {
	x.next, x.prev = nil, q.tail
	if q.tail == nil {
		q.head = x
	} else {
		q.tail.next = x
	}
	q.tail = x
	q.n++
}

func (q *queue) remove(x *exchange) {
	if x.prev == nil {
		q.head = x.next
	} else {
		x.prev.next = x.next
	}
	if x.next == nil {
		q.tail = x.prev
	} else {
		x.next.prev = x.prev
	}
	x.next, x.prev = nil, nil
	q.n--
}

// candidates returns the members that x may go to, full or not: the one that it
// is kept on, else all that are usable. Those tried already are still among
// them.
func (x *exchange) candidates(snap *pool.Snapshot) []int {
	if x.sticks() {
		if m := x.keptOn(snap); m >= 0 {
			x.keptAs[0] = m
			return x.keptAs[:]
		}
	}
	return snap.Usable
}

// room reports whether x may go to a member that has room, and whether to one
// that has none.
func (x *exchange) room() (free, full bool) {
	snap := x.route.View.Set().Snapshot()
	for _, m := range x.candidates(snap) {
		switch {
		case slices.Contains(x.tried, m):
		case snap.Members[m].Live.Full():
			full = true
		default:
			free = true
		}
	}
	return free, full
}

// noMember queues the exchange if members are only full, and answers otherwise.
func (x *exchange) noMember() {
	free, full := x.room()
	switch {
	case !free && !full:
		x.unavailable(stats.NoMember)
	case !x.enqueue():
		x.unavailable(stats.QueueFull)
	}
}

// unavailable answers in the members' place.
func (x *exchange) unavailable(r stats.Reason) {
	if x.route.Responder != nil {
		x.respond(x.route.Responder, r)
		return
	}
	x.fail(503, r)
}

func (x *exchange) enqueue() bool {
	p := x.route.Pool
	q := x.w.queues[p]
	if q == nil {
		q = &queue{}
	}
	if q.n >= p.Queue {
		return false
	}
	x.w.queues[p] = q
	q.push(x)
	x.queuedAt = x.w.loop.Now()
	x.c.state = clientQueued
	slot := x.slot()
	slot.Queued.Add(1)
	slot.Waiting.Add(1)
	x.w.loop.SetTimer(&x.c.timer, orNever(x.svc.Timeouts.Queue))
	snap := x.route.View.Set().Snapshot()
	for _, m := range x.candidates(snap) {
		if !slices.Contains(x.tried, m) {
			snap.Members[m].Live.Wait(x.w.index)
		}
	}
	return true
}

// leaveQueue takes x out of its queue.
func (x *exchange) leaveQueue() {
	p := x.route.Pool
	q := x.w.queues[p]
	q.remove(x)
	if q.n == 0 {
		delete(x.w.queues, p)
		x.w.wait(p, nil)
	}
	x.c.state = clientBusy
	x.queued += x.w.loop.Now() - x.queuedAt
	x.slot().Waiting.Add(-1)
}

func (x *exchange) queueExpired() {
	x.leaveQueue()
	if x.sticks() {
		x.unstick = true // better another member than none
		if x.tryMember() {
			return
		}
	}
	x.slot().QueueTimeouts.Add(1)
	x.unavailable(stats.QueueTimeout)
}

// ServeQueues gives room that was freed to those that wait.
func (w *Worker) ServeQueues() {
	for p, q := range w.queues {
		w.serveQueue(p, q)
	}
}

// serveQueue tries each that waits once, in order, and lets it keep its place if
// there is nothing for it: one that is kept on a member which is still full does
// not hold up the others.
func (w *Worker) serveQueue(p *Pool, q *queue) {
	snap := p.Load()
	wanted := slices.Grow(w.wanted[:0], len(snap.Members))[:len(snap.Members)]
	clear(wanted)
	for x := q.head; x != nil; {
		next := x.next
		free, full := x.room()
		switch {
		case free && x.acquire():
			x.leaveQueue()
			x.useMember()
		case !free && !full:
			x.leaveQueue()
			x.unavailable(stats.NoMember)
		default:
			for _, m := range x.candidates(snap) {
				wanted[m] = wanted[m] || !slices.Contains(x.tried, m)
			}
		}
		x = next
	}
	w.wanted = wanted
	if q.n > 0 {
		w.wait(p, wanted)
	}
}

// wait asks those members of p that are wanted to wake this loop when they have
// room, and the others not to: a place there is another loop's.
func (w *Worker) wait(p *Pool, wanted []bool) {
	snap := p.Load()
	for m := range snap.Members {
		if m < len(wanted) && wanted[m] {
			snap.Members[m].Live.Wait(w.index)
		} else {
			snap.Members[m].Live.Leave(w.index)
		}
	}
}
