// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"evener/firmware/proxyproto"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// awaitIntro waits for the header of the PROXY protocol that the connection must
// begin with. Who is not trusted to tell of others is sent away.
func (r *relay) awaitIntro() {
	if !r.svc.Proxies.Contains(r.peer.Addr()) {
		r.refuseIntro(stats.ProxyUntrusted)
		return
	}
	r.state = intro
	r.w.loop.SetTimer(&r.timer, or(r.svc.Timeouts.ClientHead, headTimeout))
}

// readIntro reads until the header has come. What follows it stays in the
// stream's buffer.
func (r *relay) readIntro() {
	c := &r.client
	for c.readable {
		n, errno := r.up.fill(r.w, c)
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			r.cut(stats.ClientAbort)
			return
		}
		switch h, used, err := proxyproto.Parse(r.up.held()); err {
		case nil:
			r.introduced(&h, used)
			return
		case proxyproto.ErrMore:
		case proxyproto.ErrNotProxy:
			r.refuseIntro(stats.ProxyMissing)
			return
		default:
			r.refuseIntro(stats.ProxyMalformed)
			return
		}
	}
}

// introduced makes the client that h tells of the relay's, and goes on behind the
// header, which has n bytes.
func (r *relay) introduced(h *proxyproto.Header, n int) {
	if h.Proxied() {
		r.via, r.peer, r.local = r.peer, h.Src, h.Dst
	}
	r.up.skip(r.w, n)
	r.welcome()
}

func (r *relay) refuseIntro(why stats.ProxyFault) {
	r.slot().ProxyRefused[why].Add(1)
	r.finish(stats.BadRequest, false)
}

// introduce tells the member whose connection this is, before anything else. It
// reports whether the socket took it: that of a new connection takes it whole or
// is of no use.
func (r *relay) introduce() bool {
	version := r.route.Pool.Proxy
	if version == 0 {
		return true
	}
	var memory [proxyproto.MaxV1]byte
	h := proxyproto.Header{Transport: proxyproto.TCP, Src: r.peer, Dst: r.localAddr(),
		Checksum: r.route.Pool.ProxyParts&proxyproto.PartChecksum != 0}
	b := proxyproto.Append(memory[:0], version, &h)
	n, errno := reactor.Write(r.server.fd, b, false)
	return errno == 0 && n == len(b)
}

// localAddr returns what the client connected to.
func (r *relay) localAddr() netip.AddrPort {
	if r.local.IsValid() {
		return r.local
	}
	return reactor.LocalAddr(r.client.fd)
}

// skip takes the first n bytes out of the buffer.
func (t *stream) skip(w *Worker, n int) {
	t.w = copy(t.buf, t.buf[t.r+n:t.w])
	if t.r = 0; t.empty() {
		t.drop(w)
	}
}
