// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// A transport is a Conn as crypto/tls sees it: the socket below.
type transport Conn

// Read reads ciphertext. After the handshake it never blocks.
func (t *transport) Read(p []byte) (int, error) {
	if t.h != nil {
		return t.h.read(p)
	}
	if t.drained {
		return 0, again{}
	}
	n, errno := reactor.Read(t.fd, p)
	switch {
	case errno == unix.EAGAIN:
		t.drained = true
		return 0, again{}
	case errno != 0:
		t.errno = errno
		return 0, errBroken
	case n == 0:
		t.rawEnd = true
		return 0, io.EOF
	}
	t.drained = n < len(p) && !t.closing
	return n, nil
}

// Write sends ciphertext, or keeps what the socket does not take. An error of
// the socket is noted and not returned: the next call of the Conn tells it.
func (t *transport) Write(p []byte) (int, error) {
	if t.h != nil {
		return t.h.write(p)
	}
	rest := p
	for t.pending == nil && t.errno == 0 && len(rest) > 0 {
		n, errno := reactor.Write(t.fd, rest, t.more)
		rest = rest[n:]
		if errno == unix.EAGAIN {
			t.blocked = true
			break
		}
		t.errno = errno
	}
	if len(rest) == 0 || t.errno != 0 {
		return len(p), nil
	}
	if t.pending == nil {
		t.pending = t.gate.records.Get().(*record)
	}
	if !t.pending.add(rest) {
		t.errno = unix.ENOBUFS
	}
	return len(p), nil
}

// Close does nothing: the owner closes the socket.
func (t *transport) Close() error { return nil }

// LocalAddr returns nil; nobody asks.
func (t *transport) LocalAddr() net.Addr { return nil }

// RemoteAddr returns nil; nobody asks.
func (t *transport) RemoteAddr() net.Addr { return nil }

// SetDeadline does nothing: the loop has timers.
func (t *transport) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing: the loop has timers.
func (t *transport) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing: the loop has timers.
func (t *transport) SetWriteDeadline(time.Time) error { return nil }

const (
	recordHeader = 5

	// recordSpace is what a record adds to its plaintext, at most: RFC 5246,
	// 6.2.3 allows 2048 bytes, but no cipher suite of crypto/tls needs 100.
	recordSpace = recordHeader + 256

	// controlSpace is for answers to key updates, tickets and alerts, which may
	// be due while a record is pending. A peer that makes us write more of them
	// and reads none is cut off.
	controlSpace = 1400
)

// A record is ciphertext that waits for the socket.
type record struct {
	from, to int
	buf      [MaxPlaintext + recordSpace + controlSpace]byte
}

// add appends p and reports whether there was space for it.
func (r *record) add(p []byte) bool {
	if len(p) > len(r.buf)-r.to {
		return false
	}
	r.to += copy(r.buf[r.to:], p)
	return true
}

// free gives the pending record back.
func (t *transport) free() {
	if r := t.pending; r != nil {
		r.from, r.to = 0, 0
		t.gate.records.Put(r)
		t.pending = nil
	}
}
