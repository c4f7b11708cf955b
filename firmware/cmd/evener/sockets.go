// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"sync"

	"evener/firmware/lb"
	"evener/firmware/supervise"
)

// sockets gets the balancer's listeners from the supervisor, together with those
// that the engine needs for itself.
type sockets struct {
	link  *supervise.Link
	count int // sockets for each listener: the number of loops

	mu    sync.Mutex // guards what follows
	own   []lb.Spec  // the engine's: metrics
	wants []lb.Spec  // the balancer's, as of the last Keep
}

func (s *sockets) specs(list []lb.Spec, count int) []supervise.ListenSpec {
	out := make([]supervise.ListenSpec, len(list))
	for i, l := range list {
		out[i] = supervise.ListenSpec{Network: l.Network, Addr: l.Addr, Count: count, V6Only: l.Addr.Addr().Is6()}
	}
	return out
}

// Acquire returns the descriptors of each listener.
func (s *sockets) Acquire(list []lb.Spec) ([][]int, error) {
	got, err := s.link.Acquire(s.specs(list, s.count))
	if err != nil {
		return nil, err
	}
	fds := make([][]int, len(got))
	for i := range got {
		fds[i] = got[i].FDs
	}
	return fds, nil
}

// Keep lets go of every listener of the balancer that list leaves out.
func (s *sockets) Keep(list []lb.Spec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wants = list
	return s.keepLocked()
}

func (s *sockets) keepLocked() error {
	return s.link.Keep(slices.Concat(s.specs(s.wants, s.count), s.specs(s.own, 1)))
}

// acquireOwn gets one socket for the engine itself; it replaces the one before.
func (s *sockets) acquireOwn(spec lb.Spec) (supervise.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, err := s.link.Acquire(s.specs([]lb.Spec{spec}, 1))
	if err != nil {
		return supervise.Listener{}, err
	}
	s.own = []lb.Spec{spec}
	return got[0], nil
}

// dropOwn lets go of the engine's own socket.
func (s *sockets) dropOwn() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = nil
	return s.keepLocked()
}
