// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"encoding/hex"

	"evener/firmware/http1"
	"evener/firmware/http2"
	"evener/firmware/message"
	"evener/firmware/rewrite"
)

// A sink takes the fields that the box adds to a head: it writes them as one of
// the codecs does, or hands them to the changes that operations are applied to.
// The exchange composes fields once, whatever the sides speak, and where there is
// no operation nothing stands between it and the codec.
type sink struct {
	dst     []byte           // HTTP/1 is appended here,
	h2      *http2.Conn      // unless HTTP/2 is written here,
	changes *rewrite.Changes // or the changes of head are to see them
	head    *message.Head
}

func (s *sink) add(name string, value []byte) {
	switch {
	case s.changes != nil:
		s.changes.Do(s.head, rewrite.Add, name, value)
	case s.h2 != nil:
		s.h2.Field(name, value)
	default:
		s.dst = http1.AppendField(s.dst, name, value)
	}
}

// addRequestFields adds what tells the member of the client and of the box.
func (x *exchange) addRequestFields(s *sink) {
	w := x.w
	if x.route.ClientIP {
		w.text = x.c.peer.Addr().AppendTo(w.text[:0])
		s.add("X-Forwarded-For", w.text)
		if !x.hasProto() {
			s.add("X-Forwarded-Proto", protoOf(x.c.secure))
		}
	}
	if x.svc.Forwarded {
		f := rewrite.Forwarded{For: x.c.peer, Host: x.req.Bytes(x.req.Authority), Proto: string(protoOf(x.c.secure))}
		w.text = f.Append(w.text[:0])
		s.add("Forwarded", w.text)
	}
	if x.svc.Via {
		s.add("Via", via(&x.req))
	}
	if x.svc.RequestID && !x.hasRequestID() {
		s.add("X-Request-Id", x.ownRequestID())
	}
	if x.c.secured != nil {
		for i := range x.c.secured.Fields {
			s.add(x.c.secured.Fields[i].Name, []byte(x.c.secured.Fields[i].Value))
		}
	}
}

// addAnswerFields adds what the client of a member's answer gets beside it.
func (x *exchange) addAnswerFields(s *sink) {
	if x.svc.Via {
		s.add("Via", via(&x.resp))
	}
	if x.cookies != nil {
		x.w.text = x.cookies.AppendSetCookieFor(x.w.text[:0], x.member, x.req.Bytes(x.req.Authority))
		s.add("Set-Cookie", x.w.text)
	}
	x.addHSTS(s)
}

// promises reports whether answers tell that the host speaks TLS, in the place of
// what the member says of that: a browser believes the first such field (RFC 6797
// section 8.1), and none in clear (section 7.2).
func (x *exchange) promises() bool { return x.svc.HSTS != "" && x.c.secure }

const hstsField = "strict-transport-security"

func (x *exchange) addHSTS(s *sink) {
	if x.promises() {
		s.add("Strict-Transport-Security", []byte(x.svc.HSTS))
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

// hasRequestID reports whether a trusted source has numbered the request.
func (x *exchange) hasRequestID() bool {
	if !x.trusted {
		return false
	}
	v, ok := x.req.Get(message.XRequestID)
	return ok && len(v) > 0
}

// ownRequestID returns the number that the box gives the request.
func (x *exchange) ownRequestID() []byte {
	if x.requestID[0] == 0 {
		x.makeRequestID()
	}
	return x.requestID[:]
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
