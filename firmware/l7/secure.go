// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"errors"

	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// shake begins the TLS handshake of a connection, the first bytes of which may have
// been read already.
func (c *clientConn) shake(svc *Service, first []byte) {
	c.state, c.secure, c.shaking = clientShaking, true, svc.TLS
	c.tls = tlsconn.NewServer(svc.TLS.Setups[c.w.index], c.fd, c, first)
	c.w.loop.SetTimer(&c.timer, orNever(svc.Timeouts.Handshake))
	c.watchNow()
}

// acmeProtocol is what a certificate authority negotiates to convince itself of a
// name. The handshake is all that it wants (RFC 8737).
const acmeProtocol = "acme-tls/1"

// Shaken goes on after the handshake.
func (c *clientConn) Shaken(err error) {
	if c.gone {
		c.closeFD()
		return
	}
	if err != nil {
		c.shakeFailed(err)
		return
	}
	st := c.tls.State()
	c.stats.Handshakes.Add(1)
	if st.Resumed {
		c.stats.Resumed.Add(1)
	}
	if by := c.shaking; by.Describe != nil {
		c.secured = by.Describe(st)
		c.secured.Terms, c.secured.Clients = by.Terms, by.Clients
		c.secured.Named = by.Named != nil && by.Named(st.ServerName)
	}
	c.shaking = nil
	svc := c.service()
	c.readable, c.writable = true, true
	switch muxed := st.Protocol == "h2"; {
	case muxed && (svc == nil || svc.HTTP2 == nil):
		c.turnAway()
		return
	case svc == nil || st.Protocol == acmeProtocol:
		c.close()
		return
	}
	c.state = clientIdle
	if st.Protocol == "h2" {
		c.beginMux(svc)
		if !c.gone && !svc.keeps(c) { // a commit came during the handshake
			c.mux.drain()
		}
		return
	}
	c.w.loop.SetTimer(&c.timer, c.idleTime(svc.Timeouts.ClientHead))
	c.receive()
}

// shakeFailed ends a connection whose handshake failed. A client that speaks
// plain HTTP is told so.
func (c *clientConn) shakeFailed(err error) {
	c.told = true
	e, ok := errors.AsType[*tlsconn.Error](err)
	if ok {
		c.stats.HandshakeFailed[e.Reason].Add(1)
	}
	if !ok || e.Reason != tlsconn.PlainHTTP {
		c.close()
		return
	}
	c.tls.Release()
	c.tls = nil
	c.readable, c.writable = true, true
	c.stats.Requests.Add(1)
	c.stats.Aborts[stats.BadRequest].Add(1)
	c.stats.Class[4].Add(1)
	c.lastWords(400, 0)
}

// shake begins the TLS handshake with a member, once TCP's is done.
func (s *serverConn) shake() {
	s.tls = tlsconn.NewClient(s.up.TLS.Setups[s.w.index], s.fd, s)
}

// Shaken sends the request that the connection was made for.
func (s *serverConn) Shaken(err error) {
	if s.gone {
		s.closeFD()
		return
	}
	if err != nil {
		s.told = true
		s.w.logShaken(s.up, err)
		s.x.serverFailed(stats.ErrTLS, stats.ConnectFailed)
		return
	}
	s.readable, s.writable = s.tls.Buffered(), true
	s.established()
}

// logShaken logs why a handshake with a member failed.
func (w *Worker) logShaken(up *Upstream, err error) {
	if w.mayLog() {
		w.log.Warn("tls with member failed", "member", up.Addr, "err", err)
	}
}
