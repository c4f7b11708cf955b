// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 21, 3, 52, 0, 0, time.UTC)

func member(name string, weight int) MemberConfig {
	return MemberConfig{Name: name, Weight: weight, Addr: netip.MustParseAddrPort("192.0.2.1:80")}
}

func spare(name string) MemberConfig {
	m := member(name, 100)
	m.Spare = true
	return m
}

// a, b, a hot spare s, and z of weight 0.
func newPool(change ...func(*Config)) *Pool {
	cfg := Config{Name: "shop", Now: t0, Members: []MemberConfig{
		member("a", 100), member("b", 50), spare("s"), member("z", 0),
	}}
	for _, f := range change {
		f(&cfg)
	}
	return New(cfg)
}

func TestUsableIsTheFirstTierThatHasAMember(t *testing.T) {
	down := func(i int) func(*Pool) { return func(p *Pool) { p.SetHealth(i, Down, "x", t0) } }
	up := func(i int) func(*Pool) { return func(p *Pool) { p.SetHealth(i, Up, "", t0) } }
	admin := func(i int, a Admin) func(*Pool) {
		return func(p *Pool) { p.SetAdmin(i, a, true, "", t0) }
	}
	tests := []struct {
		name   string
		events []func(*Pool)
		usable []int
		tier   Tier
	}{
		{"nobody probed yet", nil, []int{0, 1}, RegularTier},
		{"one up, one checking", []func(*Pool){up(0)}, []int{0, 1}, RegularTier},
		{"one down", []func(*Pool){down(0)}, []int{1}, RegularTier},
		{"all regular ones down", []func(*Pool){down(0), down(1)}, []int{2}, SpareTier},
		{"back again", []func(*Pool){down(0), down(1), up(1)}, []int{1}, RegularTier},
		{"quiesced beside enabled", []func(*Pool){admin(0, Quiesced)}, []int{1}, RegularTier},
		{"quiesced, spare serves", []func(*Pool){admin(0, Quiesced), admin(1, Disabled)}, []int{2}, SpareTier},
		{"only quiesced left", []func(*Pool){admin(0, Quiesced), down(1), down(2)}, []int{0}, QuiescedTier},
		{"quiesced spares are last too", []func(*Pool){admin(0, Quiesced), down(1), admin(2, Quiesced)}, []int{0, 2}, QuiescedTier},
		{"quiesced and down", []func(*Pool){admin(0, Quiesced), down(0), down(1), down(2)}, nil, NoTier},
		{"all disabled", []func(*Pool){admin(0, Disabled), admin(1, Disabled), admin(2, Disabled)}, nil, NoTier},
		{"weight 0 gets nobody even alone", []func(*Pool){down(0), down(1), down(2), up(3)}, nil, NoTier},
		{"weight taken at run time", []func(*Pool){func(p *Pool) { p.SetStatic(0, 0) }}, []int{1}, RegularTier},
		{"taken out by its agent", []func(*Pool){func(p *Pool) {
			p.SetDynamic([]Share{0, 50_000, 100_000, 0}, []string{"agent answered -1", "", "", ""})
		}}, []int{1}, RegularTier},
	}
	for _, tt := range tests {
		p := newPool()
		for _, f := range tt.events {
			f(p)
		}
		s := p.Load()
		if !slices.Equal(s.Usable, tt.usable) || s.Tier != tt.tier {
			t.Errorf("%s: usable %v, tier %v, want %v, %v", tt.name, s.Usable, s.Tier, tt.usable, tt.tier)
		}
		for i := range s.Members {
			if may := slices.Contains(s.Usable, i); may != (s.Why(i) == "") {
				t.Errorf("%s: usable %v, but member %d: %q", tt.name, s.Usable, i, s.Why(i))
			}
		}
	}
}

func TestWhySaysIt(t *testing.T) {
	p := newPool(func(c *Config) { c.Members[1].MaxConnections = 2 })
	p.SetHealth(0, Down, "connection refused", t0.Add(time.Minute))
	p.SetHealth(0, Down, "timeout", t0.Add(time.Hour)) // reworded: down since the same time
	p.Load().Members[1].Live.Acquire(0)
	p.Load().Members[1].Live.Acquire(0)
	for i, want := range []string{
		"down since 2026-11-21 03:53:00 UTC: timeout",
		"full: 2 of 2 active",
		"hot spare, waiting: a regular member is usable",
		"weight 0",
	} {
		if got := p.Load().Why(i); got != want {
			t.Errorf("Why(%d) = %q, want %q", i, got, want)
		}
	}
	p.SetAdmin(1, Quiesced, true, "kernel upgrade", t0)
	p.SetDynamic([]Share{1, 1, 0, 0}, []string{"", "", "agent answered -1", ""})
	p.SetHealth(0, Up, "", t0)
	for i, want := range []string{
		"", "quiesced since 2026-11-21 03:52:00 UTC: kernel upgrade", "taken out: agent answered -1",
	} {
		if got := p.Load().Why(i); got != want {
			t.Errorf("Why(%d) = %q, want %q", i, got, want)
		}
	}
	for _, i := range []int{-1, 4} {
		if ok, _ := p.Load().Sticky(i); ok || p.Load().Why(i) == "" {
			t.Errorf("member %d exists", i)
		}
	}
}

