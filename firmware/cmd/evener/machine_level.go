// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"time"

	"evener/firmware/manage"
	"evener/hal/led"
	"evener/hal/sensor"
)

// An asking is a question that is put to something that may hang. There is one at a
// time.
type asking struct {
	mu   sync.Mutex // guards what follows
	busy bool
	from time.Time // when the last question was put
	bad  error     // of the last answer
	good time.Time // when the last good answer came
	done sync.WaitGroup

	worst   led.Level // what the engine says is wrong
	reason  string
	passive bool // the engine says that the box is on standby
}

// begin asks, unless the last question waits for its answer still.
func (a *asking) begin(ctx context.Context, f func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy {
		return
	}
	a.busy, a.from = true, time.Now()
	a.done.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		err := protected(func() error { return f(ctx) })
		a.mu.Lock()
		defer a.mu.Unlock()
		a.busy = false
		if a.bad = err; err == nil {
			a.good = time.Now()
		}
	})
}

// wait waits for the answer, but not for one that hangs.
func (a *asking) wait() {
	done := make(chan struct{})
	go func() {
		a.done.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
	}
}

// hangs says since when the last question waits for its answer, where that is longer
// than a minute.
func (a *asking) hangs(now time.Time) (since time.Time, yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.from, a.busy && now.Sub(a.from) > time.Minute
}

// because tells the error of the last answer. a.mu is held.
func (a *asking) because() string {
	if a.bad == nil {
		return ""
	}
	return ": " + a.bad.Error()
}

// heardEngine notes what the engine says of the box.
func (m *machine) heardEngine(s manage.PanelStatus, err error) {
	if err != nil {
		return
	}
	worst, reason := led.Fine, ""
	if !s.Serves {
		worst, reason = led.Error, "clients are not served as the running revision says"
	}
	for _, p := range s.Problems {
		level := led.Warning
		if p.Severity == "error" {
			level = led.Error
		}
		if level > worst {
			worst, reason = level, p.Text
		}
	}
	m.engine.mu.Lock()
	m.engine.worst, m.engine.reason, m.engine.passive = worst, reason, s.Passive
	m.engine.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.vitals.heard(partEngine, now)
	if s.Store == nil || s.Store.Alive { // nil: the engine has just begun
		m.vitals.heard(partStore, now)
	}
}

// The times that the engine has before the lamps call it dead.
const (
	engineStart  = 30 * time.Second // from the supervisor's start
	engineSilent = 10 * time.Second // since it answered last
)

// judge says how bad it is with the box, and why. m.mu is held.
func (m *machine) judge(now time.Time, held bool) (led.Level, string) {
	for _, r := range m.readings {
		if r.State == sensor.Critical {
			return led.Emergency, r.Name + " is beyond its last limit"
		}
	}
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	switch {
	case held:
		return led.Alert, "the engine is held: nobody is served until it is released"
	case m.engine.good.IsZero() && now.Sub(m.began) < engineStart:
		return led.Warning, "the box starts"
	case m.engine.good.IsZero():
		return led.Alert, "the engine has not answered since the start" + m.engine.because()
	case now.Sub(m.engine.good) > engineSilent:
		return led.Alert, "the engine does not answer since " + m.engine.good.UTC().Format(time.DateTime) + " UTC" + m.engine.because()
	}
	return m.engine.worst, m.engine.reason
}
