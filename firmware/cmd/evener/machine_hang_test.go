// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/hal/sensor"
	"evener/hal/watchdog"
	"evener/hal/watchdog/watchdogtest"
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

func TestAWatchdogIsLeftArmedForAReboot(t *testing.T) {
	for _, reboots := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := &stage{status: manage.PanelStatus{Serves: true}}
			m := playable(t, s, false)
			if err := m.hal.Watchdog.Stop(); err != nil {
				t.Fatal(err)
			}
			dog := watchdogtest.New(time.Now)
			var err error
			if m.hal.Watchdog, err = watchdog.New(dog, 30*time.Second); err != nil {
				t.Fatal(err)
			}
			m.reboots = func() bool { return reboots }
			stop := m.start(s, nil)
			time.Sleep(time.Minute + time.Second)
			stop()
			if left, _ := dog.TimeLeft(); left != 30 && reboots {
				t.Errorf("a reboot has %d s, want 30", left)
			}
			if time.Sleep(time.Minute); dog.Reset() != reboots {
				t.Errorf("reboot %v: a box that hangs at its end is reset: %v", reboots, dog.Reset())
			}
		})
	}
}

func TestNoPartOfTheSupervisorKeepsTheBoxFromEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		free := make(chan struct{})
		defer close(free)
		began := time.Now()
		bounded(log, "slow", func() { <-free })()
		if took := time.Since(began); took != endLimit {
			t.Errorf("waited for %v, want %v", took, endLimit)
		}
		ran := false
		bounded(log, "fine", func() { ran = true })()
		bounded(log, "faulty", func() { panic("a fault") })()
		if took := time.Since(began); !ran || took != endLimit {
			t.Errorf("ran %v, %v in all", ran, took)
		}
	})
}
