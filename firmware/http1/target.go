// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"

	"evener/firmware/message"
)

// target splits the request target (RFC 9112 section 3.2). Path and query stay
// as they are, byte for byte; the path of an absolute form may be empty.
func (p *parser) target() Reason {
	h := p.h
	t := h.Bytes(h.Target)
	switch {
	case h.MethodID == message.CONNECT:
		return p.authorityForm(t)
	case t[0] == '/':
		return p.pathAndQuery(0)
	case len(t) == 1 && t[0] == '*':
		if h.MethodID != message.OPTIONS {
			return BadTargetForm
		}
		h.Form = message.Asterisk
		h.Path = h.Target
		return ok
	}
	return p.absoluteForm(t)
}

func (p *parser) authorityForm(t []byte) Reason {
	port, r := checkHost(t)
	switch {
	case r == BadHost:
		return BadTargetForm
	case r != ok:
		return r
	case port == 0:
		return BadTargetForm // the port is not optional here
	}
	p.h.Authority = p.h.Target
	return ok
}

func (p *parser) absoluteForm(t []byte) Reason {
	h := p.h
	colon := bytes.IndexByte(t, ':')
	if colon <= 0 || len(t) < colon+3 || t[colon+1] != '/' || t[colon+2] != '/' {
		return BadTargetForm
	}
	if s := t[:colon]; !message.EqualFold(s, "http") && !message.EqualFold(s, "https") {
		return BadScheme
	}
	start := colon + 3
	end := start
	for end < len(t) && t[end] != '/' && t[end] != '?' {
		end++
	}
	if _, r := checkHost(t[start:end]); r != ok {
		return r
	}
	h.Form = message.Absolute
	h.Scheme = message.Span{Off: h.Target.Off, Len: uint32(colon)}
	h.Authority = message.Span{Off: h.Target.Off + uint32(start), Len: uint32(end - start)}
	return p.pathAndQuery(end)
}

// pathAndQuery splits the target from start on at its first "?".
func (p *parser) pathAndQuery(start int) Reason {
	h := p.h
	t := h.Bytes(h.Target)
	off := h.Target.Off
	end := len(t)
	if q := bytes.IndexByte(t[start:], '?'); q >= 0 {
		end = start + q
		h.HasQuery = true
		h.Query = message.Span{Off: off + uint32(end) + 1, Len: uint32(len(t) - end - 1)}
	}
	h.Path = message.Span{Off: off + uint32(start), Len: uint32(end - start)}
	return p.escapes(t[start:end])
}

// escapes checks the percent-encoding of a path (RFC 3986 section 2.1). Only
// what is no encoding at all is refused: a path that two parties would decode
// differently. Queries are opaque to us.
func (p *parser) escapes(path []byte) Reason {
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return ok
		}
		path = path[i+1:]
		if len(path) < 2 || class[path[0]]&class[path[1]]&inHex == 0 {
			return BadEscape
		}
		if p.o.RejectEncodedSlash {
			hi, lo := path[0], path[1]|0x20
			if hi == '2' && lo == 'f' || hi == '5' && lo == 'c' {
				return EncodedSlash
			}
		}
	}
}
