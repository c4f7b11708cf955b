// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"
)

func TestSourceTimerCountsFromTheLastClose(t *testing.T) {
	s := NewSources(SourcesConfig{})
	const timeout = time.Minute
	find := func(after int64, want bool) {
		t.Helper()
		if ref, ok := s.Find(key(1), t0+after*second); ok != want || ok && ref != 5 {
			t.Errorf("after %d s: Find = %d, %v, want %v", after, ref, ok, want)
		}
	}
	s.Begin(key(1), 5, timeout, t0)
	s.Begin(key(1), 5, timeout, t0+10*second)
	s.End(key(1), t0+20*second)
	find(500, true) // one is still open
	s.End(key(1), t0+600*second)
	find(659, true)
	s.Begin(key(1), 5, timeout, t0+659*second) // a new one stops the timer
	find(5000, true)
	s.End(key(1), t0+6000*second)
	find(6059, true)
	find(6060, false)
	s.End(key(1), t0+6061*second) // nobody's
	find(6061, false)
}

func TestSourceZeroTimeoutKeepsNothing(t *testing.T) {
	s := NewSources(SourcesConfig{})
	s.Begin(key(1), 5, 0, t0)
	if _, ok := s.Find(key(1), t0); ok {
		t.Error("a timeout of 0 kept a record")
	}
	s.Begin(key(1), 5, 1<<62, t0) // longer than any that is allowed
	s.End(key(1), t0)
	if _, ok := s.Find(key(1), t0+int64(MaxTimeout)); ok {
		t.Error("a timeout was longer than the longest")
	}
}

// A table and a plain map that knows the rules agree whatever happens.
func TestSourcesAgreesWithAMap(t *testing.T) {
	type oracle struct {
		ref     uint64
		open    int
		closed  int64
		timeout time.Duration
	}
	rng := rand.New(rand.NewPCG(1, 2))
	s := NewSources(SourcesConfig{Max: 1 << 20})
	want := map[SourceKey]*oracle{}
	now := t0
	for range 200_000 {
		now += rng.Int64N(second / 4)
		k := key(rng.IntN(300))
		o := want[k]
		if o != nil && o.open == 0 && now-o.closed >= int64(o.timeout) {
			delete(want, k)
			o = nil
		}
		switch rng.IntN(7) {
		case 0, 1:
			if o == nil {
				o = &oracle{}
				want[k] = o
			}
			o.ref, o.timeout = rng.Uint64(), time.Duration(1+rng.IntN(100))*time.Second
			o.open++
			s.Begin(k, o.ref, o.timeout, now)
		case 2, 3, 4:
			s.End(k, now)
			if o != nil {
				o.open, o.closed = max(o.open-1, 0), now
			}
		case 5:
			if rng.IntN(500) == 0 {
				s.Clear(now, func(r SourceRecord) bool { return r.Key == k })
				delete(want, k)
			}
			s.shards[rng.IntN(numShards)].sweep(now, 0)
		default:
			ref, ok := s.Find(k, now)
			if ok != (o != nil) || ok && ref != o.ref {
				t.Fatalf("Find = %d, %v, want %+v", ref, ok, o)
			}
		}
	}
}

func TestSourcesEvictsTheLongestUnused(t *testing.T) {
	s := NewSources(SourcesConfig{Max: numShards * 4})
	for i := range 10_000 {
		s.Begin(key(i), uint64(i), time.Hour, t0)
		s.Find(key(0), t0) // in use all the time
	}
	n := s.Stats()
	if n.Records > n.Max || n.Records < n.Max/2 || n.Evicted != 10_000-uint64(n.Records) {
		t.Errorf("Stats = %+v", n)
	}
	for _, i := range []int{0, 9_999} {
		if _, ok := s.Find(key(i), t0); !ok {
			t.Errorf("record %d, just used, was evicted", i)
		}
	}
	if _, ok := s.Find(key(1), t0); ok {
		t.Error("the oldest record outlived ten thousand newer ones")
	}
}

func TestSourcesOutliveAClockThatJumps(t *testing.T) {
	for _, jump := range []int64{1_000_000 * second, -1_000_000 * second} {
		s := NewSources(SourcesConfig{})
		now := t0
		s.Tick(now)
		s.Begin(key(1), 5, 10*time.Minute, now)
		s.End(key(1), now)
		now += jump
		for range 500 { // 10 minutes are not over yet
			now += second
			s.Tick(now)
			if _, ok := s.Find(key(1), now); !ok {
				t.Fatalf("jump of %d s: record lost", jump/second)
			}
		}
		for range 110 { // a jump costs at most 10 s either way
			now += second
			s.Tick(now)
		}
		if _, ok := s.Find(key(1), now); ok {
			t.Errorf("jump of %d s: record kept for too long", jump/second)
		}
	}
}

func TestSourcesSweepFreesWhatNobodyAsksFor(t *testing.T) {
	s := NewSources(SourcesConfig{})
	now := t0
	for i := range 1000 {
		s.Begin(key(i), 1, time.Second, now)
		s.End(key(i), now)
	}
	for range numShards + 2 {
		s.Tick(now)
		now += second
	}
	if n := s.Stats(); n.Records != 0 || n.Expired != 1000 {
		t.Errorf("Stats = %+v, want all expired", n)
	}
}

