// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A side is one end of a relay. Registration is edge-triggered, so readable and
// writable stay true until a call says otherwise.
type side struct {
	relay    *relay
	fd       int // -1: none
	ref      reactor.Ref
	readable bool
	writable bool
	closing  bool // the peer has closed its side; its last bytes may be unread
}

// Ready goes on with whatever the relay waits for.
func (s *side) Ready(ev reactor.Events) {
	failed := ev&reactor.Failed != 0
	if failed || ev&(reactor.Readable|reactor.PeerClosed) != 0 {
		s.readable = true
	}
	if failed || ev&reactor.Writable != 0 {
		s.writable = true
	}
	if failed || ev&reactor.PeerClosed != 0 {
		s.closing = true
	}
	r := s.relay
	switch r.state {
	case intro:
		r.readIntro()
	case head:
		r.readHead()
	case relaying:
		r.pump()
		if failed {
			s.checkReset()
		}
	case connecting:
		if s == &r.server {
			r.connectEnded()
			return
		}
		fallthrough
	default: // the client, who waits
		if failed && reactor.ConnectError(s.fd) != 0 {
			r.cut(stats.ClientAbort)
		}
	}
}

// checkReset ends a relay whose end s was reset after it had ended its sending:
// nobody reads from it any more, and perhaps nobody writes to it.
func (s *side) checkReset() {
	r := s.relay
	ended, why := r.up.done, stats.ClientAbort
	if s == &r.server {
		ended, why = r.down.done, stats.ServerReset
	}
	if r.state == relaying && ended && reactor.ConnectError(s.fd) != 0 {
		r.cut(why)
	}
}

// A stream is one direction of a relay. Few bytes go through a buffer; when they
// come so fast that a read fills it, they go through a pipe until the sender
// pauses (splice(2)). Both are borrowed while they hold bytes.
type stream struct {
	buf   []byte // borrowed; buf[r:w] is to be written
	r, w  int
	pipe  *reactor.Pipe
	bytes uint64 // written
	bulk  bool   // the last read filled the buffer
	eof   bool   // the sender has ended, and was read to its end
	done  bool   // the end was passed on
	hard  bool   // the end is not passed on: the relay is cut there
}

// A state says why a pump stopped.
type state uint8

const (
	moved     state = iota // it has not
	waiting                // for either side to become ready
	finished               // the end was passed on
	yielded                // there is more to do, but others wait their turn
	srcFailed              // reading failed
	dstFailed              // writing failed
)

// turnBytes bounds what one pump moves before others get their turn.
const turnBytes = 1 << 20

// pump moves what it can from src to dst, and passes the end on.
func (t *stream) pump(w *Worker, dst, src *side) state {
	if t.done {
		return finished
	}
	for budget := turnBytes; budget > 0; {
		n, st := t.step(w, dst, src)
		if st == finished {
			t.done = true
			if !t.hard {
				reactor.CloseWrite(dst.fd)
			}
		}
		if st != moved {
			return st
		}
		budget -= n
		t.bytes += uint64(n)
	}
	return yielded
}

// step makes one system call, and tells how many bytes it wrote.
func (t *stream) step(w *Worker, dst, src *side) (int, state) {
	switch {
	case t.pipe != nil && t.pipe.Held() > 0:
		if !dst.writable {
			return 0, waiting
		}
		n, errno := t.pipe.Drain(dst.fd, false)
		return dst.wrote(n, errno)
	case !t.empty():
		if !dst.writable {
			return 0, waiting
		}
		n, errno := reactor.Write(dst.fd, t.held(), false)
		if t.r += n; t.empty() {
			t.drop(w)
		}
		return dst.wrote(n, errno)
	case t.eof:
		t.drop(w)
		return 0, finished
	case !src.readable:
		t.bulk = false
		t.drop(w)
		return 0, waiting
	case t.bulk:
		return 0, t.fillPipe(w, src)
	}
	n, errno := t.fill(w, src)
	switch {
	case errno == unix.EAGAIN:
		return 0, waiting
	case errno != 0:
		return 0, srcFailed
	}
	t.bulk = n == reactor.BufferSize
	return 0, moved
}

// wrote takes the outcome of a write into account.
func (s *side) wrote(n int, errno unix.Errno) (int, state) {
	switch errno {
	case 0:
		return n, moved
	case unix.EAGAIN:
		s.writable = false
		return 0, waiting
	}
	return 0, dstFailed
}

// fill reads once into the buffer. 0 with errno 0 is the end, which it notes. A
// read that does not fill the space has drained the socket: the next edge will
// tell of more.
func (t *stream) fill(w *Worker, src *side) (int, unix.Errno) {
	if t.buf == nil {
		t.buf = w.bufs.Get()
	}
	n, errno := reactor.Read(src.fd, t.buf[t.w:])
	t.w += n
	if t.empty() {
		defer t.drop(w)
	}
	if errno != 0 {
		src.readable = false
		return 0, errno
	}
	if n == 0 {
		t.eof = true
	} else if t.w < len(t.buf) && !src.closing {
		src.readable = false
	}
	return n, 0
}

// fillPipe moves bytes into the pipe, which it borrows where there is none.
func (t *stream) fillPipe(w *Worker, src *side) state {
	if t.pipe == nil {
		pipe, err := w.pipes.Get()
		if err != nil {
			t.bulk = false // out of descriptors: copying serves as well
			return moved
		}
		t.pipe = pipe
	}
	n, errno := t.pipe.Fill(src.fd, 1<<30)
	switch {
	case errno == unix.EAGAIN:
		src.readable, t.bulk = false, false
		t.drop(w)
		return waiting
	case errno != 0:
		return srcFailed
	case n == 0:
		t.eof = true
	}
	return moved
}

// held returns what the buffer holds.
func (t *stream) held() []byte { return t.buf[t.r:t.w] }

func (t *stream) empty() bool { return t.r == t.w }

func (t *stream) full() bool { return t.w == len(t.buf) }

// drop gives back what was borrowed. Bytes in it are lost.
func (t *stream) drop(w *Worker) {
	if t.buf != nil {
		w.bufs.Put(t.buf)
	}
	if t.pipe != nil {
		w.pipes.Put(t.pipe)
	}
	t.buf, t.r, t.w, t.pipe = nil, 0, 0, nil
}
