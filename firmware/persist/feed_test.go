// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"net/netip"
	"testing"
	"time"
)

func feedKey(n byte) SourceKey {
	return SourceKey{Scope: 7, Addr: netip.AddrFrom4([4]byte{192, 0, 2, n})}
}

// drained returns what a feed tells, by the last byte of the client's address.
func drained(f *Feed, now int64) map[byte]SourceRecord {
	out := map[byte]SourceRecord{}
	f.Drain(now, func(r SourceRecord) {
		a := r.Key.Addr.As4()
		out[a[3]] = r
	})
	return out
}

const feedStart = int64(1_700_000_000 * time.Second)

func TestFeedTellsEachChangeOnceAndLeavesTheJournalItsOwn(t *testing.T) {
	src := NewSources(SourcesConfig{Max: 64})
	src.listen(forJournal, true)
	f := src.Follow()
	now := feedStart
	src.Begin(feedKey(1), 11, time.Hour, now)
	src.Put(SourceRecord{Key: feedKey(2), Ref: 22, Timeout: time.Hour, Closed: now}, now)
	got := drained(f, now)
	if len(got) != 2 || got[1].Ref != 11 || got[1].Open != 1 || got[2].Ref != 22 {
		t.Fatalf("the feed told %+v, want clients 1 (open) and 2", got)
	}
	if again := drained(f, now); len(again) != 0 {
		t.Errorf("told again without a change: %+v", again)
	}
	src.End(feedKey(1), now)
	if got := drained(f, now); len(got) != 1 || got[1].Open != 0 {
		t.Errorf("after the connection's end the feed told %+v, want client 1, closed", got)
	}
	dirty := 0
	for i := range src.shards {
		dirty += len(src.shards[i].dirty)
	}
	if dirty != 2 {
		t.Errorf("%d records wait for the journal, want 2: the feed took them away", dirty)
	}
	src.Begin(feedKey(3), 33, time.Hour, now)
	f.Close()
	src.Begin(feedKey(4), 44, time.Hour, now)
	if got := drained(src.Follow(), now); len(got) != 0 {
		t.Errorf("a new feed told of what was before: %+v", got)
	}
	src.Begin(feedKey(3), 34, time.Hour, now)
	if got := drained(&Feed{src}, now); len(got) != 1 || got[3].Ref != 34 {
		t.Errorf("a record that waited when a feed ended is told as %+v, want ref 34", got)
	}
}

func TestFeedTellsOpenConnectionsAgain(t *testing.T) {
	src := NewSources(SourcesConfig{Max: 64})
	f := src.Follow()
	now := feedStart
	src.Begin(feedKey(1), 11, 10*time.Second, now)
	drained(f, now)
	for range numShards {
		now += int64(time.Second)
		src.Tick(now)
	}
	if got := drained(f, now); len(got) != 1 || got[1].Open != 1 {
		t.Errorf("after a sweep the feed told %+v, want client 1, still open", got)
	}
}

func TestMergeKeepsWhatWasUsedLast(t *testing.T) {
	now := feedStart
	ago := func(d time.Duration) int64 { return now - int64(d) }
	for _, tt := range []struct {
		name    string
		have    *SourceRecord // Open: a connection here
		come    SourceRecord
		taken   bool
		wantRef uint64
	}{
		{"nothing here", nil, SourceRecord{Ref: 2, Timeout: time.Minute, Closed: ago(time.Second)}, true, 2},
		{"too old", nil, SourceRecord{Ref: 2, Timeout: time.Minute, Closed: ago(time.Minute)}, false, 0},
		{"no timeout", nil, SourceRecord{Ref: 2, Closed: ago(0)}, false, 0},
		{"older than ours", &SourceRecord{Ref: 1, Timeout: time.Hour, Closed: ago(time.Second)},
			SourceRecord{Ref: 2, Timeout: time.Hour, Closed: ago(2 * time.Second)}, false, 1},
		{"newer than ours", &SourceRecord{Ref: 1, Timeout: time.Hour, Closed: ago(3 * time.Second)},
			SourceRecord{Ref: 2, Timeout: time.Hour, Closed: ago(2 * time.Second)}, true, 2},
		{"open there", &SourceRecord{Ref: 1, Timeout: time.Hour, Closed: ago(time.Second)},
			SourceRecord{Ref: 2, Timeout: time.Hour, Open: 3}, true, 2},
		{"open here", &SourceRecord{Ref: 1, Timeout: time.Hour, Open: 1},
			SourceRecord{Ref: 2, Timeout: time.Hour, Open: 3}, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := NewSources(SourcesConfig{Max: 64})
			f := src.Follow()
			if h := tt.have; h != nil && h.Open > 0 {
				src.Begin(feedKey(1), h.Ref, h.Timeout, now)
			} else if h != nil {
				h.Key = feedKey(1)
				src.Put(*h, now)
			}
			drained(f, now)
			tt.come.Key = feedKey(1)
			if got := src.Merge(tt.come, now, now); got != tt.taken {
				t.Errorf("Merge = %v, want %v", got, tt.taken)
			}
			if got, _ := src.Find(feedKey(1), now); got != tt.wantRef {
				t.Errorf("the client is kept on %d, want %d", got, tt.wantRef)
			}
			if back := drained(f, now); len(back) != 0 {
				t.Errorf("it is told back: %+v", back)
			}
		})
	}
}

func TestMergeHoldsWhatIsOpenThereUntilItIsTold(t *testing.T) {
	src := NewSources(SourcesConfig{Max: 64})
	now := feedStart
	src.Tick(now)
	src.Merge(SourceRecord{Key: feedKey(1), Ref: 2, Timeout: 10 * time.Second, Open: 1}, now, now)
	for range numShards {
		now += int64(time.Second)
		src.Tick(now)
	}
	if _, ok := src.Find(feedKey(1), now); !ok {
		t.Fatal("the record of a connection that is open on the other box is gone before that could tell again")
	}
	if !src.Merge(SourceRecord{Key: feedKey(1), Ref: 2, Timeout: 10 * time.Second, Closed: now}, now, now) {
		t.Error("the end of the connection was not taken")
	}
	now += int64(10 * time.Second)
	if _, ok := src.Find(feedKey(1), now); ok {
		t.Error("the record outlives its timeout after the connection has ended")
	}
}
