// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Acquire returns the listeners that specs describe, in that order. The
// supervisor opens those that nobody has asked for yet; all others are the very
// sockets that earlier processes of this role served, with the connections that
// wait in their queues. A listener that this Link holds already comes back with
// the same descriptors. What specs does not name is left as it is: see Keep.
//
// It is all or nothing. If any listener cannot be had, none is opened, and the
// error names every one of them and what to do.
//
// Only the running process may acquire: after Go, before Released.
func (l *Link) Acquire(specs []ListenSpec) ([]Listener, error) {
	if err := l.askAbout(askAcquire, specs); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	listeners := make([]Listener, len(specs))
	for i, s := range specs {
		held := l.listeners[s.key()]
		if held == nil {
			return nil, fmt.Errorf("acquire %s: the supervisor did not pass it", s)
		}
		listeners[i] = Listener{s, append([]int(nil), held.FDs...)}
	}
	return listeners, nil
}

// Keep says which listeners the role goes on serving: the supervisor closes all
// others of this role for good, and the Link closes its descriptors of them.
// Call it once a new set serves and the sockets of the old one have left every
// epoll set.
func (l *Link) Keep(specs []ListenSpec) error {
	if err := l.askAbout(askKeep, specs); err != nil {
		return err
	}
	keep := map[listenKey]bool{}
	for _, s := range specs {
		keep[s.key()] = true
	}
	l.drop(func(k listenKey) bool { return !keep[k] })
	return nil
}

// askAbout sends a request about specs and waits for the answer.
func (l *Link) askAbout(t frameType, specs []ListenSpec) error {
	if len(specs) > MaxSpecs {
		return fmt.Errorf("%s: %d listeners, at most %d are allowed", t, len(specs), MaxSpecs)
	}
	id, answer := l.expect()
	defer l.forget(id)
	for _, f := range specFrames(t, id, specs) {
		if err := l.conn.send(f); err != nil {
			return l.lost(err)
		}
	}
	_, err := l.await(answer)
	return err
}

// adopt takes descriptors that were passed to this process. The first ones may
// be copies of what it holds already, and are closed.
func (l *Link) adopt(got Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.listeners[got.Spec.key()]
	if held == nil {
		l.listeners[got.Spec.key()] = &got
		return
	}
	known := min(len(held.FDs), len(got.FDs))
	closeAll(got.FDs[:known])
	held.FDs = append(held.FDs, got.FDs[known:]...)
}

// drop closes this process's descriptors of the listeners that match.
func (l *Link) drop(match func(listenKey) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, held := range l.listeners {
		if match(k) {
			closeAll(held.FDs)
			delete(l.listeners, k)
		}
	}
}

// Net returns socket i of l as a net.Listener, for a role that serves it with
// package net. It is a copy: the Link keeps its own descriptor. Closing it ends
// Accept here and leaves the socket open in the supervisor.
func (l Listener) Net(i int) (net.Listener, error) {
	if l.Spec.Network != "tcp" {
		return nil, fmt.Errorf("listen on %s: not a stream", l.Spec)
	}
	fd, err := unix.FcntlInt(uintptr(l.FDs[i]), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: copy the socket: %w", l.Spec, err)
	}
	// NewFile, unlike net's own files, leaves the mode of the description alone.
	f := os.NewFile(uintptr(fd), l.Spec.String())
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Spec, err)
	}
	return ln, nil
}
