// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/accesslog"
	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// An exchange is one request and its answer. It borrows the buffer that the
// request's head is in until it ends.
type exchange struct {
	w   *Worker
	c   *clientConn
	s   *serverConn // nil before one is chosen and after it is done
	gen *Generation
	svc *Service

	req    message.Head
	resp   message.Head
	reqBuf []byte
	up     body // from client to server
	down   body // from server to client

	route  *Route
	member int
	live   *pool.Live // acquired for member
	tried  []int
	next   *exchange // in its queue

	cookies *persist.Cookies // to set in the answer
	source  *Sources         // begun, to be ended
	key     persist.SourceKey
	kept    accesslog.Persist

	begun, connecting, sent, firstByte int64 // loop clock; 0: not yet
	queuedAt                           int64
	queued                             int64 // nanoseconds that it waited
	headBytes                          int   // of the answer to the client
	status                             int   // sent to the client; 0: none yet
	retries                            int
	requestID                          [32]byte

	reason   stats.Reason // why the box answers itself
	own      bool         // the box answers itself
	unstick  bool         // waited in vain for the member that it is kept on
	fresh    bool         // only a new connection will do
	answered bool         // the answer's head has been composed
	reqDone  bool         // the request has gone out whole
	respDone bool
	keep     bool // the client's connection is used again
	half     bool // the client had closed its sending side from the start
	upgrade  bool // Upgrade is forwarded
	trusted  bool // the client's forwarding fields are kept
}

func (x *exchange) reset() {
	req, resp, tried := x.req, x.resp, x.tried[:0]
	*x = exchange{w: x.w, tried: tried}
	req.Reset()
	resp.Reset()
	x.req, x.resp = req, resp
}

// begin starts the exchange whose request's head is the first n bytes that c
// has buffered.
func (x *exchange) begin(c *clientConn, svc *Service, n int) {
	x.c, x.svc, x.gen = c, svc, c.w.gen
	x.begun = x.w.loop.Now()
	x.takeHead(n)
	x.gen.live[x.w.index].n.Add(1)
	slot := x.slot()
	slot.Requests.Add(1)
	slot.Active.Add(1)
	x.half = c.closing
	x.trusted = svc.trusts(c.peer.Addr())
	x.up.begin(&x.req, x.req.Body == message.Chunked)
	x.up.limit = svc.Limits.Body
	x.up.drop = true // a member never asked for trailers
	x.reqDone = x.up.done
	x.keep = x.req.KeepAlive && !x.w.draining &&
		(svc.Limits.Requests == 0 || c.requests < svc.Limits.Requests)
	x.upgrade = svc.Upgrade && x.req.Websocket && x.up.done
	switch {
	case x.req.MethodID == message.CONNECT,
		x.req.MethodID == message.TRACE && !svc.AllowTrace:
		x.fail(405, stats.BadRequest)
	case x.up.limit != 0 && x.req.Body == message.Length && x.req.Length > x.up.limit:
		x.fail(413, stats.OverLimit)
	default:
		x.route = x.match()
		x.dispatch()
	}
}

// takeHead takes the buffer with the head from the connection. What follows the
// head moves to another.
func (x *exchange) takeHead(n int) {
	c := x.c
	c.inR += n
	x.reqBuf = c.in
	rest := c.buffered()
	c.in, c.inR, c.inW = nil, 0, 0
	if len(rest) > 0 {
		c.in = x.w.bufs.Get()
		if len(rest) > len(c.in) {
			c.in = make([]byte, len(rest))
		}
		c.inW = copy(c.in, rest)
	}
}

func (x *exchange) slot() *stats.ClusterSlot { return x.svc.Stats.Slot(x.w.index) }

// match finds the route by the rules.
func (x *exchange) match() *Route {
	c, svc := x.c, x.svc
	if c.route != nil && c.route.OnceOnly && c.gen == x.gen {
		return c.route
	}
	route := svc.Default
	if svc.Rules != nil {
		x.w.request.Reset(&x.req, c.peer.Addr(), svc.Match)
		if i := svc.Rules.Match(&x.w.request); i >= 0 {
			route = svc.Routes[i]
		}
		for _, text := range x.w.request.Debug {
			x.w.log.Info("rule debug message", "cluster", svc.Cluster, "text", text, "client", c.peer)
		}
	}
	if route.Stats != nil {
		route.Stats.Slot(x.w.index).Hit(x.w.wall())
	}
	if route.OnceOnly {
		c.route, c.gen = route, x.gen
	}
	return route
}

