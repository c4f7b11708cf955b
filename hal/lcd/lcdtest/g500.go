// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"time"

	"evener/hal/lcd"
)

// A G500 is an EZIO-G500: 128 by 64 dots, seven keys. It is deaf for a
// millisecond after each command.
type G500 struct {
	letters map[lcd.Key]byte
	hurried bool
	deaf    time.Time
	lost    int

	command []byte
	dots    [64][128]bool
	x, y    int // of the cursor for text, in boxes of eight by eight
	light   byte
	lamps   [6]bool
}

// NewG500 returns a display whose keys send the given letters. Hurried, it is
// never deaf.
func NewG500(letters map[lcd.Key]byte, hurried bool) *G500 {
	g := &G500{letters: letters, hurried: hurried}
	g.Reset()
	return g
}

// Reset shows the greeting of the maker.
func (g *G500) Reset() {
	g.command, g.x, g.y, g.light, g.deaf = nil, 0, 0, 5, time.Time{}
	g.dots, g.lamps = [64][128]bool{}, [6]bool{0: true}
	for _, c := range []byte("EZIO-G500") {
		g.text(c)
	}
}

// Lost is how many bytes came while it was deaf.
func (g *G500) Lost() int { return g.lost }

// g500Parameters are the bytes that follow ESC and the byte of a command.
var g500Parameters = map[byte]int{0x42: 1, 0x4C: 1, 0x53: 1, 0x50: 1, 0x72: 1, 0x6C: 2, 0x5B: 1, 0x52: 4, 0x47: 1024}

// Feed carries out commands and shows text.
func (g *G500) Feed(b []byte) []byte {
	for _, c := range b {
		now := time.Now()
		if now.Before(g.deaf) {
			g.lost++
			continue
		}
		if !g.feed(c) {
			continue
		}
		if g.command = nil; !g.hurried {
			g.deaf = now.Add(time.Millisecond)
		}
	}
	return nil
}

// feed takes a byte and says whether it has ended a command.
func (g *G500) feed(c byte) bool {
	switch {
	case len(g.command) == 0 && c == 0x1B:
		g.command = []byte{c}
	case len(g.command) == 0 && c == 0x0C:
		g.dots, g.x, g.y = [64][128]bool{}, 0, 0
		return true
	case len(g.command) == 0 && c == 0x0B:
		g.x, g.y = 0, 0
		return true
	case len(g.command) == 0:
		g.text(c)
	default:
		g.command = append(g.command, c)
		if len(g.command) >= 2 && len(g.command) == 2+g500Parameters[g.command[1]] {
			g.execute(g.command[1], g.command[2:])
			return true
		}
	}
	return false
}

func (g *G500) execute(code byte, p []byte) {
	switch code {
	case 0x40:
		g.dots, g.x, g.y = [64][128]bool{}, 0, 0
	case 0x42:
		g.light = p[0] & 7
	case 0x4C:
		if m := p[0] >> 4; m < 6 {
			g.lamps[m] = p[0]&1 == 1
		}
	case 0x6C:
		g.x, g.y = int(p[0]&15), int(p[1]&7)
	case 0x47:
		for i, b := range p {
			half, page, col := i/512, i%512/64, i%64
			for bit := range 8 {
				g.dots[8*page+bit][64*half+col] = b>>bit&1 == 1
			}
		}
	}
}

// text draws a character in a box of eight by eight dots.
func (g *G500) text(c byte) {
	rows, _ := lcd.Drawing(rune(c))
	for dy := range 8 {
		for dx := range 8 {
			g.dots[8*g.y+dy][8*g.x+dx] = dx < 5 && rows[dy]&(0x10>>dx) != 0
		}
	}
	if g.x++; g.x == 16 {
		g.x, g.y = 0, (g.y+1)%8
	}
}

// Press sends the letter of a key.
func (g *G500) Press(k lcd.Key) []byte { return []byte{g.letters[k]} }

// Release is not reported.
func (g *G500) Release(lcd.Key) []byte { return nil }

// Screen reads the glass in boxes of six by eight dots.
func (g *G500) Screen() (lines []string) {
	for row := range 8 {
		var line []rune
		for col := range 21 {
			r, _ := g.read(row, col)
			line = append(line, r)
		}
		lines = append(lines, string(line))
	}
	return lines
}

// read returns the rune in a box, and whether it is inverse.
func (g *G500) read(row, col int) (r rune, inverse bool) {
	left := 1 + 6*col
	inverse = g.dots[8*row][left+5]
	var rows [8]byte
	for y := range rows {
		for x := range 6 {
			dark := g.dots[8*row+y][left+x] != inverse
			if x == 5 && dark {
				return '�', inverse
			}
			rows[y] = rows[y]<<1 | byte(b2i(dark && x < 5))
		}
		rows[y] >>= 1
	}
	return g500Reads(rows), inverse
}

// g500Reads returns the rune that a box shows.
func g500Reads(rows [8]byte) rune {
	for r := rune(' '); r < 0x100; r++ {
		if d, ok := lcd.Drawing(r); ok && d == rows {
			return r
		}
	}
	for _, r := range "█→←↑↓✓✗▶◀…•€■□" {
		if d, ok := lcd.Drawing(r); ok && d == rows {
			return r
		}
	}
	return '�'
}

// Look returns the rest. The cursor is the inverse box.
func (g *G500) Look() Look {
	l := Look{Backlight: (int(g.light)*100 + 3) / 7}
	for n := range 3 {
		l.LEDs = append(l.LEDs,
			[4]lcd.Colour{lcd.Off, lcd.Green, lcd.Red, lcd.Amber}[b2i(g.lamps[2*n])+2*b2i(g.lamps[2*n+1])])
	}
	for row := range 8 {
		for col := range 21 {
			if _, inverse := g.read(row, col); inverse {
				l.Cursor = lcd.Cursor{Row: row, Col: col, On: true}
			}
		}
	}
	return l
}