func TestStickyClientsStayOnMembersThatMayKeepThem(t *testing.T) {
	tests := []struct {
		health Health
		admin  Admin
		keep   bool
		want   bool
	}{
		{Checking, Enabled, false, true},
		{Up, Enabled, false, true},
		{Down, Enabled, false, false},
		{Up, Quiesced, true, true},
		{Up, Quiesced, false, false},
		{Down, Quiesced, true, false},
		{Up, Disabled, true, false},
	}
	for _, tt := range tests {
		p := newPool()
		for i := range p.Load().Members { // a spare and weight 0 make no difference
			p.SetHealth(i, tt.health, "", t0)
			p.SetAdmin(i, tt.admin, tt.keep, "", t0)
			if ok, why := p.Load().Sticky(i); ok != tt.want || ok != (why == "") {
				t.Errorf("%v, %v, keep %v: member %d: %v, %q, want %v", tt.health, tt.admin, tt.keep, i, ok, why, tt.want)
			}
		}
	}
}

func TestOnlyDifferencesMakeANewVersion(t *testing.T) {
	p := newPool()
	var versions []uint64
	p.OnChange(func(s *Snapshot) { versions = append(versions, s.Version) })
	p.SetHealth(0, Up, "", t0)
	p.SetHealth(0, Up, "", t0.Add(1))
	p.SetAdmin(0, Quiesced, true, "", t0)
	p.SetAdmin(0, Quiesced, true, "", t0.Add(1))
	p.SetStatic(0, 70)
	p.SetStatic(0, 70)
	p.SetDynamic([]Share{60_000, 50_000, 100_000, 0}, make([]string, 4))
	p.SetDynamic([]Share{60_000, 50_000, 100_000, 0}, make([]string, 4))
	p.Ramp(t0)
	if !slices.Equal(versions, []uint64{1, 2, 3, 4, 5}) {
		t.Errorf("versions %v, want 1 to 5", versions)
	}
}

func TestSnapshotsNeverChange(t *testing.T) {
	p := newPool()
	before := p.Load()
	p.SetHealth(0, Down, "x", t0)
	p.SetStatic(1, 7)
	if before.Members[0].Health != Checking || before.Members[1].Static != 50 || !slices.Equal(before.Usable, []int{0, 1}) {
		t.Errorf("an old snapshot changed: %+v", before)
	}
}

func TestSlowStartRaisesAMemberThatComesBack(t *testing.T) {
	p := newPool(func(c *Config) { c.SlowStart = 100 * time.Second })
	p.SetHealth(0, Up, "", t0) // from checking: no slow start
	if r := p.Load().Members[0].Ramp; r != Full {
		t.Errorf("ramp after the first verdict = %d", r)
	}
	p.SetHealth(0, Down, "", t0)
	p.SetHealth(0, Up, "", t0)
	for _, tt := range []struct {
		after  int
		ramp   Share
		weight int
	}{{0, 100, 10}, {5, 100, 10}, {25, 250, 25}, {60, 600, 60}, {100, 1000, 100}, {200, 1000, 100}} {
		p.Ramp(t0.Add(time.Duration(tt.after) * time.Second))
		m := p.Load().Members[0]
		if m.Ramp != tt.ramp || m.Weight != tt.weight || m.StaticShare() != 100*tt.ramp || m.DynamicShare() != 100*tt.ramp {
			t.Errorf("after %d s: ramp %d, weight %d, want %d, %d", tt.after, m.Ramp, m.Weight, tt.ramp, tt.weight)
		}
	}
	// Down in the middle of it, and a clock that is set back.
	p.SetHealth(0, Down, "", t0)
	p.SetHealth(0, Up, "", t0)
	p.SetHealth(0, Down, "", t0)
	p.Ramp(t0.Add(time.Hour))
	p.SetHealth(0, Up, "", t0)
	p.Ramp(t0.Add(-10 * time.Hour))
	p.Ramp(t0.Add(-10*time.Hour + 50*time.Second))
	if r := p.Load().Members[0].Ramp; r != 500 {
		t.Errorf("ramp 50 s after the clock was set back = %d, want 500", r)
	}
}

