// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"

	"evener/firmware/message"
)

// maxOptions bounds the options of all Connection fields of a head, because each
// is compared with each field.
const maxOptions = 32

// connection takes the options of one Connection field (RFC 9110 section 7.6.1).
func (x *facts) connection(list []byte) {
	for more := true; more; {
		var e []byte
		e, list, more = nextElement(list)
		switch {
		case len(e) == 0:
			continue
		case message.EqualFold(e, "keep-alive"):
			x.keepAlive = true
		case message.EqualFold(e, "close"):
			x.close = true
		case message.EqualFold(e, "upgrade"):
			x.upgrade = true
		case !isToken(e):
			x.badOption = true
		default:
			x.named = true
		}
		x.options++
	}
	if x.options > maxOptions {
		x.badOption = true
		x.named = true
	}
}

// named marks the fields that Connection names. With protect, naming a field
// that the server would miss for worse is refused.
func named(h *message.Head, protect bool) Reason {
	left := maxOptions
	for i := range h.Fields {
		if h.Fields[i].ID != message.Connection {
			continue
		}
		for list, more := h.Bytes(h.Fields[i].Value), true; more && left > 0; {
			var e []byte
			e, list, more = nextElement(list)
			if len(e) == 0 {
				continue
			}
			left--
			id := message.FieldOf(e)
			if protect && protected(id, e) {
				return ConnectionNames
			}
			markNamed(h, id, e)
		}
	}
	return ok
}

func markNamed(h *message.Head, id message.FieldID, name []byte) {
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.ID == id && (id != message.OtherField || bytes.EqualFold(h.Bytes(f.Name), name)) {
			f.Hop = true
		}
	}
}

// protected reports whether a request may not have the field removed by naming
// it in Connection.
func protected(id message.FieldID, name []byte) bool {
	switch id {
	case message.Host, message.ContentLength, message.TransferEncoding,
		message.Cookie, message.Authorization, message.Forwarded,
		message.CacheControl:
		return true
	}
	return hasPrefixFold(name, "x-forwarded-")
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && message.EqualFold(b[:len(prefix)], prefix)
}
