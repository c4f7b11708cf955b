// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/pool"
)

var now = time.Unix(1_700_000_000, 0)

// poolOf returns a pool with a member for each weight.
func poolOf(weights ...int) *pool.Pool {
	cfg := pool.Config{Name: "shop", Loops: 2, Now: now}
	for i, w := range weights {
		cfg.Members = append(cfg.Members, pool.MemberConfig{
			Name: fmt.Sprintf("web%d", i), Weight: w,
			Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 80),
		})
	}
	return pool.New(cfg)
}

// limited returns a pool of n members of weight 100 that each take one exchange.
func limited(n int) *pool.Pool {
	cfg := pool.Config{Name: "shop", Loops: 2, Now: now}
	for i := range n {
		cfg.Members = append(cfg.Members, pool.MemberConfig{Name: fmt.Sprintf("web%d", i), Weight: 100, MaxConnections: 1})
	}
	return pool.New(cfg)
}

func counts(n, picks int, pick func(k int) int) []int {
	c := make([]int, n)
	for k := range picks {
		c[pick(k)]++
	}
	return c
}

var policies = []Policy{
	"", RoundRobin, StaticWeight, LeastConnections, FastestResponse, Adaptive, ServerAgent, Custom,
	Random2, SourceHash, URIHash,
}

func TestPolicyDistribution(t *testing.T) {
	weights := []int{100, 50, 200, 0, 50}
	const picks = 40_000
	for _, p := range policies {
		s := Build(p, poolOf(weights...).Load())
		var c Cursor
		got := counts(len(weights), picks, func(k int) int { return c.Pick(s, uint64(k), nil, 0) })
		for i, w := range weights {
			want := float64(w) / 400 * picks
			tolerance := 0.0
			switch p {
			case "", RoundRobin:
				want = picks / 4
				if w == 0 {
					want = 0
				}
			case SourceHash, URIHash:
				tolerance = 0.05 * want // keys are random, places are not
			case LeastConnections, Random2:
				continue // go by load, see below
			}
			if d := float64(got[i]) - want; d > tolerance || -d > tolerance {
				t.Errorf("%q: member of weight %d got %d of %d, want %.0f ± %.0f", p, w, got[i], picks, want, tolerance)
			}
		}
		if got[3] != 0 {
			t.Errorf("%q: a member of weight 0 got %d", p, got[3])
		}
	}
}

// Members under steady load: exchanges last equally long, 200 are under way.
func TestLoadPoliciesFillByWeight(t *testing.T) {
	for _, p := range []Policy{LeastConnections, Random2} {
		pl := poolOf(100, 50, 200, 50)
		s := Build(p, pl.Load())
		var c Cursor
		var under []int
		for range 10_000 {
			i := c.Pick(s, 0, nil, 0)
			s.lives[i].Acquire(len(under) % 2) // counts of both loops matter
			under = append(under, i)
			if len(under) > 200 {
				s.lives[under[len(under)-201]].Release((len(under) - 201) % 2)
			}
		}
		for i, want := range []int64{50, 25, 100, 25} {
			got, slack := s.lives[i].Active(), int64(1)
			if p == Random2 {
				slack = 8
			}
			if got < want-slack || got > want+slack {
				t.Errorf("%s: member %d has %d active, want %d ± %d", p, i, got, want, slack)
			}
		}
	}
}

func TestLeastConnectionsTakesTheLeastLoaded(t *testing.T) {
	pl := poolOf(100, 100, 300)
	s := Build(LeastConnections, pl.Load())
	for range 2 {
		s.lives[0].Acquire(0)
	}
	s.lives[1].Acquire(1)
	for range 6 {
		s.lives[2].Acquire(0)
	}
	var c Cursor
	for range 5 { // 3/100, 2/100, 7/300
		if got := c.Pick(s, 0, nil, 0); got != 1 {
			t.Fatalf("Pick = %d, want 1", got)
		}
	}
	if got := c.Pick(s, 0, []int{1}, 0); got != 2 {
		t.Errorf("Pick without 1 = %d, want 2", got)
	}
}

func TestLeastConnectionsOfEqualsTakesTurns(t *testing.T) {
	s := Build(LeastConnections, poolOf(100, 100, 100).Load())
	var c Cursor
	got := counts(3, 300, func(int) int { return c.Pick(s, 0, nil, 0) })
	if !slices.Equal(got, []int{100, 100, 100}) {
		t.Errorf("idle members got %v", got)
	}
}

