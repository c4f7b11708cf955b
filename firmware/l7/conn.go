// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// A conn is what client and server connections have in common: a socket, the
// buffers that it borrows while it holds bytes, and what is known of its
// readiness. Registration is edge-triggered, so readable and writable stay true
// until a call says otherwise.
type conn struct {
	w        *Worker
	fd       int
	ref      reactor.Ref
	watched  bool // registered with the loop: ref is valid
	timer    reactor.Timer
	readable bool
	writable bool
	closing  bool // the peer has closed its side; its last bytes may be unread
	eof      bool // the peer's stream has ended and was read to its end
	gone     bool // closed by us

	in       []byte // borrowed; in[inR:inW] is unread
	inR, inW int
	out      []byte // borrowed; out[outR:] is unsent
	outR     int
}

// note takes readiness events into account.
func (c *conn) note(ev reactor.Events) {
	if ev&(reactor.Readable|reactor.PeerClosed|reactor.Failed) != 0 {
		c.readable = true
	}
	if ev&(reactor.Writable|reactor.Failed) != 0 {
		c.writable = true
	}
	if ev&(reactor.PeerClosed|reactor.Failed) != 0 {
		c.closing = true
	}
}

// buffered returns the bytes that were read and not used yet.
func (c *conn) buffered() []byte { return c.in[c.inR:c.inW] }

// consume marks n buffered bytes as used and gives an empty buffer back.
func (c *conn) consume(n int) {
	c.inR += n
	if c.inR == c.inW {
		c.dropIn()
	}
}

func (c *conn) dropIn() {
	if c.in != nil {
		c.w.bufs.Put(c.in)
	}
	c.in, c.inR, c.inW = nil, 0, 0
}

// fill reads once. It returns how much arrived; 0 with errno 0 is the end of the
// stream, which it notes. A read that does not fill the space has drained the
// socket: the next edge will tell of more.
func (c *conn) fill() (int, unix.Errno) {
	if c.in == nil {
		c.in = c.w.bufs.Get()
	} else if c.inR > 0 {
		copy(c.in, c.in[c.inR:c.inW])
		c.inW -= c.inR
		c.inR = 0
	}
	n, errno := reactor.Read(c.fd, c.in[c.inW:])
	if errno != 0 {
		c.readable = false
		if c.inR == c.inW {
			c.dropIn()
		}
		return 0, errno
	}
	if n == 0 {
		c.eof = true
		if c.inR == c.inW {
			c.dropIn()
		}
		return 0, 0
	}
	if n < len(c.in)-c.inW && !c.closing {
		c.readable = false
	}
	c.inW += n
	return n, 0
}

// pending returns the bytes that are composed and not sent yet.
func (c *conn) pending() []byte { return c.out[c.outR:] }

// compose returns the output buffer to append to; keep takes it back.
func (c *conn) compose() []byte {
	if c.out == nil {
		c.out = c.w.bufs.Get()[:0]
		c.outR = 0
	}
	return c.out
}

func (c *conn) keep(out []byte) { c.out = out }

// sent marks n pending bytes as sent and gives an empty buffer back.
func (c *conn) sent(n int) {
	c.outR += n
	if c.outR == len(c.out) {
		c.dropOut()
	}
}

func (c *conn) dropOut() {
	if c.out != nil {
		c.w.bufs.Put(c.out)
	}
	c.out, c.outR = nil, 0
}

// flush sends what is pending and reports whether nothing is left. A non-zero
// errno other than EAGAIN, which it does not return, means a dead connection.
func (c *conn) flush() (done bool, errno unix.Errno) {
	for len(c.pending()) > 0 {
		if !c.writable {
			return false, 0
		}
		n, errno := reactor.Write(c.fd, c.pending(), false)
		if errno == unix.EAGAIN {
			c.writable = false
			return false, 0
		}
		if errno != 0 {
			return false, errno
		}
		c.sent(n)
	}
	return true, 0
}

// release closes the connection and gives back all that it borrowed.
func (c *conn) release() {
	c.gone = true
	c.dropIn()
	c.dropOut()
	c.w.loop.StopTimer(&c.timer)
	if c.watched {
		c.w.loop.Close(c.ref, c.fd)
	} else {
		reactor.CloseFD(c.fd)
	}
}

// watch registers the connection with the loop, if that was not done yet. What
// the socket is ready for already will be reported.
func (c *conn) watch(h reactor.Handler) error {
	if c.watched {
		return nil
	}
	ref, err := c.w.loop.Add(c.fd, h)
	if err != nil {
		return err
	}
	c.ref, c.watched = ref, true
	return nil
}
