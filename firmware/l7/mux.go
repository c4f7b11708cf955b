// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"golang.org/x/sys/unix"

	"evener/firmware/http2"
)

// A mux is an HTTP/2 connection: it moves bytes between a socket and the codec,
// and events to the streams. What the streams have to say is sent together, at
// the end of the loop's turn.
type mux struct {
	conn    *conn // the socket
	h2      *http2.Conn
	owner   muxOwner
	streams []*stream
	soon    bool // Run is due
}

// A muxOwner is the client's or the member's side of a mux.
type muxOwner interface {
	event(ev *http2.Event)
	streamEnded()              // a stream was given back
	muxSent(done bool)         // Out was sent, as far as the socket takes it
	muxEnded(*http2.ConnError) // the peer broke the protocol, and was told so
	muxFailed()                // the socket is of no more use
}

// turnReads bounds how often one turn reads from a connection.
const turnReads = 16

// add makes s a stream of m.
func (m *mux) add(s *stream, h *http2.Stream) {
	s.mux, s.s = m, h
	s.at = len(m.streams)
	h.Owner = s
	m.streams = append(m.streams, s)
}

func (m *mux) remove(s *stream) {
	last := len(m.streams) - 1
	m.streams[s.at] = m.streams[last]
	m.streams[s.at].at = s.at
	m.streams[last] = nil
	m.streams = m.streams[:last]
}

// dirty has what the codec wants to send sent at the end of the turn.
func (m *mux) dirty() {
	if !m.soon {
		m.soon = true
		m.conn.w.loop.Soon(m)
	}
}

// Run sends what is due, and reads on where a turn was too short.
func (m *mux) Run() {
	m.soon = false
	if m.conn.gone {
		return
	}
	if m.conn.readable {
		m.receive()
	}
	if !m.conn.gone {
		m.send()
	}
}

// receive reads what there is and tells the streams. Where a turn is too short for
// all of it, Run goes on; nothing that was read waits for that.
func (m *mux) receive() {
	c := m.conn
	more := c.readable
	for range turnReads {
		if !m.take() || c.gone {
			return
		}
		if more = c.readable; !more {
			break
		}
		n, errno := c.fill()
		if more = errno != unix.EAGAIN; !more {
			break
		}
		if errno != 0 || n == 0 {
			m.owner.muxFailed()
			return
		}
	}
	if more && (!m.take() || c.gone) {
		return
	}
	m.dirty()
}

// take hands the bytes that are buffered to the codec, and its events on. It
// reports whether the connection goes on.
func (m *mux) take() bool {
	c := m.conn
	now := c.w.loop.Now()
	var ev http2.Event
	for {
		n, err := m.h2.Next(now, c.buffered(), &ev)
		if err != nil {
			if _, ok := m.flush(); ok {
				m.owner.muxEnded(err.(*http2.ConnError))
			}
			return false
		}
		if ev.Kind != http2.None {
			m.owner.event(&ev)
			if c.gone {
				return false
			}
		} else if n == 0 {
			return true
		}
		if n > 0 {
			c.consume(n)
		}
	}
}

// send sends what the codec has, and lets the streams that have waited go on.
func (m *mux) send() {
	for {
		done, ok := m.flush()
		if !ok {
			return
		}
		var s *http2.Stream
		if done {
			s = m.h2.Writable()
		}
		if s == nil {
			m.owner.muxSent(done)
			return
		}
		for ; s != nil && !m.h2.Full() && !m.conn.gone; s = m.h2.Writable() {
			if o, _ := s.Owner.(*stream); o != nil {
				o.conn.writable = true
				o.pump()
			}
		}
		if m.conn.gone {
			return
		}
	}
}

// flush sends Out. ok is false when the connection is gone.
func (m *mux) flush() (done, ok bool) {
	c := m.conn
	for {
		done, errno := c.flushRecord()
		if errno == 0 && !done {
			return false, true
		}
		out := m.h2.Out()
		if len(out) == 0 && errno == 0 {
			return true, true
		}
		if !c.writable && errno == 0 {
			return false, true
		}
		n := 0
		if errno == 0 {
			n, errno = c.write(out)
		}
		if errno == unix.EAGAIN {
			c.writable = false
			return false, true
		}
		if errno != 0 {
			m.owner.muxFailed()
			return false, false
		}
		m.h2.Sent(n)
	}
}

// pump goes on with the exchange of a stream.
func (s *stream) pump() {
	switch {
	case s.client != nil && s.client.x != nil:
		s.client.x.pump()
	case s.server != nil && s.server.x != nil:
		s.server.x.pump()
	}
}
