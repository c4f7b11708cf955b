// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/http1"
	"evener/firmware/http2"
	"evener/firmware/message"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A clientMux is a client's HTTP/2 connection: each of its streams is a client
// connection of its own to the exchange that it carries.
type clientMux struct {
	mux
	c        *clientConn
	draining bool // the client was told to go elsewhere
}

// A streamClient is one stream of a client, from its request to the end of the
// answer.
type streamClient struct {
	clientConn
	s stream
}

// beginMux makes c an HTTP/2 connection.
func (c *clientConn) beginMux(svc *Service) {
	m := &clientMux{c: c}
	m.mux = mux{conn: &c.conn, owner: m, h2: http2.NewServer(svc.HTTP2, c.w.h2)}
	c.mux, c.state = m, clientMuxed
	c.w.loop.SetTimer(&c.timer, c.idleTime(svc.Timeouts.ClientHead))
	c.watchNow()
	if !c.gone {
		m.receive()
	}
}

// turnedAway is for connections that nothing comes of.
var turnedAway = http2.Prepare(http2.Config{})

// turnAway ends a connection that was agreed on by what a commit has changed since. It
// says that no request of it was looked at, so that the client makes them elsewhere.
func (c *clientConn) turnAway() {
	m := &clientMux{c: c}
	m.mux = mux{conn: &c.conn, owner: m, h2: http2.NewServer(turnedAway, c.w.h2)}
	c.mux, c.state = m, clientMuxed
	c.watchNow()
	if !c.gone {
		m.expired()
	}
}

// RejectedHTTP2 is the index in [stats.ClusterSlot].Rejected of the first reason
// of package http2; before it are those of http1.
const RejectedHTTP2 = 64

// event passes on what the codec has found.
func (m *clientMux) event(ev *http2.Event) {
	switch ev.Kind {
	case http2.Request:
		m.begin(ev)
		return
	case http2.Refused:
		m.refuse(ev)
		return
	}
	s := streamOf(ev)
	if s == nil {
		return
	}
	x := s.client.x
	switch ev.Kind {
	case http2.Data:
		s.take(ev.Data)
		s.conn.eof = ev.End
	case http2.Trailers:
		s.takeTrailers(ev.Head)
		s.conn.eof = true
	case http2.Reset:
		if !ev.ByPeer {
			m.c.stats.Rejected[RejectedHTTP2+int(ev.Reason)].Add(1)
		}
		x.abort(stats.ClientAbort)
		return
	}
	x.pump()
}

func streamOf(ev *http2.Event) *stream {
	if ev.Stream == nil {
		return nil
	}
	s, _ := ev.Stream.Owner.(*stream)
	return s
}

// begin begins the exchange of a request.
func (m *clientMux) begin(ev *http2.Event) {
	svc := m.c.service()
	if svc == nil {
		m.h2.Reset(ev.Stream, http2.RefusedStreamError)
		m.h2.Release(ev.Stream)
		m.drain()
		return
	}
	c := m.accept(ev.Stream)
	c.eof = ev.End
	x := m.c.w.takeExchange()
	ev.TakeHead(&x.req)
	x.reqOwn = true
	c.x = x
	if limit := svc.Limits.Requests; limit != 0 && m.c.requests >= limit {
		m.drain()
		if m.c.requests > limit {
			m.h2.Drain() // no grace
		}
	}
	x.begin(c, svc)
}

// accept makes a stream a client connection.
func (m *clientMux) accept(h *http2.Stream) *clientConn {
	w := m.c.w
	if !m.draining {
		w.loop.StopTimer(&m.c.timer)
	}
	m.c.requests++
	sc := w.takeStream()
	c := &sc.clientConn
	c.w, c.fd, c.writable, c.watched = w, -1, true, true
	c.timer.Owner = c
	c.parent = m.c
	c.port, c.peer, c.via, c.stats = m.c.port, m.c.peer, m.c.via, m.c.stats
	c.secure, c.secured = m.c.secure, m.c.secured
	c.since, c.requests, c.state = w.loop.Now(), m.c.requests, clientBusy
	c.stream = &sc.s
	sc.s.conn, sc.s.client = &c.conn, c
	m.add(&sc.s, h)
	return c
}

