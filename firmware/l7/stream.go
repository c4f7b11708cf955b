// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"golang.org/x/sys/unix"

	"evener/firmware/http1"
	"evener/firmware/http2"
	"evener/firmware/message"
)

// A stream is what a conn has in place of a socket where it is one of the many on
// an HTTP/2 connection. What comes is put into the conn's buffer as it comes, up
// to the window that the peer was given; what is sent goes to the output of the
// HTTP/2 connection as far as the peer's windows allow.
type stream struct {
	mux    *mux
	s      *http2.Stream
	at     int         // in mux.streams
	conn   *conn       // of the one of the next two that is there
	client *clientConn // nil on a connection to a member
	server *serverConn // nil on a client's connection

	last    bool   // what is pending ends the body
	ended   bool   // the end has been sent
	trailer []byte // fields behind the body that came, as HTTP/1 would write them
	tail    []byte // fields behind the body that goes, likewise
}

// take puts bytes that came into the conn's buffer. The window bounds them.
func (s *stream) take(p []byte) {
	c := s.conn
	if c.in == nil {
		c.in = c.w.bufs.GetSize(len(p))
	} else if c.inR > 0 {
		copy(c.in, c.in[c.inR:c.inW])
		c.inW -= c.inR
		c.inR = 0
	}
	for len(c.in)-c.inW < len(p) {
		c.in = c.w.bufs.Grow(c.in)
	}
	c.inW += copy(c.in[c.inW:], p)
}

// takeTrailers keeps the fields behind a body.
func (s *stream) takeTrailers(h *message.Head) {
	s.trailer = append(http1.AppendFields(s.trailer[:0], h), "\r\n"...)
}

// consumed lets the peer send n bytes more.
func (s *stream) consumed(n int) {
	s.mux.h2.Consumed(s.s, n)
	s.mux.dirty()
}

// flush sends what is pending, and the end of the body if it comes next. It
// reports whether nothing is left.
func (s *stream) flush() bool {
	c := s.conn
	p := c.pending()
	if s.ended || len(p) == 0 && !s.last {
		return true
	}
	s.mux.dirty()
	n := s.mux.h2.Write(s.s, p, s.last && len(s.tail) == 0)
	if len(p) > 0 {
		c.sent(n)
	}
	if n < len(p) {
		c.writable = false
		return false
	}
	if s.last {
		s.ended = true
		if len(s.tail) > 0 {
			s.sendTail()
		}
	}
	return true
}

// writev sends a and then b.
func (s *stream) writev(a, b []byte) (int, unix.Errno) {
	s.mux.dirty()
	n := s.mux.h2.Write(s.s, a, false)
	if n == len(a) {
		n += s.mux.h2.Write(s.s, b, false)
	}
	if n == 0 {
		return 0, unix.EAGAIN
	}
	return n, 0
}

// sendTail ends the body with trailers.
func (s *stream) sendTail() {
	h := &s.conn.w.trailers
	if _, err := http1.ParseTrailers(h, s.tail, nil); err != nil {
		s.mux.h2.Write(s.s, nil, true)
		return
	}
	s.mux.h2.Trailers(s.s, h)
}

// end ends the body that goes, behind what is pending, with the trailers of the
// one that came.
func (s *stream) end(trailer []byte) {
	if !s.last {
		s.last = true
		s.tail = append(s.tail[:0], trailer...)
	}
}

// reset ends the stream at once.
func (s *stream) reset() {
	code := http2.InternalError
	if s.server != nil || s.client.state == clientTunnel { // a tunnel's reset: RFC 8441 section 5
		code = http2.Cancel
	}
	s.mux.h2.Reset(s.s, code)
	s.mux.dirty()
}

// release gives the stream back; one that has not ended is reset.
func (s *stream) release() {
	if s.s == nil {
		return
	}
	s.mux.remove(s)
	s.s.Owner = nil
	s.mux.h2.Release(s.s)
	s.s = nil
	s.mux.dirty()
	s.mux.owner.streamEnded()
}
