// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"slices"
	"time"

	"evener/firmware/stats"
)

// A queue holds the connections of one loop that wait for room in a pool, first
// come, first served. They are few: the list is walked where one leaves early.
type queue struct {
	head *relay
	n    int
	left bool // somebody went without a place: a wake-up may come for nobody
}

// queueTimeout is how long a connection waits for a member by default.
const queueTimeout = 5 * time.Second

// anyFull reports whether a member that could serve the client has no room just
// now.
func (v *visit) anyFull() bool {
	snap := v.snapshot()
	for _, m := range snap.Usable {
		if snap.Members[m].Live.Full() && !slices.Contains(v.tried, m) {
			return true
		}
	}
	m := v.keptOn(snap)
	return m >= 0 && snap.Members[m].Live.Full()
}

// noMember queues the connection if members are only full, and ends it otherwise.
func (r *relay) noMember() {
	switch {
	case !r.anyFull():
		r.cut(stats.NoMember)
	case r.enqueue():
	default:
		r.cut(stats.QueueFull)
	}
}

func (r *relay) enqueue() bool {
	p := r.route.Pool
	q := r.w.queues[p]
	if q == nil {
		q = &queue{}
		r.w.queues[p] = q
	}
	if q.n >= p.Queue {
		return false
	}
	last := &q.head
	for *last != nil {
		last = &(*last).behind
	}
	*last = r
	q.n++
	r.state = queued
	r.queuedAt = r.w.loop.Now()
	r.slot().Queued.Add(1)
	r.slot().Waiting.Add(1)
	r.w.loop.SetTimer(&r.timer, or(r.svc.Timeouts.Queue, queueTimeout))
	r.waitForRoom()
	return true
}

// waitForRoom asks the full members to wake this loop.
func (v *visit) waitForRoom() {
	snap := v.snapshot()
	for i := range snap.Members {
		if snap.Members[i].Live.Full() {
			snap.Members[i].Live.Wait(v.w.index)
		}
	}
}

// leaveQueue takes r out of its queue.
func (r *relay) leaveQueue() {
	q := r.w.queues[r.route.Pool]
	for at := &q.head; *at != nil; at = &(*at).behind {
		if *at == r {
			*at = r.behind
			q.n--
			break
		}
	}
	r.behind = nil
	r.state = choosing
	r.queued += r.w.loop.Now() - r.queuedAt
	r.slot().Waiting.Add(-1)
}

// forsakeQueue is leaveQueue for one that got no place.
func (r *relay) forsakeQueue() {
	r.w.queues[r.route.Pool].left = true
	r.leaveQueue()
}

// queueExpired gives up waiting; a client that is kept on a full member gets
// another one, if there is one.
func (r *relay) queueExpired() {
	r.forsakeQueue()
	if r.route.Persist != nil && !r.unstick {
		r.unstick = true // better another member than none
		if r.tryMember() {
			return
		}
	}
	r.slot().QueueTimeouts.Add(1)
	r.cut(stats.QueueTimeout)
}

// ServeQueues gives room that was freed to those that wait. Where the loop has
// another worker whose connections wait for the same members, that one's
// ServeQueues is to follow.
func (w *Worker) ServeQueues() {
	for p, q := range w.queues {
		w.serveQueue(q)
		if q.head != nil {
			continue
		}
		if q.left { // the wake-up may have been another loop's to use
			for _, m := range p.Load().Members {
				m.Live.Leave(w.index)
			}
		}
		delete(w.queues, p)
	}
}

// serveQueue tries each that waits once, in order: one that is kept on a member
// which is still full does not hold up the others.
func (w *Worker) serveQueue(q *queue) {
	for r := q.head; r != nil; {
		next := r.behind
		if r.hasRoom() || !r.anyFull() {
			r.leaveQueue()
			if !r.tryMember() {
				r.noMember()
			}
		} else {
			r.waitForRoom()
		}
		r = next
	}
}

// hasRoom reports whether choose would find a member, without a turn of the
// policy being spent.
func (v *visit) hasRoom() bool {
	set := v.route.View.Set()
	snap := set.Snapshot()
	if m := v.keptOn(snap); m >= 0 {
		return !snap.Members[m].Live.Full()
	}
	return v.w.cursor(v.route.View).Peek(set, v.hash(), v.tried, v.w.index) >= 0
}