func TestStaticWeightScalesTheDynamicOne(t *testing.T) {
	p := newPool()
	p.SetDynamic([]Share{150_000, 25_000, 100_000, 0}, make([]string, 4))
	p.SetStatic(0, 10)
	p.SetStatic(1, 0)
	p.SetStatic(1, 40)
	m := p.Load().Members
	if m[0].Dynamic != 15_000 || m[0].Weight != 15 || m[1].Dynamic != 40_000 {
		t.Errorf("dynamic %d and %d, want 15000 and 40000", m[0].Dynamic, m[1].Dynamic)
	}
}

func TestAdoptCarriesOverWhatBelongsToTheMember(t *testing.T) {
	adjusted := func(c *Config) { c.Adjusted, c.SlowStart = true, 100*time.Second }
	old := newPool(adjusted)
	old.SetHealth(0, Down, "x", t0)
	old.SetHealth(0, Up, "fine", t0.Add(time.Second))
	old.SetAdmin(1, Quiesced, true, "drain", t0)
	old.SetStatic(1, 80) // at run time
	old.SetDynamic([]Share{120_000, 40_000, 100_000, 0}, []string{"busy", "", "", ""})
	live := old.Load().Members[0].Live
	live.Acquire(0)

	next := newPool(adjusted, func(c *Config) {
		c.Members[0].Weight = 200 // changed by the commit
		c.Members = append([]MemberConfig{member("new", 100)}, c.Members...)
	})
	next.Adopt(old)
	next.Ramp(t0.Add(51 * time.Second))
	m := next.Load().Members
	if a := m[1]; a.Live != live || a.Health != Up || a.Reason != "fine" || !a.Since.Equal(t0.Add(time.Second)) ||
		a.Static != 200 || a.Dynamic != 240_000 || a.WeightReason != "busy" || a.Ramp != 500 || a.Weight != 120 {
		t.Errorf("a = %+v", a)
	}
	if b := m[2]; b.Admin != Quiesced || !b.KeepSticky || b.AdminReason != "drain" || b.Static != 80 || b.Dynamic != 40_000 {
		t.Errorf("b = %+v", b)
	}
	if n := m[0]; n.Health != Checking || n.Live == live || n.Static != 100 || n.Ramp != Full {
		t.Errorf("new = %+v", n)
	}

	plain := newPool(func(c *Config) { c.Members[0].Unprobed = true })
	old.SetHealth(0, Down, "x", t0)
	plain.Adopt(old)
	if a := plain.Load().Members[0]; a.Health != Checking || a.Dynamic != 100_000 || a.WeightReason != "" {
		t.Errorf("without probes and controller: %+v", a)
	}
	moved := newPool(func(c *Config) { c.Members[0].Addr = netip.MustParseAddrPort("192.0.2.9:80") })
	moved.Adopt(old)
	if a := moved.Load().Members[0]; a.Health != Checking || a.Live == live {
		t.Error("a member at another address took over the old one's state")
	}
}

func TestAdoptHandlesLimits(t *testing.T) {
	limit := func(n int) func(*Config) { return func(c *Config) { c.Members[0].MaxConnections = n } }
	for _, tt := range []struct {
		was, is int
		same    bool
	}{{0, 0, true}, {5, 5, true}, {5, 9, true}, {0, 5, false}, {5, 0, false}} {
		old := newPool(limit(tt.was))
		live := old.Load().Members[0].Live
		live.Acquire(0)
		live.Slot(0).Picked.Store(7)
		next := newPool(limit(tt.is))
		next.Adopt(old)
		l := next.Load().Members[0].Live
		if (l == live) != tt.same || l.Limit() != tt.is {
			t.Errorf("limit %d to %d: same %v, limit %d", tt.was, tt.is, l == live, l.Limit())
		}
		l.Acquire(0)
		if c := l.Sum(); c.Picked != 7 || c.Active != 2 || l.Active() != 2 {
			t.Errorf("limit %d to %d: counted %+v", tt.was, tt.is, c)
		}
		live.Release(0) // the old exchange, on the Live that it acquired
		l.Release(0)
		if l.Active() != 0 || l.Sum().Active != 0 {
			t.Errorf("limit %d to %d: %d left", tt.was, tt.is, l.Active())
		}
	}
}

func TestReadersAndWritersDoNotRace(t *testing.T) {
	p := newPool(func(c *Config) { c.SlowStart = time.Second })
	var told []uint64
	p.OnChange(func(s *Snapshot) { told = append(told, s.Version) })
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for k := range 300 {
				p.SetHealth(i, Health(k%3), "", t0)
				p.SetStatic(i, k)
				p.Ramp(t0)
				s := p.Load()
				for j := range s.Members {
					s.Why(j)
				}
			}
		})
	}
	wg.Wait()
	if !slices.IsSorted(told) || told[len(told)-1] != p.Load().Version {
		t.Error("changes were told out of order")
	}
}

func TestWordsForStates(t *testing.T) {
	if Up.String() != "up" || Quiesced.String() != "quiesced" || SpareTier.String() != "spare" || Health(9).String() != "unknown (9)" {
		t.Error("wrong words")
	}
}
