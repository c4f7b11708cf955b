// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/message"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// tooLarge refuses a request whose head is larger than the member takes. Nothing was
// sent, and the member is not to blame.
func (x *exchange) tooLarge() {
	s := x.s
	x.s, s.x = nil, nil
	s.close()
	x.releaseMember()
	x.fail(431, stats.BadRequest)
}

// send sends the request's head and what is there of its body.
func (x *exchange) send() {
	x.sent = x.w.loop.Now()
	if x.w.access != nil {
		x.serverPort, x.pooled = x.s.localPort(), x.s.stream != nil
	}
	if !x.canTunnel() {
		return
	}
	s := x.s
	x.up.chunked = !x.upgrade && s.stream == nil && (x.req.Body == message.Chunked || x.req.Body == message.Stream)
	x.up.drop = s.stream == nil // a member of HTTP/1 never asked for trailers
	if s.stream != nil {
		if !x.streamRequest() {
			x.tooLarge()
			return
		}
	} else {
		s.keep(x.appendRequest(s.compose()))
	}
	// The timer runs from the last byte sent, but a member that reads nothing
	// must expire too.
	x.w.loop.SetTimer(&s.timer, orNever(x.svc.Timeouts.ServerHead))
	if x.up.done {
		x.w.sendLater(x)
		return
	}
	x.pump()
}

// sendHead is send for a request without a body.
func (x *exchange) sendHead() {
	if _, errno := x.s.flush(); errno != 0 {
		x.serverFailed(stats.ErrReset, stats.ServerReset)
	}
}

// pumpRequest sends the request's head and body to the member.
func (x *exchange) pumpRequest() {
	st := x.up.pump(&x.s.conn, &x.c.conn)
	timeouts := &x.svc.Timeouts
	switch st {
	case finished:
		x.reqDone = true
		if !x.answered {
			x.w.loop.SetTimer(&x.s.timer, orNever(timeouts.ServerHead))
		}
	case yielded:
		x.w.loop.SetTimer(&x.c.timer, orNever(timeouts.ClientBody))
		x.w.loop.SetTimer(&x.s.timer, orNever(timeouts.ServerHead))
		x.w.loop.Soon(x)
	case waiting:
		x.c.watchNow()
		if x.c == nil {
			return
		}
		if x.s.unsent() || !x.s.writable {
			x.w.loop.SetTimer(&x.s.timer, orNever(timeouts.ServerHead))
		} else {
			x.w.loop.SetTimer(&x.c.timer, orNever(timeouts.ClientBody))
		}
	case srcEnded, srcFailed:
		x.abort(stats.ClientAbort)
	case srcBad:
		x.slot().Rejected[x.up.fault.Reason].Add(1)
		x.w.logRefused(x.c, x.up.fault)
		x.refuseBody(x.up.fault.Status, stats.BadRequest)
	case srcTooMuch:
		x.refuseBody(413, stats.OverLimit)
	case dstFailed:
		x.s.writable = false
		x.keep = false
		x.up.dropPipe(x.w)
		if !x.answered {
			x.readAnswer() // it may have answered before it closed
		}
	}
}

// refuseBody ends an exchange whose request body cannot be passed on. Its
// server connection is closed without completing the request.
func (x *exchange) refuseBody(status int, r stats.Reason) {
	if x.answered {
		x.abort(r)
		return
	}
	x.dropServer(stats.ErrAborted)
	x.keep = false
	x.fail(status, r)
}

// clientReady is called when the client's connection is ready.
func (x *exchange) clientReady(ev reactor.Events) {
	c := x.c
	if c.state == clientTunnel {
		x.pumpTunnel()
		if c.x == x && ev&reactor.Reset != 0 && x.up.closed {
			x.abort(stats.ClientAbort) // nobody reads on to find out
		}
		return
	}
	failed := ev&reactor.Failed != 0
	left := ev&reactor.PeerClosed != 0 && x.reqDone && c.left()
	if left && x.w.loop.Now()-x.begun < int64(watchDelay) {
		x.half = true // it came with the request
	}
	if failed || left && !x.half {
		x.abort(stats.ClientAbort) // the member, or the place in the queue, is free for others
		return
	}
	x.pump()
}

// clientExpired is called when the client's timer fires. Timers are not stopped
// between phases, so it first looks whether the client is what we wait for.
func (x *exchange) clientExpired() {
	c := x.c
	switch {
	case c.state == clientQueued:
		x.queueExpired()
	case c.state == clientTunnel:
		x.abort(stats.TunnelIdle)
	case c.unsent() || x.answered && !c.writable:
		x.abort(stats.ClientTimeout)
	case !x.reqDone && x.s != nil && !x.s.connecting && x.s.writable && !x.s.unsent():
		if x.answered {
			x.abort(stats.ClientTimeout)
			return
		}
		x.refuseBody(408, stats.ClientTimeout)
	}
}