// refuse answers a request that the codec does not accept, or counts what it has
// reset already.
func (m *clientMux) refuse(ev *http2.Event) {
	w := m.c.w
	m.c.stats.Requests.Add(1)
	m.c.stats.Rejected[RejectedHTTP2+int(ev.Reason)].Add(1)
	m.c.stats.Aborts[stats.BadRequest].Add(1)
	m.c.stats.Class[stats.ClassOf(ev.Status)].Add(1)
	if w.mayLog() {
		w.log.Info("request refused", "listen", m.c.port.Addr, "client", m.c.peer,
			"status", ev.Status, "reason", ev.Reason.String())
	}
	if ev.Status == 0 {
		return
	}
	c := m.accept(ev.Stream)
	c.ownAnswer(http1.AppendError(nil, ev.Status, false, ev.Head.MethodID, w.httpDate()))
	c.close()
}

// ownAnswer composes an answer of the box itself on a stream, from what HTTP/1
// would send.
func (c *clientConn) ownAnswer(b []byte) {
	h := &c.w.own
	n, err := http1.ParseResponse(h, b, nil, http1.ReqInfo{})
	if err != nil || n == 0 {
		c.w.log.Error("own answer not understood", "err", err)
		c.stream.reset()
		return
	}
	body := b[n:]
	h2 := c.stream.mux.h2
	h2.BeginHead(c.stream.s)
	h2.Status(h.Status)
	h2.Fields(h)
	if h.Body == message.Length {
		h2.Length(h.Length)
	}
	h2.EndHead(len(body) == 0)
	c.stream.last = true
	c.stream.ended = len(body) == 0
	c.keep(append(c.compose(), body...))
	if len(body) == 0 {
		c.dropOut()
	}
	c.stream.mux.dirty()
	c.flush()
}

// streamEnded lets the connection be idle when it has no stream left.
func (m *clientMux) streamEnded() {
	if len(m.streams) > 0 || m.c.gone || m.draining {
		return
	}
	if svc := m.c.service(); svc != nil {
		m.c.w.loop.SetTimer(&m.c.timer, m.c.idleTime(svc.Timeouts.ClientIdle))
	}
}

// muxSent closes a connection that has nothing left to do.
func (m *clientMux) muxSent(done bool) {
	if !done || len(m.streams) > 0 {
		return
	}
	if m.h2.Drained() {
		m.c.beginLinger()
		return
	}
	if m.c.tls != nil {
		m.c.tls.Shrink()
	}
}

// muxEnded closes a connection whose client broke the protocol, and was told so.
func (m *clientMux) muxEnded(e *http2.ConnError) {
	m.c.stats.Rejected[RejectedHTTP2+int(e.Reason)].Add(1)
	m.abort(stats.BadRequest)
	m.c.beginLinger()
}

// muxFailed closes a connection that its client has left.
func (m *clientMux) muxFailed() {
	m.abort(stats.ClientAbort)
	m.c.close()
}

// abort ends the exchanges of all streams.
func (m *clientMux) abort(r stats.Reason) {
	for len(m.streams) > 0 {
		m.streams[len(m.streams)-1].client.x.abort(r)
	}
}

// ready goes on after an event of the socket.
func (m *clientMux) ready(reactor.Events) {
	if m.conn.readable {
		m.receive()
	}
	if !m.conn.gone {
		m.send()
	}
}

// drain lets the streams end and sends the client elsewhere. What it asks before it
// has heard of that, which it says by answering a PING (RFC 9113 section 6.8), is
// taken, but no longer than drainIdle.
func (m *clientMux) drain() {
	if m.draining {
		return
	}
	m.draining = true
	m.h2.Drain()
	m.c.w.loop.SetTimer(&m.c.timer, drainIdle)
	m.dirty()
}

// expired ends a connection that was idle for too long, or the grace of one that
// drains.
func (m *clientMux) expired() {
	if m.draining && len(m.streams) > 0 {
		m.h2.Drain()
		m.dirty() // muxSent closes it when they have ended
		return
	}
	m.h2.GoAway(http2.NoError)
	m.send()
	if !m.c.gone && m.c.state == clientMuxed {
		m.c.beginLinger()
	}
}
