// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"

	"evener/firmware/message"
)

// ParseResponse reads the head of an answer to req, as [ParseRequest] does for
// a request. Every error has status 502 and means that the connection to the
// server is to be closed.
//
// Where no body follows whatever the fields say (to HEAD, 1xx, 204, 304), Body
// is NoBody. To HEAD and in 304 a Content-Length describes what is not sent, so
// it is not Hop there and is forwarded with the other fields.
func ParseResponse(h *message.Head, buf []byte, o *Options, req ReqInfo) (n int, err error) {
	var p parser
	p.open(h, buf, o)
	p.o.Underscore = Keep // a rule about requests
	r := p.statusLine()
	if r == ok {
		r = p.fields()
	}
	if r == ok {
		r = p.response(req)
	}
	return p.result(r, &answerErrors)
}

// statusLine reads the status line (RFC 9112 section 4). The space before an
// empty reason may be missing: some servers forget it and nobody is misled.
func (p *parser) statusLine() Reason {
	const layout = "HTTP/0.0 000" // 0 stands for any digit
	for i := range len(layout) {
		if i >= len(p.buf) {
			return p.ranOut()
		}
		switch c, want := p.buf[i], layout[i]; {
		case c == want, want == '0' && '0' <= c && c <= '9':
		case c == '\n':
			return BareLF
		default:
			return BadStatusLine
		}
	}
	b, i := p.buf, len(layout)
	if b[5] != '1' || b[7] > '1' {
		return UnsupportedVersion
	}
	p.h.Minor = b[7] - '0'
	p.h.Status = int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
	if p.h.Status < 100 || p.h.Status > 599 {
		return BadStatus
	}
	switch {
	case i >= len(b):
		return p.ranOut()
	case b[i] == '\r':
		return p.lineEnd(i)
	case b[i] == '\n':
		return BareLF
	case b[i] != ' ':
		return BadStatusLine
	}
	i++
	end := message.EndOfValue(b, i)
	if end >= len(b) {
		return p.ranOut()
	}
	p.h.Reason = message.Span{Off: uint32(i), Len: uint32(end - i)}
	switch b[end] {
	case '\r':
		return p.lineEnd(end)
	case '\n':
		return BareLF
	}
	return BadStatusLine
}

// response draws the conclusions from the fields of an answer to req.
func (p *parser) response(req ReqInfo) Reason {
	h := p.h
	var x facts
	x.collect(h)
	if r := x.framing(h, true); r != ok {
		return r
	}
	if x.named {
		if r := named(h, false); r != ok {
			return r
		}
	}
	h.KeepAlive = x.keep(h.Minor)
	x.chooseUpgrade(h)
	switch {
	case h.Status == 101 && !req.Upgrade:
		return UnaskedUpgrade
	case h.Status == 101 && h.Upgrade.Empty():
		return BadUpgrade
	}
	switch {
	case h.Status < 200, h.Status == 204:
		h.Body, h.Length = message.NoBody, 0
	case req.Method == message.HEAD, h.Status == 304:
		h.Body, h.Length = message.NoBody, 0
		p.forwardLength(&x)
	case h.Body == message.NoBody:
		h.Body = message.UntilClose
		h.KeepAlive = false
	}
	return ok
}

// forwardLength lets one Content-Length through.
func (p *parser) forwardLength(x *facts) {
	for i := range p.h.Fields {
		f := &p.h.Fields[i]
		if f.ID == message.ContentLength {
			f.Hop = x.lengths > 1 && bytes.IndexByte(p.h.Bytes(f.Value), ',') >= 0
			if !f.Hop {
				return
			}
		}
	}
}
