// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"time"
)

// silentAfter is how long an engine may not answer before the panel says so. A
// restart that hands over takes less.
const silentAfter = 5 * time.Second

// A view is one place of the menu. It draws itself, and does what a press means
// there. Escape leaves it unless it takes Escape itself.
type view interface {
	draw(s *state) Frame
	press(s *state, k Key)
}

// A ticking view is told of the passing of time.
type ticking interface{ tick(s *state) }

// A holding view wants Enter held down.
type holding interface{ holds() }

// An order is something to ask of the box. do runs beside the state and may block;
// then runs in the state when it has ended.
type order struct {
	limit time.Duration
	do    func(ctx context.Context, engine, machine caller) error
	then  func(s *state, err error)
}

// A state is all that the panel knows. It is changed by one goroutine, with event,
// tick, take and done, and read with frame.
type state struct {
	now  time.Time
	disp Display
	set  Settings
	news news
	keys keypad

	began    time.Time
	stack    []view // above the status; the last one is shown
	lastKey  time.Time
	unlocked bool
	guard    *Guard
	busy     bool      // an order is under way
	doneAt   time.Time // when the last one ended
	orders   []order

	root    rotation
	acked   map[string]bool // problems that somebody has seen
	preview *Settings       // brightness that is being chosen
}

func newState(d Display, set Settings, now time.Time) *state {
	s := &state{now: now, began: now, lastKey: now, set: set, guard: &Guard{}, acked: make(map[string]bool)}
	s.root.since = now
	s.fit(d)
	return s
}

// fit makes s that of a display.
func (s *state) fit(d Display) {
	d.Rows, d.Cols = max(d.Rows, 2), max(d.Cols, 16)
	s.disp = d
	s.keys.fit(d)
}

// zh reports whether texts are Chinese.
func (s *state) zh() bool { return s.set.Language == "zh-Hans" && s.disp.Unicode }

func (s *state) text(t text) string { return t.in(s.zh()) }

// pair is a line of the display with a label and a value.
func (s *state) pair(label text, value string) string {
	return pair(s.text(label), value, s.disp.Cols)
}

// push shows v above what is shown.
func (s *state) push(v view) { s.stack = append(s.stack, v) }

// pop leaves what is shown.
func (s *state) pop() {
	if n := len(s.stack); n > 0 {
		s.stack = s.stack[:n-1]
	}
	s.preview = nil
}

// home leaves the menu.
func (s *state) home() {
	s.stack, s.preview = nil, nil
	s.root.since = s.now
}

func (s *state) top() view {
	if n := len(s.stack); n > 0 {
		return s.stack[n-1]
	}
	return &s.root
}

// order asks for something; until it is done no key does anything.
func (s *state) order(o order) {
	s.busy = true
	s.orders = append(s.orders, o)
}

// taken returns the orders that have come up.
func (s *state) taken() []order {
	out := s.orders
	s.orders = nil
	return out
}

// event takes what a key reports.
func (s *state) event(e KeyEvent, now time.Time) {
	s.now = now
	if t, ok := s.top().(ticking); ok && !e.Down && !s.busy {
		t.tick(s) // the last moment of the key's being down
	}
	for _, k := range s.keys.event(e, now) {
		s.press(k)
	}
}

// press does what a press means.
func (s *state) press(k Key) {
	s.lastKey = s.now
	if s.busy || s.set.Mode == off {
		return
	}
	s.top().press(s, k)
}

// advance lets time pass.
func (s *state) advance(now time.Time) {
	s.now = now
	_, holds := s.top().(holding)
	for _, k := range s.keys.tick(now, holds) {
		s.press(k)
	}
	if t, ok := s.top().(ticking); ok && !s.busy {
		t.tick(s)
	}
	if holds && s.keys.active() && len(s.keys.stuck(now)) == 0 {
		s.lastKey = now
	}
	if now.Sub(s.lastKey) >= time.Duration(s.set.Idle) && !s.busy {
		s.unlocked = false
		if len(s.stack) > 0 {
			s.home()
		}
	}
	s.root.advance(s)
}

// take applies what f has learnt.
func (s *state) take(now time.Time, f func(*state)) {
	s.now = now
	f(s)
}

// configure takes new settings.
func (s *state) configure(set Settings) {
	if s.set.PIN != set.PIN || s.set.Mode != set.Mode {
		s.unlocked = false
		s.home()
	}
	s.set = set
}

// done takes the end of an order.
func (s *state) done(o order, err error, now time.Time) {
	s.now, s.busy, s.lastKey, s.doneAt = now, false, now, now
	o.then(s, err)
}

// silent reports whether the engine does not answer, and starting whether it never
// has.
func (s *state) silent() bool {
	return s.news.status == nil || s.now.Sub(s.news.at) >= silentAfter
}

func (s *state) starting() bool { return s.news.status == nil && s.now.Sub(s.began) < time.Minute }

// frame returns what the display shall show.
func (s *state) frame() Frame {
	f := Frame{}
	switch {
	case s.set.Mode == off:
	case s.busy:
		f.Lines = []string{s.text(tWorking)}
	default:
		f = s.top().draw(s)
	}
	for len(f.Lines) < s.disp.Rows {
		f.Lines = append(f.Lines, "")
	}
	f.Lines = f.Lines[:s.disp.Rows]
	for i, l := range f.Lines {
		f.Lines[i] = pad(l, s.disp.Cols)
	}
	look := s.set
	if s.preview != nil {
		look = *s.preview
	}
	f.Mode, f.Backlight, f.Contrast = s.set.Mode, look.Backlight, look.Contrast
	if s.set.Mode == off {
		f.Backlight = 0
		return f
	}
	f.LEDs = s.lamps()
	for _, k := range s.keys.stuck(s.now) {
		f.Problem = "the key " + k.String() + " has been down for a minute: it is stuck, and ignored until it is released"
	}
	return f
}

// lamps returns the state of the box and its alarms: the second blinks while there
// is one that nobody has seen.
func (s *state) lamps() []Colour {
	switch {
	case s.starting():
		return []Colour{Amber, Off}
	case s.silent():
		return []Colour{Red, Off}
	}
	box, alarm := Green, Off
	for _, p := range s.news.alarms() {
		c := Amber
		if p.isError() {
			c = Red
		}
		box, alarm = max(box, c), max(alarm, c)
	}
	if !s.news.status.Serves {
		box = Red
	}
	if len(s.unseen()) > 0 && s.now.UnixMilli()/500%2 == 1 {
		alarm = Off
	}
	return []Colour{box, alarm}
}

// unseen returns the alarms that nobody has acknowledged.
func (s *state) unseen() (out []problem) {
	for _, p := range s.news.alarms() {
		if !s.acked[p.key()] {
			out = append(out, p)
		}
	}
	return out
}
