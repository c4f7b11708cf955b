// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// A listener accepts the connections of one port for one loop.
type listener struct {
	w      *Worker
	port   *Port
	fd     int
	ref    reactor.Ref
	timer  reactor.Timer
	paused bool

	complained int64 // loop clock of the last complaint
}

// acceptsPerTurn bounds how many connections one turn accepts, so that those
// that are open get their share.
const acceptsPerTurn = 32

// A listener that may not accept looks again after this time.
const acceptPause = 20 * time.Millisecond

// Listen accepts the connections of p from a listening socket, which the caller
// keeps open until after StopListening. A socket that is served already stays.
func (w *Worker) Listen(p *Port, fd int) error {
	if w.listeners[fd] != nil {
		return nil
	}
	l := &listener{w: w, port: p, fd: fd}
	l.timer.Owner = l
	ref, err := w.loop.AddListener(fd, l)
	if err != nil {
		return err
	}
	l.ref = ref
	w.listeners[fd] = l
	return nil
}

// StopListening accepts no more connections of p. Its sockets stay open.
func (w *Worker) StopListening(p *Port) {
	for fd, l := range w.listeners {
		if l.port == p {
			l.stop()
			delete(w.listeners, fd)
		}
	}
}

func (l *listener) stop() {
	l.w.loop.StopTimer(&l.timer)
	if !l.paused {
		l.w.loop.Remove(l.ref, l.fd)
	}
}

// Ready accepts what waits.
func (l *listener) Ready(reactor.Events) {
	for range acceptsPerTurn {
		if !l.mayAccept() {
			l.pause()
			return
		}
		fd, peer, errno := reactor.Accept(l.fd)
		switch errno {
		case 0:
			l.w.accept(fd, peer, l.port)
		case unix.EAGAIN:
			return
		default: // out of descriptors or memory: the client waits in the queue
			l.complain(errno)
			l.pause()
			return
		}
	}
}

// mayAccept reports whether the limits leave room for one more connection.
// Clients over a limit wait in the listening socket's queue.
func (l *listener) mayAccept() bool {
	if l.w.over() {
		return false
	}
	svc := l.w.gen.service(l.port)
	if svc == nil || svc.Limits.Connections == 0 {
		return svc != nil
	}
	open := int64(0)
	for i := range l.w.cfg.Loops {
		open += svc.Stats.Slot(i).Connections.Value()
	}
	return open < int64(svc.Limits.Connections)
}

// over reports whether the worker has as many connections as it may.
func (w *Worker) over() bool {
	if w.cfg.MaxConnections == 0 {
		return false
	}
	n := w.conns
	if w.cfg.Others != nil {
		n += w.cfg.Others()
	}
	return n >= w.cfg.MaxConnections
}

// complain logs why nothing can be accepted, at most once a second.
func (l *listener) complain(errno unix.Errno) {
	if now := l.w.loop.Now(); l.complained == 0 || now-l.complained > int64(time.Second) {
		l.complained = now
		l.w.log.Warn("accepting paused", "listen", l.port.Addr, "err", errno,
			"connections", l.w.conns)
	}
}

func (l *listener) pause() {
	l.paused = true
	l.w.loop.Remove(l.ref, l.fd)
	l.w.loop.SetTimer(&l.timer, acceptPause)
}

// Expire goes on accepting.
func (l *listener) Expire(*reactor.Timer) {
	ref, err := l.w.loop.AddListener(l.fd, l)
	if err != nil {
		l.w.loop.SetTimer(&l.timer, acceptPause)
		return
	}
	l.ref, l.paused = ref, false
}
