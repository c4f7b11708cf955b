// SPDX-License-Identifier: Apache-2.0

package l4

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
}

// acceptsPerTurn bounds how many connections one turn accepts, so that those
// that are open get their share.
const acceptsPerTurn = 32

// A listener that may not accept looks again after this time.
const acceptPause = 20 * time.Millisecond

func (w *Worker) listenTCP(p *Port, fd int) error {
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

func (l *listener) stop() {
	l.w.loop.StopTimer(&l.timer)
	if !l.paused {
		l.w.loop.Remove(l.ref, l.fd)
	}
}

// Ready accepts what waits.
func (l *listener) Ready(reactor.Events) {
	for range acceptsPerTurn {
		b := l.w.gen.binding(l.port)
		if b == nil || l.w.over() || b.Service.over(l.w.cfg.Loops) {
			l.pause() // clients wait in the listening socket's queue
			return
		}
		fd, peer, errno := reactor.Accept(l.fd)
		switch errno {
		case 0:
			l.w.accept(fd, peer, b)
		case unix.EAGAIN:
			return
		default: // out of descriptors or memory
			l.w.complain("accepting paused", l.port, errno)
			l.pause()
			return
		}
	}
}

// over reports whether the cluster has as many connections as it may.
func (s *Service) over(loops int) bool {
	if s.Limits.Connections == 0 {
		return false
	}
	open := int64(0)
	for i := range loops {
		open += s.Stats.Slot(i).Connections.Value()
	}
	return open >= int64(s.Limits.Connections)
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
