// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/http1"
	"evener/firmware/http2"
	"evener/firmware/message"
	"evener/firmware/reactor"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// A clientConn is a client's HTTP/1 connection:
//
//	intro (PROXY protocol)
//	  │
//	  ▼
//	shaking (TLS)
//	  │
//	  ▼
//	idle ──bytes──► head ──whole head──► busy ──101──► tunnel
//	  ▲                                   │               │
//	  └──────────── keep-alive ───────────┘               ▼
//	                                      └─► lingering ─► closed
type clientConn struct {
	conn
	next, prev *clientConn
	port       *Port
	peer       netip.AddrPort     // the client, as a PROXY header tells or else as the socket does
	local      netip.AddrPort     // what it connected to, if a PROXY header tells
	via        netip.AddrPort     // who connected to the box, if a PROXY header tells of another
	stats      *stats.ClusterSlot // of the cluster that it was accepted for
	x          *exchange          // while busy or a tunnel
	bound      *serverConn        // kept for this client alone; idle
	route      *Route             // of the first request, for once_only
	gen        *Generation        // that route belongs to
	since      int64              // loop clock when it was accepted
	requests   int
	mux        *clientMux    // of an HTTP/2 connection
	parent     *clientConn   // of a stream: its connection
	owner      *streamClient // of a stream: what c is in
	secured    *Secured      // what TLS told of the client; nil: nothing
	shaking    *TLS          // by which the handshake under way goes
	secure     bool          // by TLS
	state      clientState
}

type clientState uint8

const (
	clientIdle clientState = iota
	clientHead
	clientBusy
	clientQueued // busy, and waiting for a member
	clientTunnel
	clientLingering
	clientShaking
	clientIntro // the header of the PROXY protocol is to come
	clientMuxed // HTTP/2: the streams have their own states
)

// lingerTime bounds how long a connection that we have closed for sending is
// read from, so that the client gets our answer and no reset.
const lingerTime = 2 * time.Second

func (w *Worker) accept(fd int, peer netip.AddrPort, p *Port) {
	svc := w.gen.service(p)
	c := &clientConn{port: p, peer: peer, stats: svc.Stats.Slot(w.index), since: w.loop.Now()}
	c.w, c.fd, c.writable, c.readable = w, fd, true, true
	c.timer.Owner = c
	c.prev, c.next = w.clients.prev, &w.clients
	c.prev.next, c.next.prev = c, c
	w.conns++
	c.stats.Accepted.Add(1)
	c.stats.Connections.Add(1)
	if svc.Proxies != nil {
		c.awaitIntro(svc)
		return
	}
	if svc.TLS != nil {
		c.shake(svc, nil)
		return
	}
	w.loop.SetTimer(&c.timer, orNever(svc.Timeouts.ClientHead))
	w.loop.Soon(c)
}

// orNever returns d, or a century where d is zero.
func orNever(d time.Duration) time.Duration {
	if d == 0 {
		return 100 * 365 * 24 * time.Hour
	}
	return d
}

// Ready goes on with whatever the connection waits for.
func (c *clientConn) Ready(ev reactor.Events) {
	c.note(ev)
	switch c.state {
	case clientIdle, clientHead:
		c.receive()
	case clientLingering:
		c.linger()
	case clientShaking: // the handshake was told
	case clientIntro:
		c.readIntro()
	case clientMuxed:
		c.mux.ready(ev)
	default:
		c.x.clientReady(ev)
	}
}

// Run looks for a further request among the bytes that are there already, and
// goes on with what a turn was too short for.
func (c *clientConn) Run() {
	switch {
	case c.gone:
	case c.state == clientLingering:
		c.linger()
	case c.state == clientIntro:
		c.readIntro()
	case c.state == clientIdle || c.state == clientHead:
		if len(c.buffered()) > 0 && c.parse() {
			return
		}
		c.receive()
	}
}

// service returns what the connection's port serves now, nil if nothing: also
// where that is plain and the connection is not, or the other way round, or where
// the client has convinced nobody by the rules for certificates that hold now.
func (c *clientConn) service() *Service {
	svc := c.w.gen.service(c.port)
	if svc == nil || c.secure != (svc.TLS != nil) || c.secured != nil && c.secured.Clients != svc.TLS.Clients {
		return nil
	}
	return svc
}

// keeps reports whether what the client of c has agreed on by TLS, under this
// generation or an earlier one, is what a client that came now would agree on.
func (s *Service) keeps(c *clientConn) bool {
	if c.secured == nil {
		return true
	}
	return c.secured.Terms == s.TLS.Terms &&
		(!c.secured.Named || s.TLS.Named == nil || s.TLS.Named(c.secured.ServerName))
}

// receive reads until a whole head has come.
func (c *clientConn) receive() {
	for c.readable && !c.gone {
		before := len(c.buffered())
		n, errno := c.fill()
		if errno == unix.EAGAIN {
			c.watchNow()
			return
		}
		if errno != 0 || n == 0 {
			if before > 0 {
				c.stats.Aborts[stats.ClientAbort].Add(1)
			}
			c.close()
			return
		}
		if bytes.IndexByte(c.buffered()[before:], '\n') < 0 && c.inW < len(c.in) {
			c.waitForHead()
			continue
		}
		if c.parse() {
			return
		}
	}
	if !c.gone {
		c.watchNow()
	}
}

