// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/http1"
	"evener/firmware/stats"
)

// abort ends the exchange and its client's connection without a whole answer.
func (x *exchange) abort(r stats.Reason) {
	c := x.c
	x.dropServer(stats.ErrAborted)
	x.finish(r)
	c.reset()
	c.x = nil
	c.close()
}

// finish counts the exchange and gives back all that it holds but its
// connections.
func (x *exchange) finish(r stats.Reason) {
	if x.c.state == clientQueued {
		x.leaveQueue()
	}
	slot := x.slot()
	slot.Active.Add(-1)
	if x.c.state == clientTunnel {
		slot.TunnelsOpen.Add(-1)
	}
	slot.Aborts[r].Add(1)
	slot.Class[stats.ClassOf(x.status)].Add(1)
	slot.Duration.Observe(x.w.loop.Now() - x.begun)
	slot.BytesIn.Add(uint64(len(x.req.Buf)) + uint64(x.up.bytes))
	slot.BytesOut.Add(uint64(x.headBytes) + uint64(x.down.out()))
	if x.down.coded {
		slot.Compressed.Add(1)
		slot.CompressIn.Add(uint64(x.down.bytes))
		slot.CompressOut.Add(uint64(x.down.packed))
	}
	x.endSource()
	x.logAccess(r)
	x.gen.live[x.w.index].n.Add(-1)
	x.up.dropPipe(x.w)
	x.down.dropPipe(x.w)
	x.down.dropEncoder(x.w)
	x.w.bufs.Put(x.reqBuf)
	x.w.giveExchange(x)
}

// answerDone ends an exchange whose answer has gone out whole.
func (x *exchange) answerDone(r stats.Reason) {
	c, keep := x.c, x.keep && x.reqDone
	idle := x.svc.Timeouts.ClientIdle
	// A client that is still sending, or may send its next request because it
	// does not know yet that there is none, would lose the answer to a reset.
	sends := !x.reqDone || x.req.KeepAlive && !keep
	x.finish(r)
	if c.stream != nil {
		c.x = nil
		c.close()
		return
	}
	if keep {
		c.again(idle)
		return
	}
	c.x = nil
	if !c.eof && (sends || c.readable && !c.closing || len(c.buffered()) > 0 ||
		!c.watched && !c.quiet()) {
		c.beginLinger()
		return
	}
	c.close()
}

// fail answers with a status of our own.
func (x *exchange) fail(status int, r stats.Reason) {
	if x.req.Minor == 0 {
		x.keep = false // it would have to be told otherwise
	}
	x.ownHead(status, func(out []byte) []byte {
		if x.isGRPC() {
			return appendGRPC(out, status, x.w.httpDate())
		}
		return http1.AppendError(out, status, !x.keep, x.req.MethodID, x.w.httpDate())
	}, r)
}

// ownHead sends an answer of the box itself.
func (x *exchange) ownHead(status int, write func([]byte) []byte, r stats.Reason) {
	if !x.reqDone || x.c.parting() {
		x.keep = false
	}
	x.status = status
	x.answered = true
	c := x.c
	if x.altersOwn() {
		text := x.alterOwn(write(nil))
		write = func(out []byte) []byte { return append(out, text...) }
	}
	if c.stream != nil {
		x.w.text = write(x.w.text[:0])
		x.headBytes = len(x.w.text)
		c.ownAnswer(x.w.text)
	} else {
		out := c.compose()
		n := len(out)
		c.keep(write(out))
		x.headBytes = len(c.out) - n
	}
	x.down.done = true
	x.own, x.reason = true, r
	x.pumpOwn()
}

// pumpOwn sends what is left of an answer of the box itself.
func (x *exchange) pumpOwn() {
	done, errno := x.c.flush()
	switch {
	case errno != 0:
		x.abort(stats.ClientAbort)
	case done:
		x.answerDone(x.reason)
	default:
		x.w.loop.SetTimer(&x.c.timer, orNever(x.svc.Timeouts.ClientSend))
		x.c.watchNow()
	}
}
