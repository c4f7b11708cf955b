// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"slices"
	"strings"
	"testing"
)

func TestLetterKeysWaitForProofOfReleases(t *testing.T) {
	const down, up = true, false
	for _, tt := range []struct {
		name, in string
		want     []KeyEvent
	}{
		{"no releases", "CD", []KeyEvent{{Up, down}, {Up, up}, {Down, down}, {Down, up}}},
		{"releases", "CcDd", []KeyEvent{{Up, down}, {Up, up}, {Down, down}, {Down, up}}},
		{"held after proof", "CcD", []KeyEvent{{Up, down}, {Up, up}, {Down, down}}},
		{"two held", "CcDEed", []KeyEvent{{Up, down}, {Up, up}, {Down, down}, {Enter, down}, {Enter, up}, {Down, up}}},
		{"noise is no proof", "cC", []KeyEvent{{Up, down}, {Up, up}}},
		{"another's release is no proof", "CdD", []KeyEvent{{Up, down}, {Up, up}, {Down, down}, {Down, up}}},
		{"proof withdrawn", "CcDD", []KeyEvent{{Up, down}, {Up, up}, {Down, down}, {Down, up}, {Down, down}, {Down, up}}},
		{"unknown letters", "zZ\x00\xff1", nil},
	} {
		keys := map[byte]Key{'C': Up, 'D': Down, 'E': Enter}
		l := letterKeys{keys: keys}
		var got []KeyEvent
		for i := range len(tt.in) {
			got = append(got, l.read(tt.in[i])...)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q = %v, want %v", tt.name, tt.in, got, tt.want)
		}
	}
}

// The bytes are those that were seen at real displays.
func TestEzioKeypadsReadTheirKeys(t *testing.T) {
	for _, tt := range []struct {
		model string
		code  byte
		want  []Key
		ok    bool
	}{
		{"EZIO-100", 0x4F, nil, true},
		{"EZIO-100", 0x4E, []Key{Escape}, true}, {"EZIO-100", 0x4D, []Key{Up}, true},
		{"EZIO-100", 0x4B, []Key{Enter}, true}, {"EZIO-100", 0x47, []Key{Down}, true},
		{"EZIO-300", 0xBF, nil, true},
		{"EZIO-300", 0xB7, []Key{Escape}, true}, {"EZIO-300", 0xBE, []Key{Up}, true},
		{"EZIO-300", 0xBB, []Key{Enter}, true}, {"EZIO-300", 0xBD, []Key{Down}, true},
		{"EZIO-300", 0xBC, []Key{Up, Down}, true},
		{"EZIO-340", 0x3E, nil, true},
		{"EZIO-340", 0x36, []Key{Left}, true}, {"EZIO-340", 0x3A, []Key{Up}, true},
		{"EZIO-340", 0x3C, []Key{Enter}, true}, {"EZIO-340", 0x1E, []Key{Down}, true},
		{"EZIO-340", 0x2E, []Key{Right}, true},
		{"EZIO-300", 0x4F, nil, false}, {"EZIO-100", 0xBF, nil, false}, {"EZIO-340", 0x3F, nil, false},
		{"EZIO-100", 0x00, nil, false}, {"EZIO-100", 0xFF, nil, false}, {"EZIO-100", 0x0F, nil, false},
	} {
		keypad := ezioKeypads[slices.IndexFunc(ezioKeypads, func(k ezioKeypad) bool { return k.model == tt.model })]
		mask, ok := keypad.held(tt.code)
		if ok != tt.ok {
			t.Errorf("%s: %02X is a report: %v, want %v", tt.model, tt.code, ok, tt.ok)
			continue
		}
		if !ok {
			continue
		}
		keys, err := keypad.bitMap(Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []Key
		for bit := byte(1); bit != 0; bit <<= 1 {
			if mask&bit != 0 {
				got = append(got, keys[bit])
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %02X = %v, want %v", tt.model, tt.code, got, tt.want)
		}
	}
}

func TestEzioDebouncerWantsAStateTwice(t *testing.T) {
	d := ezioDebouncer{keys: map[byte]Key{1: Up, 2: Down}}
	var got []KeyEvent
	for _, mask := range []byte{1, 0, 1, 1, 1, 3, 3, 2, 0, 0} {
		events, _ := d.read(mask)
		got = append(got, events...)
	}
	want := []KeyEvent{{Up, true}, {Down, true}, {Up, false}, {Down, false}}
	if !slices.Equal(got, want) {
		t.Errorf("events = %v, want %v", got, want)
	}
}

func TestKeysOfBoardsAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  func(Options) error
		keys map[string]string
		want string // in the error; "" is none
	}{
		{"ezio", ezioError, map[string]string{"b7": "left", "BE": "up"}, ""},
		{"ezio", ezioError, map[string]string{"BF": "up"}, "BF with one bit cleared"},
		{"ezio", ezioError, map[string]string{"up": "up"}, "BF with one bit cleared"},
		{"ezio", ezioError, map[string]string{"3F": "up"}, "no such key"},
		{"ezio", ezioError, map[string]string{"BE": "sideways"}, "key must be one of"},
		{"letters", letterError, map[string]string{"A": "up"}, ""},
		{"letters", letterError, map[string]string{"a": "up"}, "one letter"},
		{"letters", letterError, map[string]string{"AB": "up"}, "one letter"},
		{"letters", letterError, map[string]string{"A": "upp"}, "key must be one of"},
	} {
		err := tt.err(Options{Keys: tt.keys})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %v: error %v, want %q", tt.name, tt.keys, err, tt.want)
		}
	}
}

