// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"slices"
)

// A Verdict says what became of one member when one was to be chosen.
type Verdict struct {
	Member int
	Name   string
	Chosen bool
	Why    string  // in words for people: why it was chosen, or why not
	Share  float64 // of the traffic that it should get, 0 to 1
	Active int64
}

// Explain says, for every member in order, whether a pick with these arguments
// would choose it, and why or why not. It changes nothing: c is a copy.
func Explain(s *Set, c Cursor, key uint64, tried []int, loop int) []Verdict {
	chosen := c.Pick(s, key, tried, loop)
	verdicts := make([]Verdict, len(s.snap.Members))
	for i := range verdicts {
		v := &verdicts[i]
		*v = Verdict{
			Member: i, Name: s.snap.Members[i].Name, Chosen: i == chosen,
			Share: s.share(i), Active: s.lives[i].Active(),
		}
		switch why := s.snap.Why(i); {
		case i == chosen:
			v.Why = s.whyChosen(i, key)
		case why != "":
			v.Why = why
		case slices.Contains(tried, i):
			v.Why = "tried already for this exchange"
		default:
			v.Why = s.whyNot(i, chosen)
		}
	}
	return verdicts
}

func (s *Set) whyChosen(i int, key uint64) string {
	switch s.method {
	case fewest:
		return "fewest active for its weight: " + s.loadText(i)
	case betterOfTwo:
		return "the less loaded of two drawn at random: " + s.loadText(i)
	case byKey:
		if home := s.home(key); home != i {
			return fmt.Sprintf("next in the hash table after %s, which cannot be had", s.name(home))
		}
		return "the key's place in the hash table"
	}
	return "its turn; " + s.shareText(i)
}

func (s *Set) whyNot(i, chosen int) string {
	switch s.method {
	case fewest:
		if l, than := s.load(i), s.load(chosen); !than.less(l) && !l.less(than) {
			return "as loaded as " + s.name(chosen) + ", whose turn it is: " + s.loadText(i)
		}
		return "more loaded than " + s.name(chosen) + ": " + s.loadText(i)
	case betterOfTwo:
		return "not drawn, or more loaded than " + s.name(chosen) + ": " + s.loadText(i)
	case byKey:
		return "the key leads to " + s.name(chosen)
	}
	return "not its turn; " + s.shareText(i)
}

// home returns the member at the key's own place of the table.
func (s *Set) home(key uint64) int { return int(s.order[scale(mix(key), tableSize)]) }

func (s *Set) name(i int) string { return s.snap.Members[i].Name }

func (s *Set) shareText(i int) string {
	return fmt.Sprintf("it gets %.1f %% of the turns", 100*s.share(i))
}

func (s *Set) loadText(i int) string {
	return fmt.Sprintf("%d active, weight %d", s.lives[i].Active(), s.snap.Members[i].Static)
}
