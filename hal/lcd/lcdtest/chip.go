// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"evener/hal/lcd"
)

// A chip executes HD44780 instructions and remembers what the glass shows (data
// sheet of the HD44780U, tables 2 to 6). Time is the business of what it is
// built into.
type chip struct {
	rows, cols int
	cells      [0x80]byte // by address; 0x28 to 0x3F and from 0x68 on are not there
	shapes     [64]byte
	address    byte
	drawing    bool // data goes to the shapes
	on         bool
	under      bool
	blink      bool
	back       bool // the address goes down
	shift      int
	twoLines   bool
}

// reset is what the chip does when power comes.
func (c *chip) reset() {
	rows, cols := c.rows, c.cols
	*c = chip{rows: rows, cols: cols}
	c.clear()
}

func (c *chip) clear() {
	for i := range c.cells {
		c.cells[i] = ' '
	}
	c.address, c.drawing, c.back, c.shift = 0, false, false, 0
}

// instruct executes an instruction.
func (c *chip) instruct(b byte) {
	switch {
	case b >= 0x80:
		c.address, c.drawing = b&0x7F, false
	case b >= 0x40:
		c.address, c.drawing = b&0x3F, true
	case b >= 0x20:
		c.twoLines = b&0x08 != 0
	case b >= 0x10:
		c.move(b&0x08 != 0, b&0x04 != 0)
	case b >= 0x08:
		c.on, c.under, c.blink = b&0x04 != 0, b&0x02 != 0, b&0x01 != 0
	case b >= 0x04:
		c.back = b&0x02 == 0
	case b >= 0x02:
		c.address, c.drawing, c.shift = 0, false, 0
	case b == 0x01:
		c.clear()
	}
}

func (c *chip) move(glass, right bool) {
	switch {
	case glass && right:
		c.shift--
	case glass:
		c.shift++
	default:
		back := c.back
		c.back = !right
		c.next()
		c.back = back
	}
}

// data stores a byte and goes on to the next address.
func (c *chip) data(b byte) {
	if c.drawing {
		c.shapes[c.address&0x3F] = b & 0x1F
	} else {
		c.cells[c.address&0x7F] = b
	}
	c.next()
}

func (c *chip) next() {
	step := byte(1)
	if c.back {
		step = 0xFF
	}
	c.address += step
	if c.drawing {
		c.address &= 0x3F
		return
	}
	switch c.address { // the end of a line of 40 is the begin of the other
	case 0x28:
		c.address = 0x40
	case 0x68:
		c.address = 0
	case 0x3F:
		c.address = 0x27
	case 0xFF:
		c.address = 0x67
	}
}

// addressOf returns where the cell of a place is.
func (c *chip) addressOf(row, col int) byte {
	line := (row>>1*c.cols + col + c.shift + 80) % 40
	return byte(row&1<<6 + line)
}

// screen returns the glass.
func (c *chip) screen() []string {
	rows := make([][]byte, c.rows)
	for row := range rows {
		for col := range c.cols {
			code := byte(' ')
			if c.on && (c.twoLines || row == 0) {
				code = c.cells[c.addressOf(row, col)]
			}
			rows[row] = append(rows[row], code)
		}
	}
	return romA00.glass(rows)
}

// look returns cursor and glyphs.
func (c *chip) look() Look {
	l := Look{Glyphs: map[int][8]byte{}}
	for n := range 8 {
		l.Glyphs[n] = [8]byte(c.shapes[8*n:])
	}
	for row := range c.rows {
		for col := range c.cols {
			if !c.drawing && c.addressOf(row, col) == c.address {
				l.Cursor = lcd.Cursor{Row: row, Col: col}
			}
		}
	}
	l.Cursor.On = c.on && (c.under || c.blink)
	return l
}
