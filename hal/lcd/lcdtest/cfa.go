// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"evener/hal/lcd"
)

// A CFA is a CrystalFontz display as its data sheet describes it. It shares no
// code with the driver.
type CFA struct {
	spec    cfaSpec
	in      []byte
	refuses map[byte]bool

	cells     [][]byte
	glyphs    map[int][8]byte
	row, col  int
	style     byte
	contrast  int
	backlight int
	outputs   [13]int
	press     byte // masks of the keys that are reported
	release   byte
	held      byte
	pressed   byte // since they were asked for
	released  byte

	hasty    time.Duration // what comes sooner after an answer is lost
	answered time.Time
}

type cfaSpec struct {
	version    string
	rows, cols int
	rom        rom
	contrast   int
	outputs    bool // lamps
	keys       map[lcd.Key]cfaKey
	mask       byte
}

// A cfaKey is how a key is reported.
type cfaKey struct{ down, up, mask byte }

var sixKeys = map[lcd.Key]cfaKey{
	lcd.Up: {1, 7, 0x01}, lcd.Down: {2, 8, 0x20}, lcd.Left: {3, 9, 0x08},
	lcd.Right: {4, 10, 0x10}, lcd.Enter: {5, 11, 0x02}, lcd.Escape: {6, 12, 0x04},
}

// NewCFA returns a display by the name of its driver: "cfa631", "cfa633" or
// "cfa635".
func NewCFA(driver string) *CFA {
	specs := map[string]cfaSpec{
		"cfa631": {version: "CFA631:h1.1,u1.9 ", rows: 2, cols: 20, rom: romCFA635, contrast: 255, mask: 0x0F,
			keys: map[lcd.Key]cfaKey{lcd.Up: {13, 17, 1}, lcd.Enter: {14, 18, 2},
				lcd.Down: {15, 19, 4}, lcd.Escape: {16, 20, 8}}},
		"cfa633": {version: "CFA633:h1.5,k1.7", rows: 2, cols: 16, rom: romA00, contrast: 50, mask: 0x3F, keys: sixKeys},
		"cfa635": {version: "CFA635:h1.0,u1.3", rows: 4, cols: 20, rom: romCFA635, contrast: 255, mask: 0x3F,
			outputs: true, keys: sixKeys},
	}
	c := &CFA{spec: specs[driver]}
	c.Reset()
	return c
}

// Refuse makes the display answer some commands with an error.
func (c *CFA) Refuse(commands ...byte) {
	c.refuses = map[byte]bool{}
	for _, cmd := range commands {
		c.refuses[cmd] = true
	}
}

// LoseHasty makes the display lose commands that come sooner after its answer
// than in d, as some with USB do.
func (c *CFA) LoseHasty(d time.Duration) { c.hasty = d }

// Keys returns the keys of the display, in a fixed order.
func (c *CFA) Keys() []lcd.Key { return slices.Sorted(maps.Keys(c.spec.keys)) }

// Reset shows the greeting of the maker.
func (c *CFA) Reset() {
	c.in, c.held, c.pressed, c.released = nil, 0, 0, 0
	c.glyphs = map[int][8]byte{}
	c.clear()
	copy(c.cells[0], "Crystalfontz")
	copy(c.cells[1], c.spec.version)
	c.row, c.col, c.style = 0, 0, 1
	c.contrast, c.backlight = c.spec.contrast/3, 100
	c.outputs = [13]int{}
	c.press, c.release = c.spec.mask, c.spec.mask
}

func (c *CFA) clear() {
	c.cells = nil
	for range c.spec.rows {
		c.cells = append(c.cells, bytes.Repeat([]byte(" "), c.spec.cols))
	}
	c.row, c.col = 0, 0
}

// Screen returns the glass.
func (c *CFA) Screen() []string { return c.spec.rom.glass(c.cells) }

