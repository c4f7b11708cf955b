// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
	"evener/firmware/tlsconn"
)

// A conn is what client and server connections have in common: a socket, or a
// stream of an HTTP/2 connection in its place, the buffers that it borrows while
// it holds bytes, and what is known of its readiness. Registration is edge-triggered, so readable and writable stay true
// until a call says otherwise.
type conn struct {
	w        *Worker
	fd       int
	ref      reactor.Ref
	tls      *tlsconn.Conn // nil: bytes go as they are
	stream   *stream       // not nil: no socket, but a stream of an HTTP/2 connection
	watched  bool          // registered with the loop: ref is valid
	timer    reactor.Timer
	readable bool
	writable bool
	closing  bool // the peer has closed its side; its last bytes may be unread
	eof      bool // the peer's stream has ended and was read to its end
	gone     bool // closed by us
	told     bool // the peer was sent close_notify
	shut     bool // our sending side is closed

	in       []byte // borrowed; in[inR:inW] is unread
	inR, inW int
	out      []byte // borrowed; out[outR:] is unsent
	outR     int
}

// note takes readiness events into account.
func (c *conn) note(ev reactor.Events) {
	if c.tls != nil {
		c.tls.Ready(ev)
	}
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
	if c.stream != nil {
		c.stream.consumed(n)
	}
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
// stream, which it notes.
func (c *conn) fill() (int, unix.Errno) {
	if c.in == nil {
		c.in = c.w.bufs.Get()
	} else if c.inR > 0 {
		copy(c.in, c.in[c.inR:c.inW])
		c.inW -= c.inR
		c.inR = 0
	}
	n, errno := c.read(c.in[c.inW:])
	c.eof = c.eof || n == 0 && errno == 0
	c.inW += n
	if n == 0 && c.inR == c.inW {
		c.dropIn()
	}
	return n, errno
}

// read reads once into p, and finds out whether there is more. A read that does
// not fill p has drained the socket: the next edge will tell of more.
func (c *conn) read(p []byte) (int, unix.Errno) {
	if c.tls != nil {
		n, errno := c.tls.Read(p)
		c.readable = errno == 0 && c.tls.Buffered()
		return n, errno
	}
	n, errno := reactor.Read(c.fd, p)
	if errno != 0 || n > 0 && n < len(p) && !c.closing {
		c.readable = false
	}
	return n, errno
}

// quiet reports whether the connection is as an idle one should be: open, with
// nothing to read. What TLS says by itself, such as session tickets, is taken in.
func (c *conn) quiet() bool {
	if c.tls == nil {
		return reactor.Quiet(c.fd)
	}
	var b [1]byte
	n, errno := c.tls.Read(b[:])
	c.readable = false
	return n == 0 && errno == unix.EAGAIN
}

// left reports whether the peer has closed its side and all that it sent before
// was read.
func (c *conn) left() bool {
	if len(c.buffered()) > 0 {
		return false
	}
	if c.tls == nil {
		return reactor.Ended(c.fd)
	}
	n, errno := c.fill()
	return n == 0 && errno != unix.EAGAIN
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

// plain reports whether the socket carries the bytes as they are.
func (c *conn) plain() bool { return c.tls == nil && c.stream == nil }

// unsent reports whether something waits for the socket.
func (c *conn) unsent() bool {
	return len(c.pending()) > 0 || c.tls != nil && c.tls.Pending() ||
		c.stream != nil && c.stream.last && !c.stream.ended
}

// flush sends what is pending and reports whether nothing is left. A non-zero
// errno other than EAGAIN, which it does not return, means a dead connection.
func (c *conn) flush() (done bool, errno unix.Errno) {
	if c.stream != nil {
		return c.stream.flush(), 0
	}
	for {
		if done, errno := c.flushRecord(); !done {
			return false, errno
		}
		if len(c.pending()) == 0 {
			return true, 0
		}
		if !c.writable {
			return false, 0
		}
		n, errno := c.write(c.pending())
		if errno == unix.EAGAIN {
			c.writable = false
			return false, 0
		}
		if errno != 0 {
			return false, errno
		}
		c.sent(n)
	}
}

// flushRecord sends what is left of a TLS record.
func (c *conn) flushRecord() (done bool, errno unix.Errno) {
	if c.tls == nil || !c.tls.Pending() {
		return true, 0
	}
	if done, errno = c.tls.Flush(); errno == 0 && !done {
		c.writable = false
	}
	return done, errno
}

func (c *conn) write(p []byte) (int, unix.Errno) {
	if c.tls != nil {
		return c.tls.Write(p, false)
	}
	return reactor.Write(c.fd, p, false)
}

// writev writes a and then b.
func (c *conn) writev(a, b []byte) (int, unix.Errno) {
	switch {
	case c.stream != nil:
		return c.stream.writev(a, b)
	case c.tls == nil:
		return reactor.Writev(c.fd, a, b)
	}
	if done, errno := c.flushRecord(); errno != 0 {
		return 0, errno
	} else if !done {
		return 0, unix.EAGAIN
	}
	return c.tls.Writev(a, b)
}

// endWrite closes the sending side, behind what was sent. It reports whether
// that is done: the last words of TLS may have to wait for the socket.
func (c *conn) endWrite() bool {
	if c.stream != nil {
		c.stream.last = true
		return c.stream.flush()
	}
	if c.shut {
		return true
	}
	c.notify()
	if done, errno := c.flushRecord(); !done && errno == 0 {
		return false
	}
	reactor.CloseWrite(c.fd)
	c.shut = true
	return true
}

// notify tells a TLS peer that nothing more comes.
func (c *conn) notify() {
	if c.tls != nil && !c.told {
		c.told = true
		c.tls.CloseNotify()
	}
}

// release closes the connection and gives back all that it borrowed. Where a
// handshake is under way the socket stays open until its end: Shaken closes it.
func (c *conn) release() {
	c.gone = true
	c.dropIn()
	c.dropOut()
	c.w.loop.StopTimer(&c.timer)
	if c.stream != nil {
		c.stream.release()
		return
	}
	if c.tls != nil {
		if c.tls.Shaking() {
			c.tls.Cancel(tlsconn.Cancelled)
			return
		}
		c.notify()
		c.tls.Release()
	}
	c.closeFD()
}

// reset makes the coming release end the connection with a reset.
func (c *conn) reset() {
	if c.stream != nil {
		c.stream.reset()
		return
	}
	c.told = true
	reactor.ResetOnClose(c.fd)
}

func (c *conn) closeFD() {
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
