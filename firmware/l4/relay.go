// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/accesslog"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A relay is a client's tcp connection and the one to its member:
//
//	intro
//	  │
//	  ▼       ┌────────── room ──────────┐
//	          │          retry           ▼
//	head ─► choosing ◄─────────── connecting ─► relaying ─► gone
//	          │  ▲
//	     full ▼  │ room
//	          queued
//
// It begins in intro where it must begin with a header of the PROXY protocol, in
// head where the cluster routes by TLS server name, and may end anywhere.
type relay struct {
	visit
	next, prev *relay // of the worker's list
	behind     *relay // in its queue
	client     side
	server     side
	up, down   stream
	timer      reactor.Timer
	local      netip.AddrPort // what the client connected to, if a PROXY header tells
	host       []byte         // TLS server name, if it is to be logged
	state      relayState
	soon       bool // Run is going to be called
}

type relayState uint8

const (
	choosing relayState = iota
	intro
	head
	queued
	connecting
	relaying
	gone
)

// What a zero Timeouts field stands for.
const (
	headTimeout    = 10 * time.Second
	connectTimeout = 5 * time.Second
	tunnelTimeout  = time.Hour
)

func (w *Worker) accept(fd int, peer netip.AddrPort, b *Binding) {
	r := &relay{}
	r.client = side{fd: fd, writable: true, relay: r}
	r.server = side{fd: -1, relay: r}
	r.timer.Owner = r
	ref, err := w.loop.Add(fd, &r.client)
	if err != nil {
		reactor.CloseFD(fd)
		b.Service.Stats.Slot(w.index).Refused.Add(1)
		return
	}
	r.client.ref = ref
	r.prev, r.next = w.relays.prev, &w.relays
	r.prev.next, r.next.prev = r, r
	r.begin(w, peer, b)
	if b.Service.Proxies != nil {
		r.awaitIntro()
		return
	}
	r.welcome()
}

// welcome finds out where the client is to go. Its first bytes may be there.
func (r *relay) welcome() {
	if r.svc.Names == nil {
		r.send(r.svc.Default)
		return
	}
	r.state = head
	r.w.loop.SetTimer(&r.timer, or(r.svc.Timeouts.ClientHead, headTimeout))
	if r.up.empty() || r.readHello(r.up.eof) {
		r.readHead()
	}
}

// send finds a member of the route.
func (r *relay) send(route *Route) {
	r.route, r.state = route, choosing
	if route == nil {
		r.cut(stats.NoMember)
		return
	}
	if !r.tryMember() {
		r.noMember()
	}
}

// tryMember begins the connection to a member that has room, and reports whether
// there was one.
func (r *relay) tryMember() bool {
	if !r.acquire() {
		return false
	}
	r.connect()
	return true
}

func (r *relay) connect() {
	r.state = connecting
	r.connecting = r.w.loop.Now()
	to, ok := r.addr()
	if !ok {
		r.connectFailed(stats.ConnectFailed)
		return
	}
	fd, established, err := reactor.Dial(to)
	if err != nil {
		r.connectFailed(stats.ConnectFailed)
		return
	}
	s := &r.server
	*s = side{fd: fd, writable: established, relay: r}
	if s.ref, err = r.w.loop.Add(fd, s); err != nil {
		reactor.CloseFD(fd)
		s.fd = -1
		r.connectFailed(stats.ConnectFailed)
		return
	}
	if established {
		r.join()
		return
	}
	r.w.loop.SetTimer(&r.timer, or(r.svc.Timeouts.Connect, connectTimeout))
}

// connectFailed tries another member, or gives up. Only connecting is tried
// again: what a member has read cannot be taken back.
func (r *relay) connectFailed(why stats.Reason) {
	r.blame(stats.ErrConnect)
	r.memberSlot().Class[0].Add(1)
	r.closeServer(false)
	m := r.member
	r.release()
	r.state = choosing
	if int(r.retries) >= r.svc.Retries {
		r.cut(why)
		return
	}
	r.retries++
	r.tried = append(r.tried, m)
	r.slot().Retries.Add(1)
	switch {
	case r.tryMember():
	case r.anyFull():
		r.noMember()
	default:
		r.cut(why)
	}
}

// connectEnded finds out how the connection attempt ended.
func (r *relay) connectEnded() {
	s := &r.server
	if !s.writable {
		return
	}
	if errno := reactor.ConnectError(s.fd); errno != 0 {
		r.connectFailed(stats.ConnectFailed)
		return
	}
	r.join()
}