func TestSourcesListAndClear(t *testing.T) {
	s := NewSources(SourcesConfig{})
	for i := range 1000 {
		s.Begin(key(i), uint64(i%2), time.Hour, t0)
	}
	s.End(key(3), t0)
	seen := map[SourceKey]SourceRecord{}
	s.List(t0+second, func(r SourceRecord) bool { seen[r.Key] = r; return true })
	if len(seen) != 1000 {
		t.Errorf("List gave %d records", len(seen))
	}
	want := SourceRecord{Key: key(3), Ref: 1, Timeout: time.Hour, Closed: t0}
	want.Stamp = seen[key(3)].Stamp // see TestStamps
	if seen[key(3)] != want || seen[key(5)].Open != 1 {
		t.Errorf("List gave %+v, want %+v", seen[key(3)], want)
	}
	n := 0
	s.List(t0, func(SourceRecord) bool { n++; return n < 10 })
	if n != 10 {
		t.Errorf("List went on to %d after false", n)
	}
	if n := s.Clear(t0, func(r SourceRecord) bool { return r.Ref == 0 }); n != 500 || s.Stats().Records != 500 {
		t.Errorf("Clear = %d, %d left", n, s.Stats().Records)
	}
	s.Put(want, t0+1800*second)
	if _, ok := s.Find(key(3), t0+3599*second); !ok {
		t.Error("a record that was put expired early")
	}
	if _, ok := s.Find(key(3), t0+3600*second); ok {
		t.Error("a record that was put expired late")
	}
}

func TestMask(t *testing.T) {
	tests := []struct {
		addr   string
		v4, v6 int
		want   string
	}{
		{"192.0.2.77", 32, 128, "192.0.2.77"},
		{"192.0.2.77", 24, 64, "192.0.2.0"},
		{"::ffff:192.0.2.77", 16, 64, "192.0.0.0"},
		{"2001:db8:1:2:3::4", 24, 64, "2001:db8:1:2::"},
		{"fe80::1%eth0", 24, 128, "fe80::1"},
		{"192.0.2.77", 0, 0, "0.0.0.0"},
	}
	for _, tt := range tests {
		if got := Mask(netip.MustParseAddr(tt.addr), tt.v4, tt.v6); got.String() != tt.want {
			t.Errorf("Mask(%s, %d, %d) = %v, want %s", tt.addr, tt.v4, tt.v6, got, tt.want)
		}
	}
}

func TestStableNamesDoNotRunTogether(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.1")
	all := map[uint64]bool{}
	for _, h := range []uint64{
		SourceScope("a", "bc"), SourceScope("ab", "c"), MemberRef("a", "bc"), MemberRef("ab", "c"),
		InterClusterScope("l4"), InterClusterScope("l7"), HostRef(a), HostRef(a.Next()),
	} {
		all[h] = true
	}
	if len(all) != 8 {
		t.Errorf("%d of 8 are different", len(all))
	}
	if HostRef(netip.MustParseAddr("::ffff:192.0.2.1")) != HostRef(a) {
		t.Error("a mapped address is another host")
	}
	if got, want := MemberRef("shop", "web1"), uint64(0x6154ca11809bf69d); got != want {
		t.Errorf("MemberRef = %#x, want %#x: records on disk hold it", got, want)
	}
}

func TestSourcesSharedByLoops(t *testing.T) {
	s := NewSources(SourcesConfig{Max: 2000})
	d := newMemDisk()
	j, err := openJournal(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Load(s, t0); err != nil {
		t.Fatal(err)
	}
	var loops sync.WaitGroup
	for loop := range 4 {
		loops.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(loop), 0))
			for i := range 5000 {
				k, now := key(rng.IntN(3000)), t0+int64(i)*second/100
				if _, ok := s.Find(k, now); !ok {
					s.Begin(k, 1, time.Minute, now)
				} else {
					s.End(k, now)
				}
			}
		})
	}
	for i := range int64(50) {
		if err := j.Flush(t0 + i*second); err != nil {
			t.Error(err)
		}
		s.List(t0, func(SourceRecord) bool { return true })
		s.Clear(t0, func(r SourceRecord) bool { return r.Key == key(int(i)) })
	}
	loops.Wait()
	if err := j.Close(t0 + 50*second); err != nil {
		t.Error(err)
	}
}

func TestSourcesHotPathDoesNotAllocate(t *testing.T) {
	s := NewSources(SourcesConfig{})
	s.Begin(key(1), 1, time.Hour, t0)
	if n := testing.AllocsPerRun(100, func() {
		s.Begin(key(1), 1, time.Hour, t0)
		s.Find(key(1), t0)
		s.End(key(1), t0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSources(b *testing.B) {
	s := NewSources(SourcesConfig{})
	for i := 0; b.Loop(); i++ {
		k := key(i & 0xffff)
		s.Begin(k, 1, time.Hour, t0)
		s.Find(k, t0)
		s.End(k, t0)
	}
}
