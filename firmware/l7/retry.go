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
// was too slow before its answer began.
func (x *exchange) serverFailed(kind stats.ErrorKind, r stats.Reason) {
	reused := x.s != nil && x.s.used > 0
	m := x.member
	if x.answered {
		x.dropServer(kind)
		x.abort(r)
		return
	}
	if kind == stats.ErrConnect {
		x.slot().ConnectFailures.Add(1)
	}
	retry := x.retriable() && kind != stats.ErrTimeout
	x.dropServer(kind)
	x.up.dropPipe(x.w)
	switch {
	case retry && reused && !x.fresh:
		x.fresh = true // the member closed an idle connection: its good right
	case retry && x.retries < x.svc.Retries:
		x.retries++
		x.tried = append(x.tried, m)
		x.slot().Retries.Add(1)
	default:
		x.fail(gatewayStatus(kind, r), r)
		return
	}
	x.sent, x.connecting = 0, 0
	if !x.tryMember() {
		x.noOther(kind, r)
	}
}

// noOther answers when a member has failed and there is none left to try.
func (x *exchange) noOther(kind stats.ErrorKind, r stats.Reason) {
	if x.anyFull() {
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
	if kind == stats.ErrTimeout || r == stats.ConnectTimeout {
		return 504
	}
	return 502
}
