// SPDX-License-Identifier: Apache-2.0

package l7

import (
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
	h := &x.req
	key := x.upgrade && h.HTTP2 // the client of HTTP/2 has none
	if key {
		hide(h, keyField) // one that it sent all the same would be a second
		dst = append(dst, "GET"...)
	} else {
		dst = append(dst, h.Bytes(h.Method)...)
	}
	dst = append(dst, ' ')
	dst = x.appendTarget(dst)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, x.authority()...)
	dst = append(dst, "\r\n"...)
	dst = http1.AppendFields(dst, h)
	dst = http1.AppendCookies(dst, h)
	s := sink{dst: dst}
	x.finishRequest(&s)
	dst = s.dst
	if x.upgrade {
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	if key {
		if x.wsKey[0] == 0 {
			x.makeKey()
		}
		dst = http1.AppendField(dst, "Sec-WebSocket-Key", x.wsKey[:])
	}
	switch {
	case x.up.chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case h.Body == message.Length:
		dst = http1.AppendLength(dst, h.Length)
	}
	return append(dst, "\r\n"...)
}

// prepareFields marks the fields that do not go on. It may run again at a retry.
func (x *exchange) prepareFields() {
	if len(x.svc.Own) > 0 {
		x.dropOwn()
	}
	x.keepConsoleCookie()
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
			if sameName(x.req.Bytes(f.Name), name) {
				f.Hop = true
			}
		}
	}
}

// sameName reports whether a server may take b for name, which is in lower case:
// many read "_" and "-" alike.
func sameName(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i, c := range b {
		switch {
		case c == '_':
			c = '-'
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		if n := name[i]; c != n && (n != '_' || c != '-') {
			return false
		}
	}
	return true
}

// appendAnswer appends the head that the client gets.
func (x *exchange) appendAnswer(dst []byte, chunked bool) []byte {
	h := &x.resp
	dst = http1.AppendStatusLine(dst, 1, h.Status, h.Bytes(h.Reason))
	dst = http1.AppendFields(dst, h)
	sk := sink{dst: dst}
	x.finishAnswer(&sk)
	dst = sk.dst
	switch {
	case chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case h.Body == message.Length && !x.down.coded:
		dst = http1.AppendLength(dst, h.Length)
	}
	return append(x.appendPersistence(dst), "\r\n"...)
}

// appendPersistence appends what the client must be told of its connection.
func (x *exchange) appendPersistence(dst []byte) []byte {
	switch {
	case !x.keep:
		return append(dst, "Connection: close\r\n"...)
	case x.req.Minor == 0:
		return append(dst, "Connection: keep-alive\r\n"...)
	}
	return dst
}
