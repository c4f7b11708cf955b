// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"encoding/binary"
	"slices"

	"evener/firmware/message"
)

// Out returns the bytes that are to be sent, oldest first. They are valid until
// the next call of a method of c. The memory goes back to the Pool when all of
// them are reported by Sent.
func (c *Conn) Out() []byte { return c.out[c.sent:] }

// Sent says that the first n bytes of Out are sent. Streams that waited for room
// may go on: see Writable.
func (c *Conn) Sent(n int) {
	c.sent += n
	s := &c.spent
	if c.sent >= s.mark {
		s.older, s.queued, s.mark = s.queued, 0, len(c.out)
	}
	if c.sent == len(c.out) && c.out != nil {
		c.pool.freeOut(c.out)
		c.out, c.sent = nil, 0
		s.older, s.queued, s.mark = 0, 0, 0
	}
}

// Full reports whether Out has reached [Config.MaxOut]. Heads can be composed
// all the same; a caller with many to send does better to send Out first.
func (c *Conn) Full() bool { return len(c.out)-c.sent >= c.p.c.MaxOut }

// grow returns c.out with room for n more bytes.
func (c *Conn) grow(n int) []byte {
	if cap(c.out)-len(c.out) >= n {
		return c.out
	}
	waiting := len(c.out) - c.sent
	to := c.out
	if waiting+n > cap(to) || c.sent < cap(to)/2 {
		to = c.pool.out(waiting + n)
	}
	moved := append(to[:0], c.out[c.sent:]...)
	if c.out != nil && &c.out[:1][0] != &moved[:1][0] {
		c.pool.freeOut(c.out)
	}
	c.out = moved
	c.spent.mark = max(c.spent.mark-c.sent, 0)
	c.head.start -= c.sent
	c.sent = 0
	return c.out
}

// Write appends as much of p, the next bytes of the body, as the windows and the
// room in Out allow, and returns how many that were. With end the body ends with
// p, if all of it was taken; an empty p is always taken. When less was taken, s
// waits: Writable returns it when there is room. Nothing is taken before the
// head, after the end, or when the stream was reset.
func (c *Conn) Write(s *Stream, p []byte, end bool) (n int) {
	if !c.mayWrite(s) {
		return 0
	}
	s.state &^= short
	if len(p) == 0 {
		if end {
			c.out = appendFrame(c.grow(frameHead), 0, typeData, flagEndStream, s.id)
			c.endSend(s)
		}
		return 0
	}
	for n < len(p) {
		room := c.p.c.MaxOut - (len(c.out) - c.sent)
		k := min(len(p)-n, minFrame, int(s.sendWindow), int(c.sendWindow), room)
		if k <= 0 {
			s.state |= short
			if s.sendWindow > 0 {
				c.enqueue(s)
			}
			return n
		}
		flags := uint8(0)
		if end && n+k == len(p) {
			flags = flagEndStream
		}
		out := appendFrame(c.grow(frameHead+k), k, typeData, flags, s.id)
		c.out = append(out, p[n:n+k]...)
		s.sendWindow -= int32(k)
		c.sendWindow -= int32(k)
		n += k
		if k >= 1<<10 || n == len(p) {
			c.spent.payloads++
		}
	}
	if end {
		c.endSend(s)
	}
	return n
}

func (c *Conn) mayWrite(s *Stream) bool {
	return c.err == nil && s.has(sendHead) && !s.has(sendEnd|sendReset|recvReset)
}

func (c *Conn) endSend(s *Stream) {
	s.state |= sendEnd
	c.unqueue(s)
	if c.server && !s.has(discard) {
		c.answered()
	}
}

// Writable returns the stream that has waited longest to write and can go on
// now, nil if there is none. It waits again if Write takes too little.
func (c *Conn) Writable() *Stream {
	s := c.first
	if s == nil || c.sendWindow <= 0 || c.Full() {
		return nil
	}
	c.unqueue(s)
	s.state &^= short
	return s
}

// wake lets s wait for the connection where it has waited for its own window.
func (c *Conn) wake(s *Stream) {
	if s.has(short) && s.sendWindow > 0 && !s.done() {
		c.enqueue(s)
	}
}

func (c *Conn) enqueue(s *Stream) {
	if s.has(queued) {
		return
	}
	s.state |= queued
	if c.last == nil {
		c.first = s
	} else {
		c.last.next = s
	}
	c.last = s
}

