// SPDX-License-Identifier: Apache-2.0

package lcd

// The glass of a G500 and its cells: six by eight dots, one column of dots left
// over on each side.
const (
	g500Width  = 128
	g500Height = 64
	g500Bytes  = g500Width * g500Height / 8

	g500Cols = 21
	g500Rows = 8
	g500Left = 1
)

// g500Charset is what our font has: ISO 8859-1 at its own codes and signs of
// menus from 0x80 on.
var g500Charset = &Charset{name: "Latin-1", codes: g500Codes()}

// g500Signs are the runes from code 0x80 on.
const g500Signs = "█→←↑↓✓✗▶◀…•€■□"

func g500Codes() map[rune]byte {
	codes := map[rune]byte{}
	next := byte(0x80)
	for _, r := range g500Signs {
		codes[r] = next
		next++
	}
	for r := rune(0xA1); r <= 0xFF; r++ {
		if r != 0xAD { // like the space at 0xA0, the hyphen looks like that of ASCII
			codes[r] = byte(r)
		}
	}
	return codes
}

// g500Runes is the way back: the rune of each code.
var g500Runes = func() (runes [256]rune) {
	for c := ' '; c < 0x7F; c++ {
		runes[c] = c
	}
	for r, c := range g500Codes() {
		runes[c] = r
	}
	return runes
}()

// drawCells draws text. The cell of the cursor is inverse.
func drawCells(cells *[g500Rows][g500Cols]byte, cursor Cursor) (p [g500Bytes]byte) {
	for row := range cells {
		for col, code := range cells[row] {
			inverse := cursor.On && cursor.Row == row && cursor.Col == col
			drawCell(&p, row, col, font[g500Runes[code]], inverse)
		}
	}
	return p
}

// drawCell draws one cell. The image has, for each half of 64 columns, eight
// pages of eight rows; in a page a byte is one column, its lowest bit on top.
func drawCell(p *[g500Bytes]byte, row, col int, dots [8]byte, inverse bool) {
	for i := range 6 {
		var column byte
		for y, line := range dots {
			if line&(0x20>>(i+1)) != 0 {
				column |= 1 << y
			}
		}
		if inverse {
			column = ^column
		}
		x := g500Left + 6*col + i
		p[x/64*512+row*64+x%64] = column
	}
}

// drawText draws lines, each in the middle.
func drawText(lines []string) [g500Bytes]byte {
	var cells [g500Rows][g500Cols]byte
	for row := range cells {
		for col := range cells[row] {
			cells[row][col] = ' '
		}
	}
	first := max(0, (g500Rows-len(lines))/2)
	for i, line := range lines {
		if first+i >= g500Rows {
			break
		}
		left := max(0, (g500Cols-len(line))/2)
		copy(cells[first+i][left:], line)
	}
	return drawCells(&cells, Cursor{})
}
