// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"sync"

	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/supervise"
)

// sockets gets the balancer's listeners from the supervisor, together with those
// that the engine needs for itself. What neither wants is let go.
type sockets struct {
	link  *supervise.Link
	count int // sockets for each listener: the number of loops

	// serves says whether listeners of a failover group are to be held; nil: all
	// are, where an address that the box does not have at the moment is bound
	// before it comes. It must not call back.
	serves func(group string) bool

	mu    sync.Mutex           // guards what follows
	own   map[string][]lb.Spec // the engine's, by what they are for. At first, what the engine before this one may have left
	wants []lb.Spec            // the balancer's: those of the last Keep, and what it has acquired since
}

func (s *sockets) specs(list []lb.Spec, count int) []supervise.ListenSpec {
	out := make([]supervise.ListenSpec, len(list))
	for i, l := range list {
		out[i] = supervise.ListenSpec{Network: l.Network, Addr: l.Addr, Count: count, V6Only: l.Addr.Addr().Is6(), FreeBind: l.Group != ""}
	}
	return out
}

// Acquire returns the descriptors of each listener: none for those that are not to
// be held.
func (s *sockets) Acquire(list []lb.Spec) ([][]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held, at := s.held(list)
	got, err := s.link.Acquire(s.specs(held, s.count))
	if err != nil {
		return nil, err
	}
	for _, l := range held {
		if !slices.Contains(s.wants, l) {
			s.wants = append(s.wants, l)
		}
	}
	fds := make([][]int, len(list))
	for i := range got {
		fds[at[i]] = got[i].FDs
	}
	return fds, nil
}

// held returns the listeners that are to be held, and where they are in list.
func (s *sockets) held(list []lb.Spec) (held []lb.Spec, at []int) {
	for i, l := range list {
		if l.Group == "" || s.serves == nil || s.serves(l.Group) {
			held, at = append(held, l), append(at, i)
		}
	}
	return held, at
}

// Keep lets go of every listener of the balancer that list leaves out.
func (s *sockets) Keep(list []lb.Spec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wants, _ = s.held(list)
	return s.keepLocked()
}

func (s *sockets) keepLocked() error {
	all := s.specs(s.wants, s.count)
	for _, list := range s.own {
		all = append(all, s.specs(list, 1)...)
	}
	return s.link.Keep(all)
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

// What the engine needs sockets for itself.
const (
	ownMetrics = "metrics"
	ownMirror  = "mirror"
)

// keepOwn lets go of the engine's own sockets for something but for specs.
func (s *sockets) keepOwn(what string, specs ...lb.Spec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		s.own = map[string][]lb.Spec{}
	}
	s.own[what] = specs
	return s.keepLocked()
}

// left notes what the engine before this one may have left, by the configuration
// that runs, so that it is not let go before it is asked for.
func (s *sockets) left(cfg *config.Config) {
	s.own = map[string][]lb.Spec{}
	if cfg.Metrics != nil {
		s.own[ownMetrics] = []lb.Spec{metricsSpec(cfg.Metrics)}
	}
	if l := cfg.Node.Listen; l.IsValid() {
		s.own[ownMirror] = []lb.Spec{{Network: "tcp", Addr: l}}
	}
}
