// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// ParseRequest reads the head of a request from the beginning of buf into h,
// whose spans become offsets into buf. It returns the length of the head with
// its final empty line, and with the one empty line that may stand before it.
// n is 0 without an error when the head is not complete: call again with the
// same bytes and more, best once another LF came. Whatever can be refused before
// that is refused.
//
// The error is an [*Error]; h then holds what was read before the mistake, for
// a log. CONNECT is the one request that is both read whole (n > 0, the
// authority in h) and refused, with 405.
//
// Hop is set for Host (write it anew from h.Authority, first), Connection and
// what it names, Keep-Alive, Proxy-Connection, Proxy-Authorization, TE, Upgrade
// (write it anew from h.Upgrade to let it through), HTTP2-Settings,
// Content-Length, Transfer-Encoding, names with an underscore as
// [Options.Underscore] says, Cookie when there are several (see
// [AppendCookies]), and Expect in HTTP/1.0, where it means nothing.
func ParseRequest(h *message.Head, buf []byte, o *Options) (n int, err error) {
	var p parser
	p.open(h, buf, o)
	r := p.requestLine()
	if r == ok {
		r = p.fields()
	}
	if r == ok {
		r = p.request()
	}
	if r == Connect {
		h.Buf = buf[:p.pos]
		return p.pos, &requestErrors[Connect]
	}
	return p.result(r, &requestErrors)
}

// requestLine reads the request line (RFC 9112 section 3).
func (p *parser) requestLine() Reason {
	b := p.buf
	i := 0
	if len(b) != 0 && b[0] == '\r' {
		if r := p.lineEnd(0); r != ok {
			return r
		}
		i = p.pos
	}
	start := i
	for i < len(b) && class[b[i]]&inToken != 0 {
		i++
	}
	switch {
	case i >= len(b):
		return p.ranOut()
	case b[i] == '\n':
		return BareLF
	case b[i] == '\r', b[i] == '\t', b[i] == ' ' && i == start:
		return BadRequestLine
	case b[i] != ' ':
		return BadMethod
	}
	p.h.Method = message.Span{Off: uint32(start), Len: uint32(i - start)}
	p.h.MethodID = message.MethodOf(b[start:i])
	end, r := p.targetBytes(i + 1)
	if r != ok {
		return r
	}
	if r = p.version(end + 1); r != ok {
		return r
	}
	return p.target()
}

// targetBytes finds the end of the target that begins at start.
func (p *parser) targetBytes(start int) (int, Reason) {
	b := p.buf
	long := len(b) > start+p.maxTarget
	if long {
		b = b[:start+p.maxTarget+1]
	}
	allowed := uint8(inTarget)
	if p.o.Extended {
		allowed |= inHigh
	}
	i := start
	for i < len(b) && class[b[i]]&allowed != 0 {
		i++
	}
	if i >= len(b) {
		if long || len(p.buf) == p.maxHead {
			return 0, TargetTooLong
		}
		return 0, more
	}
	p.h.Target = message.Span{Off: uint32(start), Len: uint32(i - start)}
	switch c := b[i]; {
	case c == '\n':
		return 0, BareLF
	case c == '\t', i == start:
		return 0, BadRequestLine
	case c == '\r':
		return 0, HTTP09
	case c != ' ':
		return 0, BadTarget
	}
	return i, ok
}

const protocol = "HTTP/"

// version reads the protocol version at i and the end of the line.
func (p *parser) version(i int) Reason {
	if b := p.buf; len(b) >= i+10 && string(b[i:i+10]) == "HTTP/1.1\r\n" {
		p.h.Minor = 1
		p.pos = i + 10
		return ok
	}
	end := i + len("HTTP/1.1")
	for k := i; k < end; k++ {
		if k >= len(p.buf) {
			return p.ranOut()
		}
		if !versionByte(p.buf[k], k-i) {
			return badVersion(p.buf[k], k == i)
		}
	}
	if end >= len(p.buf) {
		return p.ranOut()
	}
	if c := p.buf[end]; c != '\r' {
		return badVersion(c, false)
	}
	if r := p.lineEnd(end); r != ok {
		return r
	}
	major, minor := p.buf[end-3], p.buf[end-1]
	if major != '1' || minor > '1' {
		return UnsupportedVersion
	}
	p.h.Minor = minor - '0'
	return ok
}

// versionByte reports whether c may be the byte at k of "HTTP/" DIGIT "." DIGIT.
func versionByte(c byte, k int) bool {
	switch {
	case k < len(protocol):
		return c == protocol[k]
	case k == len(protocol)+1:
		return c == '.'
	}
	return '0' <= c && c <= '9'
}

func badVersion(c byte, first bool) Reason {
	switch {
	case c == '\n':
		return BareLF
	case isSpace(c), first && c == '\r':
		return BadRequestLine
	}
	return BadVersion
}

// request draws the conclusions from the fields of a request.
func (p *parser) request() Reason {
	h := p.h
	var x facts
	x.collect(h)
	if r := p.host(&x); r != ok {
		return r
	}
	if r := x.framing(h, false); r != ok {
		return r
	}
	if x.badOption {
		return BadConnection
	}
	if x.named {
		if r := named(h, true); r != ok {
			return r
		}
	}
	h.KeepAlive = x.keep(h.Minor)
	x.chooseUpgrade(h)
	if x.cookies > 1 {
		mark(h, message.Cookie)
	}
	if h.MethodID == message.CONNECT {
		return Connect
	}
	if x.hasExpect {
		if r := p.expect(&x); r != ok {
			return r
		}
	}
	if p.o.RejectGetBody && hasBody(h) {
		switch h.MethodID {
		case message.GET, message.HEAD, message.DELETE:
			return GetBody
		}
	}
	return ok
}

func hasBody(h *message.Head) bool {
	return h.Body == message.Chunked || h.Body == message.Length && h.Length > 0
}

// host applies RFC 9112 section 3.2: the authority of the target, if it has one,
// wins over Host, which has to be there and sound all the same.
func (p *parser) host(x *facts) Reason {
	h := p.h
	switch {
	case x.hosts > 1:
		return SeveralHosts
	case x.hosts == 0 && h.Minor > 0:
		return NoHost
	case x.hosts == 0:
		return ok
	case x.host.Empty() && h.Authority.Empty():
		return ok
	case x.host.Empty():
		return BadHost
	}
	if _, r := checkHost(h.Bytes(x.host)); r != ok {
		return r
	}
	if h.Authority.Empty() {
		h.Authority = x.host
	}
	return ok
}

// expect applies RFC 9110 section 10.1.1, by which the field says nothing in
// HTTP/1.0.
func (p *parser) expect(x *facts) Reason {
	if p.h.Minor == 0 {
		mark(p.h, message.Expect)
		return ok
	}
	p.h.Expect100 = x.expect == ok
	return x.expect
}
