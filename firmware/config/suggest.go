// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strconv"
	"strings"
)

// DidYouMean is the end of a message about a name that is not there: `; did you mean
// "lan1"?`, or nothing where no candidate is like it.
func DidYouMean(word string, candidates []string) string { return didYouMean(word, candidates) }

// didYouMean returns `; did you mean "weight"?` for the candidate nearest to
// word, or "" when none is near enough to be what was meant.
func didYouMean(word string, candidates []string) string {
	if len(word) < 3 || len(word) > 64 {
		return ""
	}
	best, least := "", len(word)/3+1
	for _, c := range candidates {
		if n := distance(strings.ToLower(word), strings.ToLower(c)); n < least {
			best, least = c, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour that lie between a and b.
func distance(a, b string) int {
	if d := len(a) - len(b); d > len(a)/2+1 || -d > len(a)/2+1 {
		return len(a) + len(b) // too far apart to be worth the table
	}
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// oneOf words a choice: `"http", "tcp" or "udp"`.
func oneOf(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return orList(quoted)
}

// orList joins words with commas and a last "or".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
