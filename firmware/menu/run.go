// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync"
	"time"
)

// How often the box is asked, and how long it may take.
const (
	pollEvery  = time.Second
	pollSlow   = 5 * time.Second
	callLimit  = 3 * time.Second
	tickActive = 100 * time.Millisecond
)

// Config says how a Menu begins. A zero field takes the default named beside it.
type Config struct {
	Settings Settings        // Defaults: those that held when the box was last on
	Save     func(Settings)  // is told of settings that differ; nil: nobody wants to know
	Stopping <-chan struct{} // closed when the box begins to end; nil: it never does
	Guard    *Guard          // of the PIN, of the menu that was before this one; nil: a new one
}

// A Menu shows the box on a screen and obeys its keys.
type Menu struct {
	screen          screen
	engine, machine caller
	cfg             Config
	log             *slog.Logger

	news chan func(*state)
	ends chan ended
	kick chan struct{} // full: something was done, so ask anew
	wg   sync.WaitGroup
}

// ended is an order that has ended.
type ended struct {
	order order
	err   error
}

// New returns a menu. Run makes it live.
func New(s screen, engine, machine caller, cfg Config, log *slog.Logger) *Menu {
	if cfg.Settings == (Settings{}) {
		cfg.Settings = Defaults()
	}
	return &Menu{screen: s, engine: engine, machine: machine, cfg: cfg, log: log,
		news: make(chan func(*state)), ends: make(chan ended), kick: make(chan struct{}, 1)}
}

// Run shows the box and obeys the keys until ctx ends. Nothing that a call, a
// display or a key does ends it.
func (m *Menu) Run(ctx context.Context) error {
	defer m.wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := newState(m.screen.Display(), m.cfg.Settings, time.Now())
	s.guard = cmp.Or(m.cfg.Guard, s.guard)
	m.spawn("status", func() error { return m.poll(ctx) })
	m.spawn("details", func() error { return m.pollDetails(ctx) })
	ticker := time.NewTicker(tickActive)
	defer ticker.Stop()
	keys, stopping := m.screen.Keys(), m.cfg.Stopping
	var shown Frame
	for first := true; ; first = false {
		s.fit(m.screen.Display())
		if f := s.frame(); first || !reflect.DeepEqual(f, shown) {
			if f.Problem != "" && f.Problem != shown.Problem {
				m.log.Warn("key of the panel stuck", "problem", f.Problem)
			}
			m.screen.Show(f)
			shown = f
		}
		wrong := s.guard.wrong
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-keys:
			if !ok {
				keys = nil
				continue
			}
			s.event(e, time.Now())
		case now := <-ticker.C:
			s.advance(now)
		case f := <-m.news:
			s.take(time.Now(), f)
		case e := <-m.ends:
			s.done(e.order, e.err, time.Now())
			m.again()
		case <-stopping:
			stopping = nil
			s.take(time.Now(), func(s *state) { s.news.stopping = true; s.home() })
		}
		if s.guard.wrong > wrong {
			m.log.Warn("wrong pin at the panel", "tries", s.guard.wrong)
		}
		for _, o := range s.taken() {
			m.carryOut(ctx, o)
		}
	}
}

// spawn runs f beside Run. A fault in it is an error in the log, not the end of the
// process, which has more to do than to show things.
func (m *Menu) spawn(name string, f func() error) {
	m.wg.Go(func() {
		if err := protect(f); err != nil {
			m.log.Error("part of the panel ended", "part", name, "err", err)
		}
	})
}

// protect turns a panic of f into an error.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

// carryOut does what an order asks for.
func (m *Menu) carryOut(ctx context.Context, o order) {
	limit := o.limit
	if limit == 0 {
		limit = orderLimit
	}
	m.wg.Go(func() {
		call, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err := protect(func() error { return o.do(call, m.engine, m.machine) })
		if err != nil {
			m.log.Warn("order at the panel not carried out", "err", err)
		}
		select {
		case m.ends <- ended{o, err}:
		case <-ctx.Done():
		}
	})
}

// again asks the box anew, now.
func (m *Menu) again() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// tell hands news to the state.
func (m *Menu) tell(ctx context.Context, f func(*state)) {
	select {
	case m.news <- f:
	case <-ctx.Done():
	}
}

// poll asks for the status, and the supervisor for the roles while the engine does
// not answer.
func (m *Menu) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		var st status
		begun := time.Now()
		if err := m.ask(ctx, m.engine, "panel.status", &st); err == nil {
			m.tell(ctx, func(s *state) {
				if begun.After(s.doneAt) { // else it may be of before what was done
					s.news.takeStatus(&st, s.now)
				}
			})
		} else {
			var list struct {
				Roles []role `json:"roles"`
			}
			if m.ask(ctx, m.machine, "role.list", &list) == nil {
				m.tell(ctx, func(s *state) { s.news.roles = list.Roles })
			}
		}
		m.pollStandby(ctx)
		m.pollFirmware(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		case <-m.kick:
		}
	}
	return nil
}

// pollDetails asks for what changes rarely. What is not told any more is forgotten.
func (m *Menu) pollDetails(ctx context.Context) error {
	last := m.cfg.Settings
	for ctx.Err() == nil {
		set := Defaults()
		if m.ask(ctx, m.engine, "panel.settings", &set) == nil {
			if set != last && m.cfg.Save != nil {
				m.cfg.Save(set)
			}
			last = set
			m.tell(ctx, func(s *state) { s.configure(set) })
		}
		var net network
		netErr := m.ask(ctx, m.engine, "network.show", &net)
		var ports struct{ Ports []port }
		portErr := m.ask(ctx, m.engine, "port.list", &ports)
		var hw struct{ Sensors []sensor }
		hwErr := m.ask(ctx, m.engine, "hardware.show", &hw)
		var setup struct{ Code string }
		setupErr := m.ask(ctx, m.engine, "auth.setup_code", &setup)
		m.tell(ctx, func(s *state) {
			n := &s.news
			n.network, n.ports, n.sensors, n.setup = nil, nil, nil, ""
			if netErr == nil {
				n.network = &net
			}
			if portErr == nil {
				n.ports = ports.Ports
			}
			if hwErr == nil {
				n.sensors = hw.Sensors
			}
			if setupErr == nil {
				n.setup = setup.Code
			}
		})
		select {
		case <-ctx.Done():
		case <-time.After(pollSlow):
		}
	}
	return nil
}

// ask calls a method that only reads. An answer that is no use is as none.
func (m *Menu) ask(ctx context.Context, from caller, method string, result any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err := from.Call(ctx, method, struct{}{}, result)
	if err != nil && !errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		m.log.Debug("panel not told", "method", method, "err", err)
	}
	return err
}
