// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"golang.org/x/net/http2/hpack"

	"evener/firmware/message"
)

// The classes of bytes.
const (
	inName       = 1 << iota // a token without upper case (RFC 9113 section 8.2.1)
	inToken                  // RFC 9110 section 5.6.2
	inTarget                 // may stand in a request target
	inHigh                   // 0x80 to 0xff
	inHex                    //
	isUnderscore             //
)

var class = func() (t [256]uint8) {
	for c := range 256 {
		if c >= 0x80 {
			t[c] |= inHigh
		}
		if c > ' ' && c < 0x7f && c != '#' && c != '\\' {
			t[c] |= inTarget
		}
	}
	mark := func(set string, bits uint8) {
		for i := range len(set) {
			t[set[i]] |= bits
		}
	}
	mark("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~", inName|inToken)
	mark("ABCDEFGHIJKLMNOPQRSTUVWXYZ", inToken)
	mark("0123456789abcdefABCDEF", inHex)
	mark("_", isUnderscore)
	return t
}()

// The pseudo-fields, as bits of block.seen.
const (
	pMethod = 1 << iota
	pScheme
	pAuthority
	pPath
	pProtocol
	pStatus
)

// field takes what the decoder found. After the first fault nothing is looked
// at any more.
func (c *Conn) field(f hpack.HeaderField) {
	b := c.block
	if b.fault = c.take(b, f.Name, f.Value); b.fault != ok {
		c.dec.SetEmitEnabled(false)
	}
}

func (c *Conn) take(b *block, name, value string) Reason {
	cfg := &c.p.c
	pseudo := len(name) != 0 && name[0] == ':'
	b.size += len(name) + len(value) + 32
	switch {
	case name == ":path" && len(value) > cfg.MaxTarget:
		return TargetTooLong
	case len(name)+len(": ")+len(value) > cfg.MaxField:
		return FieldTooLong
	case b.size > cfg.MaxHead:
		return HeadTooLarge
	}
	h := &b.head
	off := len(h.Buf)
	if !pseudo {
		h.Buf = append(h.Buf, name...)
	}
	at := len(h.Buf)
	h.Buf = append(h.Buf, value...)
	v := h.Buf[at:]
	if !isValue(v) {
		return BadFieldValue
	}
	span := message.Span{Off: uint32(at), Len: uint32(len(v))}
	if pseudo {
		return c.pseudo(b, name, v, span)
	}
	kinds, all := uint8(0), uint8(inName)
	for _, k := range h.Buf[off:at] {
		kinds |= class[k]
		all &= class[k]
	}
	if all == 0 || off == at {
		return BadFieldName
	}
	h.Fields = append(h.Fields, message.Field{
		Name:  message.Span{Off: uint32(off), Len: uint32(len(name))},
		Value: span,
		ID:    message.FieldOf(h.Buf[off:at]),
	})
	field := &h.Fields[len(h.Fields)-1]
	if field.ID != message.Cookie || b.cookies == 0 {
		if b.lines++; b.lines > cfg.MaxFields {
			return TooManyFields
		}
	}
	if kinds&isUnderscore != 0 && c.server {
		switch cfg.Underscore {
		case Reject:
			return UnderscoreName
		case Drop:
			field.Hop = true
		}
	}
	return b.fact(field, v)
}

// isValue reports whether v may be a field value (RFC 9113 section 8.2.1, RFC
// 9110 section 5.5).
func isValue(v []byte) bool {
	if len(v) == 0 {
		return true
	}
	first, last := v[0], v[len(v)-1]
	return first != ' ' && first != '\t' && last != ' ' && last != '\t' && message.EndOfValue(v, 0) == len(v)
}

// fact draws the conclusions from one field and marks it if it ends here.
func (b *block) fact(f *message.Field, v []byte) Reason {
	switch f.ID {
	case message.Connection, message.KeepAlive, message.ProxyConnection,
		message.TransferEncoding, message.Upgrade:
		return ConnectionField
	case message.TE:
		f.Hop = true
		if b.kind != aRequest || !message.EqualFold(v, "trailers") {
			return BadTE
		}
		b.head.TETrailer = true
		return ok
	}
	if b.kind == someTrailers {
		if !message.InTrailer(f.ID, b.head.Bytes(f.Name)) {
			f.Hop = true
		}
		return ok
	}
	switch f.ID {
	case message.Host:
		f.Hop = true
		b.hosts++
		b.host = f.Value
	case message.ContentLength:
		f.Hop = true
		return b.contentLength(v)
	case message.Cookie:
		b.cookies++
	case message.Expect:
		if b.kind == aRequest && !message.EqualFold(v, "100-continue") {
			b.expect = BadExpect
		}
		b.head.Expect100 = b.kind == aRequest && b.expect == ok
	case message.HTTP2Settings, message.ProxyAuthorization, message.ProxyAuthenticate:
		f.Hop = true
	}
	return ok
}

// contentLength takes one Content-Length field. Only answers may repeat it.
func (b *block) contentLength(v []byte) Reason {
	n, valid := message.ParseLength(v)
	switch {
	case !valid:
		return BadCL
	case b.lengths > 0 && (b.kind == aRequest || n != b.length):
		return SeveralCL
	}
	b.lengths++
	b.length = n
	return ok
}

// pseudo takes a pseudo-field (RFC 9113 section 8.3).
func (c *Conn) pseudo(b *block, name string, v []byte, span message.Span) Reason {
	h := &b.head
	bit, kind := uint8(0), uint8(aRequest)
	r := ok
	switch name {
	case ":method":
		bit, h.Method, h.MethodID = pMethod, span, message.MethodOf(v)
		if !isToken(v) {
			r = BadMethod
		}
	case ":scheme":
		bit, h.Scheme = pScheme, span
	case ":authority":
		bit, h.Authority = pAuthority, span
	case ":path":
		bit, h.Target = pPath, span
	case ":protocol":
		bit, b.proto = pProtocol, span
		if !isToken(v) || !c.p.c.ExtendedConnect {
			r = BadProtocol
		}
	case ":status":
		bit, kind = pStatus, anAnswer
		h.Status = status(v)
	}
	if bit == 0 || b.kind != kind || b.seen&bit != 0 || len(h.Fields) != 0 {
		return BadPseudo
	}
	b.seen |= bit
	return r
}

func isToken(b []byte) bool {
	all := uint8(inToken)
	for _, c := range b {
		all &= class[c]
	}
	return len(b) != 0 && all != 0
}

// status returns the number that v spells in three digits, 0 if it is none from
// 100 to 599.
func status(v []byte) int {
	if len(v) != 3 || v[0] < '1' || v[0] > '5' || v[1] < '0' || v[1] > '9' || v[2] < '0' || v[2] > '9' {
		return 0
	}
	return int(v[0]-'0')*100 + int(v[1]-'0')*10 + int(v[2]-'0')
}
