// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"encoding/binary"
	"errors"

	"golang.org/x/net/http2/hpack"

	"evener/firmware/message"
)

// A block is a head on its way in: HEADERS and its CONTINUATION frames, decoded
// as they come.
type block struct {
	head   message.Head
	stream *Stream // nil for a request
	id     uint32
	kind   uint8
	end    bool   // END_STREAM
	fresh  bool   // it begins its stream
	done   bool   // the event was returned
	reset  Reason // of a dropped block: reset its stream for this

	carry   []byte // the beginning of a representation whose end has not come
	encoded int    // bytes
	frames  int    // CONTINUATION
	updates int    // of the size of the dynamic table
	begun   bool   // a field came

	fault   Reason // the first
	size    int    // as SETTINGS_MAX_HEADER_LIST_SIZE counts
	lines   int    // fields, those of Cookie as one
	cookies int
	seen    uint8 // pseudo-fields
	hosts   int
	host    message.Span
	proto   message.Span
	lengths int
	length  int64
	expect  Reason
}

// What a block is.
const (
	aRequest = iota
	anAnswer
	someTrailers
	dropped // decoded only to keep the dynamic table right
)

// clear makes b ready for the next head and keeps its memory.
func (b *block) clear() {
	buf := b.head.Buf[:0]
	b.head.Reset()
	b.head.Buf = buf
	*b = block{head: b.head, carry: b.carry[:0]}
}

// roomy sees to it that b has memory for a usual head.
func (b *block) roomy() *block {
	if cap(b.head.Buf) < 1<<10 {
		b.head.Buf = make([]byte, 0, 4<<10)
	}
	if cap(b.head.Fields) < 8 {
		b.head.Fields = make([]message.Field, 0, 32)
	}
	return b
}

// headersHead begins a HEADERS frame.
func (c *Conn) headersHead(f frame, b []byte, ev *Event) int {
	if f.id&1 == 0 || !c.server && c.idle(f.id) {
		return c.fail(BadStreamID)
	}
	lead := 0
	if f.flags&flagPadded != 0 {
		lead++
	}
	if f.flags&flagPriority != 0 {
		lead += 5
	}
	switch {
	case int(f.rest) < lead:
		return c.fail(BadFrameSize)
	case len(b) < lead:
		return 0
	}
	f.rest -= int32(lead)
	if f.flags&flagPadded != 0 {
		f.pad = b[0]
		if int32(f.pad) > f.rest {
			return c.fail(BadPadding)
		}
		f.rest -= int32(f.pad)
	}
	c.block = c.pool.block()
	c.block.id = f.id
	c.block.end = f.flags&flagEndStream != 0
	c.classify(c.block)
	if c.err != nil {
		return 0
	}
	if f.flags&flagPriority != 0 && binary.BigEndian.Uint32(b[lead-5:])&maxID == f.id && c.block.reset == ok {
		c.block.kind, c.block.reset = dropped, SelfDependency
	}
	c.openDecoder()
	c.frame = f
	if f.rest == 0 {
		c.fragmentEnd(ev)
	}
	return frameHead + lead
}

// classify decides what a head on its stream is (RFC 9113 section 5.1).
func (c *Conn) classify(b *block) {
	if c.server && b.id > c.lastID {
		c.lastID = b.id
		b.fresh = true
		switch {
		case b.id > c.accepts:
			b.kind = dropped
		case c.crowded():
			b.kind, b.reset = dropped, RefusedStream
		default:
			b.kind = aRequest
			c.spent.begun++
		}
		return
	}
	s := c.find(b.id)
	b.stream = s
	switch {
	case s == nil:
		b.kind = dropped
		switch c.closed.find(b.id) {
		case byEnd:
			c.fail(ClosedStream)
		case never:
			if b.id <= c.accepts {
				c.fail(BadStreamID)
			}
		case byPeer, unknown:
			b.reset = StreamClosed
		}
	case s.has(sendReset):
		b.kind = dropped
	case s.has(recvEnd) && s.has(sendEnd):
		c.fail(ClosedStream)
	case s.has(recvEnd | recvReset):
		b.kind, b.reset = dropped, StreamClosed
	case c.server, s.has(recvHead):
		b.kind = someTrailers
	default:
		b.kind = anAnswer
	}
}

// crowded reports whether no more streams may begin. Those that were reset count
// until they are released, because their work may still run; those that have
// ended do not: the client cannot know that they are kept.
func (c *Conn) crowded() bool {
	n := len(c.streams)
	if n < c.p.c.MaxStreams {
		return false
	}
	for _, s := range c.streams {
		if s.state&(recvEnd|sendEnd) == recvEnd|sendEnd {
			n--
		}
	}
	return n >= c.p.c.MaxStreams
}

func (c *Conn) openDecoder() {
	if c.dec == nil {
		c.dec = hpack.NewDecoder(firstTable, c.field)
		c.dec.SetMaxStringLength(c.p.c.MaxHead)
		table := c.p.c.HeaderTable
		if !c.acked {
			table = max(table, firstTable)
		}
		c.dec.SetAllowedMaxDynamicTableSize(uint32(table))
	}
	c.dec.SetEmitEnabled(c.block.kind != dropped)
}

