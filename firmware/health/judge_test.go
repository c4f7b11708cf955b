// SPDX-License-Identifier: Apache-2.0

package health

import (
	"strings"
	"testing"
)

// results turns a word into results: g good, b bad, u unavailable, a abstain, l a
// load of one half, o an agent that asks out.
func results(word string) []Result {
	var rs []Result
	for _, c := range word {
		r := map[rune]Result{
			'g': {Outcome: Good, Reason: OK},
			'b': {Outcome: Bad, Reason: Refused},
			'u': {Outcome: Unavailable, Reason: Permission},
			'a': {Outcome: Abstain, Reason: Refused},
			'l': {Outcome: Good, Reason: OK, HasLoad: true, Load: 0.5},
			'o': {Outcome: Good, Reason: AskedOut, HasLoad: true, Load: Out},
		}[c]
		rs = append(rs, r)
	}
	return rs
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name       string
		rise, fall int
		results    string
		want       string // the state after each: c, u or d
	}{
		{"first good answer is up", 2, 3, "g", "u"},
		{"first good answer is up after bad ones", 2, 3, "bbg", "ccu"},
		{"down from the start takes fall", 2, 3, "bbb", "ccd"},
		{"up stays up until fall", 2, 3, "gbbgbbb", "uuuuuud"},
		{"only bad ones in a row count", 2, 3, "gbbgbbgbbg", "uuuuuuuuuu"},
		{"down stays down until rise", 3, 1, "bgggb", "dddud"},
		{"only good ones in a row count", 2, 1, "bgbgbgg", "ddddddu"},
		{"fall 1", 1, 1, "bgbg", "dudu"},
		{"unavailable is no verdict", 2, 3, "uuuuuu", "cccccc"},
		{"unavailable never takes down", 2, 1, "guuuuu", "uuuuuu"},
		{"unavailable is no way back up", 2, 1, "buuuuu", "dddddd"},
		{"unavailable does not break a row", 2, 3, "gbubub", "uuuuud"},
		{"out acts at once", 2, 3, "lo", "ud"},
		{"out acts at the start", 2, 3, "o", "d"},
		{"back from out at once", 2, 3, "loool", "udddu"},
		{"bad after out needs rise to come back", 2, 3, "lobbbll", "udddddu"},
		{"few bad after out need no rise", 2, 3, "lobbl", "udddu"},
		{"silence of an agent changes nothing", 2, 3, "aaaa", "cccc"},
		{"silence ends what an agent said", 2, 3, "laaa", "uuuc"},
		{"silence ends an out", 2, 3, "oaaa", "dddc"},
		{"only silence in a row counts", 2, 3, "oaaoaa", "dddddd"},
		{"after silence the first answer counts", 2, 3, "oaaal", "dddcu"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := NewJudge(tt.rise, tt.fall)
			got := ""
			before := Checking
			for i, r := range results(tt.results) {
				v := j.Step(r)
				got += v.State.String()[:1]
				if v.State != j.State() || v.Changed != (v.State != before) {
					t.Errorf("result %d of %q: verdict %+v after %v, state is %v",
						i, tt.results, v, before, j.State())
				}
				before = v.State
			}
			if got != tt.want {
				t.Errorf("%q with rise %d, fall %d = %q, want %q",
					tt.results, tt.rise, tt.fall, got, tt.want)
			}
		})
	}
}

// TestJudgeAgainstHistory compares the Judge with a slow one that looks at the
// whole history again for each result.
func TestJudgeAgainstHistory(t *testing.T) {
	const rise, fall, length = 2, 3, 7
	for n := range 1 << (2 * length) {
		j := NewJudge(rise, fall)
		var history strings.Builder
		want := Checking
		for i := range length {
			c := "gbub"[n>>(2*i)&3]
			j.Step(results(string(c))[0])
			if c != 'u' {
				history.WriteByte(c)
			}
			h := history.String()
			switch {
			case c == 'g' && want == Checking, strings.HasSuffix(h, "gg"):
				want = Up
			case strings.HasSuffix(h, "bbb"):
				want = Down
			}
			if j.State() != want {
				t.Fatalf("after %q: %v, want %v", h, j.State(), want)
			}
		}
	}
}

func TestVerdictTellsTheWay(t *testing.T) {
	j := NewJudge(2, 3)
	refused := Result{Outcome: Bad, Reason: Refused, Detail: "connection refused"}
	ok := Result{Outcome: Good, Reason: OK, Detail: "connected"}
	for i, step := range []struct {
		r    Result
		want string
	}{
		{ok, "connected"},
		{refused, "connection refused (1 of 3)"},
		{refused, "connection refused (2 of 3)"},
		{refused, "connection refused (3 of 3)"},
		{refused, "connection refused"},
		{ok, "connected (1 of 2)"},
		{ok, "connected (2 of 2)"},
	} {
		if got := j.Step(step.r).Reason; got != step.want {
			t.Errorf("step %d: reason %q, want %q", i, got, step.want)
		}
	}
}
