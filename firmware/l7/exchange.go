// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/accesslog"
	"evener/firmware/message"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/rewrite"
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
	keptAs [1]int // see candidates

	next, prev *exchange // in its queue

	edits  *rewrite.Changes // what operations make of the request; nil: nothing
	target []byte           // rewritten; empty: the request's goes on

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
	serverPort                         uint16 // ours, of the connection with the member; 0: not known
	requestID                          [32]byte
	wsKey                              [24]byte // of a WebSocket from HTTP/2 to HTTP/1.1

	reason   stats.Reason // why the box answers itself
	own      bool         // the box answers itself
	unstick  bool         // waited in vain for the member that it is kept on
	pooled   bool         // the member's connection carries several exchanges at once
	fresh    bool         // only a new connection will do
	answered bool         // the answer's head has been composed
	later    bool         // the request is to be sent at the end of the turn
	reqDone  bool         // the request has gone out whole
	keep     bool         // the client's connection is used again
	half     bool         // the client closed its sending side with its request: it has not left
	upgrade  bool         // Upgrade is forwarded
	trusted  bool         // the client's forwarding fields are kept
	reqOwn   bool         // the request's head is in memory of its own
	respOwn  bool         // and the answer's
}

func (x *exchange) reset() {
	req, resp, tried, target := x.req, x.resp, x.tried[:0], x.target[:0]
	if cap(target) > keptHead {
		target = nil
	}
	mem := [2][]byte{headMemory(&req, x.reqOwn), headMemory(&resp, x.respOwn)}
	*x = exchange{w: x.w, tried: tried, target: target}
	req.Reset()
	resp.Reset()
	req.Buf, resp.Buf = mem[0], mem[1]
	x.req, x.resp = req, resp
}

// keptHead bounds the memory for heads that an exchange which is not used keeps.
const keptHead = 4 << 10

// headMemory returns the memory of a head that came by HTTP/2, for the next one.
// What came by HTTP/1 lies in a connection's buffer, which is another's next.
func headMemory(h *message.Head, own bool) []byte {
	if !own || cap(h.Buf) > keptHead {
		return nil
	}
	return h.Buf[:0]
}

// begin starts the exchange of the request that x has got, of c.
func (x *exchange) begin(c *clientConn, svc *Service) {
	x.c, x.svc, x.gen = c, svc, c.w.gen
	x.begun = x.w.loop.Now()
	x.gen.live[x.w.index].n.Add(1)
	slot := x.slot()
	slot.Requests.Add(1)
	slot.Active.Add(1)
	x.half = c.closing
	x.trusted = svc.trusts(c.peer.Addr())
	x.up.begin(&x.req, &c.conn)
	x.up.limit = svc.Limits.Body
	x.reqDone = x.up.done
	x.keep = x.req.KeepAlive && !c.parting() && svc.keeps(c) &&
		(svc.Limits.Requests == 0 || c.requests < svc.Limits.Requests)
	x.upgrade = svc.Upgrade && x.req.Websocket && (x.up.done || x.req.HTTP2)
	if x.upgrade {
		// What follows is the tunnel's. A length that an extended CONNECT announces
		// is meaningless, and a server of HTTP/1.1 would wait for it.
		x.up.done, x.reqDone = true, true
		x.req.Body = message.NoBody
	}
	if status, why := x.refusal(); status != 0 {
		x.fail(status, why)
		return
	}
	if x.challenged() || x.redirectsHTTPS() {
		return
	}
	x.route = x.match()
	if fault := x.rewriteTarget(); fault != rewrite.Sound {
		x.unsound(fault)
		return
	}
	x.dispatch()
}

// challengePath is where a certificate authority asks (RFC 8555 section 8.3).
const challengePath = "/.well-known/acme-challenge/"

// challenged answers the question of a certificate authority, if it is one.
func (x *exchange) challenged() bool {
	path := x.req.Bytes(x.req.Path)
	if x.svc.Challenge == nil || x.req.MethodID != message.GET && x.req.MethodID != message.HEAD ||
		len(path) < len(challengePath) || string(path[:len(challengePath)]) != challengePath {
		return false
	}
	body, ok := x.svc.Challenge(string(x.req.Bytes(x.req.Authority)), string(path))
	if ok {
		x.route = x.svc.Default
		x.respond(&Responder{Status: 200, ContentType: "application/octet-stream", Body: []byte(body)}, stats.Local)
	}
	return ok
}

// refusal returns the status with which the box answers a sound request that no
// member may get, whatever the rules say of it; 0 if there is no such reason.
func (x *exchange) refusal() (status int, why stats.Reason) {
	switch limit := x.svc.Limits.Body; {
	case x.req.HTTP2 && !x.req.Upgrade.Empty() && !x.req.Websocket:
		return 501, stats.BadRequest // a protocol that nobody here speaks (RFC 9220 section 3)
	case x.req.MethodID == message.CONNECT && !x.upgrade, x.req.MethodID == message.TRACE && !x.svc.AllowTrace:
		return 405, stats.BadRequest
	case limit != 0 && x.req.Body == message.Length && x.req.Length > limit:
		return 413, stats.OverLimit
	}
	return 0, stats.Completed
}

// takeHead takes the buffer with the head from the connection. What follows the
// head moves to another.
func (x *exchange) takeHead(c *clientConn, n int) {
	c.inR += n
	x.reqBuf = c.in
	rest := c.buffered()
	c.in, c.inR, c.inW = nil, 0, 0
	if len(rest) > 0 {
		c.in = x.w.bufs.GetSize(len(rest))
		c.inW = copy(c.in, rest)
	}
}

func (x *exchange) slot() *stats.ClusterSlot { return x.svc.Stats.Slot(x.w.index) }

// match finds the route by the rules.
func (x *exchange) match() *Route {
	c, svc := x.c.root(), x.svc
	if c.route != nil && c.gen == x.gen {
		return c.route
	}
	c.route, c.gen = nil, nil
	route := svc.Default
	if svc.Rules != nil {
		x.w.request.Reset(&x.req, c.peer.Addr(), svc.Match)
		if c.secured != nil {
			x.w.request.SetTLS(&c.secured.TLS)
		}
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

// root returns the connection that c is a stream of, c itself if it is none.
func (c *clientConn) root() *clientConn {
	if c.parent != nil {
		return c.parent
	}
	return c
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
	if !x.acquire() {
		return false
	}
	x.useMember()
	return true
}

// useMember begins the connection to the member that was acquired.
func (x *exchange) useMember() {
	s := x.live.Slot(x.w.index)
	s.Picked.Store(s.Picked.Load() + 1)
	x.beginSource()
	if fault := x.prepare(); fault != rewrite.Sound {
		x.releaseMember()
		x.unsound(fault)
		return
	}
	x.connect()
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
	// Either step may end the exchange, or its use of the member.
	switch {
	case x.c == nil || x.s == nil || x.s.connecting:
	case x.answered:
		x.pumpAnswer()
	case x.s.readable || len(x.s.buffered()) > 0:
		x.readAnswer()
	}
}
