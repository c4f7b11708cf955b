// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/message"
	"evener/firmware/stats"
)

// beginTunnel passes on that the member has switched, with the answer that is the
// first n bytes which its connection has buffered, and from then on bytes in both
// directions (RFC 9110 section 7.8).
func (x *exchange) beginTunnel(n int) {
	x.answered, x.reqDone, x.keep = true, true, false
	m := x.s.up.Stats.Slot(x.w.index)
	m.Class[stats.ClassOf(x.resp.Status)].Add(1)
	m.Duration.Observe(x.firstByte - x.sent)
	x.up = body{framing: message.UntilClose}
	x.down = body{framing: message.UntilClose}
	x.tunnelAnswer()
	if n > 0 {
		x.s.consume(n)
	}
	x.c.state = clientTunnel
	slot := x.slot()
	slot.Tunnels.Add(1)
	slot.TunnelsOpen.Add(1)
	x.w.loop.StopTimer(&x.s.timer)
	x.pumpTunnel()
}

// pumpTunnel moves bytes both ways. The end of one direction is passed on; the
// tunnel ends with the second.
func (x *exchange) pumpTunnel() {
	x.w.loop.SetTimer(&x.c.timer, orNever(x.svc.Timeouts.Tunnel))
	if !x.pumpSide(&x.up, &x.s.conn, &x.c.conn, stats.ClientAbort) ||
		!x.pumpSide(&x.down, &x.c.conn, &x.s.conn, stats.ServerReset) {
		return
	}
	if x.up.closed && x.down.closed {
		x.dropQuietly()
		x.keep = false
		x.answerDone(stats.Completed)
	}
}

// pumpSide moves bytes one way and reports whether the tunnel still stands.
func (x *exchange) pumpSide(b *body, dst, src *conn, r stats.Reason) bool {
	if b.closed {
		dst.endWrite()
		return true
	}
	switch b.pump(dst, src) {
	case finished:
		b.closed = true
		dst.endWrite()
	case yielded:
		x.w.loop.Soon(x)
	case srcFailed, dstFailed:
		x.dropServer(stats.ErrAborted)
		x.abort(r)
		return false
	}
	return true
}

// dropQuietly closes the server connection of a tunnel that ended as it should.
func (x *exchange) dropQuietly() {
	s := x.s
	x.s, s.x = nil, nil
	x.releaseMember()
	s.close()
}
