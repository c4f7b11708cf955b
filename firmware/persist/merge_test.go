// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"testing"
	"time"
)

func TestMergeKeepsWhatCountsMore(t *testing.T) {
	now := feedStart
	was := stampAt(now - int64(time.Hour))
	later, term := Stamp{0, was.Tick + 1}, Stamp{1, 0}
	for _, tt := range []struct {
		name    string
		have    *SourceRecord // Open: a connection here
		come    SourceRecord
		taken   bool
		wantRef uint64
		back    bool // the other box is told that ours counts more
	}{
		{"nothing here", nil, SourceRecord{Ref: 2, Timeout: time.Minute, Closed: now - second}, true, 2, false},
		{"too old", nil, SourceRecord{Ref: 2, Timeout: time.Minute, Closed: now - 60*second}, false, 0, false},
		{"no timeout", nil, SourceRecord{Ref: 2, Closed: now}, false, 0, false},
		{"later stamp", &SourceRecord{Ref: 1, Stamp: was}, SourceRecord{Ref: 2, Closed: now - 9*second, Stamp: later}, true, 2, false},
		{"earlier stamp, used later", &SourceRecord{Ref: 1, Closed: now - 9*second, Stamp: later},
			SourceRecord{Ref: 2, Closed: now, Stamp: was}, false, 1, false},
		{"later term, earlier by the clock", &SourceRecord{Ref: 1, Stamp: was}, SourceRecord{Ref: 2, Stamp: term}, true, 2, false},
		{"earlier term, later by the clock", &SourceRecord{Ref: 1, Stamp: term}, SourceRecord{Ref: 2, Stamp: was}, false, 1, false},
		{"cleared later", &SourceRecord{Ref: 1, Stamp: was}, SourceRecord{Cleared: true, Stamp: later}, true, 0, false},
		{"cleared at once", &SourceRecord{Ref: 1, Stamp: was}, SourceRecord{Cleared: true, Stamp: was}, true, 0, false},
		{"cleared before", &SourceRecord{Ref: 1, Stamp: later}, SourceRecord{Cleared: true, Stamp: was}, false, 1, false},
		{"cleared here", &SourceRecord{Cleared: true, Stamp: later}, SourceRecord{Ref: 2, Stamp: was}, false, 0, false},
		{"tie", &SourceRecord{Ref: 1, Stamp: was}, SourceRecord{Ref: 2, Stamp: was}, true, 2, false},
		{"tie the other way", &SourceRecord{Ref: 2, Stamp: was}, SourceRecord{Ref: 1, Stamp: was}, false, 2, false},
		{"open here, closed there", &SourceRecord{Ref: 1, Open: 1}, SourceRecord{Ref: 2, Stamp: stampAt(now)}, false, 1, true},
		{"open here, cleared there", &SourceRecord{Ref: 1, Open: 1}, SourceRecord{Cleared: true, Stamp: stampAt(now + second)}, true, 0, false},
		{"open here since before a takeover", &SourceRecord{Ref: 1, Open: 1}, SourceRecord{Ref: 2, Stamp: term}, true, 2, false},
		{"open on both, later there", &SourceRecord{Ref: 1, Open: 1}, SourceRecord{Ref: 2, Open: 1, Stamp: stampAt(now + second)}, true, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := NewSources(SourcesConfig{Max: 64})
			f := src.Follow()
			if h := tt.have; h != nil && h.Open > 0 {
				src.Begin(feedKey(1), h.Ref, time.Hour, now-second)
			} else if h != nil {
				h.Key, h.Timeout, h.Closed = feedKey(1), time.Hour, now
				src.Put(*h, now)
			}
			drained(f, now)
			if tt.come.Key = feedKey(1); tt.have != nil {
				tt.come.Timeout, tt.come.Closed = time.Hour, now
			}
			if got := src.Merge(tt.come, now); got != tt.taken {
				t.Errorf("Merge = %v, want %v", got, tt.taken)
			}
			if got, _ := src.Find(feedKey(1), now); got != tt.wantRef {
				t.Errorf("the client is kept on %d, want %d", got, tt.wantRef)
			}
			back := drained(f, now)
			if len(back) > 0 != tt.back || tt.back && !back[1].Stamp.after(tt.come.Stamp) {
				t.Errorf("told back: %+v, want %v", back, tt.back)
			}
		})
	}
}

