// SPDX-License-Identifier: Apache-2.0

package menu

import "time"

// An Ending is what becomes of the box when it has ended.
type Ending uint8

// The endings.
const (
	Ended      Ending = iota // the machine may be switched off
	Restarting               // the machine, or the box, begins anew
)

// Last returns what the display shows when nothing of the box runs any more.
func Last(d Display, set Settings, e Ending) Frame {
	s := newState(d, set, time.Time{})
	lines := []string{s.text(tStopped), s.text(tReboot)}
	if e == Ended {
		lines = wrap(s.text(tSafe), s.disp.Cols)
		if len(lines) < s.disp.Rows {
			lines = append([]string{s.text(tStopped)}, lines...)
		}
	}
	s.push(plain(lines))
	f := s.frame()
	if set.Mode != off {
		f.LEDs = []Colour{Off, Off}
	}
	return f
}

// Plain lines are a view without keys.
type plain []string

func (p plain) draw(*state) Frame { return Frame{Lines: append([]string{}, p...)} }
func (p plain) press(*state, Key) {}