func TestRotationIsSmooth(t *testing.T) {
	tests := []struct {
		weights []int
		want    string
	}{
		{[]int{100, 100, 100}, "021"},
		{[]int{5, 1, 1}, "0020010"},
		{[]int{200, 100}, "001"},
		{[]int{0, 7}, "1"},
		{[]int{8, 1, 1, 1, 1}, "002004010030"},
	}
	for _, tt := range tests {
		s := Build(StaticWeight, poolOf(tt.weights...).Load())
		if got := strings.Trim(fmt.Sprint(s.order), "[]"); strings.ReplaceAll(got, " ", "") != tt.want {
			t.Errorf("rotation of %v = %s, want %s", tt.weights, got, tt.want)
		}
	}
}

// No window of a rotation gives a member more than its share and one turn more,
// or less than its share and one turn less, at either end.
func TestRotationWindowsAreFair(t *testing.T) {
	shares := []pool.Share{97_003, 149_999, 50_001, 100_000, 1000}
	order := rotation(shares)
	total := 0.0
	for _, s := range shares {
		total += float64(s)
	}
	for _, window := range []int{7, 50, 333, 5000} {
		for from := 0; from < len(order); from += 13 {
			got := make([]int, len(shares))
			for k := range window {
				got[order[(from+k)%len(order)]]++
			}
			for i, s := range shares {
				want := float64(s) / total * float64(window)
				if d := float64(got[i]) - want; d > 2.1 || d < -2.1 {
					t.Fatalf("window of %d at %d: member %d has %d turns, want %.1f", window, from, i, got[i], want)
				}
			}
		}
	}
}

func TestTurnOfAFullMemberIsSharedByTheOthers(t *testing.T) {
	for _, p := range []Policy{RoundRobin, StaticWeight, Adaptive} {
		pl := limited(4)
		s := Build(p, pl.Load())
		s.lives[1].Acquire(0)
		var c Cursor
		got := counts(4, 3000, func(int) int { return c.Pick(s, 0, nil, 0) })
		if got[1] != 0 || slices.Max(got) > 1010 || got[0] < 990 || got[2] < 990 || got[3] < 990 {
			t.Errorf("%s: with member 1 full: %v, want 1000 each for the others", p, got)
		}
	}
}

func TestPickSkipsTriedAndFullUntilNobodyIsLeft(t *testing.T) {
	for _, p := range policies {
		pl := limited(40)
		s := Build(p, pl.Load())
		var c Cursor
		for i := range 10 {
			s.lives[i*4].Acquire(0)
		}
		var tried []int
		for k := range 30 {
			i := c.Pick(s, 12345, tried, 1)
			if i < 0 || i%4 == 0 || slices.Contains(tried, i) {
				t.Fatalf("%q: pick %d = %d after %v", p, k, i, tried)
			}
			tried = append(tried, i)
		}
		if i := c.Pick(s, 12345, tried, 1); i != -1 {
			t.Errorf("%q: pick of nobody = %d", p, i)
		}
		if i := c.Pick(Build(p, poolOf(0, 0).Load()), 0, nil, 0); i != -1 {
			t.Errorf("%q: pick of an empty set = %d", p, i)
		}
	}
}

func TestPeekIsWhatPickWillBe(t *testing.T) {
	for _, p := range policies {
		s := Build(p, poolOf(100, 70, 130).Load())
		var c Cursor
		for k := range uint64(100) {
			want := c.Peek(s, k, nil, 1)
			if again := c.Peek(s, k, nil, 1); again != want {
				t.Fatalf("%q: two peeks: %d, %d", p, want, again)
			}
			if got := c.Pick(s, k, nil, 1); got != want {
				t.Fatalf("%q: Pick = %d, Peek said %d", p, got, want)
			}
		}
	}
}

func TestLoopsDoNotMarchInStep(t *testing.T) {
	for _, n := range []int{2, 3, 4, 8} {
		s := Build(RoundRobin, poolOf(slices.Repeat([]int{100}, n)...).Load())
		first := make([]int, n)
		for loop := range n {
			var c Cursor
			first[c.Pick(s, 0, nil, loop)]++
		}
		if slices.Max(first) > 2 {
			t.Errorf("first picks of %d loops over %d members: %v", n, n, first)
		}
	}
}

// Weights that change each second must not favour whoever is first in the order.
func TestCursorGoesOnWhenTheSetChanges(t *testing.T) {
	pl := poolOf(100, 100, 100, 100)
	v := NewView(1, Adaptive, pl.Load())
	pl.OnChange(v.Refresh)
	var c Cursor
	got := make([]int, 4)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		shares := make([]pool.Share, 4)
		for i := range shares {
			shares[i] = 99_000 + pool.Share(rng.IntN(2000))
		}
		pl.SetDynamic(shares, make([]string, 4))
		got[c.Pick(v.Set(), 0, nil, 0)]++
	}
	if slices.Min(got) < 425 || slices.Max(got) > 575 {
		t.Errorf("one pick for each of 2000 sets: %v, want 500 each", got)
	}
}

