// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"golang.org/x/sys/unix"

	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
)

// serverReady goes on while there is no answer yet.
func (x *exchange) serverReady() {
	switch {
	case !x.reqDone:
		x.pumpRequest()
	case x.s.unsent():
		x.sendHead()
	}
	if x.c != nil && x.s != nil && !x.answered && x.s.readable {
		x.readAnswer()
	}
}

// readAnswer reads until the head of the final answer has come.
func (x *exchange) readAnswer() {
	s := x.s
	if done, errno := x.c.flush(); errno != 0 {
		x.abort(stats.ClientAbort)
		return
	} else if !done {
		return // interim answers that the client does not read
	}
	for {
		if len(s.buffered()) > 0 {
			if done := x.parseAnswer(); done {
				return
			}
		}
		if !s.readable {
			return
		}
		n, errno := s.fill()
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			x.serverFailed(stats.ErrReset, stats.ServerReset)
			return
		}
		if x.firstByte == 0 {
			x.noteFirstByte()
		}
	}
}

func (x *exchange) noteFirstByte() {
	x.firstByte = x.w.loop.Now()
	took := x.firstByte - x.sent
	slot := x.live.Slot(x.w.index)
	slot.Answered.Store(slot.Answered.Load() + 1)
	slot.FirstByte.Store(slot.FirstByte.Load() + uint64(took))
}

// parseAnswer takes the heads that are buffered. It reports whether reading
// heads is over.
func (x *exchange) parseAnswer() bool {
	s := x.s
	for len(s.buffered()) > 0 {
		info := http1.ReqInfo{Method: x.askedBy(), Upgrade: x.upgrade}
		n, err := http1.ParseResponse(&x.resp, s.buffered(), &x.svc.Answers, info)
		if err != nil {
			x.w.logBadAnswer(x, err)
			x.serverBad()
			return true
		}
		if n == 0 {
			if s.inR == 0 && s.inW == len(s.in) {
				s.in = x.w.bufs.Grow(s.in)
			}
			return false
		}
		switch tunnel, bad := x.switched(); {
		case bad:
			x.w.logBadAnswer(x, &http1.Error{Status: 502, Reason: http1.BadUpgrade})
			x.serverBad()
			return true
		case tunnel:
			x.beginTunnel(n)
			return true
		case x.resp.Status < 200:
			if !x.interim(n) {
				return true
			}
		default:
			x.beginAnswer(n)
			return true
		}
	}
	return false
}

// serverBad answers for a member whose answer cannot be passed on.
func (x *exchange) serverBad() {
	x.dropServer(stats.ErrProtocol)
	x.fail(502, stats.BadAnswer)
}

// interim passes a 1xx answer on, which HTTP/1.0 does not know. It reports
// whether the next head may be read now: the exchange has not ended, and the
// client takes what it is sent.
func (x *exchange) interim(n int) bool {
	c := x.c
	if c.stream != nil {
		x.streamInterim()
	} else if x.req.Minor > 0 {
		out := http1.AppendStatusLine(c.compose(), 1, x.resp.Status, x.resp.Bytes(x.resp.Reason))
		out = http1.AppendFields(out, &x.resp)
		c.keep(append(out, "\r\n"...))
	}
	if n > 0 {
		x.s.consume(n)
	}
	done, errno := c.flush()
	switch {
	case errno != 0:
		x.abort(stats.ClientAbort)
		return false
	case !done:
		x.w.loop.SetTimer(&c.timer, orNever(x.svc.Timeouts.ClientSend))
		c.watchNow()
	}
	return done
}

// beginAnswer sends the head of the final answer, the first n bytes buffered,
// and goes on with its body.
func (x *exchange) beginAnswer(n int) {
	if fault := x.alterAnswer(); fault != rewrite.Sound {
		x.dropServer(stats.ErrAborted)
		x.unsound(fault)
		return
	}
	x.answered = true
	x.status = x.resp.Status
	m := x.s.up.Stats.Slot(x.w.index)
	m.Class[stats.ClassOf(x.status)].Add(1)
	m.Duration.Observe(x.firstByte - x.sent)
	if !x.reqDone || x.c.parting() {
		x.keep = false
	}
	chunked := x.down.coded || x.resp.Body == message.Chunked || x.resp.Body == message.UntilClose || x.resp.Body == message.Stream
	if chunked && x.req.Minor == 0 {
		chunked, x.keep = false, false
	}
	x.down.begin(&x.resp, &x.s.conn)
	if n > 0 {
		x.s.consume(n)
	}
	if c := x.c; c.stream != nil {
		if !x.streamAnswer() {
			x.dropServer(stats.ErrProtocol)
			x.abort(stats.BadAnswer)
			return
		}
	} else {
		x.down.chunked, x.down.drop = chunked, !x.req.TETrailer
		out := c.compose()
		was := len(out)
		c.keep(x.appendAnswer(out, chunked))
		x.headBytes = len(c.out) - was
		x.down.late = true
	}
	x.pumpAnswer()
	x.down.late = false
}

// pumpAnswer sends what it can of the answer.
func (x *exchange) pumpAnswer() {
	st := x.down.pump(&x.c.conn, &x.s.conn)
	switch st {
	case finished:
		x.parkServer()
		x.answerDone(stats.Completed)
	case composed:
		x.parkServer()
		x.own, x.reason = true, stats.Completed
		x.w.answerLater(x)
	case yielded:
		x.w.loop.SetTimer(&x.c.timer, orNever(x.svc.Timeouts.ClientSend))
		x.w.loop.SetTimer(&x.s.timer, orNever(x.svc.Timeouts.ServerBody))
		x.w.loop.Soon(x)
	case waiting:
		if !x.c.unsent() && x.c.writable {
			x.w.loop.SetTimer(&x.s.timer, orNever(x.svc.Timeouts.ServerBody))
			return
		}
		x.w.loop.SetTimer(&x.c.timer, orNever(x.svc.Timeouts.ClientSend))
		x.c.watchNow()
		if x.c == nil {
			return
		}
		if x.down.done && x.down.pipe == nil {
			// The rest is in our hands: the member need not wait for the client.
			x.parkServer()
			x.own, x.reason = true, stats.Completed
		}
	case srcEnded, srcFailed:
		x.dropServer(stats.ErrReset)
		x.abort(stats.ServerReset)
	case srcBad, srcTooMuch:
		x.dropServer(stats.ErrProtocol)
		x.abort(stats.BadAnswer)
	case dstFailed:
		x.abort(stats.ClientAbort)
	case packFailed:
		x.dropServer(stats.ErrAborted)
		x.abort(stats.Internal)
	}
}
