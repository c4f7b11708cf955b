// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestBucketOfAgreesWithSearch compares the bucket of a duration with the one
// that a search through all bounds finds.
func TestBucketOfAgreesWithSearch(t *testing.T) {
	search := func(ns int64) int {
		for i := range numBuckets - 1 {
			if ns <= upperBound(i) {
				return i
			}
		}
		return numBuckets - 1
	}
	check := func(ns int64) {
		if got, want := bucketOf(ns), search(ns); got != want {
			t.Fatalf("bucketOf(%d) = %d, want %d", ns, got, want)
		}
	}
	for i := range numBuckets - 1 {
		for d := int64(-101); d <= 101; d++ {
			check(upperBound(i) + d)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		check(rnd.Int64N(1 << rnd.IntN(63)))
	}
	for _, ns := range []int64{0, 1, 99, 100, math.MaxInt64} {
		check(ns)
	}
}

func TestBucketsAreNarrow(t *testing.T) {
	for i := 1; i < numBuckets-1; i++ {
		lower, upper := upperBound(i-1), upperBound(i)
		if upper <= lower || float64(upper-lower)/float64(lower) > 0.125 {
			t.Errorf("bucket %d is (%d, %d]: wider than 12.5 %%", i, lower, upper)
		}
	}
	if got, want := upperBound(0), int64(10_000); got != want {
		t.Errorf("first bound is %d ns, want %d", got, want)
	}
	if got, want := upperBound(numBuckets-2), int64(100e9); got != want {
		t.Errorf("last bound is %d ns, want %d", got, want)
	}
}

// TestQuantileWithinTenPercent compares quantiles with those of the sorted values.
func TestQuantileWithinTenPercent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	shapes := map[string]func() float64{
		"uniform":   func() float64 { return 50e3 + rnd.Float64()*20e6 },
		"lognormal": func() float64 { return math.Exp(rnd.NormFloat64()*0.8) * 3e6 },
		"long tail": func() float64 { return 80e3 / math.Pow(1-rnd.Float64()*0.999, 1.5) },
		"two peaks": func() float64 { return []float64{70e3, 60e9}[rnd.IntN(2)] * (0.9 + rnd.Float64()/5) },
		"constant":  func() float64 { return 1234567 },
		"fast":      func() float64 { return 50e3 + rnd.Float64()*1e3 },
	}
	for name, draw := range shapes {
		t.Run(name, func(t *testing.T) {
			var h Histogram
			values := make([]int64, 20_001)
			for i := range values {
				values[i] = int64(draw())
				h.Observe(values[i])
			}
			slices.Sort(values)
			var tot HistogramTotals
			tot.AddFrom(&h)
			for _, q := range []float64{0.05, 0.25, 0.49, 0.75, 0.9, 0.95, 0.99, 0.999} {
				got := float64(tot.Quantile(q))
				want := float64(values[int(math.Ceil(q*float64(len(values))))-1])
				if math.Abs(got-want)/want > 0.1 {
					t.Errorf("Quantile(%v) = %v, want about %v", q,
						time.Duration(got), time.Duration(want))
				}
			}
		})
	}
}

func TestQuantileAtTheEdges(t *testing.T) {
	var none, fast, slow HistogramTotals
	observe := func(tot *HistogramTotals, ns ...int64) {
		var h Histogram
		for _, n := range ns {
			h.Observe(n)
		}
		tot.AddFrom(&h)
	}
	observe(&fast, -5, 0, 1)
	observe(&slow, 200e9, 300e9)
	tests := []struct {
		name     string
		tot      *HistogramTotals
		q        float64
		min, max time.Duration
	}{
		{"nothing observed", &none, 0.5, 0, 0},
		{"below the first bound", &fast, 0.5, 0, 10 * time.Microsecond},
		{"share above 1", &fast, 7, 0, 10 * time.Microsecond},
		{"share below 0", &fast, -1, 0, 0},
		{"above the last bound", &slow, 0.5, 100 * time.Second, 100 * time.Second},
	}
	for _, tt := range tests {
		if got := tt.tot.Quantile(tt.q); got < tt.min || got > tt.max {
			t.Errorf("%s: Quantile(%v) = %v, want %v to %v", tt.name, tt.q, got, tt.min, tt.max)
		}
	}
	if got, want := slow.Mean(), 250*time.Second; got != want {
		t.Errorf("Mean() = %v, want %v", got, want)
	}
	if got := fast.Count(); got != 3 {
		t.Errorf("Count() = %d, want 3", got)
	}
}

func TestTotalsMergeAndSubtract(t *testing.T) {
	var a, b Histogram
	a.Observe(1e6)
	a.Observe(5e6)
	b.Observe(7e9)
	var first, both HistogramTotals
	first.AddFrom(&a)
	both.AddFrom(&a)
	var second HistogramTotals
	second.AddFrom(&b)
	both.Merge(&second)
	if both.Count() != 3 || both.Sum() != 7006*time.Millisecond {
		t.Errorf("merged: %d, %v; want 3, 7.006s", both.Count(), both.Sum())
	}
	both.Sub(&first)
	if both != second {
		t.Error("what is left after Sub is not what was merged")
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Observe(1234567) }); n != 0 {
		t.Errorf("Observe allocates %v times", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h Histogram
	ns := int64(50_000)
	for b.Loop() {
		h.Observe(ns)
		if ns = ns * 5 / 4; ns > 60e9 {
			ns = 50_000
		}
	}
}

func BenchmarkCounterAdd(b *testing.B) {
	var c Counter
	for b.Loop() {
		c.Add(1)
	}
}
