// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"time"
)

// Who guesses has to wait.
const (
	freeTries = 3
	firstWait = 5 * time.Second
	maxWait   = 5 * time.Minute
)

// A Guard counts wrong PINs, however often the menu is left in between.
type Guard struct {
	wrong int
	until time.Time // no PIN is taken before
}

// fail notes a wrong PIN.
func (g *Guard) fail(now time.Time) {
	g.wrong++
	if g.wrong >= freeTries {
		g.until = now.Add(min(maxWait, firstWait<<min(10, g.wrong-freeTries)))
	}
}

// open does f for who may use the menu: it asks for the PIN first where there is
// one.
func (s *state) open(f func(*state)) {
	switch {
	case s.set.Mode != full:
	case s.set.PIN == "" || s.unlocked:
		f(s)
	default:
		s.push(&pinEntry{digits: make([]byte, len(s.set.PIN)), then: f})
	}
}

// A pinEntry asks for the PIN, digit by digit. Only the digit that is being chosen
// can be read.
type pinEntry struct {
	digits []byte
	at     int
	wrong  bool
	then   func(*state)
}

func (p *pinEntry) draw(s *state) Frame {
	title := s.text(tPIN)
	if wait := s.guard.until.Sub(s.now); wait > 0 {
		return Frame{Lines: []string{s.text(tWrongPIN), s.pair(tWait, fmt.Sprintf("%d s", (wait+time.Second-1)/time.Second))}}
	}
	if p.wrong {
		title = s.text(tWrongPIN)
	}
	line := strings.Repeat("*", p.at) + string('0'+rune(p.digits[p.at])) + strings.Repeat("-", len(p.digits)-p.at-1)
	return Frame{Lines: []string{title, line}, Cursor: Cursor{On: true, Row: 1, Col: p.at}, Private: true}
}

func (p *pinEntry) press(s *state, k Key) {
	if k != Escape && s.now.Before(s.guard.until) {
		return
	}
	switch k {
	case Escape, Left:
		if p.at == 0 {
			s.pop()
			return
		}
		p.digits[p.at] = 0
		p.at--
	case Up:
		p.digits[p.at] = (p.digits[p.at] + 1) % 10
	case Down:
		p.digits[p.at] = (p.digits[p.at] + 9) % 10
	case Enter, Right:
		if p.at++; p.at == len(p.digits) {
			p.judge(s)
		}
	}
}

// judge opens the menu, or begins anew.
func (p *pinEntry) judge(s *state) {
	typed := make([]byte, len(p.digits))
	for i, d := range p.digits {
		typed[i] = '0' + d
	}
	p.at = 0
	clear(p.digits)
	if subtle.ConstantTimeCompare(typed, []byte(s.set.PIN)) != 1 {
		p.wrong = true
		s.guard.fail(s.now)
		return
	}
	*s.guard, s.unlocked = Guard{}, true
	s.pop()
	p.then(s)
}
