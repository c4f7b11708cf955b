// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"maps"
	"slices"
	"time"

	"evener/hal/lcd"
)

// An Ezio is an EZIO-100, -300 or -340: an HD44780 behind a small processor
// that is deaf for 40 ms after each byte of a command. What comes meanwhile is
// lost.
type Ezio struct {
	chip
	none    byte
	bits    map[lcd.Key]byte
	hurried bool // it is never deaf
	deaf    time.Time
	lost    int
	prefix  bool
	begun   int
	held    byte
}

// NewEzio returns a display by the name of its driver. Hurried, it is never
// deaf: on a tty of the kernel nobody can say when a byte has arrived.
func NewEzio(driver string, hurried bool) *Ezio {
	e := &Ezio{chip: chip{rows: 2, cols: 16}, hurried: hurried}
	switch driver {
	case "ezio100":
		e.none = 0x4F
		e.bits = map[lcd.Key]byte{lcd.Escape: 1, lcd.Up: 2, lcd.Enter: 4, lcd.Down: 8}
	case "ezio300":
		e.none = 0xBF
		e.bits = map[lcd.Key]byte{lcd.Up: 1, lcd.Down: 2, lcd.Enter: 4, lcd.Escape: 8}
	case "ezio340":
		e.none = 0x3E
		e.bits = map[lcd.Key]byte{lcd.Enter: 0x02, lcd.Up: 0x04, lcd.Left: 0x08, lcd.Right: 0x10, lcd.Down: 0x20}
	}
	e.Reset()
	return e
}

// Keys returns the keys, in a fixed order.
func (e *Ezio) Keys() []lcd.Key { return slices.Sorted(maps.Keys(e.bits)) }

// Lost is how many bytes came while it was deaf.
func (e *Ezio) Lost() int { return e.lost }

// Reset shows the greeting of the maker.
func (e *Ezio) Reset() {
	e.reset()
	e.twoLines, e.on, e.blink = true, true, true
	copy(e.cells[:], "PORTWELL EZIO")
	e.prefix, e.begun, e.held, e.deaf = false, 0, 0, time.Time{}
}

// Feed shows text and carries out commands.
func (e *Ezio) Feed(b []byte) (out []byte) {
	for _, c := range b {
		now := time.Now()
		if now.Before(e.deaf) {
			e.lost++
			continue
		}
		switch {
		case e.prefix:
			e.prefix = false
			out = append(out, e.command(c)...)
		case c == 0xFE:
			e.prefix = true
		case e.begun >= 2:
			e.data(c)
			continue
		default:
			continue
		}
		if !e.hurried {
			e.deaf = now.Add(40 * time.Millisecond)
		}
	}
	return out
}

// command carries out a command. Until it was told twice to begin it does
// nothing else.
func (e *Ezio) command(c byte) []byte {
	switch {
	case c == 0x28:
		e.begun++
	case c == 0x37:
		e.begun = 0
	case e.begun < 2:
	case c == 0x06:
		return []byte{0xFD, e.none &^ e.held}
	default:
		e.instruct(c)
	}
	return nil
}

// Press and Release move a key. The display tells when it is asked.
func (e *Ezio) Press(k lcd.Key) []byte { e.held |= e.bits[k]; return nil }

// Release lets it go.
func (e *Ezio) Release(k lcd.Key) []byte { e.held &^= e.bits[k]; return nil }

// Screen returns the glass.
func (e *Ezio) Screen() []string { return e.screen() }

// Look returns the rest.
func (e *Ezio) Look() Look { return e.look() }
