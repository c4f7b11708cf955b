// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"maps"
	"time"
)

// A GLK is a graphic module of Matrix Orbital. It draws more slowly than bytes
// come, and what does not fit in its buffer of 96 bytes is lost.
type GLK struct {
	MO
	width, height int
	dots          [][]bool
	x, y          int
	font          int
	parameters    map[byte]int

	buffer    []byte
	busy      time.Time // until when it draws
	flow      bool
	full      int // room left when it says full
	ready     int // bytes waiting when it says ready
	said      bool
	unhurried bool // commands take their time
	lost      int
}

const glkBuffer = 96

// NewGLK returns a GLK24064-25 (0x15) or GLK19264-7T-1U (0x2A) with a firmware
// version such as 0x57 for 5.7. Unhurried, it takes its time to draw, which
// only a Line can show.
func NewGLK(id, version byte, unhurried bool) *GLK {
	g := &GLK{MO: MO{id: id, version: version, letters: sixLetters}, width: 240, height: 64, unhurried: unhurried}
	if id == 0x2A {
		g.width, g.lamps, g.letters = 192, 3, sevenLetters
	}
	g.parameters = maps.Clone(moParameters)
	maps.Copy(g.parameters, map[byte]int{0x31: 1, 0x32: 5, 0x79: 2, 0x78: 5, 0x72: 5, 0x6C: 4, 0x65: 2,
		0x63: 1, 0x70: 2, 0x4E: 0, 0x7C: 2})
	if version >= 0x85 {
		g.parameters[0x31] = 2
	}
	g.Reset()
	return g
}

// Reset shows some of the maker's picture.
func (g *GLK) Reset() {
	g.reset()
	g.dots = make([][]bool, g.height)
	for y := range g.dots {
		g.dots[y] = make([]bool, g.width)
		g.dots[y][y] = true
	}
	g.x, g.y, g.font, g.buffer, g.flow, g.said = 0, 0, 2, nil, false, false
}

// Lost is how many bytes did not fit.
func (g *GLK) Lost() int { return g.lost }

// Look returns the rest.
func (g *GLK) Look() Look { return g.look() }

// Feed takes bytes into the buffer and draws.
func (g *GLK) Feed(b []byte) (out []byte) {
	for _, c := range b {
		out = append(out, g.draw()...)
		if len(g.buffer) >= glkBuffer {
			g.lost++
			continue
		}
		g.buffer = append(g.buffer, c)
		if g.flow && glkBuffer-len(g.buffer) <= g.full {
			g.said = true
			out = append(out, 0xFE) // each time, not only the first
		}
	}
	return append(out, g.draw()...)
}

// Tick draws what waits and repeats keys.
func (g *GLK) Tick() []byte { return append(g.draw(), g.MO.Tick()...) }

// draw carries out what the time allows.
func (g *GLK) draw() (out []byte) {
	now := time.Now()
	for len(g.buffer) > 0 && !g.busy.After(now) {
		c := g.buffer[0]
		g.buffer = g.buffer[1:]
		command, text := g.take(c, g.parameters)
		cost := time.Duration(0)
		switch {
		case text:
			g.letter(c)
			cost = 4 * time.Millisecond
		case command != nil:
			out = append(out, g.execute(command)...)
			cost = time.Millisecond
		}
		if g.unhurried {
			if g.busy.Before(now.Add(-50 * time.Millisecond)) {
				g.busy = now
			}
			g.busy = g.busy.Add(cost)
		}
	}
	if g.said && len(g.buffer) <= g.ready {
		g.said = false
		out = append(out, 0xFF)
	}
	return out
}

func (g *GLK) execute(c []byte) (answer []byte) {
	switch c[0] {
	case 0x58:
		g.rectangle(false, 0, 0, g.width-1, g.height-1)
		g.x, g.y = 0, 0
	case 0x79:
		g.x, g.y = int(c[1]), int(c[2])
	case 0x78:
		g.rectangle(c[1] != 0, int(c[2]), int(c[3]), int(c[4]), int(c[5]))
	case 0x31:
		g.font = int(c[1])
		if len(c) == 3 {
			g.font |= int(c[2]) << 8
		}
	case 0x3A:
		g.flow, g.full, g.ready = true, int(c[1]), int(c[2])
	case 0x3B:
		g.flow = false
	default:
		return g.common(c)
	}
	return nil
}

func (g *GLK) rectangle(dark bool, x1, y1, x2, y2 int) {
	for y := y1; y <= min(y2, g.height-1); y++ {
		for x := x1; x <= min(x2, g.width-1); x++ {
			g.dots[y][x] = dark
		}
	}
}

// glkLetter is the drawing of a code in our stand-in for the maker's font: a
// stem, and to the right of it a bar of dots for each bit of the code that is
// set. Some letters are narrow, as in a proportional font.
func glkLetter(c byte) (dots [7][5]bool, width int) {
	width = 5
	if c == 'i' || c == 'l' || c == '1' || c == '.' {
		width = 3
	}
	for y := range dots {
		for x := range width {
			dots[y][x] = x == 0 || c>>y&1 == 1
		}
	}
	return dots, width
}

// letter draws a character. It does not blank what is below it.
func (g *GLK) letter(c byte) {
	dots, width := glkLetter(c)
	if g.font != 1 { // another font has letters of another size
		width += 2
	}
	for y := range dots {
		for x := range min(width, 5) {
			if dots[y][x] && g.y+y < g.height && g.x+x < g.width {
				g.dots[g.y+y][g.x+x] = true
			}
		}
	}
	g.x += width + 1
}

// Screen reads the glass in boxes of six by eight dots. A box with anything but
// one letter in its place is �.
func (g *GLK) Screen() (lines []string) {
	for y := 0; y+8 <= g.height; y += 8 {
		var line []rune
		for x := 0; x+6 <= g.width; x += 6 {
			line = append(line, g.read(x, y))
		}
		lines = append(lines, string(line))
	}
	return lines
}

func (g *GLK) read(x, y int) rune {
	blank := true
	var code byte
	for dy := range 8 {
		for dx := range 6 {
			blank = blank && !g.dots[y+dy][x+dx]
		}
		if dy < 7 && g.dots[y+dy][x+1] {
			code |= 1 << dy
		}
	}
	if blank {
		return ' '
	}
	want, _ := glkLetter(code)
	for dy := range 8 {
		for dx := range 6 {
			if g.dots[y+dy][x+dx] != (dy < 7 && dx < 5 && want[dy][dx]) {
				return '�'
			}
		}
	}
	return rune(code)
}

var _ Emulator = (*GLK)(nil)
