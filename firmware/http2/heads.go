// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bytes"

	"evener/firmware/message"
)

// request ends the head of a request.
func (c *Conn) request(b *block, ev *Event) {
	r := b.fault
	if r == ok {
		r = c.judge(b)
	}
	if r != ok && reasons[r].status == 0 {
		c.closed.put(b.id, byUs)
		c.refuse(b.id, nil, r, ev)
		*ev = Event{Kind: Refused, Reason: r, Head: &b.head, Code: reasons[r].code}
		return
	}
	s := c.pool.stream()
	c.begin(s, b.id)
	s.state = recvHead
	if b.end {
		s.state |= recvEnd
	}
	*ev = Event{Kind: Request, Stream: s, Head: &b.head, End: b.end}
	if r != ok {
		s.state |= discard
		ev.Kind, ev.Reason, ev.Status = Refused, r, reasons[r].status
		return
	}
	if b.lengths > 0 {
		s.left = b.length
	}
}

// judge draws the conclusions from the fields of a request.
func (c *Conn) judge(b *block) Reason {
	h := &b.head
	if r := b.complete(); r != ok {
		return r
	}
	if r := b.authority(); r != ok {
		return r
	}
	if r := c.target(b); r != ok {
		return r
	}
	h.HTTP2, h.Minor, h.KeepAlive = true, 1, true
	if b.cookies > 1 {
		markCookies(h)
	}
	if r := b.framing(); r != ok {
		return r
	}
	if b.expect != ok {
		return b.expect
	}
	if c.p.c.RejectGetBody && (h.Body == message.Stream || h.Length > 0) {
		switch h.MethodID {
		case message.GET, message.HEAD, message.DELETE:
			return GetBody
		}
	}
	return ok
}

// complete checks which pseudo-fields there are (RFC 9113 section 8.3.1, 8.5 and
// RFC 8441 section 4).
func (b *block) complete() Reason {
	h := &b.head
	want, may := uint8(pMethod|pScheme|pPath), uint8(pAuthority)
	switch connect := h.MethodID == message.CONNECT; {
	case b.seen&pProtocol != 0 && !connect:
		return BadProtocol
	case b.seen&pProtocol != 0:
		want |= pProtocol | pAuthority
		h.Upgrade = b.proto
		h.Websocket = message.EqualFold(h.Bytes(b.proto), "websocket")
	case connect:
		want, may = pMethod|pAuthority, 0
	}
	if b.seen&want != want || b.seen&^(want|may) != 0 {
		return BadPseudo
	}
	if s := h.Bytes(h.Scheme); want&pScheme != 0 && !message.EqualFold(s, "http") && !message.EqualFold(s, "https") {
		return BadScheme
	}
	return ok
}

// authority checks :authority and Host, which must be equal if both are there,
// and adds Host if it is not: what comes by HTTP/1 always has it.
func (b *block) authority() Reason {
	h := &b.head
	switch {
	case b.hosts > 1:
		return SeveralHosts
	case b.seen&pAuthority == 0 && b.hosts == 0:
		return NoHost
	case b.seen&pAuthority == 0:
		h.Authority = b.host
	}
	port, fault := message.CheckHost(h.Bytes(h.Authority))
	switch {
	case fault == message.HostUserinfo:
		return Userinfo
	case fault != message.HostSound:
		return BadHost
	case h.MethodID == message.CONNECT && h.Upgrade.Empty() && port == 0:
		return BadHost // the port is not optional here
	case b.hosts == 0:
		name := message.Span{Off: uint32(len(h.Buf)), Len: uint32(len("host"))}
		h.Buf = append(h.Buf, "host"...)
		h.Fields = append(h.Fields, message.Field{Name: name, Value: h.Authority, ID: message.Host, Hop: true})
	case !bytes.EqualFold(h.Bytes(h.Authority), h.Bytes(b.host)):
		return HostDiffers
	}
	return ok
}

