// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"slices"
	"unicode/utf8"
)

// A Frame is what a panel shall show. Lines that are missing are blank, those
// too long are cut at the edge. A LED that is not listed is off.
type Frame struct {
	Lines     []string
	Cursor    Cursor
	Backlight int // percent
	Contrast  int // percent; 0 leaves what the display has
	LEDs      []Colour
}

// A Cursor is the place that a person edits.
type Cursor struct {
	Row, Col int
	On       bool
}

func (f Frame) clone() Frame {
	f.Lines = slices.Clone(f.Lines)
	f.LEDs = slices.Clone(f.LEDs)
	return f
}

// A cell is what one place of the glass shows: a code, or the UTF-8 of a rune
// on a display that takes Unicode. The right half of a wide rune is "".
type cell string

const blank cell = " "

// cells lays a line out for a display of cols columns.
func (s *screen) cells(line string) []cell {
	row := make([]cell, 0, s.info.Cols)
	for _, r := range line {
		if s.info.Unicode {
			row = appendRune(row, r, s.info.Cols)
		} else if len(row) < s.info.Cols {
			row = append(row, cell([]byte{s.code(r)}))
		}
	}
	for len(row) < s.info.Cols {
		row = append(row, blank)
	}
	return row
}

// appendRune adds a rune to the cells of a Unicode display. A wide one that
// would hang over the edge is left out.
func appendRune(row []cell, r rune, cols int) []cell {
	if r < ' ' || r == 0x7F || r == utf8.RuneError {
		r = '?'
	}
	switch w := Width(r); {
	case w == 0 || len(row)+w > cols:
		return row
	case w == 2:
		return append(row, cell(string(r)), "")
	}
	return append(row, cell(string(r)))
}

// code returns the code that shows r: the display's own, a glyph drawn for it,
// or that of the nearest letter it has.
func (s *screen) code(r rune) byte {
	for _, r := range [...]rune{r, Fold(r), '?', ' '} {
		if code, ok := s.dev.Encode(r); ok {
			return code
		}
		if n, ok := s.glyphs[r]; ok {
			return byte(n)
		}
	}
	return ' '
}

// Width returns how many columns a rune takes on a Unicode display: 2 for those
// of East Asia (UAX #11, wide and full-width), 0 for marks that combine, else 1.
func Width(r rune) int {
	switch {
	case r >= 0x300 && r <= 0x36F, r >= 0x200B && r <= 0x200F, r >= 0xFE00 && r <= 0xFE0F:
		return 0
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0x303E, r >= 0x3041 && r <= 0x33FF,
		r >= 0x3400 && r <= 0x4DBF, r >= 0x4E00 && r <= 0x9FFF, r >= 0xA000 && r <= 0xA4CF,
		r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF, r >= 0xFE30 && r <= 0xFE4F,
		r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F300 && r <= 0x1FAFF,
		r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}
