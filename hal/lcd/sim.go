// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Sim is a display that exists in memory only, for boxes without one and for
// trying: its glass can be read and its keys can be pressed. It shows all of
// Unicode, so that menus in every language can be seen.
type Sim struct {
	info Info
	keys *keyQueue

	mu     sync.Mutex // guards all below
	rows   [][]cell
	cursor Cursor
	light  int
	grey   int
	leds   []Colour
	closed bool
}

// openSim opens a simulated display of four rows of twenty columns, or as o has
// it.
func openSim(_ context.Context, o Options) (Device, error) {
	if o.Rows == 0 {
		o.Rows = 4
	}
	if o.Cols == 0 {
		o.Cols = 20
	}
	if o.Rows < 1 || o.Rows > 8 || o.Cols < 8 || o.Cols > 80 {
		return nil, fmt.Errorf("it must have 1 to 8 rows of 8 to 80 columns, not %d of %d", o.Rows, o.Cols)
	}
	s := &Sim{info: Info{Model: "simulated", Rows: o.Rows, Cols: o.Cols, LEDs: 4,
		Backlight: true, Contrast: true, Releases: true, Unicode: true},
		keys: newKeyQueue(), light: 100, grey: 50, leds: make([]Colour, 4)}
	for range o.Rows {
		row := make([]cell, o.Cols)
		for i := range row {
			row[i] = blank
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}

// Screen returns what the glass shows, a line for each row.
func (s *Sim) Screen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, row := range s.rows {
		var b strings.Builder
		for _, c := range row {
			b.WriteString(string(c))
		}
		lines = append(lines, b.String())
	}
	return lines
}

// A Look is what a simulated display shows besides text.
type Look struct {
	Cursor    Cursor
	Backlight int // percent
	Contrast  int // percent
	LEDs      []Colour
}

// Look returns cursor, lights and lamps.
func (s *Sim) Look() Look {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Look{Cursor: s.cursor, Backlight: s.light, Contrast: s.grey, LEDs: append([]Colour(nil), s.leds...)}
}

// Press makes a key go down or up, as a finger would.
func (s *Sim) Press(e KeyEvent) { s.keys.put(e) }

// Info returns what the display is.
func (s *Sim) Info() Info { return s.info }

// Encode has no codes: the display takes UTF-8.
func (s *Sim) Encode(rune) (byte, bool) { return 0, false }

// Write replaces cells.
func (s *Sim) Write(row, col int, text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("write to the simulated display: the text is not UTF-8")
	}
	var cells []cell
	for _, r := range string(text) {
		cells = appendRune(cells, r, s.info.Cols+1)
	}
	if err := checkPlace(s.info, row, col, len(cells)); err != nil {
		return err
	}
	return s.change(func() { copy(s.rows[row][col:], cells) })
}

// Cursor shows or hides the cursor.
func (s *Sim) Cursor(row, col int, on bool) error {
	if err := checkPlace(s.info, row, col, 1); err != nil {
		return err
	}
	return s.change(func() { s.cursor = Cursor{Row: row, Col: col, On: on} })
}

// Define is not needed: the display shows all of Unicode.
func (s *Sim) Define(int, [8]byte) error { return unsupported(s.info.Model, "glyphs to draw") }

// Backlight sets the brightness.
func (s *Sim) Backlight(percent int) error {
	if err := checkPercent("backlight", percent); err != nil {
		return err
	}
	return s.change(func() { s.light = percent })
}

// Contrast sets the contrast.
func (s *Sim) Contrast(percent int) error {
	if err := checkPercent("contrast", percent); err != nil {
		return err
	}
	return s.change(func() { s.grey = percent })
}

// LED sets a lamp.
func (s *Sim) LED(n int, c Colour) error {
	if err := checkLED(s.info, n, c); err != nil {
		return err
	}
	return s.change(func() { s.leds[n] = c })
}

// Keys returns what is pressed.
func (s *Sim) Keys() <-chan KeyEvent { return s.keys.c }

// Close ends the display, as if its plug was pulled.
func (s *Sim) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.keys.close()
	return nil
}

func (s *Sim) change(f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	f()
	return nil
}
