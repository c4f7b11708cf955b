// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"evener/hal/lcd"
)

// An MO is what text and graphic modules of Matrix Orbital have in common: the
// commands for lights, outputs, keys and questions, and the buffer.
type MO struct {
	id, version byte
	lamps       int
	letters     map[lcd.Key]byte
	old         bool // the firmware does not report releases

	command []byte // begun and not yet whole, without the prefix
	prefix  bool
	lit     bool
	bright  byte
	vfd     byte
	grey    byte
	outputs [8]bool // pulled low

	autoKeys bool
	keyMode  byte
	held     byte
	heldAt   time.Time
	repeats  int
	queue    []byte // keys that wait to be asked for
}

// keys of text modules with six keys, and of those with seven.
var (
	sixLetters = map[lcd.Key]byte{lcd.Left: 'A', lcd.Right: 'B', lcd.Up: 'C', lcd.Down: 'D',
		lcd.Enter: 'E', lcd.Escape: 'F'}
	sevenLetters = map[lcd.Key]byte{lcd.Escape: 'A', lcd.Up: 'B', lcd.Right: 'C', lcd.Left: 'D',
		lcd.Enter: 'E', lcd.Down: 'H'}
)

// Keys returns the keys, in a fixed order.
func (m *MO) Keys() []lcd.Key { return slices.Sorted(maps.Keys(m.letters)) }

func (m *MO) reset() {
	m.command, m.prefix = nil, false
	m.lit, m.bright, m.vfd, m.grey = true, 255, 0, 128
	m.outputs = [8]bool{}
	m.autoKeys, m.keyMode, m.held, m.repeats, m.queue = true, 0, 0, 0, nil
}

func (m *MO) look() Look {
	l := Look{Backlight: int(m.bright) * 100 / 255, Contrast: int(m.grey) * 100 / 255}
	if !m.lit {
		l.Backlight = 0
	}
	for n := range m.lamps {
		green, red := !m.outputs[2*n+1], !m.outputs[2*n+2]
		l.LEDs = append(l.LEDs, [4]lcd.Colour{lcd.Off, lcd.Green, lcd.Red, lcd.Amber}[b2i(green)+2*b2i(red)])
	}
	return l
}

// Press reports a key by its capital letter.
func (m *MO) Press(k lcd.Key) []byte {
	m.held, m.heldAt, m.repeats = m.letters[k], time.Now(), 0
	return m.report(m.held)
}

// Release reports it by its small letter, in the mode for that.
func (m *MO) Release(k lcd.Key) []byte {
	if m.held == m.letters[k] {
		m.held = 0
	}
	if m.keyMode != 1 || m.old {
		return nil
	}
	return m.report(m.letters[k] - 'A' + 'a')
}

func (m *MO) report(code byte) []byte {
	if m.autoKeys {
		return []byte{code}
	}
	if len(m.queue) < 10 {
		m.queue = append(m.queue, code)
	}
	return nil
}

// Tick repeats a key that is held, after a second and five times a second,
// unless releases are reported.
func (m *MO) Tick() []byte {
	if m.held == 0 || m.keyMode == 1 && !m.old {
		return nil
	}
	due := int((time.Since(m.heldAt) - time.Second) / (200 * time.Millisecond))
	if due <= m.repeats {
		return nil
	}
	m.repeats = due
	return m.report(m.held)
}

// moParameters are the bytes that follow a command; 0 for those not listed.
var moParameters = map[byte]int{
	0x47: 2, 0x42: 1, 0x50: 1, 0x91: 1, 0x99: 1, 0x98: 1, 0x59: 1, 0x4E: 9, 0x57: 1, 0x56: 1, 0xC3: 2,
	0x55: 1, 0x7E: 1, 0x39: 1, 0x3A: 2, 0x33: 1, 0x76: 0, 0x73: 0, 0x68: 0, 0x3D: 2, 0x7C: 4,
}

// take takes a byte. It returns a whole command, or the byte if it is text.
func (m *MO) take(b byte, parameters map[byte]int) (command []byte, text bool) {
	switch {
	case len(m.command) > 0:
		m.command = append(m.command, b)
	case m.prefix:
		m.prefix, m.command = false, []byte{b}
	case b == 0xFE:
		m.prefix = true
		return nil, false
	default:
		return nil, true
	}
	if len(m.command) <= parameters[m.command[0]] {
		return nil, false
	}
	command, m.command = m.command, nil
	return command, false
}

