// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/message"
)

// streamAnswer sends the head of the final answer on a stream of the client's. It
// reports whether the client takes so large a head.
func (x *exchange) streamAnswer() bool {
	c, h := x.c, &x.resp
	h2 := c.stream.mux.h2
	was := len(h2.Out())
	h2.BeginHead(c.stream.s)
	h2.Status(h.Status)
	h2.Fields(h)
	x.finishAnswer(&sink{h2: h2})
	if h.Body == message.Length && !x.down.coded {
		h2.Length(h.Length)
	}
	if !h2.EndHead(x.down.done) {
		return false
	}
	c.stream.last, c.stream.ended = x.down.done, x.down.done
	c.stream.mux.dirty()
	x.headBytes = len(h2.Out()) - was
	return true
}

// streamInterim passes a 1xx answer on.
func (x *exchange) streamInterim() {
	s, h := x.c.stream, &x.resp
	s.mux.h2.BeginHead(s.s)
	s.mux.h2.Status(h.Status)
	s.mux.h2.Fields(h)
	s.mux.h2.EndHead(false)
	s.mux.dirty()
}

var vias = [...][]byte{[]byte("1.0 evener"), []byte("1.1 evener"), []byte("2.0 evener")}

// via returns the entry of Via for a message that came with the head h (RFC 9110
// section 7.6.3).
func via(h *message.Head) []byte {
	if h.HTTP2 {
		return vias[2]
	}
	return vias[h.Minor]
}

// streamRequest sends the head of the request on a stream to the member. It reports
// whether the member takes so large a head.
func (x *exchange) streamRequest() bool {
	s, h := x.s.stream, &x.req
	h2 := s.mux.h2
	scheme := "http"
	if x.s.up.TLS != nil {
		scheme = "https"
	}
	x.w.text = x.appendTarget(x.w.text[:0])
	h2.BeginHead(s.s)
	if x.upgrade {
		h2.Request([]byte("CONNECT"), scheme, x.authority(), x.w.text, "websocket")
		hide(h, keyField)
	} else {
		h2.Request(h.Bytes(h.Method), scheme, x.authority(), x.w.text, "")
	}
	h2.Fields(h)
	x.finishRequest(&sink{h2: h2})
	if h.TETrailer {
		h2.Field("te", []byte("trailers"))
	}
	if h.Body == message.Length {
		h2.Length(h.Length)
	}
	end := x.up.done && !x.upgrade
	if !h2.EndHead(end) {
		return false
	}
	s.last, s.ended = end, end
	s.mux.dirty()
	return true
}
