// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"testing"
	"time"
)

func stampOf(t *testing.T, s *Sources, k SourceKey, now int64) Stamp {
	t.Helper()
	var got Stamp
	s.Snapshot(now, func(r SourceRecord) bool {
		if r.Key == k {
			got = r.Stamp
		}
		return true
	})
	if got == (Stamp{}) {
		t.Fatalf("%v has no stamp", k.Addr)
	}
	return got
}

func TestStampsGrowWhateverTheClockDoes(t *testing.T) {
	s := NewSources(SourcesConfig{})
	s.Begin(key(1), 1, time.Hour, t0)
	s.Begin(key(2), 1, time.Hour, t0-1000*second)
	if one, two := stampOf(t, s, key(1), t0), stampOf(t, s, key(2), t0); !two.after(one) {
		t.Errorf("after a clock was set back %+v follows %+v", two, one)
	}
	s.Merge(SourceRecord{Key: key(3), Ref: 1, Timeout: time.Hour, Stamp: stampAt(t0 + 1000*second), Closed: t0}, t0)
	s.Begin(key(3), 2, time.Hour, t0)
	if got := stampOf(t, s, key(3), t0); !got.after(stampAt(t0 + 1000*second)) {
		t.Errorf("%+v is given by who knows of one 1000 s ahead", got)
	}
	far := Stamp{Tick: maxTick}
	s.Merge(SourceRecord{Key: key(4), Ref: 1, Timeout: time.Hour, Stamp: far, Closed: t0}, t0)
	s.Begin(key(4), 2, time.Hour, t0)
	if got := stampOf(t, s, key(4), t0); got != far {
		t.Errorf("after the last tick comes %+v", got)
	}
}

func TestClaimIsHeardAndKept(t *testing.T) {
	d := newMemDisk()
	j, left, _ := mustLoad(t, d, t0)
	f := left.Follow()
	left.Claim(t0)
	left.Claim(t0)
	right := NewSources(SourcesConfig{})
	f.Drain(t0, func(r SourceRecord) { right.Merge(r, t0) })
	right.Claim(t0)
	right.Begin(key(1), 1, time.Hour, t0-1000*second)
	if got := stampOf(t, right, key(1), t0); got.Term != 3 {
		t.Errorf("who takes over after the term 2 begins the term %d", got.Term)
	}
	if left.Stats().Records != 0 {
		t.Error("a claim counts as a record")
	}
	if err := j.Flush(t0 + second); err != nil {
		t.Fatal(err)
	}
	_, again, _ := mustLoad(t, d.cut(true, false), t0+2*second)
	again.Begin(key(1), 1, time.Hour, t0)
	if got := stampOf(t, again, key(1), t0); got.Term != 2 {
		t.Errorf("after a start the term is %d, not 2", got.Term)
	}
}
