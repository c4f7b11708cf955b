// SPDX-License-Identifier: Apache-2.0

package http2

import "testing"

// sound checks what must hold of a Conn between any two calls.
func sound(t testing.TB, c *Conn) {
	t.Helper()
	if c.err != nil {
		return // nothing counts any more
	}
	cfg := &c.p.c
	inFrame := int32(0)
	if c.frame.stream != nil {
		inFrame = c.frame.rest
	}
	all := int64(c.recvWindow) + int64(c.owed) + int64(inFrame)
	last := uint32(0)
	for _, s := range c.streams {
		all += int64(s.unread)
		if s.id <= last {
			t.Fatalf("stream %d stands behind %d", s.id, last)
		}
		last = s.id
		own := s.recvWindow + s.owed + s.unread
		if c.frame.stream == s {
			own += inFrame
		}
		if !s.has(discard) && !s.has(recvEnd) && !s.done() && own != c.ownWindow {
			t.Fatalf("stream %d: window %d, owed %d, unread %d: together not %d",
				s.id, s.recvWindow, s.owed, s.unread, c.ownWindow)
		}
		if s.unread < 0 || s.owed < 0 {
			t.Fatalf("stream %d: unread %d, owed %d", s.id, s.unread, s.owed)
		}
	}
	if all != int64(cfg.ConnWindow) {
		t.Fatalf("connection: window %d, owed %d and what is unread: together %d, not %d",
			c.recvWindow, c.owed, all, cfg.ConnWindow)
	}
	if c.recvWindow < 0 || c.sendWindow < 0 {
		t.Fatalf("connection: windows %d and %d", c.recvWindow, c.sendWindow)
	}
	queueSound(t, c)
	if n := c.spent.queued + c.spent.older; n > cfg.Budget.Queued {
		t.Fatalf("%d control frames wait", n)
	}
	if c.expct != 0 && c.block == nil {
		t.Fatal("CONTINUATION is due, but there is no block")
	}
	if c.block != nil && len(c.block.carry) > 2*cfg.MaxHead+32 {
		t.Fatalf("%d bytes are carried", len(c.block.carry))
	}
}

// queueSound checks the streams that wait to write.
func queueSound(t testing.TB, c *Conn) {
	t.Helper()
	n := 0
	var end *Stream
	for s := c.first; s != nil; s = s.next {
		if n++; n > len(c.streams) || !s.has(queued) || s.done() || s.has(sendEnd) {
			t.Fatalf("the queue has %d streams of %d, or one that ended", n, len(c.streams))
		}
		end = s
	}
	if end != c.last {
		t.Fatal("the end of the queue is not its last")
	}
}

// An observer checks the order of events.
type observer struct {
	ended map[*Stream]bool
	left  map[*Stream]int64
}

func newObserver() *observer {
	return &observer{ended: map[*Stream]bool{}, left: map[*Stream]int64{}}
}

func (o *observer) see(t testing.TB, ev *Event) {
	t.Helper()
	s := ev.Stream
	if s == nil {
		return
	}
	if o.ended[s] && ev.Kind != Reset {
		t.Fatalf("stream %d: an event of kind %d after the end", s.ID(), ev.Kind)
	}
	switch ev.Kind {
	case Request, Response:
		o.left[s] = -1
		if ev.Head.Body == 1 { // message.Length
			o.left[s] = ev.Head.Length
		}
	case Data:
		if len(ev.Data) == 0 && !ev.End {
			t.Fatalf("stream %d: data of nothing", s.ID())
		}
		if left := o.left[s]; left >= 0 {
			o.left[s] = left - int64(len(ev.Data))
			if o.left[s] < 0 {
				t.Fatalf("stream %d: more data than Content-Length", s.ID())
			}
		}
	}
	if ev.End && o.left[s] > 0 {
		t.Fatalf("stream %d: less data than Content-Length", s.ID())
	}
	o.ended[s] = ev.End || ev.Kind == Reset
}

// released forgets s, whose memory may become another stream.
func (o *observer) released(s *Stream) {
	delete(o.ended, s)
	delete(o.left, s)
}
