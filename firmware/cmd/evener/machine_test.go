// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/hal"
	"evener/hal/led"
)

// A stage is what a machine of a test stands on: a supervisor and an engine that
// answer what they are told to, or hang.
type stage struct {
	mu     sync.Mutex // guards what follows
	held   string
	loop   error // of the supervisor's loop
	status manage.PanelStatus
	engine error
	hang   bool
	ran    int // times that the watchdog ran out
}

func (s *stage) Status(context.Context) (supervise.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return supervise.Status{Roles: []supervise.RoleStatus{{Name: "engine", Held: s.held}}}, s.loop
}

func (s *stage) ask(ctx context.Context, _ string, result any) error {
	s.mu.Lock()
	hang, status, err := s.hang, s.status, s.engine
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	*result.(*manage.PanelStatus) = status
	return err
}

func (s *stage) set(f func(*stage)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *stage) expired() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ran
}

// play runs the simulated machine on a stage. It must be called in a bubble of
// synctest, and stop before the bubble ends.
func play(t *testing.T, s *stage, reset bool) (m *machine, stop func()) {
	t.Helper()
	m = playable(t, s, reset)
	return m, m.start(s, nil)
}

// playable returns the machine of play before it starts.
func playable(t *testing.T, s *stage, reset bool) (m *machine) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	h, err := hal.Open(board.Sim, hal.Options{Log: log, WatchdogExpired: func() { s.set(func(s *stage) { s.ran++ }) }})
	if err != nil {
		t.Fatal(err)
	}
	m = &machine{found: board.Recognition{Board: board.Sim}, hal: h, ask: s.ask, log: log, began: time.Now(), feeding: true}
	m.vitals = newVitals(reset, m.began, partSupervisor, partEngine, partStore)
	return m
}

// after lets time pass and returns what the machine shows.
func after(m *machine, d time.Duration) manage.MachineShow {
	time.Sleep(d)
	synctest.Wait()
	return m.show()
}

func TestLampsShowTheWorst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{engine: errors.New("it starts"), status: manage.PanelStatus{Serves: true}}
		m, stop := play(t, s, false)
		defer stop()
		for _, c := range []struct {
			name   string
			change func(*stage)
			wait   time.Duration
			level  string
			why    string
		}{
			{"start", func(*stage) {}, 5 * time.Second, "warning", "starts"},
			{"fine", func(s *stage) { s.engine = nil }, 5 * time.Second, "fine", ""},
			{"warning", func(s *stage) {
				s.status.Problems = []manage.Problem{{Severity: "warning", Text: "a certificate expires"}}
			}, 5 * time.Second, "warning", "certificate"},
			{"error", func(s *stage) {
				s.status.Problems = append(s.status.Problems, manage.Problem{Severity: "error", Text: "web1 is down"})
			}, 5 * time.Second, "error", "web1"},
			{"not served", func(s *stage) { s.status.Problems, s.status.Serves = nil, false }, 5 * time.Second, "error", "not served"},
			{"hanging", func(s *stage) { s.status.Serves, s.hang = true, true }, 30 * time.Second, "alert", "does not answer"},
			{"back", func(s *stage) { s.hang = false }, 30 * time.Second, "fine", ""},
			{"held", func(s *stage) { s.held = "restore" }, 5 * time.Second, "alert", "held"},
			{"hot", func(*stage) { _ = m.hal.Sim.Set("sim/temp1", 99) }, 5 * time.Second, "emergency", "CPU"},
		} {
			s.set(c.change)
			if got := after(m, c.wait); got.Level != c.level || !strings.Contains(got.Why, c.why) || c.why == "" && got.Why != "" {
				t.Errorf("%s: %s (%s), want %s (%s)", c.name, got.Level, got.Why, c.level, c.why)
			}
			want := map[string]led.Light{"fine": {}, "warning": {Colour: "yellow"}, "error": {Colour: "yellow", Blink: true},
				"alert": {Colour: "red"}, "emergency": {Colour: "red", Blink: true}}[c.level]
			for _, l := range m.hal.Lamps.State() {
				if l.Use == "alarm" && l.Shows != want {
					t.Errorf("%s: the alarm lamp shows %+v, want %+v", c.name, l.Shows, want)
				}
			}
		}
	})
}

