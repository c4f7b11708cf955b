// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"slices"
	"testing"

	"evener/firmware/pool"
)

// table returns the names in a pool's Maglev table.
func table(pl *pool.Pool) []string {
	s := Build(URIHash, pl.Load())
	names := make([]string, len(s.order))
	for i, m := range s.order {
		names[i] = s.name(int(m))
	}
	return names
}

// The bands are those of an independent simulation of the paper's algorithm.
func TestMaglevDisruptionIsWithinItsBand(t *testing.T) {
	tests := []struct {
		n, leave int
		extra    float64 // of all keys, beyond those of the members that left
		spread   float64 // largest and smallest share, of the mean
	}{
		{10, 1, 0.010, 0.001},
		{100, 1, 0.010, 0.002},
		{100, 10, 0.025, 0.002},
		{1000, 1, 0.010, 0.02},
		{1000, 100, 0.050, 0.02},
	}
	for _, tt := range tests {
		pl := poolOf(slices.Repeat([]int{100}, tt.n)...)
		before := table(pl)
		for i := range tt.leave {
			pl.SetHealth(i*7%tt.n, pool.Down, "", now)
		}
		after := table(pl)
		had := map[string]int{}
		for _, m := range before {
			had[m]++
		}
		down := map[string]bool{}
		for _, m := range pl.Load().Members {
			down[m.Name] = m.Health == pool.Down
		}
		left, moved := 0, 0
		for i := range before {
			switch {
			case down[before[i]]:
				left++
			case before[i] != after[i]:
				moved++
			}
		}
		extra := float64(moved) / tableSize
		mean := float64(tableSize) / float64(tt.n)
		low, high := tableSize, 0
		for _, c := range had {
			low, high = min(low, c), max(high, c)
		}
		t.Logf("%d of %d leave: %.2f %% must move, %.2f %% more do; shares %.3f to %.3f of the mean",
			tt.leave, tt.n, 100*float64(left)/tableSize, 100*extra, float64(low)/mean, float64(high)/mean)
		if extra == 0 || extra > tt.extra {
			t.Errorf("%d of %d leave: %.2f %% of the keys move needlessly, want at most %.2f %%",
				tt.leave, tt.n, 100*extra, 100*tt.extra)
		}
		if float64(low) < mean*(1-tt.spread)-1 || float64(high) > mean*(1+tt.spread)+1 {
			t.Errorf("%d members: shares %d to %d, mean %.1f", tt.n, low, high, mean)
		}
	}
}

func TestMaglevGoesByWeight(t *testing.T) {
	weights := []int{100, 200, 1, 50, 149}
	pl := poolOf(weights...)
	got := map[string]int{}
	for _, m := range table(pl) {
		got[m]++
	}
	for i, w := range weights {
		want := float64(w) / 500 * tableSize
		if d := float64(got[fmt.Sprintf("web%d", i)]) - want; d > 2 || d < -2 {
			t.Errorf("weight %d has %d places, want %.1f", w, got[fmt.Sprintf("web%d", i)], want)
		}
	}
}

func TestMaglevDoesNotDependOnTheOrderOfMembers(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	build := func(names []string) []string {
		cfg := pool.Config{Name: "shop"}
		for _, n := range names {
			cfg.Members = append(cfg.Members, pool.MemberConfig{Name: n, Weight: 100})
		}
		return table(pool.New(cfg))
	}
	want := build(names)
	slices.Reverse(names)
	if !slices.Equal(build(names), want) {
		t.Error("the same members in another order make another table")
	}
}

func TestHashIsTheSameInEveryRelease(t *testing.T) {
	for in, want := range map[string]uint64{"": 0x92e0672cb016863c, "/index.html": 0x717504b201b69bf8} {
		if got := Hash([]byte(in)); got != want {
			t.Errorf("Hash(%q) = %#x, want %#x", in, got, want)
		}
	}
}

func TestHashSpreadsSimilarKeys(t *testing.T) {
	const n = 1 << 16
	var buckets [256]int
	seen := map[uint64]bool{}
	for i := range n {
		h := Hash(fmt.Appendf(nil, "/item/%d", i))
		seen[h] = true
		buckets[h>>56]++
	}
	if len(seen) != n || slices.Max(buckets[:]) > 340 || slices.Min(buckets[:]) < 180 { // 256 ± 5 sigma
		t.Errorf("%d of %d hashes differ, buckets %d to %d", len(seen), n, slices.Min(buckets[:]), slices.Max(buckets[:]))
	}
}
