// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/manage"
)

// typed plays what a terminal sends, after pauses, to a keyboard and returns the
// presses that it makes.
func typed(t *testing.T, strokes ...any) (out []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newKeyboard(func(p manage.PanelPress) {
			line := strings.TrimSpace(p.Key + " " + p.Action)
			if p.Hold > 0 {
				line += fmt.Sprint(" ", time.Duration(p.Hold))
			}
			out = append(out, line)
		})
		for _, s := range strokes {
			switch s := s.(type) {
			case time.Duration:
				for end := time.Now().Add(s); time.Now().Before(end); {
					select {
					case now := <-k.due():
						k.tick(now)
					case <-time.After(time.Until(end)):
					}
				}
			case string:
				if k.take([]byte(s), time.Now()) {
					out = append(out, "quit")
				}
			}
			synctest.Wait()
		}
		k.close()
	})
	return out
}

func TestKeyboardMakesPressesOfStrokes(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name    string
		strokes []any
		want    string
	}{
		{"arrows", []any{"\x1b[A", 200 * ms, "\x1bOB", 200 * ms, "\x1b[C\x1b[D"}, "up, down, right, left"},
		{"enter", []any{"\r", 300 * ms, "\n"}, "enter, enter"},
		{"escape alone", []any{"\x1b", 100 * ms}, "escape"},
		{"a sequence in two parts", []any{"\x1b", 20 * ms, "[A"}, "up"},
		{"escape, then a key", []any{"\x1b\r"}, "escape, enter"},
		{"struck twice", []any{"\r", 150 * ms, "\r"}, "enter, enter"},
		{"held", []any{"\r", 500 * ms, "\r", 30 * ms, "\r", 30 * ms, "\r", 30 * ms, "\r", time.Second}, "enter, enter, enter down, enter up"},
		{"held, then another", []any{"\r", 30 * ms, "\r", 30 * ms, "\x1b[A"}, "enter, enter down, enter up, up"},
		{"held to the end", []any{"\r", 30 * ms, "\r"}, "enter, enter down, enter up"},
		{"h and a key", []any{"h", 200 * ms, "\r", time.Second, "\r"}, "enter 5.2s, enter"},
		{"h twice", []any{"hh\r"}, "enter"},
		{"other keys", []any{"x\x1b[5~\x1b[1;5Ay\x1b[Z", 100 * ms}, ""},
		{"q", []any{"\r", 10 * ms, "q"}, "enter, quit"},
		{"ctrl-c", []any{"\x03"}, "quit"},
	} {
		if got := strings.Join(typed(t, c.strokes...), ", "); got != c.want {
			t.Errorf("%s: presses %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzKeyboard reads anything: each byte is used up, and only keys come out.
func FuzzKeyboard(f *testing.F) {
	f.Add([]byte("\x1b[A\x1bOB\r\x1b[1;5Chq\x1b"))
	f.Add([]byte("\x1b[\x1b[;;;;;;;;;;;;;;;;;;;;;;;;;\xff\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		known := []string{"", "up", "down", "left", "right", "enter", "escape", "hold", "quit"}
		for len(b) > 0 {
			key, n := parseKey(b)
			if !slices.Contains(known, key) || n < 0 || n > len(b) {
				t.Fatalf("parseKey(%q) = %q, %d", b, key, n)
			}
			if n == 0 {
				if b[0] != 0x1B || len(b) > 20 {
					t.Fatalf("parseKey(%q) waits for more", b)
				}
				return
			}
			b = b[n:]
		}
	})
}