// Look returns the rest.
func (c *CFA) Look() Look {
	l := Look{Backlight: c.backlight, Contrast: c.contrast * 100 / c.spec.contrast,
		Cursor: lcd.Cursor{Row: c.row, Col: c.col, On: c.style != 0}, Glyphs: maps.Clone(c.glyphs)}
	if c.spec.outputs {
		for n := range 4 {
			green, red := c.outputs[11-2*n] > 0, c.outputs[12-2*n] > 0
			l.LEDs = append(l.LEDs, [4]lcd.Colour{lcd.Off, lcd.Green, lcd.Red, lcd.Amber}[b2i(green)+2*b2i(red)])
		}
	}
	return l
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Press reports a key.
func (c *CFA) Press(k lcd.Key) []byte {
	key := c.spec.keys[k]
	c.held |= key.mask
	c.pressed |= key.mask
	if c.press&key.mask == 0 {
		return nil
	}
	return cfaFrame(0x80, key.down)
}

// Release reports that it was let go.
func (c *CFA) Release(k lcd.Key) []byte {
	key := c.spec.keys[k]
	c.held &^= key.mask
	c.released |= key.mask
	if c.release&key.mask == 0 {
		return nil
	}
	return cfaFrame(0x80, key.up)
}

// Feed carries out commands.
func (c *CFA) Feed(b []byte) (out []byte) {
	if time.Since(c.answered) < c.hasty {
		return nil
	}
	c.in = append(c.in, b...)
	for len(c.in) >= 4 {
		n := int(c.in[1])
		if c.in[0] > 0x3F || n > 22 {
			c.in = c.in[1:]
			continue
		}
		if len(c.in) < n+4 {
			break
		}
		if sum := cfaSum(c.in[:n+2]); c.in[n+2] != byte(sum) || c.in[n+3] != byte(sum>>8) {
			c.in = c.in[1:]
			continue
		}
		cmd, data := c.in[0], c.in[2:n+2]
		answer, ok := c.command(cmd, data)
		if ok && !c.refuses[cmd] {
			out = append(out, cfaFrame(0x40|cmd, answer...)...)
		} else {
			out = append(out, cfaFrame(0xC0|cmd)...)
		}
		c.in = c.in[n+4:]
		c.answered = time.Now()
	}
	return out
}

// command carries one out and returns the data of its answer; not ok is what
// the display refuses.
func (c *CFA) command(cmd byte, d []byte) (answer []byte, ok bool) {
	length, known := cfaLengths[cmd]
	if !known || len(d) < length[0] || len(d) > length[1] || c.refuses[cmd] {
		return nil, false
	}
	switch cmd {
	case 0:
		return d, true
	case 1:
		return []byte(c.spec.version), true
	case 5:
		c.Reset()
	case 6:
		c.clear()
	case 9:
		if d[0] > 7 {
			return nil, false
		}
		c.glyphs[int(d[0])] = [8]byte(d[1:9])
	case 11:
		c.row, c.col = int(d[1]), int(d[0])
		return nil, c.row < c.spec.rows && c.col < c.spec.cols
	case 12:
		c.style = d[0]
		return nil, d[0] <= 4
	case 13:
		c.contrast = int(d[0])
		return nil, c.contrast <= c.spec.contrast
	case 14:
		c.backlight = int(d[0])
		return nil, d[0] <= 100
	case 23:
		c.press, c.release = d[0], d[1]
	case 24:
		answer = []byte{c.held, c.pressed, c.released}
		c.pressed, c.released = 0, 0
	case 31:
		return nil, c.write(int(d[0]), int(d[1]), d[2:])
	case 34:
		if !c.spec.outputs || d[0] > 12 || d[1] > 100 {
			return nil, false
		}
		c.outputs[d[0]] = int(d[1])
	}
	return answer, true
}

// cfaLengths says how much data a command takes, at least and at most.
var cfaLengths = map[byte][2]int{
	0: {0, 16}, 1: {0, 0}, 5: {3, 3}, 6: {0, 0}, 9: {9, 9}, 11: {2, 2}, 12: {1, 1}, 13: {1, 1},
	14: {1, 2}, 21: {2, 22}, 23: {2, 2}, 24: {0, 0}, 31: {3, 22}, 32: {1, 5}, 34: {2, 3},
}

func (c *CFA) write(col, row int, text []byte) bool {
	if row >= c.spec.rows || col+len(text) > c.spec.cols {
		return false
	}
	copy(c.cells[row][col:], text)
	return true
}

// cfaFrame makes a packet.
func cfaFrame(typ byte, data ...byte) []byte {
	b := append([]byte{typ, byte(len(data))}, data...)
	sum := cfaSum(b)
	return append(b, byte(sum), byte(sum>>8))
}

// cfaSum is the checksum, computed most significant bit first on mirrored bytes
// as the definition of CRC-16/X-25 has it.
func cfaSum(b []byte) uint16 {
	sum := uint16(0xFFFF)
	for _, c := range b {
		for bit := range 8 {
			in := uint16(c>>bit) & 1
			top := sum >> 15
			sum <<= 1
			if top^in != 0 {
				sum ^= 0x1021
			}
		}
	}
	var mirrored uint16
	for bit := range 16 {
		mirrored |= sum >> bit & 1 << (15 - bit)
	}
	return ^mirrored
}
