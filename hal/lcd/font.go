// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	_ "embed" // for the drawings of the letters
	"strings"
)

// fontText holds the drawings: a line of runes, then eight lines that draw them
// side by side, each five dots wide.
//
//go:embed font.txt
var fontText string

// font is the letters for graphic displays that we draw on ourselves: ASCII,
// ISO 8859-1 and some signs, five by eight dots; in each row the leftmost is
// 0x10, as in a Glyph.
var font = readFont(fontText)

// Drawing returns how a graphic display draws a rune: eight rows from the top,
// in each the leftmost of five dots is 0x10.
func Drawing(r rune) (rows [8]byte, ok bool) {
	rows, ok = font[r]
	return rows, ok
}

func readFont(text string) map[rune][8]byte {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	f := map[rune][8]byte{}
	for ; len(lines) >= 9; lines = lines[9:] {
		for i, r := range []rune(lines[0]) {
			var rows [8]byte
			for y := range rows {
				rows[y] = dots(lines[1+y][6*i : 6*i+5])
			}
			f[r] = rows
		}
	}
	for _, c := range composed {
		for i, r := range []rune(c.runes) {
			f[r] = compose(f, []rune(c.letters)[i], c.mark)
		}
	}
	f['\u00A0'], f['¯'], f['\u00AD'] = f[' '], [8]byte{0x1F}, f['-']
	f['´'], f['¨'], f['¸'] = [8]byte{2, 4}, [8]byte{0x0A}, [8]byte{6: 4, 7: 8}
	return f
}

func dots(s string) (row byte) {
	for i := range len(s) {
		row <<= 1
		if s[i] == '#' {
			row |= 1
		}
	}
	return row
}

// composed are the letters that are another with a mark above or below it: the
// mark takes the two uppermost rows.
var composed = []struct {
	mark           [2]byte
	letters, runes string
}{
	{[2]byte{0x08, 0x04}, "AEIOUaeıou", "ÀÈÌÒÙàèìòù"},
	{[2]byte{0x02, 0x04}, "AEIOUYaeıouy", "ÁÉÍÓÚÝáéíóúý"},
	{[2]byte{0x04, 0x0A}, "AEIOUaeıou", "ÂÊÎÔÛâêîôû"},
	{[2]byte{0x0D, 0x12}, "ANOano", "ÃÑÕãñõ"},
	{[2]byte{0x0A, 0x00}, "AEIOUaeıouy", "ÄËÏÖÜäëïöüÿ"},
	{[2]byte{0x0E, 0x0A}, "Aa", "Åå"},
	{[2]byte{}, "Cc", "Çç"},
}

// low are capitals of five rows, to stand below a mark.
var low = map[rune][5]byte{
	'A': {0x0E, 0x11, 0x1F, 0x11, 0x11},
	'E': {0x1F, 0x10, 0x1E, 0x10, 0x1F},
	'I': {0x0E, 0x04, 0x04, 0x04, 0x0E},
	'N': {0x11, 0x19, 0x15, 0x13, 0x11},
	'O': {0x1F, 0x11, 0x11, 0x11, 0x1F},
	'U': {0x11, 0x11, 0x11, 0x11, 0x0E},
	'Y': {0x11, 0x0A, 0x04, 0x04, 0x04},
	'ı': {0x0C, 0x04, 0x04, 0x04, 0x0E},
}

// compose draws a letter with a mark above it, or with a cedilla.
func compose(f map[rune][8]byte, letter rune, mark [2]byte) [8]byte {
	rows := f[letter]
	if letter == 'C' || letter == 'c' {
		rows[7] = 0x0C
		return rows
	}
	if body, ok := low[letter]; ok {
		rows = [8]byte{}
		copy(rows[2:], body[:])
	}
	rows[0], rows[1] = mark[0], mark[1]
	return rows
}
