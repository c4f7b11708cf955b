// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// heldBack is how many bytes a corked connection holds at most, about.
const heldBack = 16 << 10

// A corked connection holds writes back while it is corked, so that messages that
// come together leave together: in one record of TLS and one packet. The first
// write after that takes them along.
type corked struct {
	net.Conn

	// lock is full while somebody writes or has what follows. It is no mutex for
	// the reason of socket.turn.
	lock  chan struct{}
	held  []byte
	on    bool
	never bool // it is the end
}

// cork says whether another write will follow at once.
func (c *corked) cork(on bool) {
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	c.on = on && !c.never
}

// pull ends all holding back: the next write may be the last one. One that is
// under way has until then.
func (c *corked) pull(until time.Time) {
	c.SetWriteDeadline(until)
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	c.on, c.never = false, true
}

// Write writes b, or holds it back. What fails later than that is told to a later
// write.
func (c *corked) Write(b []byte) (int, error) {
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	if !c.on && len(c.held) == 0 {
		return c.Conn.Write(b)
	}
	c.held = append(c.held, b...)
	if c.on && len(c.held) < heldBack {
		return len(b), nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	if cap(c.held) > 2*heldBack {
		c.held = nil
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// A corkable response writer hands out a corked connection.
type corkable struct {
	http.ResponseWriter
	conn *corked // set by Hijack
}

// Hijack takes the connection over.
func (w *corkable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.conn = &corked{Conn: nc, lock: make(chan struct{}, 1)}
	return w.conn, rw, nil
}