func TestMergeHoldsWhatIsOpenThereUntilItIsTold(t *testing.T) {
	src := NewSources(SourcesConfig{Max: 64})
	now := feedStart
	src.Tick(now)
	src.Merge(SourceRecord{Key: feedKey(1), Ref: 2, Timeout: 10 * time.Second, Open: 1}, now)
	for range numShards {
		now += int64(time.Second)
		src.Tick(now)
	}
	if _, ok := src.Find(feedKey(1), now); !ok {
		t.Fatal("the record of a connection that is open on the other box is gone before that could tell again")
	}
	if !src.Merge(SourceRecord{Key: feedKey(1), Ref: 2, Timeout: 10 * time.Second, Closed: now}, now) {
		t.Error("the end of the connection was not taken")
	}
	now += int64(10 * time.Second)
	if _, ok := src.Find(feedKey(1), now); ok {
		t.Error("the record outlives its timeout after the connection has ended")
	}
}

// What a standby holds has the times of the box that made it, and says so to it.
func TestMergeKeepsTheTimesOfTheOtherBox(t *testing.T) {
	active, standby := NewSources(SourcesConfig{}), NewSources(SourcesConfig{})
	active.Begin(feedKey(1), 7, time.Hour, feedStart)
	active.End(feedKey(1), feedStart)
	now, ahead := feedStart+1000*second, 5000*second // the standby's clock
	send := func(from, to *Sources, sent, got int64) {
		from.Snapshot(sent, func(r SourceRecord) bool {
			r, err := ParseRecord(r.AppendKey(nil), r.AppendValue(nil, sent), got)
			if err != nil {
				t.Error(err)
			}
			to.Merge(r, got)
			return true
		})
	}
	one := func(s *Sources, now int64) (r SourceRecord) {
		s.List(now, func(x SourceRecord) bool { r = x; return true })
		return r
	}
	send(active, standby, now, now+ahead)
	held := one(standby, now+ahead)
	if held.Closed != feedStart+ahead || held.Stamp != one(active, now).Stamp {
		t.Errorf("the standby has %+v, of a record that was used last 1000 s ago with the stamp %+v", held, one(active, now).Stamp)
	}
	active.Begin(feedKey(1), 7, time.Hour, now) // of which it does not tell
	active.End(feedKey(1), now)
	send(standby, active, now+ahead, now)
	if got := one(active, now); got.Closed != now || got.Ref != 7 {
		t.Errorf("the standby has made the record of the active box %+v", got)
	}
	echo := one(active, now)
	if echo.Closed += second; active.Merge(echo, echo.Closed) {
		t.Error("the active box believes another one when its own client was there last")
	}
	d := newMemDisk() // and a start does not make it look newer
	j, s, _ := mustLoad(t, d, now+ahead)
	s.Merge(held, now+ahead)
	if err := j.Close(now + ahead); err != nil {
		t.Fatal(err)
	}
	_, s, _ = mustLoad(t, d.cut(true, false), now+ahead+second)
	if got := one(s, now+ahead+second); got.Stamp != held.Stamp || got.Closed != held.Closed {
		t.Errorf("after a start the standby has %+v, want %+v", got, held)
	}
}

func TestClearedStaysClearedOverAStart(t *testing.T) {
	d := newMemDisk()
	j, s, _ := mustLoad(t, d, t0)
	s.Follow()
	s.Begin(key(1), 5, time.Hour, t0)
	s.End(key(1), t0)
	var old SourceRecord
	s.List(t0, func(r SourceRecord) bool { old = r; return true })
	if n := s.Clear(t0+second, func(SourceRecord) bool { return true }); n != 1 {
		t.Fatalf("%d cleared, want 1", n)
	}
	if n := s.Clear(t0+second, func(SourceRecord) bool { return true }); n != 0 || s.Stats().Records != 0 {
		t.Errorf("%d cleared again, and %d records", n, s.Stats().Records)
	}
	if err := j.Flush(t0 + 2*second); err != nil {
		t.Fatal(err)
	}
	_, s, _ = mustLoad(t, d.cut(true, false), t0+3*second)
	if s.Merge(old, t0+3*second) || s.Stats().Records != 0 {
		t.Error("a box that was away brought a record back that was cleared")
	}
	s.Begin(key(1), 6, time.Hour, t0+4*second)
	if ref, _ := s.Find(key(1), t0+4*second); ref != 6 || s.Stats().Records != 1 {
		t.Errorf("the client that came again is kept on %d, with %d records", ref, s.Stats().Records)
	}
	s.End(key(1), t0+4*second)
	for now := t0; s.Stats().Records > 0 || len(s.shard(pack(key(1))).index) > 0; now += second {
		if now > t0+5000*second {
			t.Fatal("what was cleared is never forgotten")
		}
		s.Tick(now)
	}
}
