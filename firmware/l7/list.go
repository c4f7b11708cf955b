// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net/netip"
	"time"

	"evener/firmware/message"
	"evener/firmware/stats"
)

// maxListed bounds how many connections List looks at, because the loop does
// nothing else meanwhile: about a millisecond.
const maxListed = 20_000

// maxRequest bounds how much of a request's target List shows.
const maxRequest = 200

// List tells of at most limit client connections, the oldest first: those of one
// cluster, or of all for "", and of one client, or of all for the zero address.
func (w *Worker) List(limit int, cluster string, client netip.Addr) (list []stats.Conn) {
	seen := 0
	for c := w.clients.next; c != &w.clients && len(list) < limit && seen < maxListed; c = c.next {
		seen++
		if client.IsValid() && c.peer.Addr().Unmap() != client {
			continue
		}
		if s := c.describe(); cluster == "" || s.Cluster == cluster {
			list = append(list, s)
		}
	}
	return list
}

func (c *clientConn) describe() stats.Conn {
	s := stats.Conn{Client: c.peer, Via: c.via, State: connStates[c.state], Requests: c.requests,
		Age: time.Duration(c.w.loop.Now() - c.since)}
	if x := c.x; x != nil {
		x.describe(&s)
	} else if svc := c.w.gen.service(c.port); svc != nil {
		s.Cluster = svc.Cluster
	}
	return s
}

var connStates = [...]stats.ConnState{
	clientIdle: stats.ConnIdle, clientHead: stats.ConnHead, clientBusy: stats.ConnActive,
	clientQueued: stats.ConnQueued, clientTunnel: stats.ConnTunnel, clientLingering: stats.ConnClosing,
	clientShaking: stats.ConnHandshake, clientIntro: stats.ConnHead, clientMuxed: stats.ConnActive,
}

func (x *exchange) describe(s *stats.Conn) {
	target := x.req.Bytes(x.req.Target)
	s.Request = string(x.req.Bytes(x.req.Method)) + " " + string(target[:min(len(target), maxRequest)])
	s.Shared = x.c.stream != nil
	s.Running = time.Duration(x.w.loop.Now() - x.begun)
	s.Cluster, s.Generation = x.svc.Cluster, x.gen.Number
	s.In, s.Out = uint64(x.up.bytes), uint64(x.down.out())
	if x.requestID[0] != 0 {
		s.RequestID = string(x.requestID[:])
	} else if v, ok := x.req.Get(message.XRequestID); ok {
		s.RequestID = string(v[:min(len(v), maxRequest)])
	}
	if x.route == nil || x.route.Pool == nil {
		return
	}
	s.Pool = x.route.Pool.Name()
	if x.live == nil {
		return
	}
	s.Member = x.route.View.Set().Snapshot().Members[x.member].Name
	s.Server = x.route.Pool.Upstreams[x.member].Addr
	switch {
	case x.s == nil:
	case x.s.connecting:
		s.State = stats.ConnConnecting
	default:
		s.ServerPort, s.Pooled = x.s.localPort(), x.s.stream != nil
	}
}
