// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// rebindPause is between two tries to get sockets that somebody else has, such as
// another simulated box on this machine that is just letting go.
const rebindPause = 50 * time.Millisecond

// A standby makes the engine follow which failover groups are active on this box.
//
// It also says which groups may have listeners on a box whose network is simulated.
// There the kernel does not take addresses away from a box that is not active, and
// two boxes may run on one machine: listeners of a group are held only while it is
// active. Until somebody calls set, no group is.
type standby struct {
	follow func(active map[string]bool) error
	log    *slog.Logger
	wake   chan struct{}

	mu     sync.Mutex // guards what follows
	active map[string]bool
}

func newStandby(follow func(active map[string]bool) error, log *slog.Logger) *standby {
	return &standby{follow: follow, log: log, wake: make(chan struct{}, 1)}
}

// serves reports whether listeners of the group are to be held.
func (s *standby) serves(group string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[group]
}

// set tells which groups are active on this box, by their names. It does not wait
// until that is followed.
func (s *standby) set(active map[string]bool) {
	s.mu.Lock()
	changed := !maps.EqualFunc(s.active, active, func(a, b bool) bool { return a == b })
	s.active = maps.Clone(active)
	s.mu.Unlock()
	if !changed {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default: // it will look at the newest all the same
	}
}

// Run follows whenever set has changed something, until ctx ends. Where that
// fails it tries again; what is wrong is logged once.
func (s *standby) Run(ctx context.Context) error {
	again := time.NewTimer(0)
	again.Stop()
	defer again.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-again.C:
		}
		s.mu.Lock()
		active := maps.Clone(s.active)
		s.mu.Unlock()
		err := s.follow(active)
		switch {
		case err == nil:
			failed = false
		case !failed:
			s.log.Warn("sockets of failover groups not there yet", "err", err)
			failed = true
		}
		if err != nil {
			again.Reset(rebindPause)
		}
	}
}