func ezioError(o Options) error {
	_, err := ezioKeypads[1].bitMap(o)
	return err
}

func letterError(o Options) error {
	_, err := o.letterMap(nil)
	return err
}

func TestKeyLearnerAsksForEachKey(t *testing.T) {
	l := newKeyLearner()
	if l.asks() {
		t.Fatal("it asks before a key was pressed")
	}
	var shown []string
	press := func(b byte) (map[byte]Key, bool) {
		keys, done := l.press(b)
		if !done {
			shown = append(shown, strings.Join(l.text(), "|"))
		}
		return keys, done
	}
	for _, b := range []byte("ABEBBAG") { // begin, up, down, no left, no right, enter, escape
		if _, done := press(b); done {
			t.Fatalf("it is done at %c", b)
		}
	}
	if want := "B = up|E = down|A = enter|G = escape||Any key: go on"; shown[len(shown)-1] != want {
		t.Errorf("the end shows %q, want %q", shown[len(shown)-1], want)
	}
	if want := "Press: enter"; !strings.Contains(shown[4], want) {
		t.Errorf("the fifth question is %q, want %q", shown[4], want)
	}
	keys, done := press('C')
	if !done || len(keys) != 4 || keys['B'] != Up || keys['E'] != Down || keys['A'] != Enter || keys['G'] != Escape {
		t.Errorf("keys = %v, done %v", keys, done)
	}
}

func FuzzLetterKeys(f *testing.F) {
	f.Add([]byte("CcDdDDdEe"))
	f.Fuzz(func(t *testing.T, in []byte) {
		l := letterKeys{keys: map[byte]Key{'C': Up, 'D': Down, 'E': Enter}}
		var down [keyCount]bool
		for _, b := range in {
			for _, e := range l.read(b) {
				if down[e.Key] == e.Down {
					t.Fatalf("%q: %v is told %v twice", in, e.Key, e.Down)
				}
				down[e.Key] = e.Down
			}
			if len(l.down) > 3 {
				t.Fatalf("%q: %d keys are held, of 3", in, len(l.down))
			}
		}
	})
}

