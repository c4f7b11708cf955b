// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"strings"
	"testing"
)

func TestFontHasDistinctLettersOfLatin1(t *testing.T) {
	seen := map[[8]byte]rune{}
	all := []rune(g500Signs)
	for r := rune(' '); r <= 'ÿ'; r++ {
		if r < 0x7F || r >= 0xA0 {
			all = append(all, r)
		}
	}
	for _, r := range all {
		rows, ok := font[r]
		if !ok {
			t.Errorf("no drawing of %q (%U)", r, r)
			continue
		}
		if r == 0xA0 || r == 0xAD {
			continue // look like space and hyphen
		}
		if other, twice := seen[rows]; twice {
			t.Errorf("%q looks like %q:\n%s", r, other, draw(rows))
		}
		seen[rows] = r
		for y, row := range rows {
			if row > 0x1F {
				t.Errorf("%q: row %d = %#x, want five dots", r, y, row)
			}
		}
	}
}

func TestFontDrawsLetters(t *testing.T) {
	for _, tt := range []struct {
		r    rune
		want string
	}{
		{'R', "####.\n#...#\n#...#\n####.\n#.#..\n#..#.\n#...#\n.....\n"},
		{'ü', ".#.#.\n.....\n#...#\n#...#\n#...#\n#..##\n.##.#\n.....\n"},
		{'É', "...#.\n..#..\n#####\n#....\n####.\n#....\n#####\n.....\n"},
	} {
		if got := draw(font[tt.r]); got != tt.want {
			t.Errorf("drawing of %q =\n%swant\n%s", tt.r, got, tt.want)
		}
	}
}

func TestFontTextIsWhole(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(fontText, "\n"), "\n")
	if len(lines)%9 != 0 {
		t.Fatalf("font.txt has %d lines, want a multiple of 9", len(lines))
	}
	for i := 0; i < len(lines); i += 9 {
		want := 6*len([]rune(lines[i])) - 1
		for y, l := range lines[i+1 : i+9] {
			if len(l) != want || strings.Trim(l, ".# ") != "" {
				t.Errorf("line %d: %q, want %d of . # and space", i+y+2, l, want)
			}
		}
	}
}

func draw(rows [8]byte) string {
	var b strings.Builder
	for _, row := range rows {
		for bit := byte(0x10); bit != 0; bit >>= 1 {
			if row&bit != 0 {
				b.WriteByte('#')
			} else {
				b.WriteByte('.')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
