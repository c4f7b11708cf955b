// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/http1"
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
	connecting bool
}

// serverIdle is how long an idle connection to a member is kept. It is longer
// than the usual phases of an exchange, so that its timer only ever moves later.
const serverIdle = 75 * time.Second

// connect gets a connection to x.member: an idle one or a new one.
func (x *exchange) connect() {
	up := x.route.Pool.Upstreams[x.member]
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
	s := &serverConn{up: up, x: x, connecting: !established}
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
	if established {
		x.send()
		return
	}
	x.w.loop.SetTimer(&s.timer, first(x.svc.Timeouts.Connect))
}

// idleServer takes the idle connection that was used last. A request that must
// not be sent twice goes only to one that is seen to be open.
func (x *exchange) idleServer(up *Upstream) *serverConn {
	if x.fresh || !up.Mux || !x.route.TCPMux {
		return nil
	}
	slot := &up.slots[x.w.index]
	for n := len(slot.idle); n > 0; n = len(slot.idle) {
		s := slot.idle[n-1]
		slot.idle[n-1] = nil
		slot.idle = slot.idle[:n-1]
		if x.req.MethodID.Idempotent() && x.up.framing == message.NoBody || reactor.Quiet(s.fd) {
			return s
		}
		s.close()
	}
	return nil
}

// Ready goes on with whatever the connection waits for.
func (s *serverConn) Ready(ev reactor.Events) {
	s.note(ev)
	x := s.x
	switch {
	case x == nil:
		if ev&(reactor.Readable|reactor.PeerClosed|reactor.Failed) != 0 {
			s.leaveIdle()
		}
	case s.connecting:
		s.connected()
	case x.c.state == clientTunnel:
		x.pumpTunnel()
	case x.answered:
		x.pump()
	default:
		x.serverReady()
	}
}

// leaveIdle closes an idle connection: its member closed it, or sent what
// nobody asked for.
func (s *serverConn) leaveIdle() {
	idle := s.up.slots[s.w.index].idle
	for i, o := range idle {
		if o == s {
			copy(idle[i:], idle[i+1:])
			idle[len(idle)-1] = nil
			s.up.slots[s.w.index].idle = idle[:len(idle)-1]
			break
		}
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
	s.connecting = false
	s.readable = false
	s.x.send()
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
	case x.answered && (len(x.c.pending()) > 0 || !x.c.writable):
		// The client is slow, not the server; the client's timer watches it.
	case !x.answered && !x.reqDone && len(s.pending()) == 0 && s.writable:
		// We wait for the client's body.
	default:
		x.serverFailed(stats.ErrTimeout, stats.ServerTimeout)
	}
}

// send sends the request's head and what is there of its body.
func (x *exchange) send() {
	x.sent = x.w.loop.Now()
	s := x.s
	s.keep(x.appendRequest(s.compose()))
	// The timer runs from the last byte sent, but a member that reads nothing
	// must expire too.
	x.w.loop.SetTimer(&s.timer, first(x.svc.Timeouts.ServerHead))
	if x.up.done {
		x.sendHead()
		return
	}
	x.pump()
}

// sendHead is send for a request without a body.
func (x *exchange) sendHead() {
	if _, errno := x.s.flush(); errno != 0 {
		x.serverFailed(stats.ErrReset, stats.ServerReset)
	}
}

// serverReady goes on while there is no answer yet.
func (x *exchange) serverReady() {
	switch {
	case !x.reqDone:
		x.pumpRequest()
	case len(x.s.pending()) > 0:
		x.sendHead()
	}
	if x.c != nil && x.s != nil && !x.answered && x.s.readable {
		x.readAnswer()
	}
}

// readAnswer reads until the head of the final answer has come.
func (x *exchange) readAnswer() {
	s := x.s
	for {
		if len(s.buffered()) > 0 {
			if done := x.parseAnswer(); done {
				return
			}
		}
		if !s.readable {
			return
		}
		n, errno := s.fill()
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			x.serverFailed(stats.ErrReset, stats.ServerReset)
			return
		}
		if x.firstByte == 0 {
			x.noteFirstByte()
		}
	}
}

func (x *exchange) noteFirstByte() {
	x.firstByte = x.w.loop.Now()
	took := x.firstByte - x.sent
	slot := x.live.Slot(x.w.index)
	slot.Answered.Store(slot.Answered.Load() + 1)
	slot.FirstByte.Store(slot.FirstByte.Load() + uint64(took))
}

