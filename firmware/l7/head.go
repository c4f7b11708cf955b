// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"encoding/hex"
	"net/netip"

	"evener/firmware/http1"
	"evener/firmware/message"
)

// forwarding fields say where a request came from. They are believed only from
// trusted sources.
func forwarding(id message.FieldID) bool {
	switch id {
	case message.XForwardedFor, message.XForwardedProto, message.XForwardedHost,
		message.XForwardedPort, message.Forwarded:
		return true
	}
	return false
}

// trusts reports whether the forwarding fields of a client are kept.
func (s *Service) trusts(a netip.Addr) bool {
	for _, p := range s.Trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// appendRequest appends the head that the member gets.
func (x *exchange) appendRequest(dst []byte) []byte {
	x.prepareFields()
	f := forward{
		head: &x.req, client: x.c.peer.Addr(), via: x.svc.Via, clientIP: x.route.ClientIP,
		upgrade: x.upgrade, chunked: x.up.chunked, secure: x.c.secure, secured: x.c.secured,
	}
	if x.upgrade && x.req.HTTP2 {
		if x.wsKey[0] == 0 {
			x.makeKey()
		}
		f.key = x.wsKey[:]
	}
	if x.svc.RequestID {
		f.requestID = x.requestID[:]
		if x.hasRequestID() {
			f.requestID = nil
		} else if x.requestID[0] == 0 {
			x.makeRequestID()
		}
	}
	return f.append(dst)
}

// prepareFields marks the fields that do not go on. It may run again at a retry.
func (x *exchange) prepareFields() {
	if len(x.svc.Own) > 0 {
		x.dropOwn()
	}
	if x.trusted {
		return
	}
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		if forwarding(f.ID) || (f.ID == message.XRequestID && x.svc.RequestID) {
			f.Hop = true
		}
	}
}

// dropOwn drops the fields that only the box may set.
func (x *exchange) dropOwn() {
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		for _, name := range x.svc.Own {
			if message.EqualFold(x.req.Bytes(f.Name), name) {
				f.Hop = true
			}
		}
	}
}

func (x *exchange) hasRequestID() bool {
	if !x.trusted {
		return false
	}
	v, ok := x.req.Get(message.XRequestID)
	return ok && len(v) > 0
}

func (x *exchange) makeRequestID() {
	var b [16]byte
	for i := 0; i < len(b); i += 8 {
		r := x.w.random.Uint64()
		for j := range 8 {
			b[i+j] = byte(r >> (8 * j))
		}
	}
	hex.Encode(x.requestID[:], b[:])
}

// A forward is what the head to a member is made of.
type forward struct {
	head      *message.Head
	client    netip.Addr
	requestID []byte // nil: none is added
	via       bool
	clientIP  bool
	upgrade   bool
	chunked   bool
	secure    bool // the client's connection is TLS
	secured   *Secured
	key       []byte // of a WebSocket whose client has none
}

func (f *forward) append(dst []byte) []byte {
	h := f.head
	if f.key != nil {
		dst = append(dst, "GET"...)
	} else {
		dst = append(dst, h.Bytes(h.Method)...)
	}
	dst = append(dst, ' ')
	dst = http1.AppendTarget(dst, h)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, h.Bytes(h.Authority)...)
	dst = append(dst, "\r\n"...)
	dst = http1.AppendFields(dst, h)
	dst = http1.AppendCookies(dst, h)
	if f.clientIP {
		dst = f.appendClient(dst)
	}
	if f.via {
		dst = http1.AppendField(dst, "Via", via(h))
	}
	if f.requestID != nil {
		dst = http1.AppendField(dst, "X-Request-Id", f.requestID)
	}
	if f.secured != nil {
		for i := range f.secured.Fields {
			dst = http1.AppendField(dst, f.secured.Fields[i].Name, []byte(f.secured.Fields[i].Value))
		}
	}
	if f.upgrade {
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
		if f.key != nil {
			dst = http1.AppendField(dst, "Sec-WebSocket-Key", f.key)
		}
	}
	switch {
	case f.chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case h.Body == message.Length:
		dst = http1.AppendLength(dst, h.Length)
	}
	return append(dst, "\r\n"...)
}

// appendClient appends the client's address to what a trusted source said, or
// alone: untrusted fields were dropped.
func (f *forward) appendClient(dst []byte) []byte {
	dst = append(dst, "X-Forwarded-For: "...)
	dst = f.client.AppendTo(dst)
	dst = append(dst, "\r\n"...)
	for i := range f.head.Fields {
		if p := &f.head.Fields[i]; p.ID == message.XForwardedProto && !p.Hop {
			return dst // a trusted source knows better
		}
	}
	if f.secure {
		return append(dst, "X-Forwarded-Proto: https\r\n"...)
	}
	return append(dst, "X-Forwarded-Proto: http\r\n"...)
}

// appendAnswer appends the head that the client gets.
func (x *exchange) appendAnswer(dst []byte, chunked bool) []byte {
	h := &x.resp
	dst = http1.AppendStatusLine(dst, 1, h.Status, h.Bytes(h.Reason))
	dst = http1.AppendFields(dst, h)
	if x.svc.Via {
		dst = http1.AppendField(dst, "Via", via(h))
	}
	if x.cookies != nil {
		dst = append(dst, "Set-Cookie: "...)
		dst = x.cookies.AppendSetCookieFor(dst, x.member, x.req.Bytes(x.req.Authority))
		dst = append(dst, "\r\n"...)
	}
	switch {
	case chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case h.Body == message.Length:
		dst = http1.AppendLength(dst, h.Length)
	}
	switch {
	case !x.keep:
		dst = append(dst, "Connection: close\r\n"...)
	case x.req.Minor == 0:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, "\r\n"...)
}
