// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// fds lists what Wait waits for.
func (l *Linux) fds() ([]unix.PollFd, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if l.news < 0 {
		if err := l.again(); err != nil {
			return nil, err
		}
	}
	out := []unix.PollFd{{Fd: int32(l.waker.fd), Events: unix.POLLIN}, {Fd: int32(l.news), Events: unix.POLLIN}}
	for s := range l.sockets() {
		out = append(out, unix.PollFd{Fd: int32(s.rx), Events: unix.POLLIN})
	}
	return out, nil
}

// sockets yields all that are open, and the interface that their packets are of. The
// caller holds l.mu.
func (l *Linux) sockets() func(func(*socket, string) bool) {
	return func(yield func(*socket, string) bool) {
		for _, s := range l.shared {
			if !yield(s, s.name) {
				return
			}
		}
		for _, s := range l.stations {
			if s.own != nil && !yield(s.own, s.cfg.Interface) {
				return
			}
		}
	}
}

// collect reads what waits.
func (l *Linux) collect(fds []unix.PollFd, b *Batch) (woken bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, ErrClosed
	}
	ready := func(fd int) bool {
		return slices.ContainsFunc(fds, func(p unix.PollFd) bool { return p.Fd == int32(fd) && p.Revents != 0 })
	}
	woken = l.waker.clear()
	type ear struct {
		s     *socket
		iface string
	}
	var ears []ear
	for s, iface := range l.sockets() {
		if ready(s.rx) {
			ears = append(ears, ear{s, iface})
		}
	}
	// One of each in turn: who floods a network does not keep the others from being heard.
	for i := 0; len(ears) > 0; {
		if len(b.Packets) >= maxBatch {
			b.More = true
			break
		}
		i %= len(ears)
		p, ok, err := ears[i].s.receive(l.buf)
		if err != nil { // as when the interface has gone
			l.log.Debug("packet not received", "iface", ears[i].iface, "err", err)
		}
		if !ok {
			ears = slices.Delete(ears, i, i+1)
			continue
		}
		p.Interface = ears[i].iface
		if l.count(p) {
			b.Packets = append(b.Packets, p)
		}
		i++
	}
	if l.news >= 0 && ready(l.news) {
		l.drain()
		b.Changed = true
		if err := l.refresh(); err != nil {
			return woken, fmt.Errorf("look at the interfaces: %w", err)
		}
	}
	return woken, nil
}

// count counts a packet and reports whether it is of somebody else. The caller holds
// l.mu.
func (l *Linux) count(p Packet) bool {
	heard := false
	for _, s := range l.stations {
		if s.cfg.Interface != p.Interface || s.cfg.Family != p.Family {
			continue
		}
		if slices.Contains(s.local, p.Src) {
			s.status.Own++
			continue
		}
		s.status.Received++
		heard = true
	}
	return heard
}