// continuationHead begins a CONTINUATION frame.
func (c *Conn) continuationHead(f frame, ev *Event) int {
	if c.expct == 0 {
		return c.fail(Uncontinued)
	}
	if c.block.frames++; c.block.frames > c.p.c.Budget.Continuations {
		return c.fail(ContinuationFlood)
	}
	c.frame = f
	if f.rest == 0 {
		c.fragmentEnd(ev)
	}
	return frameHead
}

// fragment decodes a piece of a header block.
func (c *Conn) fragment(p []byte, ev *Event) {
	b := c.block
	if b.encoded += len(p); b.encoded > 2*c.p.c.MaxHead {
		c.fail(BlockFlood)
		return
	}
	if len(b.carry) == 0 {
		n := c.decode(p)
		b.carry = append(b.carry, p[n:]...)
	} else {
		b.carry = append(b.carry, p...)
		n := c.decode(b.carry)
		b.carry = b.carry[:copy(b.carry, b.carry[n:])]
	}
	if c.err == nil && c.frame.rest == 0 {
		c.fragmentEnd(ev)
	}
}

// decode decodes the representations that are there whole and returns how many
// bytes they have. The decoder is never given less: it would keep the bytes, and
// their memory as long as the connection.
func (c *Conn) decode(p []byte) int {
	b := c.block
	end := 0
	for end < len(p) {
		n, update, r := representation(p[end:], c.p.c.MaxHead)
		switch {
		case r != ok:
			c.fail(r)
			return 0
		case n == 0:
			return c.write(p[:end])
		case update:
			if b.updates++; b.begun || b.updates > 2 {
				c.fail(BadCompression)
				return 0
			}
			c.shrink = false
		case c.shrink:
			c.fail(BadCompression)
			return 0
		default:
			b.begun = true
		}
		end += n
	}
	return c.write(p)
}

func (c *Conn) write(p []byte) int {
	if _, err := c.dec.Write(p); err != nil {
		r := BadCompression
		if errors.Is(err, hpack.ErrStringLength) {
			r = BlockFlood
		}
		c.fail(r)
	}
	return len(p)
}

// fragmentEnd ends the fragment of a frame.
func (c *Conn) fragmentEnd(ev *Event) {
	if c.frame.flags&flagEndHeaders == 0 {
		c.expct = c.frame.id
		return
	}
	c.expct = 0
	b := c.block
	if len(b.carry) != 0 || c.dec.Close() != nil {
		c.fail(BadCompression)
		return
	}
	b.done = true
	switch b.kind {
	case aRequest:
		c.request(b, ev)
	case anAnswer:
		c.answer(b, ev)
	case someTrailers:
		c.trailers(b, ev)
	default:
		c.dropped(b, ev)
	}
}

// dropped ends a block that is for nobody.
func (c *Conn) dropped(b *block, ev *Event) {
	if b.reset == ok {
		return
	}
	if b.fresh {
		c.closed.put(b.id, byUs)
		*ev = Event{Kind: Refused, Reason: b.reset, Code: reasons[b.reset].code, Head: &b.head}
	}
	c.refuse(b.id, b.stream, b.reset, ev)
}

// representation returns the length of the representation that p begins with
// (RFC 7541 section 6), 0 if its end is not there, and whether it changes the
// size of the dynamic table. A string may have most bytes.
func representation(p []byte, most int) (n int, update bool, r Reason) {
	prefix := uint8(4) // a literal that is not indexed
	switch b := p[0]; {
	case b&0x80 != 0:
		_, n, r = integer(p, 7)
		return n, false, r
	case b&0xe0 == 0x20:
		_, n, r = integer(p, 5)
		return n, true, r
	case b&0x40 != 0:
		prefix = 6
	}
	index, n, r := integer(p, prefix)
	strings := 1
	if index == 0 {
		strings = 2
	}
	for ; strings > 0; strings-- {
		if r != ok || n == 0 || n == len(p) {
			return 0, false, r
		}
		length, k, fault := integer(p[n:], 7)
		switch {
		case fault != ok:
			return 0, false, fault
		case k != 0 && length > most:
			return 0, false, BlockFlood
		case k == 0 || len(p)-n-k < length:
			return 0, false, ok
		}
		n += k + length
	}
	return n, false, ok
}

// integer reads an integer with a prefix of bits (RFC 7541 section 5.1). n is 0
// if its end is not there. Those of more than 28 bits are refused.
func integer(p []byte, bits uint8) (v, n int, r Reason) {
	top := 1<<bits - 1
	v = int(p[0]) & top
	if v < top {
		return v, 1, ok
	}
	for i := 1; i < 6; i++ {
		if i == len(p) {
			return 0, 0, ok
		}
		v += int(p[i]&0x7f) << (7 * (i - 1))
		if p[i]&0x80 == 0 && v < 1<<28 {
			return v, i + 1, ok
		}
		if p[i]&0x80 == 0 {
			break
		}
	}
	return 0, 0, BadCompression
}
