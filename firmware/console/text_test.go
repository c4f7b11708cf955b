// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"
	"time"
)

func TestWrapEndsWithAnyLine(t *testing.T) {
	for _, blanks := range []int{0, 4, 38, 39, 40, 78, 79, 80, 200} {
		text := strings.Repeat(" ", blanks) + strings.Repeat("word ", 40) + strings.Repeat("x", 200)
		done := make(chan []string, 1)
		go func() { done <- wrap(text, strings.Repeat(" ", blanks)) }()
		select {
		case lines := <-done:
			for _, l := range lines {
				if len(l) > width {
					t.Errorf("after %d blanks a line has %d columns: %q", blanks, len(l), l)
				}
			}
			if got := strings.Join(strings.Fields(strings.Join(lines, "")), ""); got != strings.Join(strings.Fields(text), "") {
				t.Errorf("after %d blanks the text is %q", blanks, got)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("a line with %d blanks before it is broken for ever", blanks)
		}
	}
}

func TestTextsFromElsewhereDoNothingToATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"answers in 517µs, or 2 μs": "answers in 517us, or 2 us",
		"a\x1b[2Jb\u00e9":           "a?[2Jb?",
		"several:\nthis\nthat\n":    "several: this; that",
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}
