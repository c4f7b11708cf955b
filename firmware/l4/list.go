// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"net/netip"
	"time"

	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// maxListed bounds how many connections and flows List looks at, because the
// loop does nothing else meanwhile: about a millisecond.
const maxListed = 20_000

// List tells of at most limit connections, the oldest first, and flows: those of
// one cluster, or of all for "", and of one client, or of all for the zero address.
func (w *Worker) List(limit int, cluster string, client netip.Addr) (list []stats.Conn) {
	seen := 0
	datagrams := false
	add := func(v *visit, state stats.ConnState, server int) bool {
		seen++
		if (cluster == "" || v.svc.Cluster == cluster) && (!client.IsValid() || v.peer.Addr().Unmap() == client) {
			s := v.describe(state, server)
			s.Datagrams = datagrams
			list = append(list, s)
		}
		return len(list) < limit && seen < maxListed
	}
	for r := w.relays.next; r != &w.relays; r = r.next {
		if !add(&r.visit, relayStates[r.state], r.server.fd) {
			return list
		}
	}
	datagrams = true
	for _, s := range w.sockets {
		for _, f := range s.flows {
			if !add(&f.visit, stats.ConnActive, f.fd) {
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

// describe tells of a visit whose connection with its member is the socket server,
// -1 if there is none.
func (v *visit) describe(state stats.ConnState, server int) stats.Conn {
	s := stats.Conn{Client: v.peer, Via: v.via, Cluster: v.svc.Cluster, Generation: v.gen.Number, State: state,
		Age: time.Duration(v.w.loop.Now() - v.begun), In: v.in, Out: v.out}
	s.Running = s.Age
	if v.route != nil {
		s.Pool = v.route.Pool.Name()
	}
	if v.live != nil {
		s.Member = v.snapshot().Members[v.member].Name
		s.Server, _ = v.addr()
		if server >= 0 {
			s.ServerPort = reactor.LocalAddr(server).Port()
		}
	}
	return s
}
