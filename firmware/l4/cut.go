// SPDX-License-Identifier: Apache-2.0

package l4

import "evener/firmware/stats"

// cutsPerTurn bounds how many connections and flows one turn cuts, because the
// loop does nothing else meanwhile: each costs a few calls to the kernel.
const cutsPerTurn = 128

// A cutter ends what a worker has with one member.
type cutter struct {
	w            *Worker
	pool, member string
	before       int64 // loop clock; clients that came later are left alone
	relays       []*relay
	flows        []*flow
}

// CutMember ends all connections and flows that are with a member of the pool of
// that name, those of older generations too: both ends of a connection see a reset,
// and what a client of udp sends next goes to another member. A connection whose
// member has not accepted yet goes to another one, too. Where there are very many
// it takes several turns of the loop. The caller has disabled the member before.
func (w *Worker) CutMember(pool, member string) {
	k := &cutter{w: w, pool: pool, member: member, before: w.loop.Now()}
	k.run()
}

func (k *cutter) run() {
	k.collect()
	for i, r := range k.relays {
		if r.state != gone && k.means(&r.visit) {
			r.cutMember()
		}
		k.relays[i] = nil
	}
	for i, f := range k.flows {
		f.finish(stats.MemberCut)
		k.flows[i] = nil
	}
	if len(k.relays)+len(k.flows) == cutsPerTurn {
		k.w.loop.Post(k.run)
	}
}

// collect finds the connections and flows of one turn.
func (k *cutter) collect() {
	k.relays, k.flows = k.relays[:0], k.flows[:0]
	for r := k.w.relays.next; r != &k.w.relays; r = r.next {
		if k.means(&r.visit) {
			if k.relays = append(k.relays, r); len(k.relays) == cutsPerTurn {
				return
			}
		}
	}
	for _, s := range k.w.sockets {
		for _, f := range s.flows {
			if k.means(&f.visit) {
				if k.flows = append(k.flows, f); len(k.relays)+len(k.flows) == cutsPerTurn {
					return
				}
			}
		}
	}
}

// means reports whether v is with the member.
func (k *cutter) means(v *visit) bool {
	return v.live != nil && v.begun <= k.before && v.route.Pool.Name() == k.pool &&
		v.snapshot().Members[v.member].Name == k.member
}

// cutMember ends r's use of its member by an order.
func (r *relay) cutMember() {
	if r.state != connecting || int(r.retries) >= r.svc.Retries {
		r.cut(stats.MemberCut)
		return
	}
	r.closeServer(false)
	m := r.member
	r.release()
	r.state = choosing
	r.retries++
	r.tried = append(r.tried, m)
	r.slot().Retries.Add(1)
	switch {
	case r.tryMember():
	case r.anyFull():
		r.noMember()
	default:
		r.cut(stats.MemberCut)
	}
}
