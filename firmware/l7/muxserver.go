// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"errors"
	"sync/atomic"

	"evener/firmware/http2"
	"evener/firmware/reactor"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// A serverMux is an HTTP/2 connection to a member. Exchanges of all clients of its
// loop share it.
type serverMux struct {
	mux
	sock    conn
	up      *Upstream
	open    *atomic.Int64 // the loop's gauge of connections to the member
	waiting []*serverConn // until the member's settings are known
	ready   bool
	heard   int64  // loop clock of the last bytes that came
	pinged  bool   // and an answer is waited for
	port    uint16 // ours; see serverConn.localPort
}

// A streamServer is one stream to a member.
type streamServer struct {
	serverConn
	s stream
}

// maxWaiting bounds the exchanges that wait for one connection to stand.
const maxWaiting = 100

// connectStream gets a stream to x.member: on a connection that stands, or on a
// new one.
func (x *exchange) connectStream(up *Upstream) {
	slot := &up.slots[x.w.index]
	for _, m := range slot.muxes {
		if x.join(m) {
			return
		}
	}
	m, errno := x.dialMux(up)
	if errno != nil {
		x.serverFailed(stats.ErrConnect, stats.ConnectFailed)
		return
	}
	slot.muxes = append(slot.muxes, m)
	x.join(m)
	if m.sock.writable && !m.sock.gone {
		m.connected()
	}
}

// dialMux begins a connection to the member.
func (x *exchange) dialMux(up *Upstream) (*serverMux, error) {
	fd, established, err := reactor.Dial(up.Addr)
	if err != nil {
		return nil, err
	}
	m := &serverMux{up: up, open: &x.live.Slot(x.w.index).Open}
	m.mux = mux{conn: &m.sock, owner: m}
	m.sock.w, m.sock.fd, m.sock.writable = x.w, fd, established
	m.sock.timer.Owner = m
	if err := m.sock.watch(m); err != nil {
		reactor.CloseFD(fd)
		return nil, err
	}
	m.open.Add(1)
	x.w.loop.SetTimer(&m.sock.timer, orNever(x.svc.Timeouts.Connect))
	return m, nil
}

// join gives x a stream of m, or a place among those that wait for m, if there
// is room.
func (x *exchange) join(m *serverMux) bool {
	if m.sock.gone || !m.ready && len(m.waiting) >= maxWaiting {
		return false
	}
	if m.ready {
		h, ok := m.h2.Open()
		if !ok {
			return false
		}
		m.attach(x.w.takeServer(), x, h)
		m.ping()
		x.slot().Reused.Add(1)
		x.send()
		return true
	}
	x.connecting = x.w.loop.Now()
	ss := x.w.takeServer()
	s := m.prepare(ss, x)
	s.connecting = true
	m.waiting = append(m.waiting, s)
	x.w.loop.SetTimer(&s.timer, orNever(x.svc.Timeouts.Connect))
	return true
}

// prepare makes ss the server connection of x.
func (m *serverMux) prepare(ss *streamServer, x *exchange) *serverConn {
	s := &ss.serverConn
	s.w, s.fd, s.writable, s.watched = x.w, -1, true, true
	s.timer.Owner = s
	s.up, s.x, s.mux = m.up, x, m
	s.stream = &ss.s
	ss.s.conn, ss.s.server, ss.s.mux = &s.conn, s, &m.mux
	x.s = s
	return s
}

func (m *serverMux) attach(ss *streamServer, x *exchange, h *http2.Stream) {
	m.prepare(ss, x)
	m.add(&ss.s, h)
	if !m.pinged {
		m.sock.w.loop.StopTimer(&m.sock.timer)
	}
}

// leave takes s, which has no stream yet, out of those that wait.
func (m *serverMux) leave(s *serverConn) {
	for i, o := range m.waiting {
		if o == s {
			m.waiting = append(m.waiting[:i], m.waiting[i+1:]...)
			return
		}
	}
}

// Ready goes on after an event of the socket.
func (m *serverMux) Ready(ev reactor.Events) {
	m.sock.note(ev)
	switch {
	case m.h2 != nil:
		if m.sock.readable {
			m.hear()
			m.receive()
		}
		if !m.sock.gone {
			m.send()
		}
	case m.sock.tls == nil:
		m.connected()
	}
}

// connected finds out how the connection attempt ended.
func (m *serverMux) connected() {
	if !m.sock.writable {
		return
	}
	if errno := reactor.ConnectError(m.sock.fd); errno != 0 {
		m.fail(stats.ErrConnect, stats.ConnectFailed)
		return
	}
	if m.up.TLS != nil {
		m.sock.tls = tlsconn.NewClient(m.up.TLS.Setups[m.sock.w.index], m.sock.fd, m)
		return
	}
	m.begin()
}

var errNoHTTP2 = errors.New("the member does not speak HTTP/2 (h2 was not negotiated by ALPN)")

// Shaken goes on after the TLS handshake.
func (m *serverMux) Shaken(err error) {
	if m.sock.gone {
		m.sock.closeFD()
		return
	}
	m.sock.told = err != nil
	if err == nil && m.sock.tls.State().Protocol != "h2" {
		err = errNoHTTP2
	}
	if err != nil {
		m.sock.w.logShaken(m.up, err)
		m.fail(stats.ErrConnect, stats.ConnectFailed)
		return
	}
	m.sock.readable, m.sock.writable = m.sock.tls.Buffered(), true
	m.begin()
}

