// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// A parser walks once over a head, from left to right. It refuses at the first
// byte that is wrong, and every limit ends the bytes that it may look at, so
// that the verdict does not depend on how many bytes beyond have arrived.
type parser struct {
	h   *message.Head
	buf []byte // at most maxHead bytes
	pos int

	maxHead, maxFields, maxField, maxTarget int

	o Options
}

// open makes p, which is zero, ready to read buf into h.
func (p *parser) open(h *message.Head, buf []byte, o *Options) {
	h.Reset()
	h.Buf = buf
	p.h = h
	p.buf = buf
	if o != nil {
		p.o = *o
	}
	p.maxHead = limit(p.o.MaxHead, defaultMaxHead)
	p.maxFields = limit(p.o.MaxFields, defaultMaxFields)
	p.maxField = limit(p.o.MaxField, defaultMaxField)
	p.maxTarget = limit(p.o.MaxTarget, defaultMaxTarget)
	if len(buf) > p.maxHead {
		p.buf = buf[:p.maxHead]
	}
}

func limit(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// result turns the last verdict into what the exported functions return.
func (p *parser) result(r Reason, errs *[numReasons]Error) (int, error) {
	switch r {
	case ok:
		p.h.Buf = p.h.Buf[:p.pos]
		return p.pos, nil
	case more:
		return 0, nil
	}
	return 0, &errs[r]
}

// ranOut is the verdict when the bytes are at an end before the head is.
func (p *parser) ranOut() Reason {
	if len(p.buf) == p.maxHead {
		return HeadTooLarge
	}
	return more
}

// lineEnd takes CR LF at i.
func (p *parser) lineEnd(i int) Reason {
	if i+1 >= len(p.buf) {
		return p.ranOut()
	}
	if p.buf[i+1] != '\n' {
		return BareCR
	}
	p.pos = i + 2
	return ok
}

// fields reads field lines up to and with the empty line after them.
func (p *parser) fields() Reason {
	fs := p.h.Fields[:0]
	r := ok
	for r == ok {
		if p.pos >= len(p.buf) {
			r = p.ranOut()
			break
		}
		switch c := p.buf[p.pos]; {
		case c == '\r':
			p.h.Fields = fs
			return p.lineEnd(p.pos)
		case isSpace(c) && len(fs) == 0:
			r = SpaceBeforeFields
		case isSpace(c):
			r = ObsFold
		case len(fs) == p.maxFields:
			r = TooManyFields
		default:
			fs = append(fs, message.Field{})
			r = p.field(&fs[len(fs)-1])
		}
	}
	p.h.Fields = fs
	return r
}

// field reads one field line (RFC 9112 section 5) that begins at pos.
func (p *parser) field(f *message.Field) Reason {
	b := p.buf[p.pos:]
	long := len(b) >= p.maxField+len(crlf)
	if long {
		b = b[:p.maxField+len(crlf)]
	}
	kinds := uint8(0)
	colon := 0
	for colon < len(b) {
		kind := class[b[colon]]
		if kind&inToken == 0 {
			break
		}
		kinds |= kind
		colon++
	}
	if colon == len(b) {
		return p.fieldRanOut(long)
	}
	if b[colon] != ':' || colon == 0 {
		return badName(b[colon], colon == 0)
	}
	value := colon + 1
	for value < len(b) && isSpace(b[value]) {
		value++
	}
	end := message.EndOfValue(b, value)
	if end+1 >= len(b) && (end == len(b) || b[end] == '\r') {
		return p.fieldRanOut(long)
	}
	switch {
	case b[end] == '\n':
		return BareLF
	case b[end] != '\r':
		return BadFieldValue
	case b[end+1] != '\n':
		return BareCR
	}
	start := uint32(p.pos)
	p.pos += end + len(crlf)
	for end > value && isSpace(b[end-1]) {
		end--
	}
	f.Name = message.Span{Off: start, Len: uint32(colon)}
	f.Value = message.Span{Off: start + uint32(value), Len: uint32(end - value)}
	f.ID = message.FieldOf(b[:colon])
	if kinds&isUnderscore != 0 {
		return p.underscore(f)
	}
	return ok
}

func (p *parser) fieldRanOut(long bool) Reason {
	if long {
		return FieldTooLong
	}
	return p.ranOut()
}

func badName(c byte, empty bool) Reason {
	switch {
	case c == '\n':
		return BareLF
	case isSpace(c) && !empty:
		return SpaceBeforeColon
	}
	return BadFieldName
}

// underscore applies the policy to a name that holds one.
func (p *parser) underscore(f *message.Field) Reason {
	switch p.o.Underscore {
	case Reject:
		return UnderscoreName
	case Drop:
		f.Hop = true
	}
	return ok
}
