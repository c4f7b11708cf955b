// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"fmt"
	"time"
)

// A choice is one line of a list.
type choice struct {
	label string
	value string // beside it
	act   func(s *state)
}

// A list is lines of which one is chosen. It is made anew at each look, because
// what can be chosen changes.
type list struct {
	title   func(s *state) string
	choices func(s *state) []choice
	at      int
	leave   func(s *state) // nil: one place up
	hidden  bool           // for who stands before it alone
}

// titled returns the title of a text.
func titled(t text) func(*state) string {
	return func(s *state) string { return s.text(t) }
}

// draw shows the title, with the place in the list where not all of it is seen, and
// the lines around the chosen one.
func (l *list) draw(s *state) Frame {
	all := l.choices(s)
	l.at = min(l.at, max(0, len(all)-1))
	room := s.disp.Rows - 1
	title := l.title(s)
	if len(all) > room {
		title = pair(title, fmt.Sprintf("%d/%d", l.at+1, len(all)), s.disp.Cols)
	}
	lines := []string{title}
	if len(all) == 0 {
		lines = append(lines, s.text(tNothing))
	}
	first := l.at / room * room
	for i := first; i < min(first+room, len(all)); i++ {
		mark := " "
		if i == l.at {
			mark = ">"
		}
		c := all[i]
		if c.value == "" || width(c.label)+1+width(c.value) > s.disp.Cols-1 {
			lines = append(lines, mark+c.label)
		} else {
			lines = append(lines, mark+pair(c.label, c.value, s.disp.Cols-1))
		}
	}
	return Frame{Lines: lines, Private: l.hidden}
}

// press moves the choice and takes it.
func (l *list) press(s *state, k Key) {
	all := l.choices(s)
	l.at = min(l.at, max(0, len(all)-1))
	switch {
	case k == Escape || k == Left:
		if l.leave != nil {
			l.leave(s)
			return
		}
		s.pop()
	case len(all) == 0:
	case k == Up:
		l.at = (l.at + len(all) - 1) % len(all)
	case k == Down:
		l.at = (l.at + 1) % len(all)
	case k == Enter || k == Right:
		if act := all[l.at].act; act != nil {
			act(s)
		}
	}
}

// A reading is a text that is looked at, a line or a screen at a time.
type reading struct {
	title  text
	lines  func(s *state) []string
	at     int
	hidden bool
	ends   time.Time // zero: it stays until it is left
}

// read shows lines under a title.
func (s *state) read(title text, lines ...string) {
	s.push(&reading{title: title, lines: func(*state) []string { return lines }})
}

// tell shows what has become of an order for a while.
func (s *state) tell(title text, lines ...string) {
	s.push(&reading{title: title, lines: func(*state) []string { return lines }, ends: s.now.Add(8 * time.Second)})
}

// outcome tells how an order ended.
func (s *state) outcome(done text, err error) {
	if err != nil {
		s.tell(tNotDone, wrap(err.Error(), s.disp.Cols)...)
		return
	}
	s.tell(done)
}

func (r *reading) draw(s *state) Frame {
	all := r.lines(s)
	room := s.disp.Rows - 1
	r.at = max(0, min(r.at, (len(all)-1)/room*room)) / room * room
	title := s.text(r.title)
	if len(all) > room {
		title = pair(title, fmt.Sprintf("%d/%d", r.at/room+1, (len(all)+room-1)/room), s.disp.Cols)
	}
	return Frame{Lines: append([]string{title}, all[r.at:min(len(all), r.at+room)]...), Private: r.hidden}
}

func (r *reading) press(s *state, k Key) {
	room := s.disp.Rows - 1
	switch k {
	case Up:
		r.at -= room
	case Down, Right:
		if r.at+room < len(r.lines(s)) {
			r.at += room
		}
	case Enter, Escape, Left:
		s.pop()
	}
	r.at = max(0, r.at)
	if !r.ends.IsZero() {
		r.ends = s.now.Add(8 * time.Second)
	}
}

// tick leaves what is shown for a while only.
func (r *reading) tick(s *state) {
	if !r.ends.IsZero() && !s.now.Before(r.ends) {
		s.pop()
	}
}
