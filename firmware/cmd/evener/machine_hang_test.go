// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/hal/sensor"
)

// A slowTree is a tree of /sys whose chips answer nobody until free is closed.
type slowTree struct{ free chan struct{} }

func (s slowTree) Open(string) (fs.File, error) {
	<-s.free
	return nil, fs.ErrNotExist
}

func TestTheWatchdogIsFedWhileASensorHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true}}
		m := playable(t, s, false)
		free := make(chan struct{})
		m.hal.Sensors = sensor.New(slowTree{free}, nil)
		stop := m.start(s, nil)
		defer stop()
		defer close(free)
		show := after(m, 5*time.Minute)
		if s.expired() > 0 || !show.Watchdog.Feeding {
			t.Errorf("the watchdog ran out %d times: %+v", s.expired(), show.Watchdog)
		}
		if show.Level != "fine" {
			t.Errorf("the lamps show %s (%s), though the engine answers", show.Level, show.Why)
		}
		if !strings.Contains(strings.Join(show.Problems, ", "), "the sensors do not answer since") {
			t.Errorf("nobody is told: %q", show.Problems)
		}
	})
}

func TestStopDoesNotWaitForASensorThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true}}
		m := playable(t, s, false)
		free := make(chan struct{})
		defer close(free)
		m.hal.Sensors = sensor.New(slowTree{free}, nil)
		stop := m.start(s, nil)
		after(m, time.Minute)
		stop()
		time.Sleep(time.Hour)
		if s.expired() > 0 {
			t.Error("the watchdog was not disarmed")
		}
	})
}

// A faultyTeller panics the first few times.
type faultyTeller struct {
	*stage
	mu   sync.Mutex // guards left
	left int
}

func (f *faultyTeller) Status(ctx context.Context) (supervise.Status, error) {
	f.mu.Lock()
	f.left--
	left := f.left
	f.mu.Unlock()
	if left >= 0 {
		panic("a fault")
	}
	return f.stage.Status(ctx)
}

func TestFaultsOfTheSupervisorsPartsDoNotEndTheBox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true}}
		m := playable(t, s, false)
		ask, faults := m.ask, 3
		m.ask = func(ctx context.Context, method string, result any) error {
			if faults--; faults >= 0 { // there is one question at a time
				panic("a fault")
			}
			return ask(ctx, method, result)
		}
		defer m.start(&faultyTeller{stage: s, left: 3}, nil)()
		if show := after(m, time.Minute); s.expired() > 0 || !show.Watchdog.Feeding || show.Level != "fine" {
			t.Errorf("the watchdog ran out %d times, the lamps show %s (%s)", s.expired(), show.Level, show.Why)
		}
	})
}