// common carries out a command that all modules have.
func (m *MO) common(c []byte) (answer []byte) {
	switch c[0] {
	case 0x42:
		m.lit = true
	case 0x46:
		m.lit = false
	case 0x99, 0x98:
		m.bright = c[1]
	case 0x59:
		m.vfd = c[1] & 3
		m.bright = 255 - 85*m.vfd
	case 0x50, 0x91:
		m.grey = c[1]
	case 0x56, 0x57:
		if c[1] >= 1 && c[1] <= 6 {
			m.outputs[c[1]] = c[0] == 0x57
		}
	case 0x41, 0x4F:
		m.autoKeys = c[0] == 0x41
	case 0x45:
		m.queue = nil
	case 0x26:
		if len(m.queue) == 0 {
			return []byte{0}
		}
		code := m.queue[0]
		if m.queue = m.queue[1:]; len(m.queue) > 0 {
			code |= 0x80
		}
		return []byte{code}
	case 0x7E:
		m.keyMode = c[1]
	case 0x37:
		return []byte{m.id}
	case 0x36:
		return []byte{m.version}
	case 0x35:
		return []byte{0x12, 0x34}
	}
	return nil
}

// A MOText is a text module.
type MOText struct {
	MO
	rows, cols   int
	cells        [][]byte
	glyphs       map[int][8]byte
	row, col     int
	wrap, scroll bool
	under, blink bool
}

// NewMOText returns an LK204-25 (0x09), LK204-7T-1U (0x2B), LK202-25 (0x08) or
// VK204-25 (0x0F).
func NewMOText(id byte) *MOText {
	m := &MOText{MO: MO{id: id, version: 0x57, letters: sixLetters}, rows: 4, cols: 20}
	switch id {
	case 0x08:
		m.rows = 2
	case 0x2B:
		m.lamps, m.letters = 3, sevenLetters
	}
	m.Reset()
	return m
}

// Old makes it a module whose firmware does not report releases.
func (m *MOText) Old() *MOText {
	m.old = true
	return m
}

// Reset shows the greeting of the maker.
func (m *MOText) Reset() {
	m.reset()
	m.glyphs = map[int][8]byte{}
	m.clear()
	copy(m.cells[0], "Matrix Orbital")
	m.wrap, m.scroll, m.under, m.blink = true, true, false, true
}

func (m *MOText) clear() {
	m.cells = nil
	for range m.rows {
		m.cells = append(m.cells, bytes.Repeat([]byte(" "), m.cols))
	}
	m.row, m.col = 0, 0
}

// Screen returns the glass.
func (m *MOText) Screen() []string { return romA00.glass(m.cells) }

// Look returns the rest.
func (m *MOText) Look() Look {
	l := m.look()
	l.Cursor = lcd.Cursor{Row: m.row, Col: m.col, On: m.under || m.blink}
	l.Glyphs = maps.Clone(m.glyphs)
	return l
}

// Feed carries out commands and shows text.
func (m *MOText) Feed(b []byte) (out []byte) {
	for _, c := range b {
		command, text := m.take(c, moParameters)
		switch {
		case text:
			m.show(c)
		case command != nil:
			out = append(out, m.execute(command)...)
		}
	}
	return out
}

func (m *MOText) show(c byte) {
	if m.col >= m.cols {
		if !m.wrap {
			return // lost beyond the edge
		}
		m.row, m.col = m.row+1, 0
		if m.row >= m.rows {
			m.row = 0
			if m.scroll {
				m.row = m.rows - 1
				m.cells = append(m.cells[1:], bytes.Repeat([]byte(" "), m.cols))
			}
		}
	}
	m.cells[m.row][m.col] = c
	m.col++
}

func (m *MOText) execute(c []byte) (answer []byte) {
	switch c[0] {
	case 0x58:
		m.clear()
	case 0x48:
		m.row, m.col = 0, 0
	case 0x47:
		m.col, m.row = place(c[1], m.cols), place(c[2], m.rows)
	case 0x4A, 0x4B:
		m.under = c[0] == 0x4A
	case 0x53, 0x54:
		m.blink = c[0] == 0x53
	case 0x43, 0x44:
		m.wrap = c[0] == 0x43
	case 0x51, 0x52:
		m.scroll = c[0] == 0x51
	case 0x4E:
		m.glyphs[int(c[1]&7)] = [8]byte(c[2:10])
	default:
		return m.common(c)
	}
	return nil
}

// place turns a number from 1 into one from 0 that is there.
func place(n byte, most int) int { return min(max(int(n)-1, 0), most-1) }
