// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"fmt"
	"time"
)

// What must be done to confirm what cannot be taken back.
const (
	holdFor     = 5 * time.Second
	holdPresses = 5                // where the display does not tell when a key goes up
	pressWithin = 10 * time.Second // all of them
)

// A hold asks for Enter to be held down. A press that began before it was shown
// does not count.
type hold struct {
	title   text
	act     func(s *state)
	presses int
	first   time.Time
}

// ask makes sure that somebody wants act.
func (s *state) ask(title text, act func(*state)) {
	s.keys.spend(Enter)
	s.push(&hold{title: title, act: act})
}

func (h *hold) holds() {}

func (h *hold) draw(s *state) Frame {
	lines := []string{s.text(h.title)}
	switch d := s.keys.heldFor(Enter, s.now); {
	case !s.disp.Releases && h.presses > 0:
		lines = append(lines, pair(s.text(tPress5), fmt.Sprint(holdPresses-h.presses), s.disp.Cols))
	case !s.disp.Releases:
		lines = append(lines, s.text(tPress5))
	case d > 0:
		lines = append(lines, s.pair(tKeepHolding, fmt.Sprint(int((holdFor-d+time.Second-1)/time.Second))))
	default:
		lines = append(lines, s.text(tHold))
	}
	return Frame{Lines: lines}
}

// press counts where keys cannot be held; any other key leaves.
func (h *hold) press(s *state, k Key) {
	switch {
	case k != Enter:
		s.pop()
	case s.disp.Releases:
	default:
		if h.presses == 0 || s.now.Sub(h.first) > pressWithin {
			h.presses, h.first = 0, s.now
		}
		if h.presses++; h.presses == holdPresses {
			s.pop()
			h.act(s)
		}
	}
}

// tick acts when Enter has been held for long enough.
func (h *hold) tick(s *state) {
	if h.presses > 0 && s.now.Sub(h.first) > pressWithin {
		h.presses = 0
	}
	if s.disp.Releases && s.keys.heldFor(Enter, s.now) >= holdFor {
		s.keys.spend(Enter)
		s.pop()
		h.act(s)
	}
}
