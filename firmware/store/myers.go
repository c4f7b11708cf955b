// SPDX-License-Identifier: Apache-2.0

package store

import "slices"

// maxEdits bounds the work and the memory of one diff: beyond so many deleted
// and added lines (8 MiB of traces) all between the common first and last lines
// is shown as replaced, which is correct but not short.
const maxEdits = 2000

// edits returns the fewest changes that make b from a, in order, by the greedy
// algorithm of E. Myers, "An O(ND) Difference Algorithm and Its Variations"
// (1986), section 4.
func edits(a, b []string) []edit {
	pre := 0
	for pre < len(a) && pre < len(b) && a[pre] == b[pre] {
		pre++
	}
	post := 0
	for post < len(a)-pre && post < len(b)-pre && a[len(a)-1-post] == b[len(b)-1-post] {
		post++
	}
	am, bm := a[pre:len(a)-post], b[pre:len(b)-post]
	if len(am) == 0 && len(bm) == 0 {
		return nil
	}
	trace := search(am, bm)
	if trace == nil {
		return []edit{{pre, len(a) - post, pre, len(b) - post}}
	}
	return backtrack(trace, len(am), len(bm), pre)
}

// search walks the edit graph until it reaches the end of both texts. trace[d]
// holds, for each diagonal k = x-y from -d to d in steps of two, the furthest x
// that d edits reach. It is nil if more than maxEdits are needed.
func search(a, b []string) [][]int32 {
	var trace [][]int32
	for d := 0; d <= min(len(a)+len(b), maxEdits); d++ {
		v := make([]int32, d+1)
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				x, _ = step(trace[d-1], d, k)
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			v[(k+d)/2] = int32(x)
			if x >= len(a) && x-k >= len(b) {
				return append(trace, v)
			}
		}
		trace = append(trace, v)
	}
	return nil
}

// step returns where the d-th edit lands on diagonal k, and the diagonal that
// it comes from: k+1 adds a line of b, k-1 drops one of a.
func step(prev []int32, d, k int) (x, from int) {
	i := (k + d) / 2 // of diagonal k+1 in prev; k-1 is before it
	if k == -d || k != d && prev[i-1] < prev[i] {
		return int(prev[i]), k + 1
	}
	return int(prev[i-1]) + 1, k - 1
}

// backtrack follows the trace from the ends of both texts to their beginnings
// and joins neighbouring edits. skip is added to all line numbers.
func backtrack(trace [][]int32, x, y, skip int) []edit {
	var es []edit
	for d := len(trace) - 1; d > 0; d-- {
		k := x - y
		land, from := step(trace[d-1], d, k)
		e := edit{a0: land, a1: land, b0: land - k, b1: land - k}
		if from == k+1 {
			e.b0--
		} else {
			e.a0--
		}
		if n := len(es); n > 0 && es[n-1].a0 == e.a1+skip && es[n-1].b0 == e.b1+skip {
			es[n-1].a0, es[n-1].b0 = e.a0+skip, e.b0+skip
		} else {
			es = append(es, edit{e.a0 + skip, e.a1 + skip, e.b0 + skip, e.b1 + skip})
		}
		x, y = e.a0, e.b0
	}
	slices.Reverse(es)
	return es
}
