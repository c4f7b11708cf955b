// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"math/bits"
	"time"
)

// The buckets of a Histogram cover 10 µs to 100 s in seven decades of 32, so that
// decimal bounds such as 2.5 ms or 0.5 s are bounds of buckets:
//
//	1.0 to 2.0 of a decade in steps of 0.1   10 buckets
//	2.0 to 5.0             in steps of 0.25  12 buckets
//	5.0 to 10              in steps of 0.5   10 buckets
//
// A bucket is at most 12.5 % wide. One more bucket stands below (up to 10 µs) and
// one above. A bucket holds lower < ns <= upper, as Prometheus means "le".
const (
	histUnit    = 100 // ns; what the bounds are multiples of
	histDecades = 7
	perDecade   = 32
	numBuckets  = 1 + histDecades*perDecade + 1
)

// decadeStart holds the first bound of each decade in units, and the end of the
// last: 100 units are 10 µs.
var decadeStart = [histDecades + 1]uint64{
	100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
}

// decadeGuess gives, by bit length, the highest decade that a number of units
// of that length can lie in.
var decadeGuess = func() (g [31]uint8) {
	for n := range g {
		for d := range histDecades {
			if decadeStart[d] < 1<<n {
				g[n] = uint8(d)
			}
		}
	}
	return g
}()

// A Histogram counts durations. It has one writer, like a [Counter]; it takes
// 1.8 KiB and never allocates. The zero value is ready.
type Histogram struct {
	buckets [numBuckets]Counter
	sum     Counter // ns
}

// Observe counts a duration in nanoseconds; a negative one counts as 0.
func (h *Histogram) Observe(ns int64) {
	ns = max(ns, 0)
	h.buckets[bucketOf(ns)].Add(1)
	h.sum.Add(uint64(ns))
}

// bucketOf returns the index of the bucket that ns, at least 0, belongs to.
func bucketOf(ns int64) int {
	u := uint64(max(ns-1, 0)) / histUnit // ns-1: the upper bound belongs to the bucket
	if u < decadeStart[0] {
		return 0
	}
	if u >= decadeStart[histDecades] {
		return numBuckets - 1
	}
	d := int(decadeGuess[bits.Len64(u)])
	if u < decadeStart[d] {
		d--
	}
	tenth := uint32(decadeStart[d] / 10) // at least 10 units
	v := uint32(u)
	i := 1 + d*perDecade
	switch {
	case v < 20*tenth:
		return i + int((v-10*tenth)/tenth)
	case v < 50*tenth:
		return i + 10 + int((v-20*tenth)*2/(5*tenth))
	default:
		return i + 22 + int((v-50*tenth)/(5*tenth))
	}
}

// upperBound returns the upper bound of bucket i in nanoseconds. The last bucket
// has none; its lower bound stands for it.
func upperBound(i int) int64 {
	if i == 0 {
		return int64(decadeStart[0] * histUnit)
	}
	i = min(i, numBuckets-2) - 1
	start := int64(decadeStart[i/perDecade] * histUnit)
	switch k := int64(i % perDecade); {
	case k < 10:
		return start + (k+1)*start/10
	case k < 22:
		return 2*start + (k-9)*start/4
	default:
		return 5*start + (k-21)*start/2
	}
}

// HistogramTotals is what histograms held at one moment, added up.
type HistogramTotals struct {
	buckets [numBuckets]uint64
	sum     uint64 // ns
}

// AddFrom adds what h holds now.
func (t *HistogramTotals) AddFrom(h *Histogram) {
	for i := range h.buckets {
		t.buckets[i] += h.buckets[i].Value()
	}
	t.sum += h.sum.Value()
}

// Merge adds what o holds.
func (t *HistogramTotals) Merge(o *HistogramTotals) {
	for i := range o.buckets {
		t.buckets[i] += o.buckets[i]
	}
	t.sum += o.sum
}

// Sub takes away what o holds, an earlier state of the same histograms.
func (t *HistogramTotals) Sub(o *HistogramTotals) {
	for i := range o.buckets {
		t.buckets[i] -= o.buckets[i]
	}
	t.sum -= o.sum
}

// Count returns how many durations were observed.
func (t *HistogramTotals) Count() uint64 {
	var n uint64
	for _, b := range t.buckets {
		n += b
	}
	return n
}

// Sum returns the sum of the durations.
func (t *HistogramTotals) Sum() time.Duration { return time.Duration(t.sum) }

// Mean returns the mean duration, 0 if there is none.
func (t *HistogramTotals) Mean() time.Duration {
	n := t.Count()
	if n == 0 {
		return 0
	}
	return time.Duration(t.sum / n)
}

// Quantile returns the duration that the share q (0 to 1) of all observations do
// not exceed, to within a bucket (12.5 % at most, from 10 µs to 100 s; beyond
// that the bound itself). It returns 0 if there is no observation.
func (t *HistogramTotals) Quantile(q float64) time.Duration {
	n := t.Count()
	if n == 0 {
		return 0
	}
	rank := min(max(q, 0), 1) * float64(n)
	var below float64
	for i, b := range t.buckets {
		if b == 0 || below+float64(b) < rank {
			below += float64(b)
			continue
		}
		upper := upperBound(i)
		if i == numBuckets-1 {
			return time.Duration(upper)
		}
		var lower int64
		if i > 0 {
			lower = upperBound(i - 1)
		}
		return time.Duration(float64(lower) + float64(upper-lower)*(rank-below)/float64(b))
	}
	return time.Duration(upperBound(numBuckets - 1))
}
