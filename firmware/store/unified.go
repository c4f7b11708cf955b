// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"strings"
)

// context is how many unchanged lines a diff shows around a change.
const context = 3

// Unified returns the difference between two texts in the unified format of
// diff -u, under the names given, or "" if they are equal. It finds the fewest
// changed lines, unless there are very many: see maxEdits.
func Unified(oldName, newName, old, text string) string {
	if old == text {
		return ""
	}
	a, b := lines(old), lines(text)
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", oldName, newName)
	for _, h := range hunks(edits(a, b)) {
		h.write(&out, a, b)
	}
	return out.String()
}

// lines splits s after each newline. A last line without one stays without.
func lines(s string) []string {
	ls := strings.SplitAfter(s, "\n")
	if ls[len(ls)-1] == "" {
		ls = ls[:len(ls)-1]
	}
	return ls
}

// An edit replaces the lines a0 to a1 of the old text by b0 to b1 of the new
// one; the ends are exclusive.
type edit struct{ a0, a1, b0, b1 int }

// A hunk is a run of edits that are shown together.
type hunk []edit

// hunks groups edits whose contexts touch.
func hunks(es []edit) []hunk {
	var hs []hunk
	for _, e := range es {
		if n := len(hs); n > 0 && e.a0-hs[n-1][len(hs[n-1])-1].a1 <= 2*context {
			hs[n-1] = append(hs[n-1], e)
			continue
		}
		hs = append(hs, hunk{e})
	}
	return hs
}

func (h hunk) write(out *strings.Builder, a, b []string) {
	first, last := h[0], h[len(h)-1]
	before, after := min(context, first.a0), min(context, len(a)-last.a1)
	fmt.Fprintf(out, "@@ -%s +%s @@\n",
		span(first.a0-before, last.a1+after), span(first.b0-before, last.b1+after))
	at := first.a0 - before
	for _, e := range h {
		writeLines(out, ' ', a[at:e.a0])
		writeLines(out, '-', a[e.a0:e.a1])
		writeLines(out, '+', b[e.b0:e.b1])
		at = e.a1
	}
	writeLines(out, ' ', a[at:last.a1+after])
}

// span is a range of lines as diff -u counts them: from 1; the length is left
// out if it is 1; an empty range names the line before it.
func span(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func writeLines(out *strings.Builder, mark byte, ls []string) {
	for _, l := range ls {
		out.WriteByte(mark)
		out.WriteString(l)
		if !strings.HasSuffix(l, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
