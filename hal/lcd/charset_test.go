// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"testing"
	"testing/synctest"
)

func TestCharsetsEncode(t *testing.T) {
	for _, c := range []struct {
		chars *Charset
		r     rune
		want  int // -1: none
	}{
		{ASCII, 'A', 'A'}, {ASCII, '~', '~'}, {ASCII, 'ä', -1}, {ASCII, 0x7F, -1}, {ASCII, '\n', -1},
		{A00, 'ä', 0xE1}, {A00, '→', 0x7E}, {A00, '~', -1}, {A00, '\\', -1}, {A00, '█', 0xFF},
		{CFA635, '$', 162}, {CFA635, '@', 160}, {CFA635, '[', 250}, {CFA635, '\\', 251}, {CFA635, ']', 252},
		{CFA635, '^', 29}, {CFA635, '_', 196}, {CFA635, '{', 253}, {CFA635, '|', 254}, {CFA635, '}', 255},
		{CFA635, '~', 206}, {CFA635, '`', -1}, {CFA635, '█', 214}, {CFA635, 'ä', 0x7B}, {CFA635, '↑', 0xDE},
	} {
		got, ok := c.chars.Encode(c.r)
		if want := c.want; ok != (want >= 0) || ok && int(got) != want {
			t.Errorf("%v: %q = %#x, %v, want %#x", c.chars, c.r, got, ok, want)
		}
	}
}

func TestFoldFindsTheNearestLetter(t *testing.T) {
	for r, want := range map[rune]rune{
		'a': 'a', 'é': 'e', 'Ł': 'L', 'ä': 'a', 'ß': 's', '…': '.', '→': '>', '✓': '+', '\\': '/', '~': '-',
		'日': '?', '€': 'E', '\u00A0': ' ', 0x1F600: '?', '\n': '?', '0': '0',
	} {
		if got := Fold(r); got != want {
			t.Errorf("Fold(%q) = %q, want %q", r, got, want)
		}
	}
	for r := rune(0); r < 0x3000; r++ {
		if f := Fold(r); f < ' ' || f > '~' {
			t.Errorf("Fold(%q) = %q, want ASCII", r, f)
		}
	}
}

func TestEveryCharsetShowsAllOfASCIISomehow(t *testing.T) {
	for _, chars := range []*Charset{ASCII, A00, CFA635} {
		for r := ' '; r <= '~'; r++ {
			_, own := chars.Encode(r)
			if _, near := chars.Encode(Fold(r)); !own && !near {
				t.Errorf("%v: neither %q nor %q has a code", chars, r, Fold(r))
			}
		}
	}
}

func TestWidthOfRunes(t *testing.T) {
	for r, want := range map[rune]int{'a': 1, 'é': 1, '日': 2, 'ー': 2, '！': 2, 0x301: 0, '█': 1, '가': 2} {
		if got := Width(r); got != want {
			t.Errorf("Width(%q) = %d, want %d", r, got, want)
		}
	}
}

func TestKeyNamesParse(t *testing.T) {
	for k := range Key(keyCount) {
		if got, err := ParseKey(k.String()); got != k || err != nil {
			t.Errorf("ParseKey(%q) = %v, %v", k, got, err)
		}
	}
	if _, err := ParseKey("Up"); err == nil {
		t.Error("a name that is none parses")
	}
}

// TestKeysWithoutAReaderDropTheOldest presses for long: nothing may wait, and
// the last event must be there.
func TestKeysWithoutAReaderDropTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newKeyQueue()
		for range 1_000_000 {
			q.tap(Up)
		}
		q.put(KeyEvent{Enter, true})
		if n := len(q.c); n != keyRoom {
			t.Errorf("%d events wait, want %d", n, keyRoom)
		}
		q.close()
		q.close()
		q.tap(Down) // after the end
		var last KeyEvent
		for e := range q.c {
			last = e
		}
		if last != (KeyEvent{Enter, true}) {
			t.Errorf("the last event is %+v", last)
		}
	})
}
