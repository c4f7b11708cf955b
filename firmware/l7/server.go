// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"sync/atomic"
	"time"

	"evener/firmware/message"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A serverConn is an HTTP/1 connection to a member.
type serverConn struct {
	conn
	up         *Upstream
	x          *exchange     // nil while idle
	open       *atomic.Int64 // the loop's gauge of connections to the member
	used       int           // exchanges that it has carried before
	bound      *clientConn   // that it is kept for; idle
	mux        *serverMux    // that it is a stream of
	owner      *streamServer // that it is in, if it is a stream
	port       uint16        // ours, once somebody has asked; see localPort
	connecting bool
}

// serverIdle is how long an idle connection to a member is kept. It is longer
// than the usual phases of an exchange, so that its timer only ever moves later.
const serverIdle = 75 * time.Second

// connect gets a connection to x.member: an idle one or a new one.
func (x *exchange) connect() {
	x.serverPort = 0
	up := x.route.Pool.Upstreams[x.member]
	if up.HTTP2 != nil {
		x.connectStream(up)
		return
	}
	if s := x.idleServer(up); s != nil {
		s.x, x.s = x, s
		x.slot().Reused.Add(1)
		x.send()
		return
	}
	x.connecting = x.w.loop.Now()
	fd, established, err := reactor.Dial(up.Addr)
	if err != nil {
		x.serverFailed(stats.ErrConnect, stats.ConnectFailed)
		return
	}
	s := &serverConn{up: up, x: x, connecting: true}
	s.w, s.fd, s.writable = x.w, fd, established
	s.timer.Owner = s
	if err = s.watch(s); err != nil {
		reactor.CloseFD(fd)
		x.serverFailed(stats.ErrConnect, stats.ConnectFailed)
		return
	}
	s.open = &x.live.Slot(x.w.index).Open
	s.open.Add(1)
	x.s = s
	x.w.loop.SetTimer(&s.timer, orNever(x.svc.Timeouts.Connect))
	if established {
		s.connected()
	}
}

// localPort returns the box's port of the connection. It asks the kernel once in the
// connection's life, and only where records of exchanges are wanted.
func (s *serverConn) localPort() uint16 {
	fd, port := s.fd, &s.port
	if s.stream != nil {
		fd, port = s.mux.sock.fd, &s.mux.port
	}
	if *port == 0 {
		*port = reactor.LocalAddr(fd).Port()
	}
	return *port
}

// idleServer takes the idle connection that was used last. A request that must
// not be sent twice goes only to one that is seen to be open.
func (x *exchange) idleServer(up *Upstream) *serverConn {
	if !up.shared() || !x.route.TCPMux {
		return x.boundServer(up)
	}
	if x.fresh {
		return nil
	}
	slot := &up.slots[x.w.index]
	for n := len(slot.idle); n > 0; n = len(slot.idle) {
		s := slot.idle[n-1]
		slot.idle[n-1] = nil
		slot.idle = slot.idle[:n-1]
		if x.req.MethodID.Idempotent() && x.up.framing == message.NoBody || s.quiet() {
			return s
		}
		s.discard()
	}
	return nil
}

// Ready goes on with whatever the connection waits for.
func (s *serverConn) Ready(ev reactor.Events) {
	s.note(ev)
	x := s.x
	switch {
	case x == nil:
		if ev&(reactor.Readable|reactor.PeerClosed|reactor.Failed) != 0 && (s.tls == nil || !s.quiet()) {
			s.leaveIdle()
		}
	case s.connecting:
		if s.tls == nil {
			s.connected()
		}
	case x.c.state == clientTunnel:
		x.pumpTunnel()
		if s.x == x && ev&reactor.Reset != 0 && x.down.closed {
			x.dropServer(stats.ErrReset)
			x.abort(stats.ServerReset) // nobody reads on to find out
		}
	case x.answered:
		x.pump()
	default:
		x.serverReady()
	}
}

// leaveIdle closes an idle connection: its member closed it, or sent what
// nobody asked for.
func (s *serverConn) leaveIdle() {
	if c := s.bound; c != nil {
		c.bound, s.bound = nil, nil
	}
	idle := s.up.slots[s.w.index].idle
	for i, o := range idle {
		if o == s {
			copy(idle[i:], idle[i+1:])
			idle[len(idle)-1] = nil
			s.up.slots[s.w.index].idle = idle[:len(idle)-1]
			break
		}
	}
	s.discard()
}