// dispatch sends the request to a member, or answers it here.
func (x *exchange) dispatch() {
	if x.route.Pool == nil {
		x.respond(x.route.Responder, stats.Local)
		return
	}
	if !x.tryMember() {
		x.noMember()
	}
}

// tryMember begins the connection to a member that has room, and reports
// whether there was one.
func (x *exchange) tryMember() bool {
	for {
		m := x.choose()
		if m < 0 {
			return false
		}
		live := x.route.View.Set().Snapshot().Members[m].Live
		if !live.Acquire(x.w.index) {
			continue // filled up meanwhile by another loop; choose sees that
		}
		x.member, x.live = m, live
		s := live.Slot(x.w.index)
		s.Picked.Store(s.Picked.Load() + 1)
		x.beginSource()
		x.connect()
		return true
	}
}

// Run goes on with what a turn was too short for.
func (x *exchange) Run() {
	if x.c == nil {
		return
	}
	x.pump()
}

// pump moves both bodies as far as they go.
func (x *exchange) pump() {
	switch {
	case x.own:
		x.pumpOwn()
		return
	case x.c.state == clientTunnel:
		x.pumpTunnel()
		return
	}
	if x.s != nil && !x.s.connecting && !x.reqDone {
		x.pumpRequest()
	}
	if x.c != nil && x.answered && !x.respDone {
		x.pumpAnswer()
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
			x.w.loop.SetTimer(&x.s.timer, first(timeouts.ServerHead))
		}
	case yielded:
		x.w.loop.Soon(x)
	case waiting:
		x.c.watchNow()
		if x.c == nil {
			return
		}
		if len(x.s.pending()) > 0 || !x.s.writable {
			x.w.loop.SetTimer(&x.s.timer, first(timeouts.ServerHead))
		} else {
			x.w.loop.SetTimer(&x.c.timer, first(timeouts.ClientBody))
		}
	case srcEnded, srcFailed:
		x.abort(stats.ClientAbort)
	case srcBad:
		x.refuseBody(400, stats.BadRequest)
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
	if ev&reactor.Failed != 0 {
		x.abort(stats.ClientAbort)
		return
	}
	if ev&reactor.PeerClosed != 0 && x.reqDone && !x.half && x.c.state != clientTunnel &&
		len(x.c.buffered()) == 0 && reactor.Ended(x.c.fd) {
		x.abort(stats.ClientAbort)
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
	case len(c.pending()) > 0 || x.answered && !c.writable:
		x.abort(stats.ClientTimeout)
	case !x.reqDone && x.s != nil && !x.s.connecting && x.s.writable && len(x.s.pending()) == 0:
		if x.answered {
			x.abort(stats.ClientTimeout)
			return
		}
		x.refuseBody(408, stats.ClientTimeout)
	}
}

// abort ends the exchange and its client's connection without a whole answer.
func (x *exchange) abort(r stats.Reason) {
	c := x.c
	x.dropServer(stats.ErrAborted)
	x.finish(r)
	reactor.ResetOnClose(c.fd)
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
	slot.BytesOut.Add(uint64(x.headBytes) + uint64(x.down.bytes))
	x.endSource()
	x.logAccess(r)
	x.gen.live[x.w.index].n.Add(-1)
	x.up.dropPipe(x.w)
	x.down.dropPipe(x.w)
	x.w.bufs.Put(x.reqBuf)
	x.w.giveExchange(x)
}

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

// answerDone ends an exchange whose answer has gone out whole.
func (x *exchange) answerDone(r stats.Reason) {
	c, w, keep := x.c, x.w, x.keep && x.reqDone
	idle := x.svc.Timeouts.ClientIdle
	x.finish(r)
	if keep && !w.draining {
		c.again(idle)
		return
	}
	c.x = nil
	if c.readable && !c.closing || len(c.buffered()) > 0 || !c.watched && !reactor.Quiet(c.fd) {
		c.beginLinger()
		return
	}
	c.close()
}

// fail answers with a status of our own.
func (x *exchange) fail(status int, r stats.Reason) {
	x.ownHead(status, func(out []byte) []byte {
		return http1.AppendError(out, status, !x.keep, x.req.MethodID, x.w.httpDate())
	}, r)
}

// ownHead sends an answer of the box itself.
func (x *exchange) ownHead(status int, write func([]byte) []byte, r stats.Reason) {
	if !x.reqDone {
		x.keep = false
	}
	x.status = status
	x.answered = true
	c := x.c
	out := c.compose()
	n := len(out)
	c.keep(write(out))
	x.headBytes = len(c.out) - n
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
		x.w.loop.SetTimer(&x.c.timer, first(x.svc.Timeouts.ClientSend))
		x.c.watchNow()
	}
}
