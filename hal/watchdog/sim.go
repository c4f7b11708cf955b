// SPDX-License-Identifier: Apache-2.0

package watchdog

import (
	"sync"
	"time"
)

// Simulate returns the device of the simulated board. It counts down as a real one
// does, but resets nothing: when it runs out, expired is called once.
func Simulate(expired func()) Device {
	s := &sim{timeout: 60}
	s.timer = time.AfterFunc(time.Minute, expired)
	s.until = time.Now().Add(time.Minute)
	return s
}

type sim struct {
	timer *time.Timer

	mu      sync.Mutex // guards what follows
	timeout int        // seconds
	until   time.Time
}

func (s *sim) Support() (Support, error) {
	return Support{"simulated watchdog", 1, CanSetTimeout | MagicClose}, nil
}

func (s *sim) BootStatus() (uint32, error) { return 0, nil }

func (s *sim) SetTimeout(seconds int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeout = min(max(seconds, 1), 300)
	s.restart()
	return s.timeout, nil
}

func (s *sim) Timeout() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout, nil
}

func (s *sim) TimeLeft() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(int(time.Until(s.until)/time.Second), 0), nil
}

func (s *sim) KeepAlive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restart()
	return nil
}

// restart counts from the beginning. s.mu is held.
func (s *sim) restart() {
	d := time.Duration(s.timeout) * time.Second
	s.until = time.Now().Add(d)
	s.timer.Reset(d)
}

func (s *sim) Close(bool) error {
	s.timer.Stop() // nobody is left who could be reset
	return nil
}
