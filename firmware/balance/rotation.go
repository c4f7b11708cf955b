// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"container/heap"

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
// gives aabaca a, never aaaaabc. Walking it is one addition and one load.
func rotation(shares []pool.Share) []uint16 {
	turns, length := wholeTurns(shares)
	q := make(turnQueue, 0, len(shares))
	for i, n := range turns {
		if n > 0 {
			q = append(q, turn{member: i, of: n, at: 1})
		}
	}
	heap.Init(&q)
	order := make([]uint16, 0, length)
	for range length {
		order = append(order, uint16(q[0].member))
		q[0].at += 2
		heap.Fix(&q, 0)
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

// A turn is a member's next place in the rotation, at/(2*of) of the whole: the
// j-th of n turns comes at the middle of the j-th n-th part.
type turn struct {
	member int
	of     int64 // the member's turns in a rotation
	at     int64 // 1, 3, 5 ...
}

// A turnQueue is a heap of turns, the earliest first, the earlier member first
// among equals.
type turnQueue []turn

func (q turnQueue) Len() int { return len(q) }
func (q turnQueue) Less(i, j int) bool {
	a, b := q[i].at*q[j].of, q[j].at*q[i].of
	return a < b || a == b && q[i].member < q[j].member
}
func (q turnQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push and Pop complete heap.Interface; a rotation only ever fixes the top.
func (q *turnQueue) Push(x any) { *q = append(*q, x.(turn)) }

// Pop removes the last turn.
func (q *turnQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
