// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"slices"

	"evener/firmware/stats"
)

// cutsPerTurn bounds how many exchanges one turn cuts, because the loop does
// nothing else meanwhile: each costs a few calls to the kernel.
const cutsPerTurn = 128

// A cutter closes what a worker has open to one member.
type cutter struct {
	w            *Worker
	pool, member string
	stats        *stats.Member // of the member's upstreams of all generations
	before       int64         // loop clock; exchanges that began later are left alone
	found        []*exchange
}

// CutMember closes all connections to a member of the pool of that name, those of
// older generations too; up are the ones that are kept now. Running exchanges end:
// a request that may be sent again goes to another member, others are answered
// with 503, and an answer that has begun is broken off, so that nobody takes it
// for a whole one. Where there are very many it takes several turns of the loop.
// The caller has disabled the member before.
func (w *Worker) CutMember(pool, member string, up *Upstream) {
	k := &cutter{w: w, pool: pool, member: member, stats: up.Stats, before: w.loop.Now()}
	k.run(up)
}

func (k *cutter) run(up *Upstream) {
	w := k.w
	k.collect()
	for i, x := range k.found {
		if k.means(x) { // what was cut before may have ended others
			x.cut()
		}
		k.found[i] = nil
	}
	up.closeIdle(w)
	if len(k.found) == cutsPerTurn {
		w.loop.Post(func() { k.run(up) })
	}
}

// collect finds the exchanges of one turn, and closes the idle connections that
// are kept for single clients.
func (k *cutter) collect() {
	k.found = k.found[:0]
	for c := k.w.clients.next; c != &k.w.clients && len(k.found) < cutsPerTurn; c = c.next {
		if s := c.bound; s != nil && s.up.Stats == k.stats {
			c.unbind()
		}
		if c.mux == nil {
			k.add(c.x)
			continue
		}
		for _, s := range c.mux.streams {
			if len(k.found) < cutsPerTurn && s.client != nil {
				k.add(s.client.x)
			}
		}
	}
}

func (k *cutter) add(x *exchange) {
	if x != nil && k.means(x) {
		k.found = append(k.found, x)
	}
}

// means reports whether x runs on the member.
func (k *cutter) means(x *exchange) bool {
	return x.live != nil && x.c != nil && x.c.x == x && x.begun <= k.before && x.route.Pool.Name() == k.pool &&
		x.route.View.Set().Snapshot().Members[x.member].Name == k.member
}

// closeIdle closes w's connections to up that carry nothing. One of HTTP/2 that
// still carries something, of a client that came later, takes no new streams.
func (up *Upstream) closeIdle(w *Worker) {
	slot := &up.slots[w.index]
	idle := slot.idle
	slot.idle = nil
	for _, s := range idle {
		s.close()
	}
	for _, m := range slices.Clone(slot.muxes) {
		if !m.sock.gone {
			m.drain()
		}
	}
}

// cut ends x's use of its member by an order.
func (x *exchange) cut() {
	if x.answered {
		x.dropServer(stats.ErrAborted)
		x.abort(stats.MemberCut)
		return
	}
	again := x.retriable() && x.retries < x.svc.Retries
	x.up.dropPipe(x.w)
	m := x.member
	x.dropServer(stats.ErrAborted)
	if !again {
		x.fail(503, stats.MemberCut)
		return
	}
	x.retries++
	x.tried = append(x.tried, m)
	x.slot().Retries.Add(1)
	x.rewind()
	if !x.tryMember() {
		x.noOther(stats.ErrAborted, stats.MemberCut)
	}
}
