// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
)

// A loop is the supervisor's state. One goroutine owns it; all others hand it
// functions to run.
type loop struct {
	cfg      Config
	log      *slog.Logger
	start    starter
	since    time.Time
	units    []*unit
	held     listeners
	events   chan func()
	quit     chan struct{} // closed when nobody takes events any more
	stopping bool
	others   bool // while stopping: the roles without StopFirst and StopLast were told too
	lasts    bool // likewise those of StopLast
	alive    int  // processes that have not ended
}

func newLoop(cfg Config, start starter) *loop {
	l := &loop{
		cfg:    cfg,
		log:    cfg.Log,
		start:  start,
		since:  time.Now(),
		held:   listeners{},
		events: make(chan func()),
		quit:   make(chan struct{}),
	}
	for _, r := range cfg.Roles {
		l.units = append(l.units, &unit{loop: l, cfg: r, backoff: backoff{policy: r.Restart}})
	}
	return l
}

// run starts every role and returns once the end was asked for and no process
// is left.
func (l *loop) run(ctx context.Context, signals <-chan os.Signal, calls <-chan func(*loop)) {
	defer close(l.quit)
	defer l.held.closeAll()
	for _, u := range l.units {
		u.startNext()
	}
	ended := ctx.Done()
	for !l.stopping || l.alive > 0 {
		select {
		case f := <-l.events:
			f()
		case f := <-calls:
			f(l)
		case sig := <-signals:
			l.log.Info("signal received", "signal", sig.String())
			if l.stopping {
				l.killAll()
			}
			l.stop()
		case <-ended:
			ended = nil
			l.stop()
		}
	}
}

// post runs f on the loop's goroutine, or never if the loop has ended.
func (l *loop) post(f func()) {
	select {
	case l.events <- f:
	case <-l.quit:
	}
}

// after runs f on the loop's goroutine when d has passed.
func (l *loop) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { l.post(f) })
}

// stop drains every role, those of StopFirst before the others and those of StopLast
// behind them; the deadlines do the rest.
func (l *loop) stop() {
	if l.stopping {
		return
	}
	l.stopping = true
	for _, u := range l.units {
		if u.cfg.StopFirst {
			u.stop()
			l.after(u.cfg.ReleaseTimeout, l.stopOthers)
		}
	}
	l.stopRest()
}

// stopRest tells the roles whose turn it is.
func (l *loop) stopRest() {
	if !slices.ContainsFunc(l.units, (*unit).holdsUp) {
		l.stopOthers()
	}
	l.stopLasts()
}

// stopOthers drains the roles that are neither first nor last.
func (l *loop) stopOthers() {
	if l.others {
		return
	}
	l.others = true
	for _, u := range l.units {
		if !u.cfg.StopFirst && !u.cfg.StopLast {
			u.stop()
		}
	}
}

// stopLasts drains the roles of StopLast once the others have ended.
func (l *loop) stopLasts() {
	needed := func(u *unit) bool { return !u.cfg.StopLast && len(u.all()) > 0 }
	if l.lasts || slices.ContainsFunc(l.units, needed) {
		return
	}
	l.lasts = true
	for _, u := range l.units {
		if u.cfg.StopLast {
			u.stop()
		}
	}
}

func (l *loop) killAll() {
	for _, u := range l.units {
		for _, p := range u.all() {
			p.killed("a second signal")
		}
	}
}

func (l *loop) unit(role string) (*unit, error) {
	var names []string
	for _, u := range l.units {
		if u.cfg.Name == role {
			return u, nil
		}
		names = append(names, u.cfg.Name)
	}
	return nil, fmt.Errorf("no role %q; there are: %s", role, strings.Join(names, ", "))
}

// restart replaces the running process of role and calls reply once.
func (l *loop) restart(role string, reply func(error)) {
	u, err := l.unit(role)
	switch {
	case err != nil:
		reply(err)
	case l.stopping:
		reply(ErrStopping)
	default:
		u.restart(reply)
	}
}

// watch tells the owner of the supervisor what happened.
func (l *loop) watch(e Event) {
	if l.cfg.Watch != nil {
		l.cfg.Watch(e)
	}
}

func (l *loop) status() Status {
	s := Status{PID: os.Getpid(), Version: l.cfg.Version, Since: l.since}
	for _, u := range l.units {
		s.Roles = append(s.Roles, u.status())
	}
	return s
}
