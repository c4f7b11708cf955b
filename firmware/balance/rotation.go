// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"math"

	"evener/firmware/pool"
)

// Lengths of a rotation. Shares whose smallest whole ratio is longer than
// fineRotation are rounded to it, or, in a large pool, to one that gives the
// average member minTurns.
const (
	fineRotation = 8192
	minTurns     = 64
)

// rotation returns an order in which every member comes as often as its share
// says and its turns are spread evenly, as in smooth weighted round robin: 5:1:1
// gives aacaaba, never aaaaabc. Walking it is one addition and one load.
func rotation(shares []pool.Share) []uint16 {
	turns, length := wholeTurns(shares)
	q := make(turnQueue, 0, len(shares))
	for i, n := range turns {
		if n > 0 {
			q = append(q, firstTurn(i, n))
		}
	}
	for i := len(q)/2 - 1; i >= 0; i-- {
		q.down(i)
	}
	order := make([]uint16, length)
	for i := range order {
		order[i] = uint16(q.step())
	}
	return order
}

// wholeTurns returns how many turns each member gets, and their sum.
func wholeTurns(shares []pool.Share) (turns []int64, sum int64) {
	var total, divisor, members int64
	for _, s := range shares {
		if s > 0 {
			total += int64(s)
			divisor = gcd(int64(s), divisor)
			members++
		}
	}
	turns = make([]int64, len(shares))
	length := max(fineRotation, minTurns*members)
	for i, s := range shares {
		switch {
		case s <= 0:
			continue
		case total/divisor <= length:
			turns[i] = int64(s) / divisor
		default:
			turns[i] = max(1, (int64(s)*length+total/2)/total)
		}
		sum += turns[i]
	}
	return turns, sum
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// A turn is a member's next place in the rotation, of the whole: the j-th of n
// turns comes at (j+phase)/n. Each member has a phase of its own, as far from the
// others' as the golden ratio keeps them, or the turns of all light members would
// come together, with one long row of the heavy one's between.
type turn struct {
	member int
	of     float64 // the member's turns in a rotation
	next   float64 // j+phase
	at     float64 // next/of
}

func firstTurn(member int, of int64) turn {
	const golden = 0.6180339887498949
	_, phase := math.Modf(float64(member) * golden)
	return turn{member: member, of: float64(of), next: phase, at: phase / float64(of)}
}

// A turnQueue is a heap of turns, the earliest first, the earlier member first
// among equals.
type turnQueue []turn

// step takes the earliest turn and puts the member's next one in its place.
func (q turnQueue) step() (member int) {
	t := &q[0]
	member = t.member
	t.next++
	t.at = t.next / t.of
	q.down(0)
	return member
}

// down moves the turn at i to below those that come before it.
func (q turnQueue) down(i int) {
	for {
		first := 2*i + 1
		if first >= len(q) {
			return
		}
		if first+1 < len(q) && q.before(first+1, first) {
			first++
		}
		if !q.before(first, i) {
			return
		}
		q[i], q[first] = q[first], q[i]
		i = first
	}
}

func (q turnQueue) before(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].member < q[j].member
}
