// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"fmt"
	"strings"
	"time"
)

// scrollEvery is how long a part of a text that is too long is shown.
const scrollEvery = 2500 * time.Millisecond

// A rotation is the status: pages that turn by themselves. It is what is shown when
// nobody is in the menu.
type rotation struct {
	page   int
	since  time.Time // when the page came up
	paused bool
	alarm  string    // the problem that is shown before all pages
	came   time.Time // when it came up
}

// advance turns the page when it is time, and forgets acknowledgements of problems
// that are gone.
func (r *rotation) advance(s *state) {
	if s.news.status != nil && !s.silent() {
		there := make(map[string]bool)
		for _, p := range s.news.status.Problems {
			there[p.key()] = true
		}
		for key := range s.acked {
			if !there[key] {
				delete(s.acked, key)
			}
		}
	}
	if p, ok := s.urgent(); !ok {
		r.alarm = ""
	} else if r.alarm != p.key() {
		r.alarm, r.came = p.key(), s.now
	}
	if len(s.stack) > 0 || r.paused && s.now.Sub(s.lastKey) < time.Duration(s.set.Idle) {
		return
	}
	r.paused = false
	if s.now.Sub(r.since) >= time.Duration(s.set.Rotate) {
		r.page, r.since = r.page+1, s.now
	}
}

// press turns pages by hand, acknowledges an alarm, or opens the menu.
func (r *rotation) press(s *state, k Key) {
	if k == Escape {
		s.open(func(s *state) { s.push(mainMenu()) })
		return
	}
	if alarm, ok := s.urgent(); ok {
		if k == Enter {
			s.acked[alarm.key()] = true
		}
		return
	}
	switch k {
	case Enter:
		if s.waiting() != nil {
			s.open(func(s *state) { s.push(newConfirm(s)) })
			return
		}
		r.paused, r.since = !r.paused, s.now
	case Up, Left:
		r.page, r.since = r.page-1, s.now
	case Down, Right:
		r.page, r.since = r.page+1, s.now
	}
}

// urgent returns the alarm that is shown before all pages.
func (s *state) urgent() (problem, bool) {
	if list := s.unseen(); len(list) > 0 && !s.silent() {
		return list[0], true
	}
	return problem{}, false
}

// waiting returns the commit that waits for its confirm, nil where none does.
func (s *state) waiting() *pending {
	if s.silent() {
		return nil
	}
	return s.news.status.Pending
}

// left returns how long the commit that waits has until it is taken back.
func (s *state) left(p *pending) string {
	d := max(0, time.Duration(p.Left)-s.now.Sub(s.news.at)).Round(time.Second)
	if d >= time.Hour {
		return fmt.Sprintf("%d:%02d h", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// draw shows the alarm, the commit that waits or a page.
func (r *rotation) draw(s *state) Frame {
	if p, ok := s.urgent(); ok {
		return Frame{Lines: r.drawAlarm(s, p)}
	}
	if p := s.waiting(); p != nil {
		lines := []string{s.text(tWaits), s.pair(tBackIn, s.left(p)), s.pair(tBy, p.Author), s.pair(tRevision, fmt.Sprint(p.Revision))}
		return Frame{Lines: lines}
	}
	pages := s.pages()
	n := len(pages)
	lines := pages[(r.page%n+n)%n]
	if r.paused && width(lines[0]) < s.disp.Cols {
		lines = append([]string{pad(lines[0], s.disp.Cols-1) + "*"}, lines[1:]...)
	}
	return Frame{Lines: lines}
}

// drawAlarm shows a problem; a long text goes on by itself.
func (r *rotation) drawAlarm(s *state, p problem) []string {
	title := tWarning
	if p.isError() {
		title = tAlarm
	}
	all := s.news.alarms()
	place := 1
	for i := range all {
		if all[i].key() == p.key() {
			place = i + 1
		}
	}
	head := pair("! "+s.text(title), fmt.Sprintf("%d/%d", place, len(all)+s.news.status.More), s.disp.Cols)
	parts := chunks(wrap(p.Text, s.disp.Cols), s.disp.Rows-1)
	if len(parts) == 0 {
		return []string{head}
	}
	at := 0
	if r.alarm == p.key() {
		at = int(s.now.Sub(r.came)/scrollEvery) % len(parts)
	}
	return append([]string{head}, parts[at]...)
}

// chunks splits lines into parts of n.
func chunks(lines []string, n int) (out [][]string) {
	for len(lines) > n {
		out, lines = append(out, lines[:n]), lines[n:]
	}
	if len(lines) > 0 {
		out = append(out, lines)
	}
	return out
}

// groups returns text in groups of n letters with spaces between.
func groups(text string, n int) string {
	var out []string
	for len(text) > n {
		out, text = append(out, text[:n]), text[n:]
	}
	return strings.Join(append(out, text), " ")
}