func FuzzEzioKeys(f *testing.F) {
	f.Add([]byte{0xFD, 0xBF, 0xFD, 0xBE, 0xFD, 0xBE, 0xFD, 0xFD, 0xBF, 0x00})
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, keypad := range ezioKeypads {
			keys, err := keypad.bitMap(Options{})
			if err != nil {
				t.Fatal(err)
			}
			decoder, bounce := ezioDecoder{}, ezioDebouncer{keys: keys}
			var down [keyCount]bool
			for _, b := range in {
				code, ok := decoder.read(b)
				if !ok {
					continue
				}
				mask, ok := keypad.held(code)
				if other, _ := ezioModelOf(code); ok != (other.model == keypad.model) {
					t.Fatalf("%02X is a report of %s and of %s", code, keypad.model, other.model)
				}
				if !ok {
					continue
				}
				events, _ := bounce.read(mask)
				for _, e := range events {
					if down[e.Key] == e.Down {
						t.Fatalf("% X: %v is told %v twice", in, e.Key, e.Down)
					}
					down[e.Key] = e.Down
				}
			}
		}
	})
}

func FuzzKeyLearner(f *testing.F) {
	f.Add([]byte("ABEBBAGC"))
	f.Fuzz(func(t *testing.T, in []byte) {
		l := newKeyLearner()
		for _, b := range in {
			if keys, done := l.press('A' + b%7); done && (len(keys) == 0 || len(keys) > keyCount) {
				t.Fatalf("%q: %d keys", in, len(keys))
			}
			if n := len(l.text()); n > g500Rows {
				t.Fatalf("%q: %d lines on %d rows", in, n, g500Rows)
			}
			for _, line := range l.text() {
				if len(line) > g500Cols {
					t.Fatalf("%q has more than %d columns", line, g500Cols)
				}
			}
		}
	})
}

func FuzzMatrixOrbitalInput(f *testing.F) {
	f.Add([]byte{0x09, 'C', 'c', 0xFE, 0xFF, 0x2B}, int16(anyByte))
	f.Fuzz(func(t *testing.T, in []byte, want int16) {
		m := &moLink{answers: make(chan byte, 1), flow: make(chan bool, 1)}
		m.keys, m.letters.keys = newKeyQueue(), map[byte]Key{'C': Up}
		m.want.Store(int32(want))
		m.receive(in) // must not wait for anybody
		select {
		case b := <-m.answers:
			if int16(b) != want && want != anyByte {
				t.Fatalf("% X: took %02X for the answer %02X", in, b, want)
			}
			if b == moBufferFull || b == moBufferReady {
				t.Fatalf("% X: took a word about the buffer for an answer", in)
			}
		default:
		}
	})
}

func FuzzParseExpander(f *testing.F) {
	for _, s := range []string{"/dev/i2c-1@0x27", "/dev/i2c-1", "", "@", "/dev/i2c-1@256", "x@39"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, address, err := parseExpander(s)
		if err == nil && address != 0 && (address < 0x08 || address > 0x77) {
			t.Fatalf("%q = %#x", s, address)
		}
	})
}

func TestParseExpander(t *testing.T) {
	for _, tt := range []struct {
		in, path string
		address  int
		ok       bool
	}{
		{"/dev/i2c-1@0x27", "/dev/i2c-1", 0x27, true},
		{"/dev/i2c-0@63", "/dev/i2c-0", 0x3F, true},
		{"/dev/i2c-1", "/dev/i2c-1", 0, true},
		{"", "", 0, false}, {"/dev/i2c-1@", "", 0, false}, {"/dev/i2c-1@0x80", "", 0, false}, {"/dev/i2c-1@0", "", 0, false},
	} {
		path, address, err := parseExpander(tt.in)
		if path != tt.path || address != tt.address || (err == nil) != tt.ok {
			t.Errorf("parseExpander(%q) = %q, %#x, %v", tt.in, path, address, err)
		}
	}
}
