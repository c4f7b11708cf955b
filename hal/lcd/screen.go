// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"errors"
	"slices"
	"strings"
)

// errGone is the loss of a display that nothing else explains.
var errGone = errors.New("the display went away")

// unknown is in the shadow what no frame can want.
const unknown = cell("\x00unknown")

// A screen is one open device and what its glass is known to show.
type screen struct {
	dev    Device
	info   Info
	glyphs map[rune]int // codes of the glyphs that were drawn for this display
	draws  []Glyph      // by code

	next    int // the item to look at first, so that none starves
	defined int // glyphs sent
	rows    [][]cell
	light   int
	grey    int // contrast
	leds    []Colour
	cursor  Cursor
	soft    bool // the display has no cursor: blink a cell instead
	hidden  bool // phase of that
	wants   bool // the last frame had a cursor
}

func newScreen(dev Device, glyphs []Glyph) *screen {
	s := &screen{dev: dev, info: dev.Info(), glyphs: map[rune]int{}}
	for _, g := range glyphs {
		if _, has := dev.Encode(g.Rune); !has && !s.info.Unicode && len(s.draws) < s.info.Glyphs {
			s.glyphs[g.Rune] = len(s.draws)
			s.draws = append(s.draws, g)
		}
	}
	s.forget()
	return s
}

// forget makes everything be sent again.
func (s *screen) forget() {
	s.defined = 0
	s.rows = make([][]cell, s.info.Rows)
	for i := range s.rows {
		s.rows[i] = slices.Repeat([]cell{unknown}, s.info.Cols)
	}
	s.light, s.grey = -1, -1
	s.leds = slices.Repeat([]Colour{^Colour(0)}, s.info.LEDs)
	s.cursor = Cursor{Row: -1, Col: -1}
}

// check asks the display whether it is still there.
func (s *screen) check() error {
	if c, ok := s.dev.(Checker); ok {
		return c.Check()
	}
	return nil
}

func (s *screen) blinks() bool { return s.soft && s.wants }
func (s *screen) flip()        { s.hidden = !s.hidden }

// step sends the next thing in which the display differs from f, if any. Rows,
// lamps and the rest take turns.
func (s *screen) step(f Frame) (more bool, err error) {
	s.wants = f.Cursor.On && f.Cursor.Row >= 0 && f.Cursor.Row < s.info.Rows &&
		f.Cursor.Col >= 0 && f.Cursor.Col < s.info.Cols
	if s.defined < len(s.draws) {
		return true, s.glyph() // before any text that has them
	}
	items := 3 + s.info.LEDs + s.info.Rows
	for i := range items {
		item := (s.next + i) % items
		did, err := s.item(item, f)
		if errors.Is(err, errors.ErrUnsupported) {
			err = nil
		}
		if err != nil {
			return false, err
		}
		if did {
			s.next = item + 1
			return true, nil
		}
	}
	return false, nil
}

func (s *screen) item(n int, f Frame) (did bool, err error) {
	switch {
	case n == 0:
		return s.brightness(f)
	case n == 1:
		return s.contrast(f)
	case n < 2+s.info.LEDs:
		return s.led(n-2, f)
	case n < 2+s.info.LEDs+s.info.Rows:
		return s.row(n-2-s.info.LEDs, f)
	}
	return s.place(f)
}

func (s *screen) glyph() error {
	s.defined++
	return s.dev.Define(s.defined-1, s.draws[s.defined-1].Rows)
}

func (s *screen) brightness(f Frame) (bool, error) {
	want := min(max(f.Backlight, 0), 100)
	if !s.info.Backlight || s.light == want {
		return false, nil
	}
	s.light = want
	return true, s.dev.Backlight(want)
}

func (s *screen) contrast(f Frame) (bool, error) {
	want := min(f.Contrast, 100)
	if !s.info.Contrast || want <= 0 || s.grey == want {
		return false, nil
	}
	s.grey = want
	return true, s.dev.Contrast(want)
}

func (s *screen) led(n int, f Frame) (bool, error) {
	want := Off
	if n < len(f.LEDs) {
		want = f.LEDs[n]
	}
	if s.leds[n] == want {
		return false, nil
	}
	s.leds[n] = want
	return true, s.dev.LED(n, want)
}

// row sends what differs in a row as one run: from the first cell that differs
// to the last.
func (s *screen) row(n int, f Frame) (bool, error) {
	line := ""
	if n < len(f.Lines) {
		line = f.Lines[n]
	}
	want, have := s.cells(line), s.rows[n]
	if s.soft && s.wants && !s.hidden && n == f.Cursor.Row {
		s.mark(want, f.Cursor.Col)
	}
	from, to := 0, len(want)
	for from < to && want[from] == have[from] {
		from++
	}
	for to > from && want[to-1] == have[to-1] {
		to--
	}
	if from == to {
		return false, nil
	}
	for from > 0 && want[from] == "" {
		from-- // a wide rune is sent whole
	}
	for to < len(want) && want[to] == "" {
		to++
	}
	var text strings.Builder
	for _, c := range want[from:to] {
		text.WriteString(string(c))
	}
	s.rows[n] = want
	if s.wants {
		s.cursor = Cursor{Row: -1} // the write may have moved it
	}
	return true, s.dev.Write(n, from, []byte(text.String()))
}

// mark puts the sign of a blinking cursor into a row.
func (s *screen) mark(row []cell, col int) {
	if row[col] == "" || col+1 < len(row) && row[col+1] == "" {
		return // half of a wide rune cannot be replaced
	}
	if s.info.Unicode {
		row[col] = "█"
		return
	}
	row[col] = cell([]byte{s.code('█')})
}

// place sets the cursor.
func (s *screen) place(f Frame) (bool, error) {
	want := Cursor{}
	if s.wants {
		want = f.Cursor
	}
	if s.soft || s.cursor == want {
		return false, nil
	}
	s.cursor = want
	err := s.dev.Cursor(want.Row, want.Col, want.On)
	if errors.Is(err, errors.ErrUnsupported) {
		s.soft = true
	}
	return true, err
}
