// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"io"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// MaxPlaintext is how much one record carries (RFC 8446, 5.1).
const MaxPlaintext = 16 << 10

// Read reads decrypted bytes into p, as reactor.Read does: 0, 0 is the end of
// the stream (see Truncated), EAGAIN that no whole record is there. Any other
// error, EPROTO where the peer broke the protocol or refused to go on (see Err),
// means a connection of no use; it comes again at each call.
//
// The rest of a record that p had no space for is kept, and no event will tell
// of it: who stops before EAGAIN asks Buffered.
func (c *Conn) Read(p []byte) (int, unix.Errno) {
	switch {
	case c.isBroken():
		return 0, c.brokenErrno()
	case c.ended || len(p) == 0:
		return 0, 0
	case c.drained && !c.due && !c.holdsInput():
		return 0, unix.EAGAIN
	}
	n, err := c.tls.Read(p)
	if n > 0 {
		// crypto/tls looks at an alert that lies behind the bytes; what it says
		// comes again at the next call.
		c.dry, c.due = false, err != nil && err != again{}
		return n, 0
	}
	switch {
	case c.isBroken():
		return 0, c.brokenErrno()
	case err == again{}:
		c.dry = true
		return 0, unix.EAGAIN
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		c.ended, c.truncated = true, c.rawEnd
		return 0, 0
	}
	return 0, c.fail(classify(err, 0))
}

// Buffered reports whether Read may return something, or the end, without a
// further event. It does not ask the kernel.
func (c *Conn) Buffered() bool {
	return !c.drained || c.due || c.ended || c.broken != nil || c.holdsInput()
}

// Truncated reports whether the stream ended without the peer's close_notify:
// someone on the way may have cut it, so that what has no length of its own is
// not to be taken for whole (RFC 8446, 6.1).
func (c *Conn) Truncated() bool { return c.truncated }

// Write encrypts at most MaxPlaintext bytes of p as one record and sends it. It
// returns how many bytes of p it took; what the socket did not take of the record
// is pending, and the caller calls Flush when the socket is writable. While
// something is pending it takes nothing and returns EAGAIN. more says that
// further bytes follow at once. Other errors are as in Read.
func (c *Conn) Write(p []byte, more bool) (int, unix.Errno) {
	if done, errno := c.Flush(); errno != 0 {
		return 0, errno
	} else if !done {
		return 0, unix.EAGAIN
	}
	if len(p) == 0 {
		return 0, 0
	}
	c.more = more
	n, err := c.tls.Write(p[:min(len(p), MaxPlaintext)])
	c.more = false
	if c.isBroken() {
		return 0, c.brokenErrno()
	}
	if err != nil {
		return 0, c.fail(classify(err, 0))
	}
	return n, 0
}

// Writev is Write of a and then b in one record, as far as one can hold them. It
// copies them together. The caller is taken to go on at once with what was too
// long: the socket may wait for it.
func (c *Conn) Writev(a, b []byte) (int, unix.Errno) {
	switch {
	case len(a) == 0:
		return c.Write(b, len(b) > MaxPlaintext)
	case len(b) == 0 || len(a) >= MaxPlaintext:
		return c.Write(a, len(b) > 0)
	}
	if c.Pending() && c.blocked {
		return 0, unix.EAGAIN
	}
	r := c.gate.records.Get().(*record)
	n := copy(r.buf[:MaxPlaintext], a)
	n += copy(r.buf[n:MaxPlaintext], b)
	n, errno := c.Write(r.buf[:n], n < len(a)+len(b))
	c.gate.records.Put(r)
	return n, errno
}

// Pending reports whether ciphertext waits for the socket.
func (c *Conn) Pending() bool { return c.pending != nil }

// Flush sends what is pending and reports whether nothing is left. It does not
// return EAGAIN; other errors are as in Read. It costs nothing while there is
// nothing to send, or no event has told that the socket takes more.
func (c *Conn) Flush() (done bool, errno unix.Errno) {
	if c.isBroken() {
		return false, c.brokenErrno()
	}
	for r := c.pending; r != nil && r.from < r.to; {
		if c.blocked {
			return false, 0
		}
		n, errno := reactor.Write(c.fd, r.buf[r.from:r.to], false)
		r.from += n
		if errno == unix.EAGAIN {
			c.blocked = true
		} else if errno != 0 {
			c.errno = errno
			c.isBroken()
			return false, errno
		}
	}
	(*transport)(c).free()
	return true, 0
}

// CloseNotify says, as well as it can, that we send nothing more. What Flush then
// still has to send comes first; Write fails from now on.
func (c *Conn) CloseNotify() {
	if c.broken == nil && c.h == nil {
		_ = c.tls.CloseWrite()
	}
}

// Err returns why Read or Write failed, nil if they did not.
func (c *Conn) Err() error {
	if c.broken == nil {
		return nil
	}
	return c.broken
}

// Shrink gives back the memory that a connection which goes idle does not need:
// what crypto/tls keeps of a long record, and an empty pending buffer. It costs
// next to nothing when there is nothing to give back.
func (c *Conn) Shrink() {
	if c.h == nil {
		c.shrinkInput()
	}
}

// Release gives back what is borrowed, before the owner drops the connection.
func (c *Conn) Release() {
	if c.h == nil {
		(*transport)(c).free()
	}
}

// isBroken reports whether the connection is of no use any more.
func (c *Conn) isBroken() bool {
	if c.broken == nil && c.errno != 0 {
		e := &Error{Reason: PeerLeft, Err: c.errno}
		if c.errno == unix.ENOBUFS {
			e.Reason = Protocol
		}
		c.fail(e)
	}
	return c.broken != nil
}

// fail makes the connection of no use. A last alert, if crypto/tls wrote one, has
// been handed to the socket or is lost.
func (c *Conn) fail(e *Error) unix.Errno {
	c.broken = e
	(*transport)(c).free()
	return c.brokenErrno()
}

func (c *Conn) brokenErrno() unix.Errno {
	if c.errno != 0 {
		return c.errno
	}
	return unix.EPROTO
}
