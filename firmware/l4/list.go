// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"net/netip"
	"time"

	"evener/firmware/stats"
)

// maxListed bounds how many connections and flows List looks at, because the
// loop does nothing else meanwhile: about a millisecond.
const maxListed = 20_000

// List tells of at most limit connections, the oldest first, and flows: those of
// one cluster, or of all for "", and of one client, or of all for the zero address.
func (w *Worker) List(limit int, cluster string, client netip.Addr) (list []stats.Conn) {
	seen := 0
	add := func(v *visit, state stats.ConnState) bool {
		seen++
		if (cluster == "" || v.svc.Cluster == cluster) && (!client.IsValid() || v.peer.Addr().Unmap() == client) {
			list = append(list, v.describe(state))
		}
		return len(list) < limit && seen < maxListed
	}
	for r := w.relays.next; r != &w.relays; r = r.next {
		if !add(&r.visit, relayStates[r.state]) {
			return list
		}
	}
	for _, s := range w.sockets {
		for _, f := range s.flows {
			if !add(&f.visit, stats.ConnActive) {
				return list
			}
		}
	}
	return list
}

var relayStates = [...]stats.ConnState{
	choosing: stats.ConnActive, intro: stats.ConnHead, head: stats.ConnHead, queued: stats.ConnQueued,
	connecting: stats.ConnConnecting, relaying: stats.ConnActive, gone: stats.ConnClosing,
}

func (v *visit) describe(state stats.ConnState) stats.Conn {
	s := stats.Conn{Client: v.peer, Cluster: v.svc.Cluster, Generation: v.gen.Number, State: state,
		Age: time.Duration(v.w.loop.Now() - v.begun), In: v.in, Out: v.out}
	if v.route != nil {
		s.Pool = v.route.Pool.Name()
	}
	if v.live != nil {
		s.Member = v.snapshot().Members[v.member].Name
	}
	return s
}
