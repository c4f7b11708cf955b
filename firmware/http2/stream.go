// SPDX-License-Identifier: Apache-2.0

package http2

import "slices"

// A Stream is one request and its answer. It belongs to the caller from the
// event that brings it, or [Conn.Open], until [Conn.Release].
type Stream struct {
	Owner any // the caller's

	next  *Stream // in the queue of those that wait to write, or the Pool's list
	id    uint32
	state uint16

	sendWindow int32 // may be negative after SETTINGS (RFC 9113 section 6.9.2)
	recvWindow int32
	unread     int32 // bytes that the caller has and did not report as Consumed
	owed       int32 // bytes of window to give back
	left       int64 // what Content-Length says is still to come; -1 if nothing
}

// What a Stream has seen. recvEnd and sendEnd are the two halves of
// "half-closed" (RFC 9113 section 5.1).
const (
	recvEnd   = 1 << iota // the peer's END_STREAM
	sendEnd               // ours
	recvReset             // the peer's RST_STREAM
	sendReset             // ours
	recvHead              // the head of the request or the final answer came
	sendHead              // likewise, ours
	toHEAD                // the answer is one to HEAD: it has no content
	bodiless              // the answer's status allows no content
	discard               // what the peer sends is not wanted any more
	queued                // in the queue of those that wait to write
	short                 // Write took less than there was
)

func (s *Stream) has(bits uint16) bool { return s.state&bits != 0 }

// done reports whether nothing can come or go any more.
func (s *Stream) done() bool {
	return s.has(recvReset|sendReset) || s.state&(recvEnd|sendEnd) == recvEnd|sendEnd
}

// ID returns the number of the stream, 0 for one that a client has opened and
// not begun.
func (s *Stream) ID() uint32 { return s.id }

// Done reports whether the stream has ended in both directions or was reset:
// nothing can be sent on it, nothing will come.
func (s *Stream) Done() bool { return s.done() }

// find returns the stream with id that is not released, or nil. Streams begin
// in the order of their numbers, so that c.streams is sorted.
func (c *Conn) find(id uint32) *Stream {
	lo, hi := 0, len(c.streams)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if c.streams[mid].id < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(c.streams) && c.streams[lo].id == id {
		return c.streams[lo]
	}
	return nil
}

// begin gives s its number and enters it.
func (c *Conn) begin(s *Stream, id uint32) {
	s.id = id
	s.left = -1
	s.sendWindow = c.peerWindow
	s.recvWindow = c.ownWindow
	c.streams = append(c.streams, s)
}

// Release ends the caller's use of s, which must not be used afterwards. A
// stream that has not ended is reset: with NO_ERROR if all of ours was sent,
// with CANCEL if not. What was received and not consumed is given back to the
// connection's window.
func (c *Conn) Release(s *Stream) {
	c.abandon(s)
	if s.id == 0 {
		c.opened--
		c.pool.freeStream(s)
		return
	}
	if !s.done() {
		code := Cancel
		if s.has(sendEnd) && c.server {
			code = NoError
		}
		c.Reset(s, code)
	}
	c.unqueue(s)
	c.giveBack(int(s.unread))
	i := slices.Index(c.streams, s)
	c.streams = slices.Delete(c.streams, i, i+1)
	c.closed.add(s)
	c.pool.freeStream(s)
	if len(c.streams) == 0 && cap(c.streams) > 32 {
		c.streams = nil
	}
}

// How a stream ended, as far as late frames on it are concerned.
const (
	byEnd   = iota + 1 // both sides ended it
	byPeer             // the peer has reset it
	byUs               // we have reset it: the peer may not know yet
	unknown            // too long ago
	never              // it was skipped, and so closed without having been open
)

// A history remembers how the last streams ended (RFC 9113 section 5.1,
// "closed"). What it has forgotten is forgiven.
type history struct {
	ids  [32]uint32
	hows [32]uint8
	next uint8
	upTo uint32 // the highest number that was forgotten
}

func (h *history) add(s *Stream) {
	how := uint8(byEnd)
	switch {
	case s.has(sendReset):
		how = byUs
	case s.has(recvReset):
		how = byPeer
	}
	h.put(s.id, how)
}

func (h *history) put(id uint32, how uint8) {
	i := h.next % uint8(len(h.ids))
	h.upTo = max(h.upTo, h.ids[i])
	h.ids[i], h.hows[i] = id, how
	h.next = i + 1
}

func (h *history) find(id uint32) int {
	for i, k := range h.ids {
		if k == id {
			return int(h.hows[i])
		}
	}
	if id <= h.upTo {
		return unknown
	}
	return never
}
