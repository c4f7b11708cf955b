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
	src := NewSources(SourcesConfig{}) // no shard is full with these few
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
	src.Begin(feedKey(3), 34, time.Hour, now)
	// The snapshot that peers had may be older than the feed.
	f = src.Follow()
	if got := drained(f, now); len(got) != 4 || got[3].Ref != 34 || got[4].Ref != 44 {
		t.Errorf("a new feed told of %+v, want all 4 records as they are", got)
	}
	if again := drained(f, now); len(again) != 0 {
		t.Errorf("told again without a change: %+v", again)
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
