// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/stats"
)

// A queue holds the exchanges of one loop that wait for room in a pool, first
// come, first served. They are few: the list is walked where one leaves early.
type queue struct {
	head *exchange
	n    int
}

// anyFull reports whether a member that could serve x has no room just now.
func (x *exchange) anyFull() bool {
	snap := x.route.View.Set().Snapshot()
	for _, m := range snap.Usable {
		if snap.Members[m].Live.Full() && !x.wasTried(m) {
			return true
		}
	}
	if len(x.route.Persist) > 0 && !x.unstick && len(x.tried) == 0 {
		m := x.keptOn(snap)
		return m >= 0 && snap.Members[m].Live.Full()
	}
	return false
}

func (x *exchange) wasTried(m int) bool {
	for _, t := range x.tried {
		if t == m {
			return true
		}
	}
	return false
}

// noMember queues the exchange if members are only full, and answers otherwise.
func (x *exchange) noMember() {
	switch {
	case !x.anyFull():
		x.unavailable(stats.NoMember)
	case x.enqueue():
	default:
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
		x.w.queues[p] = q
	}
	if q.n >= p.Queue {
		return false
	}
	last := &q.head
	for *last != nil {
		last = &(*last).next
	}
	*last = x
	q.n++
	x.queuedAt = x.w.loop.Now()
	x.c.state = clientQueued
	slot := x.slot()
	slot.Queued.Add(1)
	slot.Waiting.Add(1)
	x.w.loop.SetTimer(&x.c.timer, first(x.svc.Timeouts.Queue))
	x.waitForRoom()
	return true
}

// waitForRoom asks the full members to wake this loop.
func (x *exchange) waitForRoom() {
	snap := x.route.View.Set().Snapshot()
	for i := range snap.Members {
		if snap.Members[i].Live.Full() {
			snap.Members[i].Live.Wait(x.w.index)
		}
	}
}

// leaveQueue takes x out of its queue.
func (x *exchange) leaveQueue() {
	q := x.w.queues[x.route.Pool]
	for at := &q.head; *at != nil; at = &(*at).next {
		if *at == x {
			*at = x.next
			q.n--
			break
		}
	}
	x.next = nil
	x.c.state = clientBusy
	x.queued += x.w.loop.Now() - x.queuedAt
	x.slot().Waiting.Add(-1)
}

func (x *exchange) queueExpired() {
	x.leaveQueue()
	if len(x.route.Persist) > 0 && !x.unstick {
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
		w.serveQueue(q)
		if q.head == nil {
			delete(w.queues, p)
			w.leaveMembers(p)
		}
	}
}

// leaveMembers takes back the wishes to be woken: a place that is free now is
// another loop's.
func (w *Worker) leaveMembers(p *Pool) {
	snap := p.Load()
	for i := range snap.Members {
		snap.Members[i].Live.Leave(w.index)
	}
}

// serveQueue tries each that waits once, in order: one that is kept on a member
// which is still full does not hold up the others.
func (w *Worker) serveQueue(q *queue) {
	for x := q.head; x != nil; {
		next := x.next
		if x.choose() >= 0 || !x.anyFull() {
			x.leaveQueue()
			if !x.tryMember() {
				x.noMember()
			}
		} else {
			x.waitForRoom()
		}
		x = next
	}
}

// dropQueues moves those that wait in a pool of an older generation on: they
// finish on it, but its members may have gone from the snapshot.
func (w *Worker) dropQueues(*Generation) { w.ServeQueues() }