func TestTheWatchdogIsFedByTheRule(t *testing.T) {
	for _, c := range []struct {
		name    string
		reset   bool
		change  func(*stage)
		wait    time.Duration
		expires bool
	}{
		{"all is well", false, func(*stage) {}, time.Hour, false},
		{"the engine hangs for four minutes", false, func(s *stage) { s.hang = true }, 4 * time.Minute, false},
		{"the engine hangs for good", false, func(s *stage) { s.hang = true }, 7 * time.Minute, true},
		{"the engine is gone for good", false, func(s *stage) { s.engine = errors.New("refused") }, 7 * time.Minute, true},
		{"the engine is held", false, func(s *stage) { s.engine, s.held = errors.New("refused"), "restore" }, time.Hour, false},
		{"the supervisor's loop hangs", false, func(s *stage) { s.loop = context.DeadlineExceeded }, 7 * time.Minute, true},
		{"the engine never came since the watchdog's reset", true, func(s *stage) { s.engine = errors.New("refused") }, time.Hour, false},
		{"the loop hangs after the watchdog's reset", true, func(s *stage) { s.loop = context.DeadlineExceeded }, 7 * time.Minute, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{status: manage.PanelStatus{Serves: true}}
				s.set(c.change)
				m, stop := play(t, s, c.reset)
				defer stop()
				show := after(m, c.wait)
				if got := s.expired() > 0; got != c.expires || show.Watchdog.Feeding == c.expires {
					t.Errorf("the watchdog ran out: %v, want %v; %+v", got, c.expires, show.Watchdog)
				}
				if c.expires && show.Watchdog.Why == "" {
					t.Error("nothing says why it was not fed")
				}
			})
		})
	}
}

func TestAnEngineThatServesForLongCountsAfterAReset(t *testing.T) {
	for _, c := range []struct {
		name    string
		serves  time.Duration // before it hangs, each time
		times   int
		expires bool
	}{
		{"it answers for a minute and hangs", time.Minute, 1, false},
		{"it answers for four minutes and hangs, again and again", 4 * time.Minute, 5, false},
		{"it answers for eleven minutes and hangs", 11 * time.Minute, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{status: manage.PanelStatus{Serves: true}}
				m, stop := play(t, s, true)
				defer stop()
				for range c.times {
					s.set(func(s *stage) { s.hang = false })
					after(m, c.serves)
					s.set(func(s *stage) { s.hang = true })
					after(m, 7*time.Minute)
				}
				if got := s.expired() > 0; got != c.expires {
					t.Errorf("the watchdog ran out: %v, want %v", got, c.expires)
				}
			})
		})
	}
}

func TestDiskThatHangsStarvesTheWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true, Store: &manage.StoreBeat{Alive: true}}}
		m, stop := play(t, s, false)
		defer stop()
		after(m, 10*time.Minute)
		if s.expired() > 0 {
			t.Fatal("it starves while the disk answers")
		}
		s.mu.Lock()
		s.status.Store = &manage.StoreBeat{Problem: "it hangs"}
		s.mu.Unlock()
		after(m, vitalGrace-time.Minute)
		if s.expired() > 0 {
			t.Error("it starves too early")
		}
		after(m, 3*time.Minute)
		m.mu.Lock()
		defer m.mu.Unlock()
		if s.expired() == 0 || m.feeding || !strings.Contains(m.hunger, partStore) {
			t.Errorf("the watchdog is fed: %v, %q", m.feeding, m.hunger)
		}
	})
}

func TestStopDisarmsTheWatchdogAndDarkensTheLamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true}}
		m, stop := play(t, s, false)
		after(m, time.Minute)
		stop()
		stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if s.expired() > 0 {
			t.Error("the watchdog ran out after an orderly end")
		}
		for _, l := range m.hal.Lamps.State() {
			if l.Shows != (led.Light{}) {
				t.Errorf("lamp %+v is lit", l)
			}
		}
	})
}

