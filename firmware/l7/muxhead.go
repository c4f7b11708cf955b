// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/http1"
	"evener/firmware/message"
)

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

// streamRequest sends the head of the request on a stream to the member.
func (x *exchange) streamRequest() {
	x.prepareFields()
	s, h := x.s.stream, &x.req
	h2 := s.mux.h2
	scheme := "http"
	if x.s.up.TLS != nil {
		scheme = "https"
	}
	x.w.text = http1.AppendTarget(x.w.text[:0], h)
	h2.BeginHead(s.s)
	if x.upgrade {
		h2.Request([]byte("CONNECT"), scheme, h.Bytes(h.Authority), x.w.text, "websocket")
		hide(h, keyField)
	} else {
		h2.Request(h.Bytes(h.Method), scheme, h.Bytes(h.Authority), x.w.text, "")
	}
	h2.Fields(h)
	x.streamForwarding()
	if h.TETrailer {
		h2.Field("te", []byte("trailers"))
	}
	if h.Body == message.Length {
		h2.Length(h.Length)
	}
	end := x.up.done && !x.upgrade
	h2.EndHead(end)
	s.last, s.ended = end, end
	s.mux.dirty()
}

// streamForwarding adds the fields that tell the member of the client.
func (x *exchange) streamForwarding() {
	h2 := x.s.stream.mux.h2
	if x.route.ClientIP {
		x.w.text = x.c.peer.Addr().AppendTo(x.w.text[:0])
		h2.Field("x-forwarded-for", x.w.text)
		if !x.hasProto() {
			h2.Field("x-forwarded-proto", protoOf(x.c.secure))
		}
	}
	if x.svc.Via {
		h2.Field("via", via(&x.req))
	}
	if x.svc.RequestID && !x.hasRequestID() {
		if x.requestID[0] == 0 {
			x.makeRequestID()
		}
		h2.Field("x-request-id", x.requestID[:])
	}
	if x.c.secured != nil {
		for _, f := range x.c.secured.Fields {
			h2.Field(f.Name, []byte(f.Value))
		}
	}
}

// hasProto reports whether a trusted source has told the client's protocol: it
// knows better.
func (x *exchange) hasProto() bool {
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; f.ID == message.XForwardedProto && !f.Hop {
			return true
		}
	}
	return false
}

func protoOf(secure bool) []byte {
	if secure {
		return []byte("https")
	}
	return []byte("http")
}