func (c *clientConn) waitForHead() {
	if c.state == clientIdle {
		c.state = clientHead
		if svc := c.service(); svc != nil {
			c.w.loop.SetTimer(&c.timer, orNever(svc.Timeouts.ClientHead))
		}
	}
}

// parse begins an exchange if a whole head has come, and reports whether it
// dealt with the connection: by beginning, by refusing or by closing.
func (c *clientConn) parse() bool {
	svc := c.service()
	if svc == nil {
		c.close()
		return true
	}
	if svc.HTTP2 != nil && !c.secure && c.requests == 0 && c.speaksHTTP2() {
		if len(c.buffered()) < len(http2.Preface()) {
			c.waitForHead()
			return false
		}
		c.beginMux(svc)
		return true
	}
	x := c.w.takeExchange()
	n, err := http1.ParseRequest(&x.req, c.buffered(), &svc.HTTP)
	if err != nil {
		method := x.req.MethodID
		c.w.giveExchange(x)
		c.refuse(err.(*http1.Error), method)
		return true
	}
	if n == 0 {
		c.w.giveExchange(x)
		c.waitForHead()
		c.growIn()
		return false
	}
	c.state = clientBusy
	c.requests++
	c.x = x
	if !c.watched {
		c.w.unwatched.add(c)
	}
	x.takeHead(c, n)
	x.begin(c, svc)
	return true
}

// speaksHTTP2 reports whether what came is the beginning of an HTTP/2 connection
// (RFC 9113 section 3.3), as far as one can tell.
func (c *clientConn) speaksHTTP2() bool {
	b := c.buffered()
	return string(b[:min(len(b), len(http2.Preface()))]) == http2.Preface()[:min(len(b), len(http2.Preface()))]
}

// growIn makes room for a head that is longer than a buffer. The codec's limit
// bounds it.
func (c *clientConn) growIn() {
	if c.inR > 0 || c.inW < len(c.in) {
		return
	}
	c.in = c.w.bufs.Grow(c.in)
}

// refuse answers a request that the codec does not accept, and closes.
func (c *clientConn) refuse(e *http1.Error, method message.Method) {
	c.stats.Requests.Add(1)
	c.stats.Rejected[e.Reason].Add(1)
	c.stats.Aborts[stats.BadRequest].Add(1)
	c.stats.Class[stats.ClassOf(e.Status)].Add(1)
	c.w.logRefused(c, e)
	if svc := c.service(); e.Reason == http1.BadVersion && c.requests == 0 && svc != nil && svc.HTTP2 != nil {
		c.beginLinger() // as likely broken HTTP/2, whose client has no use for an answer of HTTP/1
		return
	}
	c.lastWords(e.Status, method)
}

// lastWords sends a small answer and ends the connection.
func (c *clientConn) lastWords(status int, method message.Method) {
	out := http1.AppendError(c.compose(), status, true, method, c.w.httpDate())
	c.keep(out)
	if _, errno := c.flush(); errno != 0 {
		c.close()
		return
	}
	c.beginLinger()
}

// beginLinger ends the sending side and reads on for a while.
func (c *clientConn) beginLinger() {
	c.watchNow()
	if c.gone {
		return
	}
	c.dropIn()
	c.state = clientLingering
	c.w.loop.SetTimer(&c.timer, lingerTime)
	c.linger()
}

// linger sends what is left and throws away what comes.
func (c *clientConn) linger() {
	done, errno := c.flush()
	if errno != 0 {
		c.close()
		return
	}
	if done && c.endWrite() && c.eof {
		c.close()
		return
	}
	for turns := 0; c.readable && turns < 16; turns++ {
		n, errno := c.fill()
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			c.close()
			return
		}
		c.dropIn()
	}
	if c.readable {
		c.w.loop.Soon(c) // closing now would reset what it has not read yet
	}
}

// again makes the connection ready for its next request.
func (c *clientConn) again(idle time.Duration) {
	c.x = nil
	c.state = clientIdle
	if c.tls != nil {
		c.tls.Shrink()
	}
	c.w.loop.SetTimer(&c.timer, c.idleTime(idle))
	c.watchNow()
	if len(c.buffered()) > 0 || c.readable {
		c.w.loop.Soon(c)
	}
}

// Expire ends what took too long.
func (c *clientConn) Expire(*reactor.Timer) {
	switch c.state {
	case clientHead:
		c.stats.Aborts[stats.ClientTimeout].Add(1)
		c.lastWords(408, 0)
	case clientIdle:
		c.idleExpired()
	case clientLingering:
		c.close()
	case clientIntro:
		c.stats.Aborts[stats.ClientTimeout].Add(1)
		c.close()
	case clientShaking:
		c.tls.Cancel(tlsconn.Timeout)
	case clientMuxed:
		c.mux.expired()
	default:
		c.x.clientExpired()
	}
}

// idleExpired closes the connection, unless its next request came just in time.
func (c *clientConn) idleExpired() {
	n := c.requests
	c.readable = true
	c.receive()
	if !c.gone && c.state == clientIdle && c.requests == n {
		c.close()
	}
}

// close ends the connection at once.
func (c *clientConn) close() {
	if c.gone {
		return
	}
	c.unbind()
	if c.mux != nil {
		c.mux.abort(stats.Shutdown)
		c.mux.h2.Close()
	}
	c.release()
	if sc := c.owner; sc != nil {
		c.w.giveStream(sc)
		return
	}
	c.prev.next, c.next.prev = c.next, c.prev
	c.next, c.prev = nil, nil
	c.w.conns--
	c.stats.Connections.Add(-1)
}
