// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"

	"golang.org/x/sys/unix"

	"evener/firmware/message"
	"evener/firmware/proxyproto"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// awaitIntro waits for the header of the PROXY protocol that the connection must
// begin with. Who is not trusted to tell of others is sent away.
func (c *clientConn) awaitIntro(svc *Service) {
	if !svc.Proxies.Contains(c.peer.Addr()) {
		c.refuseIntro(stats.ProxyUntrusted)
		return
	}
	c.state = clientIntro
	c.w.loop.SetTimer(&c.timer, orNever(svc.Timeouts.ClientHead))
	c.w.loop.Soon(c)
}

// readIntro reads until the header has come.
func (c *clientConn) readIntro() {
	for c.readable {
		n, errno := c.fill()
		if errno == unix.EAGAIN {
			break
		}
		if errno != 0 || n == 0 {
			if len(c.buffered()) > 0 {
				c.stats.Aborts[stats.ClientAbort].Add(1)
			}
			c.close()
			return
		}
		switch h, used, err := proxyproto.Parse(c.buffered()); err {
		case nil:
			c.introduced(&h, used)
			return
		case proxyproto.ErrMore:
		case proxyproto.ErrNotProxy:
			c.refuseIntro(stats.ProxyMissing)
			return
		default:
			c.refuseIntro(stats.ProxyMalformed)
			return
		}
	}
	c.watchNow()
}

// introduced makes the client that h tells of the peer of the connection, and goes
// on behind the header, which has n bytes.
func (c *clientConn) introduced(h *proxyproto.Header, n int) {
	svc := c.w.gen.service(c.port)
	if svc == nil {
		c.close()
		return
	}
	if h.Proxied() {
		c.via, c.peer, c.local = c.peer, h.Src, h.Dst
	}
	c.consume(n)
	if svc.TLS != nil {
		first := bytes.Clone(c.buffered())
		c.dropIn()
		c.shake(svc, first)
		return
	}
	c.state = clientIdle
	c.w.loop.SetTimer(&c.timer, orNever(svc.Timeouts.ClientHead))
	c.Run()
}

// refuseIntro closes a connection that does not begin as it must. There is nobody
// to tell: what speaks is no client.
func (c *clientConn) refuseIntro(why stats.ProxyFault) {
	c.stats.ProxyRefused[why].Add(1)
	if c.w.mayLog() {
		c.w.log.Info("proxy header refused", "listen", c.port.Addr, "client", c.peer, "reason", why.String())
	}
	c.close()
}

// introduce tells the member whose connection this is, before anything else. It
// reports whether the socket took it: that of a new connection takes it whole or
// is of no use.
func (s *serverConn) introduce() bool {
	w, x := s.w, s.x
	h := proxyproto.Header{Transport: proxyproto.TCP, Src: x.c.peer, Dst: x.listenAddr()}
	if t := x.c.secured; t != nil {
		t.introduce(&h)
	}
	if s.up.ProxyParts&proxyproto.PartUniqueID != 0 {
		if h.UniqueID = x.ownRequestID(); x.hasRequestID() {
			h.UniqueID, _ = x.req.Get(message.XRequestID)
		}
	}
	h.Only(s.up.ProxyParts)
	if s.up.TLS == nil {
		s.keep(proxyproto.Append(s.compose(), s.up.Proxy, &h)) // goes out with the request
		return true
	}
	w.text = proxyproto.Append(w.text[:0], s.up.Proxy, &h)
	n, errno := reactor.Write(s.fd, w.text, false)
	return errno == 0 && n == len(w.text)
}

// introduce fills in what a header may tell of a client's TLS. A certificate that was
// shown in an earlier connection of the session was not shown in this one.
func (s *Secured) introduce(h *proxyproto.Header) {
	h.TLS = proxyproto.TLS{Present: true, Client: proxyproto.ClientTLS, Verify: 1,
		Version: []byte("TLSv" + s.Version), Cipher: []byte(s.Cipher)}
	if s.ServerName != "" {
		h.Authority = []byte(s.ServerName)
	}
	if s.ALPN != "" {
		h.ALPN = []byte(s.ALPN)
	}
	if !s.Shown {
		return
	}
	h.TLS.Client |= proxyproto.ClientCertSession
	if !s.Resumed {
		h.TLS.Client |= proxyproto.ClientCertConn
	}
	if s.CN != "" {
		h.TLS.CN = []byte(s.CN)
	}
	if s.Verified {
		h.TLS.Verify = 0
	}
}
