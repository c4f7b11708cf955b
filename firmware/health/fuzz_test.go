// SPDX-License-Identifier: Apache-2.0

package health

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
)

func FuzzParseAgent(f *testing.F) {
	for _, s := range []string{"0", "100", "-1", "101", "-2", "007", "+1", "", "1e2", "0100", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseAgent(s)
		want, wantErr := strconv.Atoi(s)
		valid := wantErr == nil && want >= -1 && want <= 100 && s[0] != '+' && len(s) <= 3 &&
			(s[0] != '-' || s == "-1")
		if valid != (err == nil) || valid && n != want {
			t.Errorf("parseAgent(%q) = %d, %v; want %d, valid %v", s, n, err, want, valid)
		}
	})
}

func FuzzParseSimple(f *testing.F) {
	for _, s := range []string{"0", "1.5", "-1", "1e3", "inf", "NaN", "0x1p4", "1_0", "", ".", "1e999"} {
		f.Add(s, 0.0, 100.0)
	}
	f.Add("5", 1e308, -1e308)
	f.Fuzz(func(t *testing.T, s string, healthy, loaded float64) {
		n, err := parseSimple(s)
		if err == nil && (math.IsNaN(n) || math.IsInf(n, 0) || strings.ContainsAny(s, "xXpP_infaINFA")) {
			t.Errorf("parseSimple(%q) = %v, want an error", s, n)
		}
		p := ProbeConfig{Type: Simple, Healthy: healthy, Loaded: loaded}
		if p.Check() != nil {
			return
		}
		r := simpleProber{question{ProbeConfig: p.withDefaults()}}.answered(s)
		if r.HasLoad != (err == nil) || r.Load != Out && !(r.Load >= 0 && r.Load <= 1) {
			t.Errorf("answer %q between %v and %v = %+v, want a load of 0 to 1 or out", s, healthy, loaded, r)
		}
	})
}

func FuzzParseEchoReply(f *testing.F) {
	f.Add(echo{id: 1, seq: 2, data: []byte("data")}.request(false), false)
	f.Add([]byte{0, 0, 0xff, 0xfc, 0, 1, 0, 2}, false)
	f.Add([]byte{129, 0, 0, 0, 0, 1, 0, 2, 3}, true)
	f.Add([]byte{0}, false)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		e, ok := parseEchoReply(b, v6)
		if !ok {
			return
		}
		// What was parsed, written as a request, differs in type and checksum only.
		again := e.request(v6)
		if !bytes.Equal(again[4:], b[4:]) || again[1] != b[1] || !e.answers(e) {
			t.Errorf("parse of % x = %+v, which is % x", b, e, again)
		}
		if !v6 && checksum(again) != 0 {
			t.Errorf("checksum over % x is not 0", again)
		}
	})
}

func FuzzReadWord(f *testing.F) {
	f.Add("42\nrest")
	f.Add(strings.Repeat("x", 100))
	f.Fuzz(func(t *testing.T, s string) {
		word, err := readWord(strings.NewReader(s))
		slow, slowErr := readWord(iotest.OneByteReader(strings.NewReader(s)))
		line, _, _ := strings.Cut(s, "\n")
		if len(line) > maxWord {
			if err == nil || slowErr == nil {
				t.Errorf("readWord(%q) = %q, %q; want errors", s, word, slow)
			}
			return
		}
		if s == "" {
			return
		}
		if err != nil || string(word) != line || slowErr != nil || string(slow) != line {
			t.Errorf("readWord(%q) = %q, %v and %q, %v; want %q", s, word, err, slow, slowErr, line)
		}
	})
}

func FuzzPrintable(f *testing.F) {
	f.Add([]byte("a\r\nb\x1b[31m\xff\u202e"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range []string{printable(b), line(string(b))} {
			for _, r := range s {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Errorf("%q holds %q", s, r)
				}
			}
		}
		if s := line(string(b)); len(s) > maxLine || strings.Contains(s, "\n") {
			t.Errorf("line of %d bytes: %q", len(s), s)
		}
	})
}
