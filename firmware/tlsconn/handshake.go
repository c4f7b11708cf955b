// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"crypto/tls"
	"errors"
	"io"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// A phase is how far a handshake has got: see Gate.
type phase uint8

const (
	fresh     phase = iota
	queued          // for a slot
	computing       // has a slot
	parked          // has a goroutine that waits for the socket
	unwinding       // cancelled while queued or parked: its goroutine ends, without a slot
	over
)

// A handshake is what a connection needs only until its handshake has ended.
type handshake struct {
	c       *Conn
	setup   *Setup
	owner   Owner
	role    Role
	cancel  atomic.Uint32 // reason + 1
	closing atomic.Bool   // the peer's end has been told of

	// Guarded by the gate's mutex.
	phase      phase
	worker     *worker        // that it runs on, from its first slot on
	wants      reactor.Events // while parked
	missed     reactor.Events // told while not parked
	prev, next *handshake     // in a queue

	// The goroutine's.
	first   []byte // what was read before the handshake began
	drained bool   // the last read left the socket empty
	taken   int    // bytes that came
	opening []byte // those of them before a record was recognised
	alert   uint8  // the fatal alert that we sent in clear
	cut     *Error // why a read or a write was broken off

	result *Error
}

// A queue is a list of handshakes in order of arrival.
type queue struct{ head, tail *handshake }

func (q *queue) push(h *handshake) {
	h.prev, h.next = q.tail, nil
	if q.tail != nil {
		q.tail.next = h
	} else {
		q.head = h
	}
	q.tail = h
}

func (q *queue) pop() *handshake {
	h := q.head
	if h != nil {
		q.remove(h)
	}
	return h
}

func (q *queue) remove(h *handshake) {
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		q.head = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	} else {
		q.tail = h.prev
	}
	h.prev, h.next = nil, nil
}

// unwind lets h's goroutine find out that h is cancelled.
func (h *handshake) unwind() {
	h.phase = unwinding
	h.worker.wake <- h
}

func (h *handshake) cancelled() bool { return h.cancel.Load() != 0 }

func (h *handshake) cancelError() *Error {
	return &Error{Reason: Reason(h.cancel.Load() - 1)}
}

// run is the handshake, on a worker's goroutine.
func (h *handshake) run() {
	err := h.c.tls.Handshake()
	if err == nil && h.setup.Check != nil {
		h.c.verdict = h.setup.Check(h.c.tls.ConnectionState())
	}
	result := h.judge(err)
	h.setup.Gate.leave(h)
	h.finish(result)
}

// judge turns what crypto/tls returned into our error.
func (h *handshake) judge(err error) *Error {
	switch {
	case err == nil:
		return nil
	case h.cancelled():
		return h.cancelError()
	case h.cut != nil:
		return h.cut
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok && h.opening != nil && h.alert == 0 {
		return notTLS(h.opening, err)
	}
	if h.setup.Reason != nil {
		if r, ok := h.setup.Reason(err); ok {
			return &Error{Reason: r, Err: err}
		}
	}
	return classify(err, h.alert)
}

// finish brings the result to the loop. It is called once.
func (h *handshake) finish(e *Error) {
	h.result = e
	h.setup.Post(h.tell)
}

// tell ends the handshake on the loop. A handshake that was cancelled has
// failed, even if it came to its end before it noticed.
func (h *handshake) tell() {
	if h.result == nil && h.cancelled() {
		h.result = h.cancelError()
	}
	c, stats := h.c, &h.setup.Gate.stats.Results[h.role]
	c.h = nil
	if h.result != nil {
		stats.Failed[h.result.Reason].Add(1)
		h.owner.Shaken(h.result)
		return
	}
	stats.Done.Add(1)
	if c.tls.ConnectionState().DidResume {
		stats.Resumed.Add(1)
	}
	c.shrinkInput() // of what only the handshake needed
	h.owner.Shaken(nil)
}

// read is what crypto/tls calls to read while it shakes hands. It blocks.
func (h *handshake) read(p []byte) (int, error) {
	if len(h.first) > 0 {
		n := copy(p, h.first)
		h.first = h.first[n:]
		return h.took(p[:n])
	}
	g := h.setup.Gate
	for !h.cancelled() {
		if !h.drained {
			g.clear(h, inbound)
			n, errno := reactor.Read(h.c.fd, p)
			switch {
			case errno == 0 && n == 0:
				return 0, h.breakOff(&Error{Reason: PeerLeft}, io.EOF)
			case errno == 0:
				h.drained = n < len(p) && !h.closing.Load()
				return h.took(p[:n])
			case errno != unix.EAGAIN:
				return 0, h.breakOff(&Error{Reason: PeerLeft, Err: errno}, errBroken)
			}
		}
		g.park(h, inbound)
		h.drained = false
	}
	return 0, errBroken
}

// took accounts for bytes that came.
func (h *handshake) took(p []byte) (int, error) {
	h.taken += len(p)
	if h.taken > h.setup.Gate.cfg.PeerBytes {
		return 0, h.breakOff(&Error{Reason: TooLong}, errBroken)
	}
	if h.taken-len(p) < recordHeader {
		h.opening = append(h.opening, p...)
		if b := h.opening; len(b) >= recordHeader && b[1] == 3 {
			h.opening = nil // looks like TLS: it is not going to be asked for
		}
	}
	return len(p), nil
}

func (h *handshake) breakOff(e *Error, err error) error {
	h.cut = e
	return err
}

// write is what crypto/tls calls to write while it shakes hands. It blocks.
func (h *handshake) write(p []byte) (int, error) {
	h.noteAlert(p)
	g := h.setup.Gate
	for sent := 0; ; {
		g.clear(h, outbound)
		n, errno := reactor.Write(h.c.fd, p[sent:], false)
		sent += n
		switch {
		case sent == len(p):
			return sent, nil
		case errno == unix.EAGAIN && h.cancelled():
			return sent, errBroken
		case errno == unix.EAGAIN:
			g.park(h, outbound)
		case errno != 0:
			return sent, h.breakOff(&Error{Reason: PeerLeft, Err: errno}, errBroken)
		}
	}
}

// noteAlert notices a fatal alert at the end of what is sent in clear.
func (h *handshake) noteAlert(p []byte) {
	const alertRecord, fatal = 21, 2
	if len(p) < recordHeader+2 {
		return
	}
	if p = p[len(p)-recordHeader-2:]; p[0] == alertRecord && p[3] == 0 && p[4] == 2 && p[5] == fatal {
		h.alert = p[6]
	}
}
