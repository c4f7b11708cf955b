// SPDX-License-Identifier: Apache-2.0

package health

import (
	"container/heap"
	"hash/fnv"
	"time"
)

// startSpread is the time over which the first probes of new targets are spread.
const startSpread = 2 * time.Second

// A schedule says when a probe is due. Its times lie on a grid of one interval
// from a common epoch, moved by a phase that follows from the names of pool,
// member and probe alone; so thousands of probes are spread evenly, and a probe
// keeps its place when a new generation mentions it again. Each time is moved up
// to jitter later, by an amount that follows from the names and the number of
// the interval.
type schedule struct {
	epoch    time.Time
	interval time.Duration
	jitter   time.Duration
	seed     uint64
}

func newSchedule(epoch time.Time, pool, member string, p ProbeConfig) schedule {
	h := fnv.New64a()
	for _, s := range []string{pool, member, p.Name} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return schedule{
		epoch:    epoch,
		interval: p.Interval,
		jitter:   p.Interval / 100 * time.Duration(p.Jitter),
		seed:     mix(h.Sum64()),
	}
}

// first returns when a probe that is new at now is due: soon, because nothing is
// known yet, but not at the same moment as all others.
func (s schedule) first(now time.Time) time.Time {
	return now.Add(fraction(mix(s.seed+1), min(s.interval, startSpread)))
}

// next returns the first time of the grid that is at least half an interval
// after asked and later than now. Times that have passed are left out: a box
// that was stopped for a minute does not catch up.
func (s schedule) next(asked, now time.Time) time.Time {
	phase := fraction(s.seed, s.interval)
	from := now
	if t := asked.Add(s.interval / 2); t.After(from) {
		from = t
	}
	k := int64((from.Sub(s.epoch) - phase) / s.interval)
	for {
		due := s.epoch.Add(phase + time.Duration(k)*s.interval)
		due = due.Add(fraction(mix(s.seed^uint64(k)*0x9e3779b97f4a7c15), s.jitter))
		if due.After(from) {
			return due
		}
		k++
	}
}

// fraction returns the share of d that h is of all 64-bit numbers, at a
// resolution of 1/65536.
func fraction(h uint64, d time.Duration) time.Duration {
	whole, part := d>>16, d&0xffff
	f := time.Duration(h >> 48)
	return whole*f + part*f>>16
}

// mix spreads the bits of x over the whole word (the finalizer of MurmurHash3).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// A queue holds the probes that wait, the earliest first.
type queue []*probe

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, k int) bool { return q[i].due.Before(q[k].due) }

func (q queue) Swap(i, k int) {
	q[i], q[k] = q[k], q[i]
	q[i].place, q[k].place = i, k
}

// Push appends x for package heap; use add.
func (q *queue) Push(x any) {
	p := x.(*probe)
	p.place = len(*q)
	*q = append(*q, p)
}

// Pop takes the last element off for package heap; use take.
func (q *queue) Pop() any {
	old := *q
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	p.place = -1
	return p
}

func (q *queue) add(p *probe) { heap.Push(q, p) }

// take removes p, which may be out of the queue already.
func (q *queue) take(p *probe) {
	if p.place >= 0 {
		heap.Remove(q, p.place)
	}
}
