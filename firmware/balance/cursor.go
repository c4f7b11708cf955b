// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"math/bits"

	"evener/firmware/pool"
)

// A Cursor is one loop's place in one view. The zero Cursor is ready; loops do
// not share one. It is a plain value: a copy of it picks as it would have.
//
// It holds a count of turns, no index, so it fits every Set: when the Set
// changes, it goes on in the middle of the new rotation. Each loop begins at
// another place, so that loops do not march in step.
type Cursor struct {
	turns   uint64 // picks made
	spilled uint64 // steps made in search of a substitute
	random  uint64
}

// Pick returns the index of a member of s.Snapshot().Members, or -1 if there is
// none that is usable, not full and not among tried. key matters to the hash
// policies only; it need not be well mixed. Nothing is acquired: a member may be
// full by the time that the caller does so, who then adds it to tried and picks
// again.
func (c *Cursor) Pick(s *Set, key uint64, tried []int, loop int) int {
	if len(s.snap.Usable) == 0 {
		return -1
	}
	switch s.method {
	case inTurn:
		return c.inTurn(s, tried, loop)
	case fewest:
		return c.fewest(s, tried, loop)
	case betterOfTwo:
		return c.betterOfTwo(s, tried, loop)
	}
	return s.byKey(key, tried)
}

// Peek returns what Pick would, and changes nothing.
func (c *Cursor) Peek(s *Set, key uint64, tried []int, loop int) int {
	scratch := *c
	return scratch.Pick(s, key, tried, loop)
}

// inTurn takes the next of the rotation. If it cannot be had, its turn goes to a
// substitute from a second walk over the same rotation: the substitutes take
// turns too, by their shares, and the neighbour of a full member is not swamped.
func (c *Cursor) inTurn(s *Set, tried []int, loop int) int {
	n := len(s.order)
	i := int(s.order[place(c.turns, n, loop)])
	c.turns++
	if s.free(i, tried) {
		return i
	}
	for range 2*len(s.snap.Usable) + 8 {
		i = int(s.order[place(c.spilled, n, loop)])
		c.spilled++
		if s.free(i, tried) {
			return i
		}
	}
	c.spilled++
	return s.first(place(c.spilled, len(s.snap.Usable), loop), tried)
}

// place returns the place after so many turns in an order of length n, for a
// loop that began at its own part of it: loops divide it as evenly as the golden
// ratio does.
func place(turns uint64, n, loop int) int {
	return int((turns + uint64(scale(uint64(loop)*0x9e3779b97f4a7c15, n))) % uint64(n))
}

// first returns the first member that can be had, going through the usable ones
// from place from.
func (s *Set) first(from int, tried []int) int {
	u := s.snap.Usable
	for k := range u {
		if i := u[(from+k)%len(u)]; s.free(i, tried) {
			return i
		}
	}
	return -1
}

// maxCompared is how many members fewest compares for one pick. Of a larger pool
// it takes the next so many in turn: that bounds the cost, and the least loaded
// of 64 is hardly worse than that of all.
const maxCompared = 64

// fewest takes the member with the smallest (active+1)/share, the next in turn
// among equals.
func (c *Cursor) fewest(s *Set, tried []int, loop int) int {
	u := s.snap.Usable
	at := place(c.turns, len(u), loop)
	c.turns++
	best := -1
	var least load
	for k := 0; k < len(u) && (k < maxCompared || best < 0); k++ {
		i := u[at]
		if at++; at == len(u) {
			at = 0
		}
		if !s.free(i, tried) {
			continue
		}
		if l := s.load(i); best < 0 || l.less(least) {
			best, least = i, l
		}
	}
	return best
}

// A load is (active+1)/share, kept apart so that comparing is exact.
type load struct {
	active uint64 // and one more
	share  uint64
}

func (s *Set) load(i int) load {
	return load{uint64(max(s.lives[i].Active(), 0)) + 1, uint64(s.shares[i])}
}

func (l load) less(o load) bool { return l.active*o.share < o.active*l.share }

// betterOfTwo draws two members, each as likely as its share says, and takes the
// one with the smaller load. One that cannot be had is drawn again a few times.
func (c *Cursor) betterOfTwo(s *Set, tried []int, loop int) int {
	best := -1
	for drawn, tries := 0, 0; drawn < 2 && tries < 8; tries++ {
		i := int(s.order[scale(c.next(loop), len(s.order))])
		if !s.free(i, tried) {
			continue
		}
		drawn++
		if best < 0 || s.load(i).less(s.load(best)) {
			best = i
		}
	}
	if best >= 0 {
		return best
	}
	return s.first(scale(c.next(loop), len(s.snap.Usable)), tried)
}

// next returns the next random number of this loop's own sequence.
func (c *Cursor) next(loop int) uint64 {
	c.random++
	return mix(c.random ^ bits.Reverse64(uint64(loop)+1))
}

// byKey takes the key's place in the Maglev table, or if its member cannot be had
// the next place that holds one that can: the same substitute each time.
func (s *Set) byKey(key uint64, tried []int) int {
	h := mix(key)
	at := scale(h, tableSize)
	for range 4*len(s.snap.Usable) + 8 {
		if i := int(s.order[at]); s.free(i, tried) {
			return i
		}
		if at++; at == tableSize {
			at = 0
		}
	}
	return s.first(scale(mix(h), len(s.snap.Usable)), tried)
}

// share returns what part of the traffic member i should get, of 1.
func (s *Set) share(i int) float64 {
	var sum pool.Share
	for _, v := range s.shares {
		sum += v
	}
	if sum == 0 {
		return 0
	}
	return float64(s.shares[i]) / float64(sum)
}
