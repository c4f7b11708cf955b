// SPDX-License-Identifier: Apache-2.0

package http2

// dataHead begins a DATA frame. The windows pay for all of its length, what is
// padding or goes nowhere is given back at once (RFC 9113 section 6.9.1).
func (c *Conn) dataHead(f frame, b []byte, ev *Event) int {
	switch {
	case f.id == 0:
		return c.fail(BadStreamID)
	case c.idle(f.id):
		return c.fail(IdleStream)
	}
	length, lead := f.rest, 0
	if f.flags&flagPadded != 0 {
		lead = 1
		if f.rest == 0 {
			return c.fail(BadFrameSize)
		}
		if len(b) == 0 {
			return 0
		}
		f.pad = b[0]
		f.rest -= 1 + int32(f.pad)
	}
	switch {
	case f.rest < 0:
		return c.fail(BadPadding)
	case length > c.recvWindow:
		return c.fail(ConnFlow)
	}
	c.recvWindow -= length
	s, r := c.receiver(f, length)
	switch {
	case r != ok:
		c.refuse(f.id, s, r, ev)
		c.giveBack(int(length))
	case s == nil:
		c.giveBack(int(length))
	default:
		c.accept(s, &f, length, ev)
	}
	c.frame = f
	return frameHead + lead
}

// receiver returns the stream that a DATA frame is for, nil if it is to be
// ignored. If r is not ok the stream is to be reset.
func (c *Conn) receiver(f frame, length int32) (s *Stream, r Reason) {
	s = c.find(f.id)
	if s == nil {
		if c.closed.find(f.id) == byUs || f.id > c.accepts {
			return nil, ok
		}
		return nil, StreamClosed
	}
	end := f.flags&flagEndStream != 0
	switch {
	case s.has(sendReset):
		return nil, ok
	case s.has(recvReset | recvEnd):
		return s, StreamClosed
	case !s.has(recvHead):
		return s, NoAnswer
	case length > s.recvWindow:
		return s, StreamFlow
	case s.left >= 0 && (int64(f.rest) > s.left || end && int64(f.rest) < s.left):
		return s, BodyLength
	}
	return s, ok
}

// accept takes a DATA frame that is as it should be.
func (c *Conn) accept(s *Stream, f *frame, length int32, ev *Event) {
	s.recvWindow -= length
	if s.left >= 0 {
		s.left -= int64(f.rest)
	}
	end := f.flags&flagEndStream != 0
	switch {
	case s.has(discard):
		c.giveBack(int(length))
		if end {
			s.state |= recvEnd
		}
		return
	case f.rest != 0:
		f.stream = s
		c.spent.payloads++
	case end:
		s.state |= recvEnd
		*ev = Event{Kind: Data, Stream: s, End: true}
	case !c.spend(&c.spent.empty, c.p.c.Budget.Empty+c.spent.begun, EmptyFlood):
		return
	}
	if pad := int(length - f.rest); pad > 0 {
		c.giveBack(pad)
		c.credit(s, pad)
	}
}

// data delivers a piece of a DATA frame.
func (c *Conn) data(b []byte, ev *Event) {
	f := &c.frame
	s := f.stream
	if s == nil {
		return
	}
	s.unread += int32(len(b))
	*ev = Event{Kind: Data, Stream: s, Data: b}
	if f.rest == 0 {
		f.stream = nil
		if f.flags&flagEndStream != 0 {
			s.state |= recvEnd
			ev.End = true
		}
	}
}

// abandon makes what is still to come of the frame at hand go nowhere.
func (c *Conn) abandon(s *Stream) {
	if c.frame.stream == s {
		c.frame.stream = nil
		c.giveBack(int(c.frame.rest))
	}
}

// Consumed says that the caller has used n more of the bytes that came on s, so
// that the peer may send as many. More than came is not counted.
func (c *Conn) Consumed(s *Stream, n int) {
	n = max(min(n, int(s.unread)), 0)
	s.unread -= int32(n)
	c.giveBack(n)
	c.credit(s, n)
}

// giveBack lets the peer send n more bytes on the connection: in steps of half
// the window, to save frames.
func (c *Conn) giveBack(n int) {
	c.owed += int32(n)
	if c.owed != 0 && int(c.owed) >= c.p.c.ConnWindow/2 {
		c.grant(0, int(c.owed))
		c.recvWindow += c.owed
		c.owed = 0
	}
}

// credit is giveBack for a stream.
func (c *Conn) credit(s *Stream, n int) {
	s.owed += int32(n)
	if s.owed != 0 && int(s.owed) >= c.p.c.StreamWindow/2 && !s.has(recvEnd|recvReset|sendReset|discard) {
		c.grant(s.id, int(s.owed))
		s.recvWindow += s.owed
		s.owed = 0
	}
}

// windowUpdate handles WINDOW_UPDATE.
func (c *Conn) windowUpdate(id, n uint32, ev *Event) {
	if !c.spend(&c.spent.windows, c.p.c.Budget.Windows+10*(c.spent.begun+c.spent.payloads), WindowFlood) {
		return
	}
	if id == 0 {
		switch w := int64(c.sendWindow) + int64(n); {
		case n == 0:
			c.fail(ZeroIncrement)
		case w > maxWindow:
			c.fail(ConnWindowOverflow)
		default:
			c.sendWindow = int32(w)
		}
		return
	}
	if c.idle(id) {
		c.fail(IdleStream)
		return
	}
	s := c.find(id)
	if s == nil || s.done() {
		return
	}
	switch w := int64(s.sendWindow) + int64(n); {
	case n == 0:
		c.refuse(id, s, StreamZeroIncrement, ev)
	case w > maxWindow:
		c.refuse(id, s, StreamWindowOverflow, ev)
	default:
		s.sendWindow = int32(w)
		c.wake(s)
	}
}