// discard closes an idle connection on which something came: mostly its end, and
// otherwise bytes that nobody asked for.
func (s *serverConn) discard() {
	if s.tls == nil && !reactor.Quiet(s.fd) && !reactor.Ended(s.fd) {
		s.up.Stats.Slot(s.w.index).Errors[stats.ErrProtocol].Add(1)
	}
	s.close()
}

// connected finds out how the connection attempt ended.
func (s *serverConn) connected() {
	if !s.writable {
		return
	}
	if errno := reactor.ConnectError(s.fd); errno != 0 {
		s.x.serverFailed(stats.ErrConnect, stats.ConnectFailed)
		return
	}
	if s.up.Proxy != 0 && !s.introduce() {
		s.x.serverFailed(stats.ErrConnect, stats.ConnectFailed)
		return
	}
	if s.up.TLS != nil {
		s.shake()
		return
	}
	s.established()
}

// established sends the request that the connection was made for.
func (s *serverConn) established() {
	s.connecting = false
	x := s.x
	x.send()
	if s.x == x && s.readable && !x.answered {
		x.serverReady() // it spoke, or left, before it was asked
	}
}

// Expire ends what took too long.
func (s *serverConn) Expire(*reactor.Timer) {
	x := s.x
	switch {
	case x == nil:
		s.leaveIdle()
	case s.connecting:
		x.serverFailed(stats.ErrConnect, stats.ConnectTimeout)
	case x.c.state == clientTunnel:
	case x.answered && (x.c.unsent() || !x.c.writable):
		// The client is slow, not the server; the client's timer watches it.
	case !x.answered && !x.reqDone && !s.unsent() && s.writable:
		// We wait for the client's body.
	default:
		if s.stream != nil && !s.connecting {
			s.mux.retire() // who knows whether the member is still there
		}
		x.serverFailed(stats.ErrTimeout, stats.ServerTimeout)
	}
}

// parkServer ends x's use of its server connection after a whole answer: it
// becomes idle where it can be used again, and is closed otherwise.
func (x *exchange) parkServer() {
	s := x.s
	x.s, s.x = nil, nil
	x.releaseMember()
	if s.stream != nil {
		s.close()
		return
	}
	slot := &s.up.slots[x.w.index]
	if !x.resp.KeepAlive || !x.reqDone || x.down.framing == message.UntilClose ||
		len(s.buffered()) > 0 || s.unsent() || s.closing || x.w.draining || slot.gone ||
		s.readable && !s.quiet() {
		s.close()
		return
	}
	s.used++
	switch {
	case !s.up.shared() || !x.route.TCPMux:
		if !x.bind(s) {
			s.close()
			return
		}
	case len(slot.idle) >= s.up.Idle:
		s.close()
		return
	default:
		slot.idle = append(slot.idle, s)
	}
	if s.tls != nil {
		s.tls.Shrink()
	}
	x.w.loop.SetTimer(&s.timer, serverIdle)
}

// dropServer closes x's server connection before the answer was whole.
func (x *exchange) dropServer(kind stats.ErrorKind) {
	if x.live != nil {
		slot := x.live.Slot(x.w.index)
		slot.Failed.Store(slot.Failed.Load() + 1)
		if up := x.route.Pool.Upstreams[x.member]; up.Stats != nil {
			m := up.Stats.Slot(x.w.index)
			m.Errors[kind].Add(1)
			if !x.answered {
				m.Class[0].Add(1)
			}
		}
	}
	if s := x.s; s != nil {
		if x.route.AbortServer && kind == stats.ErrAborted {
			s.reset()
		}
		x.s, s.x = nil, nil
		s.close()
	}
	x.releaseMember()
}

func (x *exchange) releaseMember() {
	if x.live == nil {
		return
	}
	x.countBytes()
	x.live.Release(x.w.index)
	x.live = nil
	x.endSource()
}

func (x *exchange) countBytes() {
	slot := x.live.Slot(x.w.index)
	slot.BytesIn.Store(slot.BytesIn.Load() + uint64(x.up.bytes))
	slot.BytesOut.Store(slot.BytesOut.Load() + uint64(x.down.bytes))
}

// close ends the connection.
func (s *serverConn) close() {
	if s.gone {
		return
	}
	if s.stream != nil {
		if s.connecting {
			s.mux.leave(s)
		}
		s.release()
		s.w.giveServer(s.owner)
		return
	}
	s.release()
	s.open.Add(-1)
}