// unqueue takes s out of the queue, where it is mostly the first.
func (c *Conn) unqueue(s *Stream) {
	if !s.has(queued) {
		return
	}
	s.state &^= queued
	var before *Stream
	for q := c.first; q != s; q = q.next {
		before = q
	}
	if before == nil {
		c.first = s.next
	} else {
		before.next = s.next
	}
	if c.last == s {
		c.last = before
	}
	s.next = nil
}

// Reset ends s at once. What was written before is sent, nothing that comes
// counts. It does nothing to a stream that has ended.
func (c *Conn) Reset(s *Stream, code ErrCode) {
	if s.done() {
		return
	}
	c.stop(s, sendReset)
	if s.id != 0 && c.err == nil && (c.server || s.has(sendHead)) {
		c.appendReset(s.id, code)
	}
}

func (c *Conn) appendReset(id uint32, code ErrCode) {
	out := appendFrame(c.grow(frameHead+4), 4, typeReset, 0, id)
	c.out = binary.BigEndian.AppendUint32(out, uint32(code))
	c.queuedControl()
}

// grant appends WINDOW_UPDATE.
func (c *Conn) grant(id uint32, n int) {
	if c.err != nil {
		return
	}
	out := appendFrame(c.grow(frameHead+4), 4, typeWindow, 0, id)
	c.out = binary.BigEndian.AppendUint32(out, uint32(n))
	c.queuedControl()
}

func (c *Conn) appendGoAway(last uint32, code ErrCode) {
	out := appendFrame(c.grow(frameHead+8), 8, typeGoAway, 0, 0)
	out = binary.BigEndian.AppendUint32(out, last)
	c.out = binary.BigEndian.AppendUint32(out, uint32(code))
}

// peerLast returns the highest stream of the peer that we do not ignore.
func (c *Conn) peerLast() uint32 {
	if !c.server {
		return 0
	}
	return min(c.lastID, c.accepts)
}

// drainPing is what the PING says whose answer shows that the peer knows of our
// first GOAWAY.
const drainPing = "draining"

// Drain ends the connection without losing a request (RFC 9113 section 6.8). The
// first call announces it; at the peer's next answer, or at the second call,
// streams that are not begun yet are ruled out. Those that are go on: when
// Drained is true, close the connection. A client only stops opening streams.
func (c *Conn) Drain() {
	switch {
	case c.err != nil, c.drain == drained:
	case !c.server:
		c.drain = drained
		c.appendGoAway(0, NoError)
	case c.drain == undrained:
		c.drain = announced
		c.appendGoAway(maxID, NoError)
		out := appendFrame(c.grow(frameHead+8), 8, typePing, 0, 0)
		c.out = append(out, drainPing...)
	default:
		c.finishDrain()
	}
}

func (c *Conn) finishDrain() {
	c.drain = drained
	c.accepts = c.lastID
	c.appendGoAway(c.accepts, NoError)
}

// alivePing is what our other PINGs say.
const alivePing = "answerme"

// Ping asks the peer for an answer. Nothing tells of it but the bytes that come.
func (c *Conn) Ping() {
	if c.err == nil {
		out := appendFrame(c.grow(frameHead+8), 8, typePing, 0, 0)
		c.out = append(out, alivePing...)
	}
}

// Drained reports whether nothing is left to be done after Drain, or after the
// server's GOAWAY, but to send Out.
func (c *Conn) Drained() bool {
	return c.Streams() == 0 && (c.drain == drained || c.lost != maxID)
}

// GoAway ends the connection at once: close it when Out is sent.
func (c *Conn) GoAway(code ErrCode) {
	if c.err == nil {
		c.appendGoAway(c.peerLast(), code)
		c.err = &ConnError{Code: code}
	}
}

// Trailers ends the body with the fields of h that are not Hop. What Write has
// not taken yet must have been taken before.
func (c *Conn) Trailers(s *Stream, h *message.Head) {
	if !c.mayWrite(s) {
		return
	}
	if !slices.ContainsFunc(h.Fields, func(f message.Field) bool { return !f.Hop }) {
		c.Write(s, nil, true)
		return
	}
	c.BeginHead(s)
	c.Fields(h)
	if !c.EndHead(true) {
		c.Write(s, nil, true) // the end is worth more than they are
	}
}
