// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"strconv"
	"strings"

	"evener/hal/lcd"
)

// A CharLCD is the kernel's driver of text displays, with the chip below it: it
// takes text and escapes (drivers/auxdisplay/charlcd.c of Linux 6.1 and later).
type CharLCD struct {
	chip
	x, y   int
	escape []byte // nil outside of one
	inside bool
	flags  map[byte]bool // D, C, B, N and L: what the kernel believes
	light  bool          // what is
}

// escapeMost is after how many bytes the kernel gives an escape up.
const escapeMost = 24

// NewCharLCD returns a display of 2 or 4 rows.
func NewCharLCD(rows, cols int) *CharLCD {
	c := &CharLCD{chip: chip{rows: rows, cols: cols}}
	c.Reset()
	return c
}

// Reset shows what the kernel shows when it starts.
func (c *CharLCD) Reset() {
	c.init()
	c.light = false
	c.Feed([]byte("Linux-6.12\n"))
}

// init leaves the light as it is but believes that it is off.
func (c *CharLCD) init() {
	c.reset()
	c.twoLines, c.on, c.under, c.blink = true, true, true, true
	c.x, c.y, c.inside, c.escape = 0, 0, false, nil
	c.flags = map[byte]bool{'D': true, 'C': true, 'B': true, 'N': true}
}

// width is how many columns a row has in the chip.
func (c *CharLCD) width() int {
	if c.rows > 2 {
		return c.cols
	}
	return 40
}

func (c *CharLCD) place() {
	row, col := c.y, min(c.x, c.width()-1)
	c.instruct(0x80 | byte(row&1<<6+row>>1*c.width()+col))
}

func (c *CharLCD) print(b byte) {
	if c.x < c.width() {
		c.data(b)
		c.x++
	}
	if c.x == c.width() {
		c.place()
	}
}

// Feed takes what is written to the file.
func (c *CharLCD) Feed(p []byte) []byte {
	for _, b := range p {
		if c.inside && b != '\n' {
			c.escape = append(c.escape, b)
			if len(c.escape) >= 2 && c.escaped(string(c.escape)) || len(c.escape) >= escapeMost {
				c.inside = false
			}
			continue
		}
		c.inside = false
		c.control(b)
	}
	return nil
}

func (c *CharLCD) control(b byte) {
	switch b {
	case 0x1B:
		c.inside, c.escape = true, nil
	case '\b':
		if c.x > 0 {
			c.x--
		}
		c.place()
		c.data(' ')
		c.place()
	case '\f':
		c.wipe()
	case '\n':
		for c.x < c.width() {
			c.print(' ')
		}
		c.x, c.y = 0, (c.y+1)%c.rows
		c.place()
	case '\r':
		c.x = 0
		c.place()
	case '\t':
		c.print(' ')
	default:
		c.print(b)
	}
}

func (c *CharLCD) wipe() {
	c.clear()
	c.x, c.y = 0, 0
}

// escaped carries out an escape if it is whole.
func (c *CharLCD) escaped(e string) (whole bool) {
	switch {
	case e == "[2J":
		c.wipe()
	case e == "[H":
		c.x, c.y = 0, 0
		c.place()
	case len(e) >= 3 && strings.HasPrefix(e, "[L"):
		return c.special(e[2:])
	default:
		return false
	}
	return true
}

func (c *CharLCD) special(e string) (whole bool) {
	switch e[0] {
	case 'D', 'C', 'B':
		c.flag(e[0], true)
	case 'd', 'c', 'b':
		c.flag(e[0]-'a'+'A', false)
	case '+', '-':
		c.flag('L', e[0] == '+')
	case 'I':
		c.init()
	case 'k':
		x := c.x
		for c.x < c.width() {
			c.print(' ')
		}
		c.x = x
		c.place()
	case 'G':
		if !strings.Contains(e, ";") {
			return false
		}
		c.shape(e[1:])
	case 'x', 'y':
		if !strings.HasSuffix(e, ";") {
			return false
		}
		c.jump(strings.TrimSuffix(e, ";"))
	default:
		return false
	}
	return true
}

// flag does something only if the kernel believes that it changes something.
func (c *CharLCD) flag(name byte, on bool) {
	if c.flags[name] == on {
		return
	}
	c.flags[name] = on
	switch name {
	case 'D':
		c.on = on
	case 'C':
		c.under = on
	case 'B':
		c.blink = on
	case 'L':
		c.light = on
	}
}

// shape is a number and sixteen digits.
func (c *CharLCD) shape(e string) {
	n := e[0] - '0'
	if n > 7 {
		return
	}
	digits := strings.TrimSuffix(e[1:], ";")
	c.instruct(0x40 | 8*n)
	for i := 0; i+1 < len(digits) && i < 16; i += 2 {
		v, err := strconv.ParseUint(digits[i:i+2], 16, 8)
		if err != nil {
			break
		}
		c.data(byte(v))
	}
	c.place()
}

func (c *CharLCD) jump(e string) {
	x, y := c.x, c.y
	for e != "" {
		end := 1
		for end < len(e) && e[end] >= '0' && e[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(e[1:end])
		if err != nil || e[0] != 'x' && e[0] != 'y' {
			return
		}
		if e[0] == 'x' {
			x = n
		} else {
			y = n
		}
		e = e[end:]
	}
	c.x, c.y = x, y
	c.place()
}

// Press and Release do nothing: keys are other devices of the kernel.
func (c *CharLCD) Press(lcd.Key) []byte   { return nil }
func (c *CharLCD) Release(lcd.Key) []byte { return nil }

// Screen returns the glass.
func (c *CharLCD) Screen() []string { return c.screen() }

// Look returns the rest.
func (c *CharLCD) Look() Look {
	l := c.look()
	if c.light {
		l.Backlight = 100
	}
	return l
}