// begin sends the preface. Streams begin when the member's settings have come.
func (m *serverMux) begin() {
	m.h2 = http2.NewClient(m.up.HTTP2, m.sock.w.h2)
	m.dirty()
}

// event passes on what the codec has found.
func (m *serverMux) event(ev *http2.Event) {
	switch ev.Kind {
	case http2.Settings:
		m.settled()
		return
	case http2.GoAway:
		m.dirty() // muxSent looks whether anything is left
		return
	}
	s := streamOf(ev)
	if s == nil {
		return
	}
	x := s.server.x
	switch ev.Kind {
	case http2.Response:
		s.conn.eof = ev.End
		x.takeAnswer(ev)
	case http2.Interim:
		ev.TakeHead(&x.resp)
		x.respOwn = true
		x.interim(0)
	case http2.Data:
		s.take(ev.Data)
		s.conn.eof = ev.End
		x.pump()
	case http2.Trailers:
		s.takeTrailers(ev.Head)
		s.conn.eof = true
		x.pump()
	case http2.Reset:
		x.streamReset(ev)
	}
}

// takeAnswer begins the final answer.
func (x *exchange) takeAnswer(ev *http2.Event) {
	if x.firstByte == 0 {
		x.noteFirstByte()
	}
	ev.TakeHead(&x.resp)
	x.respOwn = true
	if tunnel, _ := x.switched(); tunnel {
		x.beginTunnel(0)
		return
	}
	x.beginAnswer(0)
}

// streamReset deals with a stream that the member ended, or that its answer made
// the codec end.
func (x *exchange) streamReset(ev *http2.Event) {
	switch {
	case !ev.ByPeer && !x.answered:
		x.w.logBadAnswer(x, errors.New(ev.Reason.String()))
		x.serverBad()
	case !ev.ByPeer:
		x.dropServer(stats.ErrProtocol)
		x.abort(stats.BadAnswer)
	default:
		if ev.Unprocessed {
			x.sent, x.s.used = 0, 1 // as if it had not been sent
		}
		x.serverFailed(stats.ErrReset, stats.ServerReset)
	}
}

// settled lets those that waited have their streams.
func (m *serverMux) settled() {
	if m.ready {
		return
	}
	m.ready = true
	m.sock.w.loop.StopTimer(&m.sock.timer)
	waiting := m.waiting
	m.waiting = nil
	for _, s := range waiting {
		x := s.x
		s.connecting = false
		if h, ok := m.h2.Open(); ok {
			m.add(s.stream, h)
			x.send()
			continue
		}
		x.s, s.x = nil, nil
		s.close()
		x.connectStream(m.up) // the member takes fewer at once
	}
	m.streamEnded()
}

// streamEnded lets the connection be idle when it has no stream left.
func (m *serverMux) streamEnded() {
	if len(m.streams) > 0 || len(m.waiting) > 0 || m.sock.gone || m.pinged {
		return
	}
	if m.up.slots[m.sock.w.index].gone {
		m.h2.Drain() // and close, once what is due was sent
		m.dirty()
	}
	m.sock.w.loop.SetTimer(&m.sock.timer, serverIdle)
}

// muxSent closes a connection that takes no new streams and has none.
func (m *serverMux) muxSent(done bool) {
	if !done || len(m.streams) > 0 || len(m.waiting) > 0 {
		return
	}
	if !m.h2.CanOpen() {
		m.close()
	} else if m.sock.tls != nil {
		m.sock.tls.Shrink()
	}
}

// muxEnded closes a connection on which the member broke the protocol.
func (m *serverMux) muxEnded(e *http2.ConnError) {
	if m.sock.w.mayLog() {
		m.sock.w.log.Warn("connection to member ended", "member", m.up.Addr, "err", e)
	}
	m.fail(stats.ErrProtocol, stats.BadAnswer)
}

// muxFailed closes a connection that the member has left.
func (m *serverMux) muxFailed() { m.fail(stats.ErrReset, stats.ServerReset) }

// fail ends the connection. Its exchanges go elsewhere where they can.
func (m *serverMux) fail(kind stats.ErrorKind, r stats.Reason) {
	m.forget()
	m.sock.gone = true // nobody joins it
	for len(m.waiting) > 0 {
		m.waiting[len(m.waiting)-1].x.serverFailed(stats.ErrConnect, stats.ConnectFailed)
	}
	for len(m.streams) > 0 {
		m.streams[len(m.streams)-1].server.x.serverFailed(kind, r)
	}
	m.end()
}

// Expire closes a connection that was idle, or has not come about in time.
func (m *serverMux) Expire(*reactor.Timer) {
	if !m.ready {
		m.fail(stats.ErrConnect, stats.ConnectTimeout)
		return
	}
	if m.pinged {
		m.vanished()
		return
	}
	m.goAway()
}

// close ends a connection that carries nothing.
func (m *serverMux) close() {
	if !m.sock.gone {
		m.forget()
		m.end()
	}
}

func (m *serverMux) end() {
	if m.h2 != nil {
		m.h2.Close()
	}
	m.sock.release()
	m.open.Add(-1)
}

// forget takes m out of the list of connections that exchanges may join.
func (m *serverMux) forget() {
	slot := &m.up.slots[m.sock.w.index]
	for i, o := range slot.muxes {
		if o == m {
			slot.muxes = append(slot.muxes[:i], slot.muxes[i+1:]...)
			return
		}
	}
}
