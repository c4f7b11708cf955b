// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// facts are what the fields of one head say about framing and connection.
type facts struct {
	hosts   int
	host    message.Span
	cookies int

	lengths  int   // Content-Length fields
	length   int64 // their value
	clFault  Reason
	codings  codings
	transfer bool // there is a Transfer-Encoding

	close, keepAlive, upgrade bool // connection options
	named                     bool // Connection names other fields
	options                   int
	badOption                 bool

	upgradeField bool
	expect       Reason
	hasExpect    bool
}

// collect reads the fields that mean something to this package and marks those
// that end here. It refuses nothing: which fault outweighs another is decided
// when all is known.
func (x *facts) collect(h *message.Head) {
	for i := range h.Fields {
		f := &h.Fields[i]
		switch f.ID {
		case message.OtherField:
		case message.Host:
			f.Hop = true
			x.hosts++
			x.host = f.Value
		case message.ContentLength:
			f.Hop = true
			x.contentLength(h.Bytes(f.Value))
		case message.TransferEncoding:
			f.Hop = true
			x.transfer = true
			x.codings.list(h.Bytes(f.Value))
		case message.Connection:
			f.Hop = true
			x.connection(h.Bytes(f.Value))
		case message.Upgrade:
			f.Hop = true
			x.upgradeField = true
		case message.TE:
			f.Hop = true
			h.TETrailer = h.TETrailer || wantsTrailers(h.Bytes(f.Value))
		case message.Cookie:
			x.cookies++
		case message.Expect:
			x.hasExpect = true
			if !message.EqualFold(h.Bytes(f.Value), "100-continue") {
				x.expect = BadExpect
			}
		case message.KeepAlive, message.ProxyConnection, message.HTTP2Settings,
			message.ProxyAuthorization, message.ProxyAuthenticate:
			f.Hop = true
		}
	}
}

// mark sets Hop on every field with id.
func mark(h *message.Head, id message.FieldID) {
	for i := range h.Fields {
		if h.Fields[i].ID == id {
			h.Fields[i].Hop = true
		}
	}
}

// wantsTrailers reports whether a TE field asks for trailers (RFC 9110 section
// 10.1.4).
func wantsTrailers(list []byte) bool {
	for more := true; more; {
		var e []byte
		e, list, more = nextElement(list)
		if message.EqualFold(e, "trailers") {
			return true
		}
	}
	return false
}

// keep applies RFC 9112 section 9.3.
func (x *facts) keep(minor uint8) bool {
	switch {
	case x.close, x.badOption:
		return false
	case minor == 0:
		return x.keepAlive
	}
	return true
}

// chooseUpgrade sets h.Upgrade to the first protocol that may be asked of the
// other side. None may without the connection option (RFC 9110 section 7.8), nor
// in HTTP/1.0, and never another version of HTTP: a proxy that lets h2c through
// has let go of the connection without knowing it.
func (x *facts) chooseUpgrade(h *message.Head) {
	if !x.upgrade || !x.upgradeField || h.Minor == 0 {
		return
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.ID != message.Upgrade {
			continue
		}
		for list, more := h.Bytes(f.Value), true; more; {
			var e []byte
			whole := len(list)
			end := f.Value.Off + f.Value.Len
			rest := list
			e, list, more = nextElement(list)
			if !mayUpgrade(e) {
				continue
			}
			lead := 0
			for isSpace(rest[lead]) {
				lead++
			}
			h.Upgrade = message.Span{Off: end - uint32(whole-lead), Len: uint32(len(e))}
			h.Websocket = message.EqualFold(e, "websocket")
			return
		}
	}
}

// mayUpgrade reports whether e is protocol-name ["/" protocol-version] and not
// HTTP itself.
func mayUpgrade(e []byte) bool {
	name, version := e, []byte(nil)
	for i, c := range e {
		if c == '/' {
			name, version = e[:i], e[i+1:]
			if !isToken(version) {
				return false
			}
			break
		}
	}
	for _, http := range [...]string{"h2c", "h2", "http"} {
		if message.EqualFold(name, http) {
			return false
		}
	}
	return isToken(name)
}