// join begins to move bytes between the two ends.
func (r *relay) join() {
	if !r.introduce() {
		r.connectFailed(stats.ConnectFailed)
		return
	}
	r.state = relaying
	r.connected = r.w.loop.Now()
	r.up.hard = r.svc.AbortServer
	r.w.loop.SetTimer(&r.timer, or(r.svc.Timeouts.Tunnel, tunnelTimeout))
	r.pump()
}

// Run goes on with what a turn was too short for.
func (r *relay) Run() {
	r.soon = false
	if r.state == relaying {
		r.pump()
	}
}

// pump moves what it can in both directions. The end of one is passed on; the
// relay ends with the second.
func (r *relay) pump() {
	in, out := r.in, r.out
	up := r.up.pump(r.w, &r.server, &r.client)
	r.in = r.up.bytes
	if r.spoke == 0 && r.in > 0 {
		r.spoke = r.w.loop.Now()
	}
	down := r.down.pump(r.w, &r.client, &r.server)
	r.out = r.down.bytes
	if r.answered == 0 && r.out > 0 {
		r.heard()
	}
	if r.in != in || r.out != out {
		r.countBytes()
		r.w.loop.SetTimer(&r.timer, or(r.svc.Timeouts.Tunnel, tunnelTimeout))
	}
	switch {
	case up == srcFailed || down == dstFailed:
		r.cut(stats.ClientAbort)
	case up == dstFailed || down == srcFailed:
		r.cut(stats.ServerReset)
	case r.up.done && r.down.done:
		r.finish(stats.Completed, false)
	case r.up.done && r.up.hard:
		r.cut(stats.ClientAbort)
	case (up == yielded || down == yielded) && !r.soon:
		r.soon = true
		r.w.loop.Soon(r)
	}
}

// Expire ends what took too long.
func (r *relay) Expire(*reactor.Timer) {
	switch r.state {
	case intro, head:
		r.cut(stats.ClientTimeout)
	case queued:
		r.queueExpired()
	case connecting:
		r.connectFailed(stats.ConnectTimeout)
	case relaying:
		r.cut(stats.TunnelIdle)
	}
}

// cut ends the relay before its time: both ends see a reset, so that neither
// takes it for a proper end.
func (r *relay) cut(why stats.Reason) {
	if r.live != nil && r.state == relaying {
		switch why {
		case stats.ServerReset:
			r.blame(stats.ErrReset)
		case stats.ClientAbort, stats.Shutdown, stats.MemberCut:
			r.memberSlot().Errors[stats.ErrAborted].Add(1)
		}
	}
	r.finish(why, true)
}

// finish closes both ends and gives back all that the relay holds.
func (r *relay) finish(why stats.Reason, reset bool) {
	if r.state == gone {
		return
	}
	if r.state == queued {
		r.forsakeQueue()
	}
	r.state = gone
	w := r.w
	w.loop.StopTimer(&r.timer)
	r.up.drop(w)
	r.down.drop(w)
	r.closeServer(reset)
	w.closeSocket(r.client.ref, r.client.fd, reset)
	r.prev.next, r.next.prev = r.next, r.prev
	r.next, r.prev = nil, nil
	r.end(why, accesslog.TCP, r.host)
}

func (r *relay) closeServer(reset bool) {
	if s := &r.server; s.fd >= 0 {
		r.notePort(s.fd)
		r.w.closeSocket(s.ref, s.fd, reset)
		s.fd = -1
	}
}

// readHead reads until the ClientHello tells where the client is to go, or that
// there is none. What was read stays in the stream's buffer.
func (r *relay) readHead() {
	w, c := r.w, &r.client
	for c.readable {
		n, errno := r.up.fill(w, c)
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 {
			r.cut(stats.ClientAbort)
			return
		}
		if !r.readHello(n == 0) {
			return
		}
	}
}

// readHello looks at what has come of the ClientHello; with ended, no more will.
// It reports whether it takes more to know where the client is to go.
func (r *relay) readHello(ended bool) (more bool) {
	scratch := r.w.bufs.Get()
	name, v := ParseHello(r.up.held(), scratch)
	if v == HelloPartial && !ended && !r.up.full() {
		r.w.bufs.Put(scratch)
		return true
	}
	route := r.routeFor(name, v)
	r.w.bufs.Put(scratch)
	if v == HelloPartial && ended && r.up.empty() {
		r.cut(stats.ClientAbort) // it came and went
		return false
	}
	r.send(route)
	return false
}

// routeFor returns where a client that said this goes.
func (r *relay) routeFor(name []byte, v Hello) *Route {
	if v == HelloNamed {
		if r.w.access != nil {
			r.host = append([]byte(nil), name...)
		}
		if route := r.svc.Names.Find(name); route != nil {
			return route
		}
	}
	return r.svc.Default
}
