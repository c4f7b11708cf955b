// SPDX-License-Identifier: Apache-2.0

package l7

import "evener/firmware/message"

// streamAnswer sends the head of the final answer on a stream of the client's.
func (x *exchange) streamAnswer() {
	c, h := x.c, &x.resp
	h2 := c.stream.mux.h2
	was := len(h2.Out())
	h2.BeginHead(c.stream.s)
	h2.Status(h.Status)
	h2.Fields(h)
	if x.svc.Via {
		h2.Field("via", via(h))
	}
	if x.cookies != nil {
		x.w.text = x.cookies.AppendSetCookieFor(x.w.text[:0], x.member, x.req.Bytes(x.req.Authority))
		h2.Field("set-cookie", x.w.text)
	}
	if h.Body == message.Length {
		h2.Length(h.Length)
	}
	h2.EndHead(x.down.done)
	c.stream.last, c.stream.ended = x.down.done, x.down.done
	c.stream.mux.dirty()
	x.headBytes = len(h2.Out()) - was
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