// superCall calls a method of the machine's as an admin.
func superCall(m *machine, reg *api.Registry, role api.Role, method, params string) *api.Error {
	_, e := reg.Call(context.Background(), api.Call{Author: "ann", Origin: "cli", Role: role, Sudo: true}, method, json.RawMessage(params))
	return e
}

func TestMethodsOfTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true}}
		m := playable(t, s, false)
		reg := api.New(m.log, api.Config{})
		m.add(reg)
		defer m.start(s, nil)()
		for _, c := range []struct {
			method, params string
			role           api.Role
			kind           string // of the error, "" for none
		}{
			{"led.locate", `{"on":true}`, api.Viewer, "auth.role"},
			{"led.locate", `{"on":true}`, api.Operator, ""},
			{"machine.sim", `{"sensor":"sim/temp1","value":91}`, api.Operator, "auth.role"},
			{"machine.sim", `{"sensor":"sim/temp1","value":91}`, api.Admin, ""},
			{"machine.sim", `{"sensor":"sim/temp9","value":91}`, api.Admin, "not_found"},
			{"machine.sim", `{"sensor":"sim/fan1","gone":true}`, api.Admin, ""},
			{"machine.sim", `{"key":"any"}`, api.Admin, "params.key"},
			{"machine.sim", `{"key":"power","sensor":"sim/fan1"}`, api.Admin, "params.key"},
			{"machine.show", `{}`, api.Viewer, ""},
		} {
			kind := ""
			if e := superCall(m, reg, c.role, c.method, c.params); e != nil {
				kind = e.Kind
			}
			if kind != c.kind {
				t.Errorf("%s %s as %v: %q, want %q", c.method, c.params, c.role, kind, c.kind)
			}
		}
		show := after(m, 5*time.Second)
		states := map[string]string{}
		for _, r := range show.Sensors {
			states[r.ID] = r.State
		}
		if !show.Locate || states["sim/temp1"] != "warning" || states["sim/fan1"] != "missing" {
			t.Errorf("%v, %v", show.Locate, states)
		}
		for _, l := range show.LEDs {
			if l.Use == "locate" && (l.Colour != "blue" || !l.Blink) {
				t.Errorf("the lamp for finding the box is %+v", l)
			}
		}
	})
}

func TestThePowerKeyEndsTheBoxInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true}}
		m := playable(t, s, false)
		var mu sync.Mutex
		var calls []string
		super := newSuperAPI(t.TempDir(), nil, m.log)
		super.adds = nil
		super.add(func(reg *api.Registry) {
			for _, name := range []string{"power.halt", "power.reboot"} {
				api.Add(reg, api.Method{Name: name, Purpose: "Ends.", Role: api.Admin, Sudo: true},
					func(_ context.Context, c api.Call, _ struct{}) (struct{}, error) {
						mu.Lock()
						defer mu.Unlock()
						calls = append(calls, name+" from "+c.Origin)
						return struct{}{}, nil
					})
			}
		})
		defer m.start(s, super)()
		m.hal.Keys.Press("power", true)
		m.hal.Keys.Press("power", false)
		m.hal.Keys.Press("reset", true)
		after(m, time.Second)
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(calls, ", "); got != "power.halt from panel, power.reboot from panel" {
			t.Errorf("asked for %q", got)
		}
	})
}

func TestAMenuThatHangsStarvesTheWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: manage.PanelStatus{Serves: true}}
		m := playable(t, s, false)
		panel := deafPanel(t, nil)
		m.menu = panel.answers
		hang := make(chan struct{})
		go func() { // a menu
			for {
				select {
				case <-panel.keys:
				case <-hang:
					return
				}
			}
		}()
		defer m.start(s, panel.super)()
		if after(m, time.Hour); s.expired() > 0 {
			t.Error("the watchdog ran out though the menu answers")
		}
		close(hang)
		show := after(m, 7*time.Minute)
		if s.expired() == 0 || !strings.Contains(show.Watchdog.Why, "panel's menu") {
			t.Errorf("the menu hangs, and the watchdog is fed: %+v", show.Watchdog)
		}
		if show.Level != "fine" {
			t.Errorf("the lamps show %s (%s): clients are served all the same", show.Level, show.Why)
		}
	})
}
