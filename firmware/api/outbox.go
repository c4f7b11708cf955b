// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"sync"
	"time"
)

// What waits in an outbox.
const (
	maxWaiting      = 1 << 20 // bytes; one longer line may wait alone
	maxWaitingLines = 512
)

// An outbox holds the lines that wait to be written: answers, and before all
// events the few words about calls, subscriptions and sessions. Whoever has an
// answer waits for room, so that a client that does not read stops its own calls
// and, through the refusals that the reader puts in, its own reader. Events do not
// wait here: the writer asks for one when it has nothing else to write.
type outbox struct {
	bell chan struct{} // full: there may be something to write

	mu      sync.Mutex // guards what follows
	answers []outLine
	control [][]byte // bounded by the calls, subscriptions, streams and sessions that it is about
	size    int      // bytes of answers
	room    chan struct{}
	ending  bool // no more answers will come
	closed  bool // nothing can be written any more
}

// An outLine is an answer, of a call or of a line that starts none.
type outLine struct {
	text []byte
	run  *running // nil: none
}

func newOutbox() *outbox {
	return &outbox{bell: make(chan struct{}, 1), room: make(chan struct{})}
}

// wake makes the writer look for something to write. It does not block.
func (o *outbox) wake() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// put adds an answer as soon as there is room, or drops it when the connection
// has ended.
func (o *outbox) put(l outLine) {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return
		}
		if o.size == 0 || o.size+len(l.text) <= maxWaiting && len(o.answers) < maxWaitingLines {
			o.answers = append(o.answers, l)
			o.size += len(l.text)
			o.mu.Unlock()
			o.wake()
			return
		}
		room := o.room
		o.mu.Unlock()
		<-room
	}
}

// settle waits until there is room for an answer, so that a client that does not
// read cannot have more calls made. It returns false when the connection has
// ended.
func (o *outbox) settle() bool {
	for {
		o.mu.Lock()
		room, full, closed := o.room, o.size >= maxWaiting || len(o.answers) >= maxWaitingLines, o.closed
		o.mu.Unlock()
		if closed || !full {
			return !closed
		}
		<-room
	}
}

// tell adds a line that goes out before all events.
func (o *outbox) tell(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.control = append(o.control, text)
		o.wake()
	}
}

// take removes the line that goes out next. last says that none will follow.
func (o *outbox) take() (l outLine, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.answers) > 0:
		l = o.answers[0]
		o.answers[0] = outLine{}
		o.answers = o.answers[1:]
		o.size -= len(l.text)
		close(o.room)
		o.room = make(chan struct{})
	case len(o.control) > 0:
		l.text = o.control[0]
		o.control[0] = nil
		o.control = o.control[1:]
	default:
		return l, o.ending || o.closed
	}
	return l, false
}

// finish says that no more answers will come: the writer ends after those that
// wait.
func (o *outbox) finish() {
	o.mu.Lock()
	o.ending = true
	o.mu.Unlock()
	o.wake()
}

// close drops what waits and everything to come.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed, o.answers, o.control, o.size = true, nil, nil, 0
	close(o.room)
	o.wake()
}

// write is the one goroutine that writes to the client, until writing ends or no
// answer will come any more. When ctx has ended that is after the last call.
func (c *conn) write(ctx, writing context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended := ctx.Done()
	for writing.Err() == nil {
		c.bury()
		line, pause, last := c.nextLine(time.Now())
		if !c.collect(line) {
			c.hangUp()
			return
		}
		switch {
		case line != nil:
			continue
		case last, ended == nil && c.silent():
			return
		}
		var later <-chan time.Time
		if pause > 0 {
			timer.Reset(pause)
			later = timer.C
		}
		select {
		case <-writing.Done():
		case <-ended:
			ended = nil
		case <-c.out.bell:
		case <-later:
		}
	}
}

// silent reports whether no call has an answer to come.
func (c *conn) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls) == 0
}

// together is how many bytes of short lines go out in one system call, about.
const together = 16 << 10

// collect sends line together with those before it, or keeps it until there is no
// other (nil) or they are enough.
func (c *conn) collect(line []byte) bool {
	if line != nil && len(c.batch)+len(line) <= together {
		c.batch = append(c.batch, line...)
		return true
	}
	ok := c.send(c.batch)
	c.batch = c.batch[:0]
	return ok && c.send(line)
}

// nextLine returns what to write next, or how long until there may be something,
// 0 for an unknown time. The order is that of importance: answers, control,
// states, series, logs, streams.
func (c *conn) nextLine(now time.Time) (line []byte, pause time.Duration, last bool) {
	l, last := c.out.take()
	if l.run != nil {
		c.answered(l.run)
	}
	if l.text != nil || last {
		return l.text, 0, last
	}
	if line = c.nextCredit(); line == nil {
		line = c.nextProgress()
	}
	if line != nil {
		return line, 0, false
	}
	if line, pause = c.nextEvent(now); line == nil {
		line = c.nextPiece()
	}
	return line, pause, false
}

// sendPiece is how many bytes a client has one WriteTimeout for.
const sendPiece = 64 << 10

// send writes line, unless the client takes nothing for too long.
func (c *conn) send(line []byte) bool {
	for len(line) > 0 {
		c.nc.SetWriteDeadline(time.Now().Add(c.srv.cfg.WriteTimeout))
		n, err := c.nc.Write(line[:min(len(line), sendPiece)])
		line = line[n:]
		if err != nil && !(n > 0 && isTimeout(err)) {
			return false
		}
	}
	return true
}

// hangUp ends the connection and all that it carries.
func (c *conn) hangUp() {
	c.nc.Close() // at once: nobody may write behind half a line
	c.end()
}
