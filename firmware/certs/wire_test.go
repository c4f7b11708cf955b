// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// A wire is one direction of a connection in memory. Unlike net.Pipe it has room
// for what is written, as a socket has: an end that gives up in the middle of a
// handshake can still leave its alert behind.
type wire struct {
	mu     sync.Mutex
	more   *sync.Cond
	data   bytes.Buffer
	closed bool
}

func newWire() *wire {
	w := new(wire)
	w.more = sync.NewCond(&w.mu)
	return w
}

func (w *wire) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.data.Len() == 0 {
		if w.closed {
			return 0, io.EOF
		}
		w.more.Wait()
	}
	return w.data.Read(b)
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.more.Signal()
	return w.data.Write(b)
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.more.Signal()
	return nil
}

// An end is one end of a connection in memory.
type end struct {
	in, out *wire
}

// pipe returns the two ends of a connection.
func pipe() (a, b end) {
	x, y := newWire(), newWire()
	return end{x, y}, end{y, x}
}

func (e end) Read(b []byte) (int, error)       { return e.in.Read(b) }
func (e end) Write(b []byte) (int, error)      { return e.out.Write(b) }
func (e end) Close() error                     { return e.out.Close() }
func (e end) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e end) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (e end) SetDeadline(time.Time) error      { return nil }
func (e end) SetReadDeadline(time.Time) error  { return nil }
func (e end) SetWriteDeadline(time.Time) error { return nil }
