// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"cmp"
	"slices"
	"time"
)

// An Answer is what a server has said.
type Answer struct {
	Offset   time.Duration // to be added to the own clock
	Distance time.Duration // the most that Offset can be wrong: the root distance of RFC 5905
	Delay    time.Duration // there and back
	Stratum  int           // 1 to 15
	Leap     Leap          // at the end of this month
}

// A Leap is what happens to the last minute of a month.
type Leap uint8

// The leaps.
const (
	NoLeap Leap = iota
	LongMinute
	ShortMinute
)

// A chosen is what most servers agree on.
type chosen struct {
	offset, err time.Duration
	stratum     int // of the best
	leap        Leap
	good        []bool // by answer
	n           int    // of those
}

// leastError bounds how exact a server can be; without it one that claims to be
// perfect would agree with nobody.
const leastError = time.Millisecond

// choose finds the largest group of answers whose intervals of offset ± distance
// have a point in common (Marzullo's algorithm, as in RFC 5905, section 11.2.1), and
// takes the mean of theirs, the surer ones counting more. It reports whether the
// group is a majority: of one answer, one is.
func choose(answers []Answer) (c chosen, ok bool) {
	type edge struct {
		at   time.Duration
		open int // 1 begins, -1 ends
	}
	var edges []edge
	for _, a := range answers {
		d := max(a.Distance, leastError)
		edges = append(edges, edge{a.Offset - d, 1}, edge{a.Offset + d, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), b.open-a.open)
	})
	var low, high time.Duration
	best, depth := 0, 0
	for i, e := range edges {
		if depth += e.open; depth > best {
			best, low, high = depth, e.at, edges[i+1].at
		}
	}
	if 2*best <= len(answers) {
		return chosen{}, false
	}
	c.good = make([]bool, len(answers))
	leaps := map[Leap]int{}
	var sum, weights float64
	for i, a := range answers {
		d := max(a.Distance, leastError)
		if a.Offset-d > low || a.Offset+d < high {
			continue
		}
		c.good[i] = true
		c.n++
		w := 1 / d.Seconds()
		sum, weights = sum+w*a.Offset.Seconds(), weights+w
		leaps[a.Leap]++
		if c.stratum == 0 || a.Stratum < c.stratum {
			c.stratum = a.Stratum
		}
	}
	c.offset = time.Duration(sum / weights * float64(time.Second))
	c.err = max(high-c.offset, c.offset-low)
	for l, n := range leaps {
		if 2*n > c.n {
			c.leap = l
		}
	}
	return c, true
}

// An action is what is to be done with a difference.
type action uint8

const (
	slew   action = iota
	step          // set the clock at once
	wait          // ask again before it is believed
	refuse        // too much to be believed
)

// decide says how a difference is corrected. Kept: somebody has kept the clock right
// so far. Again: the round before said the same.
func decide(offset time.Duration, n int, kept, again bool) action {
	switch d := offset.Abs(); {
	case d <= StepAtStart:
		return slew
	case !kept:
		return step
	case d <= MostSlew:
		return slew
	case !again:
		return wait
	case d > MostTrust && n < 3:
		return refuse
	}
	return step
}