// parseAnswer takes the heads that are buffered. It reports whether reading
// heads is over.
func (x *exchange) parseAnswer() bool {
	s := x.s
	for len(s.buffered()) > 0 {
		info := http1.ReqInfo{Method: x.req.MethodID, Upgrade: x.upgrade}
		n, err := http1.ParseResponse(&x.resp, s.buffered(), &x.svc.Answers, info)
		if err != nil {
			x.w.logBadAnswer(x, err)
			x.serverBad()
			return true
		}
		if n == 0 {
			if s.inR == 0 && s.inW == len(s.in) {
				x.growAnswer()
			}
			return false
		}
		switch {
		case x.resp.Status == 101:
			x.beginTunnel(n)
			return true
		case x.resp.Status < 200:
			if !x.interim(n) {
				return true
			}
		default:
			x.beginAnswer(n)
			return true
		}
	}
	return false
}

func (x *exchange) growAnswer() {
	s := x.s
	in := make([]byte, 2*len(s.in))
	copy(in, s.in)
	s.w.bufs.Put(s.in)
	s.in = in
}

// serverBad answers for a member whose answer cannot be passed on.
func (x *exchange) serverBad() {
	x.dropServer(stats.ErrProtocol)
	x.fail(502, stats.BadAnswer)
}

// interim passes a 1xx answer on, which HTTP/1.0 does not know. It reports
// whether the exchange goes on.
func (x *exchange) interim(n int) bool {
	c := x.c
	if x.req.Minor > 0 {
		out := http1.AppendStatusLine(c.compose(), 1, x.resp.Status, x.resp.Bytes(x.resp.Reason))
		out = http1.AppendFields(out, &x.resp)
		c.keep(append(out, "\r\n"...))
	}
	x.s.consume(n)
	if _, errno := c.flush(); errno != 0 {
		x.abort(stats.ClientAbort)
		return false
	}
	return true
}

// beginAnswer sends the head of the final answer, the first n bytes buffered,
// and goes on with its body.
func (x *exchange) beginAnswer(n int) {
	x.answered = true
	x.status = x.resp.Status
	m := x.s.up.Stats.Slot(x.w.index)
	m.Class[stats.ClassOf(x.status)].Add(1)
	m.Duration.Observe(x.firstByte - x.sent)
	if !x.reqDone {
		x.keep = false
	}
	chunked := x.resp.Body == message.Chunked || x.resp.Body == message.UntilClose
	if chunked && x.req.Minor == 0 {
		chunked, x.keep = false, false
	}
	x.down.begin(&x.resp, chunked)
	x.down.drop = !x.req.TETrailer
	c := x.c
	out := c.compose()
	was := len(out)
	c.keep(x.appendAnswer(out, chunked))
	x.headBytes = len(c.out) - was
	x.s.consume(n)
	x.pumpAnswer()
}

// pumpAnswer sends what it can of the answer.
func (x *exchange) pumpAnswer() {
	st := x.down.pump(&x.c.conn, &x.s.conn)
	switch st {
	case finished:
		x.respDone = true
		x.parkServer()
		x.answerDone(stats.Completed)
	case yielded:
		x.w.loop.Soon(x)
	case waiting:
		if len(x.c.pending()) == 0 && x.c.writable {
			x.w.loop.SetTimer(&x.s.timer, first(x.svc.Timeouts.ServerBody))
			return
		}
		x.w.loop.SetTimer(&x.c.timer, first(x.svc.Timeouts.ClientSend))
		x.c.watchNow()
		if x.c == nil {
			return
		}
		if x.down.done && x.down.pipe == nil {
			// The rest is in our hands: the member need not wait for the client.
			x.parkServer()
			x.own, x.reason = true, stats.Completed
		}
	case srcEnded, srcFailed:
		x.dropServer(stats.ErrReset)
		x.abort(stats.ServerReset)
	case srcBad, srcTooMuch:
		x.dropServer(stats.ErrProtocol)
		x.abort(stats.BadAnswer)
	case dstFailed:
		x.abort(stats.ClientAbort)
	}
}

// parkServer ends x's use of its server connection after a whole answer: it
// becomes idle where it can be used again, and is closed otherwise.
func (x *exchange) parkServer() {
	s := x.s
	x.s, s.x = nil, nil
	x.releaseMember()
	slot := &s.up.slots[x.w.index]
	if !x.resp.KeepAlive || !x.reqDone || x.down.framing == message.UntilClose ||
		len(s.buffered()) > 0 || len(s.pending()) > 0 || s.closing || !s.up.Mux ||
		!x.route.TCPMux || x.w.draining || len(slot.idle) >= s.up.Idle {
		s.close()
		return
	}
	s.used++
	slot.idle = append(slot.idle, s)
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
			reactor.ResetOnClose(s.fd)
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
	s.release()
	s.open.Add(-1)
}
