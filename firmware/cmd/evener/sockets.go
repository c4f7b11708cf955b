// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"sync"

	"evener/firmware/lb"
	"evener/firmware/supervise"
)

// sockets gets the balancer's listeners from the supervisor, together with those
// that the engine needs for itself. What neither wants is let go.
type sockets struct {
	link  *supervise.Link
	count int // sockets for each listener: the number of loops

	mu    sync.Mutex // guards what follows
	own   []lb.Spec  // the engine's: metrics. At first, what the engine before this one may have left
	wants []lb.Spec  // the balancer's: those of the last Keep, and what it has acquired since
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
	s.mu.Lock()
	defer s.mu.Unlock()
	got, err := s.link.Acquire(s.specs(list, s.count))
	if err != nil {
		return nil, err
	}
	for _, l := range list {
		if !slices.Contains(s.wants, l) {
			s.wants = append(s.wants, l)
		}
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
	s.wants = slices.Clone(list)
	return s.keepLocked()
}

func (s *sockets) keepLocked() error {
	return s.link.Keep(slices.Concat(s.specs(s.wants, s.count), s.specs(s.own, 1)))
}

// acquireOwn gets one socket for the engine itself, beside the one before.
func (s *sockets) acquireOwn(spec lb.Spec) (supervise.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, err := s.link.Acquire(s.specs([]lb.Spec{spec}, 1))
	if err != nil {
		return supervise.Listener{}, err
	}
	return got[0], nil
}

// keepOwn lets go of the engine's own sockets but for specs.
func (s *sockets) keepOwn(specs ...lb.Spec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = specs
	return s.keepLocked()
}
