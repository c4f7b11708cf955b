// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/message"
	"evener/firmware/stats"
)

// retriable reports whether the request may be sent again: nothing of its body
// is gone, and either no member can have seen it or seeing it twice does no
// harm (RFC 9110 section 9.2.2).
func (x *exchange) retriable() bool {
	if x.up.bytes > 0 || x.answered || (x.up.framing == message.Chunked && x.sent != 0) {
		return false
	}
	return x.sent == 0 || (x.req.MethodID.Idempotent() && x.up.framing == message.NoBody)
}

// serverFailed deals with a member that could not be connected to, went away or
// was too slow before its answer began, or in the middle of it.
func (x *exchange) serverFailed(kind stats.ErrorKind, r stats.Reason) {
	if x.answered {
		x.dropServer(kind)
		x.abort(r)
		return
	}
	if kind == stats.ErrConnect || kind == stats.ErrTLS {
		x.slot().ConnectFailures.Add(1)
	}
	retry := x.retriable() && kind != stats.ErrTimeout
	x.up.dropPipe(x.w)
	if retry && x.s != nil && x.s.used > 0 && !x.fresh {
		x.reconnect()
		return
	}
	m := x.member
	x.dropServer(kind)
	if !retry || x.retries >= x.svc.Retries {
		x.fail(gatewayStatus(kind, r), r)
		return
	}
	x.retries++
	x.tried = append(x.tried, m)
	x.slot().Retries.Add(1)
	x.rewind()
	if !x.tryMember() {
		x.noOther(kind, r)
	}
}

// reconnect sends the request to the same member once more, by a new connection:
// it closed an idle one, as it may, and has not failed.
func (x *exchange) reconnect() {
	s := x.s
	x.s, s.x = nil, nil
	s.close()
	x.fresh = true
	x.rewind()
	x.connect()
}

// rewind forgets when the last try did what.
func (x *exchange) rewind() { x.connecting, x.sent, x.firstByte = 0, 0, 0 }

// noOther answers when a member has failed and there is none left to try.
func (x *exchange) noOther(kind stats.ErrorKind, r stats.Reason) {
	if free, full := x.room(); free || full {
		x.noMember()
		return
	}
	if x.route.Responder != nil {
		x.respond(x.route.Responder, r)
		return
	}
	x.fail(gatewayStatus(kind, r), r)
}

func gatewayStatus(kind stats.ErrorKind, r stats.Reason) int {
	switch {
	case kind == stats.ErrTimeout || r == stats.ConnectTimeout:
		return 504
	case r == stats.MemberCut:
		return 503
	}
	return 502
}