// target splits :path; CONNECT has its authority in its place.
func (c *Conn) target(b *block) Reason {
	h := &b.head
	if b.seen&pPath == 0 {
		h.Target = h.Authority
		return ok
	}
	t := h.Bytes(h.Target)
	allowed := uint8(inTarget)
	if c.p.c.Extended {
		allowed |= inHigh
	}
	for _, k := range t {
		if class[k]&allowed == 0 {
			return BadTarget
		}
	}
	switch {
	case len(t) == 1 && t[0] == '*' && h.MethodID == message.OPTIONS:
		h.Form, h.Path = message.Asterisk, h.Target
		return ok
	case len(t) == 0 || t[0] != '/':
		return BadTarget
	}
	end := len(t)
	if q := bytes.IndexByte(t, '?'); q >= 0 {
		end = q
		h.HasQuery = true
		h.Query = message.Span{Off: h.Target.Off + uint32(q) + 1, Len: uint32(len(t) - q - 1)}
	}
	h.Path = message.Span{Off: h.Target.Off, Len: uint32(end)}
	return escapes(t[:end], c.p.c.RejectEncodedSlash)
}

// escapes checks the percent-encoding of a path (RFC 3986 section 2.1).
func escapes(path []byte, slash bool) Reason {
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return ok
		}
		path = path[i+1:]
		if len(path) < 2 || class[path[0]]&class[path[1]]&inHex == 0 {
			return BadEscape
		}
		hi, lo := path[0], path[1]|0x20
		if slash && (hi == '2' && lo == 'f' || hi == '5' && lo == 'c') {
			return EncodedSlash
		}
	}
}

// framing says how long the body is (RFC 9113 section 8.1.1).
func (b *block) framing() Reason {
	h := &b.head
	switch {
	case b.end && b.lengths > 0 && b.length != 0:
		return BodyLength
	case b.lengths > 0:
		h.Body, h.Length = message.Length, b.length
	case !b.end:
		h.Body = message.Stream
	}
	return ok
}

// markCookies marks several Cookie fields, as http1 does: they are joined
// towards HTTP/1 and sent one by one in HTTP/2.
func markCookies(h *message.Head) {
	for i := range h.Fields {
		if h.Fields[i].ID == message.Cookie {
			h.Fields[i].Hop = true
		}
	}
}

// answer ends the head of an answer, which may be an interim one.
func (c *Conn) answer(b *block, ev *Event) {
	s, h := b.stream, &b.head
	r := b.fault
	switch {
	case r != ok:
	case h.Status == 0 || h.Status == 101:
		r = BadStatus
		if b.seen&pStatus == 0 {
			r = BadPseudo
		}
	case h.Status < 200 && b.end:
		r = NoAnswer
	}
	if r == ok {
		r = b.content()
	}
	if r != ok {
		c.refuse(b.id, s, r, ev)
		return
	}
	h.HTTP2, h.Minor, h.KeepAlive = true, 1, true
	if h.Status < 200 {
		*ev = Event{Kind: Interim, Stream: s, Head: h}
		return
	}
	s.state |= recvHead
	switch {
	case s.has(toHEAD), h.Status == 204, h.Status == 304:
		s.left = 0
	case b.lengths > 0:
		s.left = b.length
	}
	if b.end {
		s.state |= recvEnd
	}
	*ev = Event{Kind: Response, Stream: s, Head: h, End: b.end}
}

// content says what follows an answer, as package http1 does: where none does
// whatever the fields say, Body is NoBody, and to HEAD and in 304 a
// Content-Length is forwarded with the other fields.
func (b *block) content() Reason {
	h := &b.head
	switch {
	case h.Status < 200, h.Status == 204:
		return ok
	case b.stream.has(toHEAD), h.Status == 304:
		for i := range h.Fields {
			if h.Fields[i].ID == message.ContentLength {
				h.Fields[i].Hop = false
				break
			}
		}
		return ok
	case b.end && b.lengths == 0:
		h.Body = message.Length // of 0: the end is known
		return ok
	}
	return b.framing()
}

// trailers ends a body with fields.
func (c *Conn) trailers(b *block, ev *Event) {
	s := b.stream
	r := b.fault
	switch {
	case r != ok:
	case !b.end:
		r = BadTrailers
	case s.left > 0:
		r = BodyLength
	}
	if r != ok {
		c.refuse(b.id, s, r, ev)
		return
	}
	s.state |= recvEnd
	if !s.has(discard) {
		*ev = Event{Kind: Trailers, Stream: s, Head: &b.head, End: true}
	}
}
