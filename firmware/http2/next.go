// SPDX-License-Identifier: Apache-2.0

package http2

import "encoding/binary"

// Next takes n bytes from the front of buf, the bytes that were received and not
// taken yet, and fills ev with at most one event; Kind is None if there was
// none. It may take bytes without an event, and has an event at times without
// taking bytes: repeat until there is neither. Then more bytes are needed; at
// most frameHead+9 of those there are stay untaken. now is the time in
// nanoseconds on any clock that never goes back; the budgets go by it.
//
// The error is a [*ConnError] and final: send Out, with the GOAWAY in it, and
// close the connection. Streams are still to be released.
func (c *Conn) Next(now int64, buf []byte, ev *Event) (n int, err error) {
	*ev = Event{}
	c.tick(now)
	if c.err != nil {
		return 0, c.err
	}
	if c.block != nil && c.block.done {
		c.pool.freeBlock(c.block)
		c.block = nil
	}
	if c.announcing && c.nextLost(ev) {
		return 0, nil
	}
	for ev.Kind == None {
		var k int
		switch b := buf[n:]; {
		case c.server && int(c.read) < len(preface):
			k = c.readPreface(b)
		case c.frame.open():
			k = c.payload(b, ev)
		default:
			k = c.frameHead(b, ev)
		}
		n += k
		if c.err != nil {
			*ev = Event{}
			return n, c.err
		}
		if k == 0 {
			break
		}
	}
	return n, nil
}

func (c *Conn) readPreface(b []byte) int {
	want := preface[c.read:]
	k := min(len(b), len(want))
	if string(b[:k]) != want[:k] {
		c.fail(BadPreface)
		return 0
	}
	c.read += uint8(k)
	return k
}

func (f *frame) open() bool { return f.rest != 0 || f.pad != 0 }

// frameHead reads the head of a frame, and with it what the type needs at once:
// whole frames of a fixed length, and the lengths of padding. It returns 0 while
// that is not there.
func (c *Conn) frameHead(b []byte, ev *Event) int {
	if len(b) < frameHead {
		return 0
	}
	length := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	f := frame{typ: b[3], flags: b[4], id: binary.BigEndian.Uint32(b[5:]) & maxID, rest: int32(length)}
	switch {
	case length > c.p.c.MaxFrame:
		return c.fail(FrameTooLarge)
	case !c.greeted && (f.typ != typeSettings || f.flags&flagAck != 0):
		return c.fail(BadPreface)
	case c.expct != 0 && (f.typ != typeContinuation || f.id != c.expct):
		return c.fail(NotContinued)
	}
	b = b[frameHead:]
	switch f.typ {
	case typeData:
		return c.dataHead(f, b, ev)
	case typeHeaders:
		return c.headersHead(f, b, ev)
	case typeContinuation:
		return c.continuationHead(f, ev)
	case typeSettings:
		return c.settingsHead(f, ev)
	case typePush:
		return c.fail(PushPromise)
	case typePriority, typeReset, typePing, typeGoAway, typeWindow:
		return c.small(f, b, ev)
	}
	if !c.spend(&c.spent.priorities, c.p.c.Budget.Priorities+10*c.spent.begun, PriorityFlood) {
		return 0
	}
	c.frame = f
	return frameHead
}

// small handles the frames of fixed length, and GOAWAY, whose beginning is, once
// they are there.
func (c *Conn) small(f frame, b []byte, ev *Event) int {
	var need int
	switch f.typ {
	case typePriority:
		if f.rest != 5 {
			return c.badPriority(f, ev)
		}
		need = 5
	case typeReset, typeWindow:
		need = 4
	case typePing, typeGoAway:
		need = 8
	}
	if int(f.rest) < need || int(f.rest) > need && f.typ != typeGoAway {
		return c.fail(BadFrameSize)
	}
	if len(b) < need {
		return 0
	}
	switch f.typ {
	case typePriority:
		c.priority(f.id, b, ev)
	case typeReset:
		c.peerReset(f.id, ErrCode(binary.BigEndian.Uint32(b)), ev)
	case typeWindow:
		c.windowUpdate(f.id, binary.BigEndian.Uint32(b)&maxID, ev)
	case typePing:
		c.ping(f, b)
	case typeGoAway:
		c.goAway(f, b, ev)
	}
	f.rest -= int32(need)
	c.frame = f
	return frameHead + need
}

// payload takes what there is of the payload of the frame at hand.
func (c *Conn) payload(b []byte, ev *Event) int {
	f := &c.frame
	if f.rest == 0 {
		k := min(len(b), int(f.pad))
		f.pad -= uint8(k)
		return k
	}
	k := min(len(b), int(f.rest))
	switch f.typ {
	case typeSettings:
		k -= k % 6
	}
	if k == 0 {
		return 0
	}
	b = b[:k]
	f.rest -= int32(k)
	switch f.typ {
	case typeData:
		c.data(b, ev)
	case typeHeaders, typeContinuation:
		c.fragment(b, ev)
	case typeSettings:
		c.settings(b, ev)
	}
	return k
}

// fail ends the connection: GOAWAY is appended and nothing more is read. It
// returns 0, the bytes that were taken.
func (c *Conn) fail(r Reason) int {
	if c.err == nil {
		c.appendGoAway(c.peerLast(), reasons[r].code)
		c.err = &connErrors[r]
	}
	return 0
}

// refuse resets the stream id for r, which the peer is to blame for. s is nil if
// the caller has no such stream; else the event is its Reset.
func (c *Conn) refuse(id uint32, s *Stream, r Reason, ev *Event) {
	c.appendReset(id, reasons[r].code)
	if s != nil {
		if !s.done() {
			*ev = Event{Kind: Reset, Stream: s, Code: reasons[r].code, Reason: r}
		}
		c.stop(s, sendReset)
	}
	c.provoked()
}

// stop ends s in both directions.
func (c *Conn) stop(s *Stream, how uint16) {
	c.abandon(s)
	c.unqueue(s)
	s.state |= how
}
