// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"slices"
)

// meant returns ` (did you mean "x"?)` for the word nearest to s, or "".
func meant(s string, among []string) string {
	if n := nearest(s, among); n != "" {
		return fmt.Sprintf(" (did you mean %q?)", n)
	}
	return ""
}

// nearest returns the word that s most likely was meant to be: the fewest edits
// away, at most a third of its length and at least one; the first in the
// alphabet of equals; "" if there is none.
func nearest(s string, among []string) string {
	if len(s) > 64 {
		return ""
	}
	words := slices.Sorted(slices.Values(among))
	best, word := max(1, len(s)/3)+1, ""
	for _, w := range words {
		if d := edits(s, w); d < best {
			best, word = d, w
		}
	}
	return word
}

// edits returns how many insertions, deletions, replacements and swaps of
// neighbours make b from a (optimal string alignment).
func edits(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			d := prev[j]
			if a[i] != b[j] {
				d++
			}
			d = min(d, prev[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			cur[j+1] = d
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
