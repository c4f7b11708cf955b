// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestUnified(t *testing.T) {
	for _, c := range []struct{ name, old, text, want string }{
		{"equal", "a\n", "a\n", ""},
		{"both empty", "", "", ""},
		{"from nothing", "", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"to nothing", "a\n", "", "@@ -1 +0,0 @@\n-a\n"},
		{"one line", "a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"},
		{"newline at the end", "a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"two hunks", "a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
			"@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n"},
		{"contexts touch", "a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
			"@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n"},
	} {
		want := c.want
		if want != "" {
			want = "--- old\n+++ new\n" + want
		}
		if got := Unified("old", "new", c.old, c.text); got != want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, want)
		}
	}
}

// Beyond maxEdits the diff is long, but right and soon done.
func TestUnifiedOfUnlikeTextsIsBounded(t *testing.T) {
	var a, b strings.Builder
	for i := range 200_000 {
		fmt.Fprintln(&a, "a", i)
		fmt.Fprintln(&b, "b", i)
	}
	got := Unified("old", "new", "same\n"+a.String(), "same\n"+b.String())
	if apply(t, "same\n"+a.String(), got) != "same\n"+b.String() {
		t.Error("the diff does not give the new text")
	}
}

// FuzzUnified compares the number of changed lines with the slow obvious
// longest common subsequence, and applies the diff.
func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n")
	f.Add("x\n", "x")
	f.Add("", "\n\n")
	f.Fuzz(func(t *testing.T, old, text string) {
		if len(old)+len(text) > 2000 {
			t.Skip()
		}
		checkDiff(t, old, text)
	})
}

func TestUnifiedOnRandomTexts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func() string {
		var b strings.Builder
		for range rng.IntN(40) {
			b.WriteByte("abcd"[rng.IntN(4)])
			if rng.IntN(3) > 0 {
				b.WriteByte('\n')
			}
		}
		return b.String()
	}
	for range 3000 {
		checkDiff(t, random(), random())
	}
}

func checkDiff(t *testing.T, old, text string) {
	t.Helper()
	diff := Unified("old", "new", old, text)
	if got := apply(t, old, diff); got != text {
		t.Fatalf("diff of %q and %q gives %q:\n%s", old, text, got, diff)
	}
	changed := 0
	for _, e := range edits(lines(old), lines(text)) {
		changed += e.a1 - e.a0 + e.b1 - e.b0
	}
	a, b := lines(old), lines(text)
	if want := len(a) + len(b) - 2*common(a, b); changed != want {
		t.Fatalf("diff of %q and %q changes %d lines, want %d:\n%s", old, text, changed, want, diff)
	}
}

// common is the length of the longest common subsequence, by the book.
func common(a, b []string) int {
	prev := make([]int, len(b)+1)
	for i := range a {
		cur := make([]int, len(b)+1)
		for j := range b {
			cur[j+1] = max(prev[j+1], cur[j])
			if a[i] == b[j] {
				cur[j+1] = prev[j] + 1
			}
		}
		prev = cur
	}
	return prev[len(b)]
}

// apply is a small patch(1) that wants every line to be where the diff says.
func apply(t *testing.T, old, diff string) string {
	t.Helper()
	if diff == "" {
		return old
	}
	a, at := lines(old), 0
	var out strings.Builder
	ls := lines(diff)[2:]
	for i, l := range ls {
		text := l[1:]
		if i+1 < len(ls) && ls[i+1][0] == '\\' {
			text = strings.TrimSuffix(text, "\n")
		}
		switch l[0] {
		case '@':
			from := hunkStart(t, l)
			out.WriteString(strings.Join(a[at:from], ""))
			at = from
		case ' ', '-':
			if a[at] != text {
				t.Fatalf("line %d is %q, not %q:\n%s", at+1, a[at], text, diff)
			}
			at++
		}
		if l[0] == ' ' || l[0] == '+' {
			out.WriteString(text)
		}
	}
	return out.String() + strings.Join(a[at:], "")
}

// hunkStart is the number of old lines before the hunk with the head l.
func hunkStart(t *testing.T, l string) int {
	t.Helper()
	span, _, _ := strings.Cut(strings.TrimPrefix(l, "@@ -"), " ")
	first, length, some := strings.Cut(span, ",")
	n, err := strconv.Atoi(first)
	if err != nil {
		t.Fatalf("hunk %q: %v", l, err)
	}
	if some && length == "0" {
		return n
	}
	return n - 1
}