func TestViewFollowsItsPool(t *testing.T) {
	pl := poolOf(100, 100)
	v := NewView(7, SourceHash, pl.Load())
	pl.OnChange(v.Refresh)
	first := v.Set()
	pl.SetHealth(0, pool.Up, "", now)
	if s := v.Set(); s == first || &s.order[0] != &first.order[0] {
		t.Error("a change that hashing does not look at built a new table, or none was noted")
	}
	pl.SetHealth(0, pool.Down, "refused", now)
	var c Cursor
	if i := c.Pick(v.Set(), 1, nil, 0); i != 1 {
		t.Errorf("Pick = %d, want the member that is up", i)
	}
	latest := v.Set()
	v.Refresh(first.Snapshot())
	if v.Set() != latest || v.ID() != 7 {
		t.Error("an old snapshot replaced a newer one")
	}
}

func TestSlowStartHoldsEveryPolicyBack(t *testing.T) {
	for _, p := range []Policy{RoundRobin, StaticWeight, Adaptive, SourceHash} {
		cfg := pool.Config{Name: "shop", SlowStart: 100 * time.Second, Now: now}
		for i := range 2 {
			cfg.Members = append(cfg.Members, pool.MemberConfig{Name: fmt.Sprint(i), Weight: 1})
		}
		pl := pool.New(cfg)
		pl.SetHealth(0, pool.Down, "", now)
		pl.SetHealth(0, pool.Up, "", now)
		pl.Ramp(now.Add(50 * time.Second))
		s := Build(p, pl.Load())
		var c Cursor
		got := counts(2, 3000, func(k int) int { return c.Pick(s, uint64(k), nil, 0) })
		if got[0] < 950 || got[0] > 1050 {
			t.Errorf("%s: half way through its slow start a member got %d of 3000, want 1000", p, got[0])
		}
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	tried := []int{2}
	for _, p := range policies {
		s := Build(p, poolOf(100, 50, 100, 70).Load())
		c, key := new(Cursor), uint64(0)
		if n := testing.AllocsPerRun(200, func() {
			key++
			c.Pick(s, key, nil, 0)
			c.Pick(s, key, tried, 0)
			c.Peek(s, key, nil, 0)
		}); n != 0 {
			t.Errorf("%q: %v allocations", p, n)
		}
	}
}

func TestExplainSaysWhyOfEveryMember(t *testing.T) {
	pl := poolOf(100, 100, 0, 100, 100)
	pl.SetHealth(3, pool.Down, "connection refused", now)
	tests := []struct {
		policy Policy
		want   string
	}{
		{RoundRobin, "its turn; it gets 33.3 %"},
		{LeastConnections, "fewest active for its weight: 0 active, weight 100"},
		{Random2, "the less loaded of two"},
		{URIHash, "the key's place in the hash table"},
	}
	for _, tt := range tests {
		s := Build(tt.policy, pl.Load())
		var c Cursor
		vs := Explain(s, c, 99, nil, 0)
		chosen := c.Pick(s, 99, nil, 0)
		for i, v := range vs {
			if v.Chosen != (i == chosen) || v.Why == "" || v.Name != fmt.Sprintf("web%d", i) {
				t.Errorf("%s: member %d: %+v, chosen is %d", tt.policy, i, v, chosen)
			}
		}
		if !strings.HasPrefix(vs[chosen].Why, tt.want) {
			t.Errorf("%s: chosen because %q, want %q", tt.policy, vs[chosen].Why, tt.want)
		}
		if !strings.HasPrefix(vs[3].Why, "down since 2023-11-14") || vs[2].Why != "weight 0" {
			t.Errorf("%s: %q, %q", tt.policy, vs[3].Why, vs[2].Why)
		}
		again := Explain(s, c, 99, []int{chosen}, 0)
		if again[chosen].Why != "tried already for this exchange" {
			t.Errorf("%s: %q", tt.policy, again[chosen].Why)
		}
	}
	s := Build(RoundRobin, poolOf(0).Load())
	if vs := Explain(s, Cursor{}, 0, nil, 0); vs[0].Chosen || vs[0].Why != "weight 0" {
		t.Errorf("nobody: %+v", vs)
	}
}
