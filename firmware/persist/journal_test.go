// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"
)

func key(n int) SourceKey {
	return SourceKey{Scope: 7, Addr: netip.AddrFrom4([4]byte{192, 0, byte(n >> 8), byte(n)})}
}

const (
	t0     = int64(1_700_000_000_000_000_000)
	second = int64(time.Second)
)

func mustLoad(t *testing.T, d disk, now int64) (*Journal, *Sources, LoadReport) {
	t.Helper()
	j, err := openJournal(d)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSources(SourcesConfig{})
	r, err := j.Load(s, now)
	if err != nil {
		t.Fatal(err)
	}
	return j, s, r
}

// A power cut after any flush, with any one disk operation failing at any time
// before, leaves every record of the last flush that succeeded.
func TestJournalKeepsEveryFlushWhateverFails(t *testing.T) {
	for failAt := 1; ; failAt++ {
		d := newMemDisk()
		d.failAt = failAt
		done := runWithFailure(t, d, fmt.Sprintf("operation %d fails", failAt))
		if done {
			if failAt < 20 {
				t.Fatalf("only %d operations were tried: the test does not reach the disk", failAt)
			}
			return
		}
	}
}

// runWithFailure runs a table's life on d and cuts the power after each flush.
// It reports whether d never came to fail.
func runWithFailure(t *testing.T, d *memDisk, name string) bool {
	t.Helper()
	j, err := openJournal(d)
	if err != nil {
		return false
	}
	s := NewSources(SourcesConfig{})
	now := t0
	if _, err := j.Load(s, now); err != nil {
		return false
	}
	flushed, fresh := map[SourceKey]uint64{}, map[SourceKey]uint64{} // on disk; in the table
	for round := range 8 {
		now += second
		for n := range 4 {
			k := key(round*3 + n) // one of them a second time, with another member
			s.Begin(k, uint64(100*round+n+1), time.Hour, now)
			if n > 0 {
				s.End(k, now)
			}
			fresh[k] = uint64(100*round + n + 1)
		}
		if round%4 == 3 {
			gone := key(round * 3)
			s.Clear(now, func(r SourceRecord) bool { return r.Key == gone })
			delete(fresh, gone)
		}
		if round == 4 {
			j.rewrite = true
		}
		ok := j.Flush(now) == nil
		if ok {
			flushed = maps.Clone(fresh)
		}
		for cut := range 4 {
			compareAfterCut(t, d.cut(cut&1 != 0, cut&2 != 0), name, round, ok, flushed, fresh, now)
		}
	}
	if err := j.Close(now); err == nil {
		_, got, r := mustLoad(t, d.cut(false, false), now)
		if !r.Clean || !maps.Equal(contents(got, now), fresh) {
			t.Errorf("%s: after Close: clean %v, %v, want %v", name, r.Clean, contents(got, now), fresh)
		}
	}
	return d.ops < d.failAt
}

func compareAfterCut(t *testing.T, d *memDisk, name string, round int, ok bool, flushed, fresh map[SourceKey]uint64, now int64) {
	t.Helper()
	_, s, _ := mustLoad(t, d, now)
	got := contents(s, now)
	for k := range fresh {
		// After a failed flush each record may be as before it or as after it.
		if got[k] != flushed[k] && (ok || got[k] != fresh[k]) {
			t.Fatalf("%s, round %d, flushed %v: %v on %d, want %d", name, round, ok, k.Addr, got[k], flushed[k])
		}
	}
	for k := range got {
		if _, was := flushed[k]; !was && (ok || fresh[k] == 0) {
			t.Fatalf("%s, round %d: %v came back", name, round, k.Addr)
		}
	}
}

func contents(s *Sources, now int64) map[SourceKey]uint64 {
	m := map[SourceKey]uint64{}
	s.List(now, func(r SourceRecord) bool { m[r.Key] = r.Ref; return true })
	return m
}

func TestJournalSurvivesAPlannedRestartWhole(t *testing.T) {
	dir := t.TempDir()
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSources(SourcesConfig{})
	if _, err := j.Load(s, t0); err != nil {
		t.Fatal(err)
	}
	const n = 5000
	for i := range n {
		s.Begin(key(i), uint64(i), time.Hour, t0)
		if i%2 == 0 {
			s.End(key(i), t0)
		}
	}
	if _, err := OpenJournal(dir); err == nil {
		t.Error("a second owner could open the journal")
	}
	if err := j.Close(t0 + second); err != nil {
		t.Fatal(err)
	}

	j, err = OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close(t0)
	s = NewSources(SourcesConfig{})
	later := t0 + 30*60*second
	r, err := j.Load(s, later)
	if err != nil || r.Records != n || !r.Clean || r.Damaged != 0 || r.Torn != 0 {
		t.Fatalf("Load = %+v, %v, want %d clean records", r, err, n)
	}
	// A closed one goes on ageing, an open one is taken to have closed at Load.
	if _, ok := s.Find(key(0), t0+3600*second); ok {
		t.Error("a record outlived its timer over a restart")
	}
	if _, ok := s.Find(key(2), t0+3599*second); !ok {
		t.Error("a record lost part of its timer over a restart")
	}
	if ref, ok := s.Find(key(1), later+3599*second); !ok || ref != 1 {
		t.Error("a record with an open connection did not survive the restart")
	}
}

func TestJournalCrashDoesNotShortenTimers(t *testing.T) {
	d := newMemDisk()
	j, s, _ := mustLoad(t, d, t0)
	const timeout = 10 * time.Minute
	now := t0
	for range 300 { // a request each second: most restarts of the timer are not written
		now += second
		s.Begin(key(1), 1, timeout, now)
		s.End(key(1), now)
		if err := j.Flush(now); err != nil {
			t.Fatal(err)
		}
	}
	if j.size > 64*frameSize {
		t.Errorf("journal is %d frames long after 300 restarts of one timer", j.size/frameSize)
	}
	at := now + int64(timeout) - second
	if _, s, r := mustLoad(t, d.cut(false, false), at); r.Clean {
		t.Error("a crash looks like a clean end")
	} else if _, ok := s.Find(key(1), at); !ok {
		t.Error("a record expired early after a crash")
	}

	// One long connection: nothing happens to the record for longer than its timer.
	s.Begin(key(1), 1, timeout, now)
	for range 3600 {
		now += second
		if err := j.Flush(now); err != nil {
			t.Fatal(err)
		}
	}
	_, s, _ = mustLoad(t, d.cut(false, false), now+second)
	if _, ok := s.Find(key(1), now+second); !ok {
		t.Error("a record whose connection was open at the crash is gone")
	}
}

// crash returns what a table holds that is loaded at a time after a power cut.
func crash(t *testing.T, d *memDisk, at int64) map[SourceKey]uint64 {
	t.Helper()
	_, s, _ := mustLoad(t, d.cut(false, false), at)
	return contents(s, at)
}

func TestJournalKnowsWhenConnectionsCloseAndBegin(t *testing.T) {
	const short, long = 100 * time.Second, 10 * time.Minute
	d := newMemDisk()
	j, s, _ := mustLoad(t, d, t0)
	flush := func(now int64) {
		t.Helper()
		if err := j.Flush(now); err != nil {
			t.Fatal(err)
		}
	}
	s.Begin(key(1), 1, long, t0)
	s.Begin(key(2), 2, short, t0)
	s.End(key(2), t0)
	flush(t0)
	s.End(key(1), t0+second) // the journal has it as open
	flush(t0 + second)
	if got := crash(t, d, t0+int64(long+2*time.Minute)); len(got) != 0 {
		t.Errorf("12 minutes after closing, a timer of 10 minutes still runs: %v", got)
	}
	for i := range int64(9) {
		flush(t0 + (i+1)*10*second)
	}
	s.Begin(key(2), 2, short, t0+90*second)
	flush(t0 + 91*second)
	if got := crash(t, d, t0+110*second); got[key(2)] != 2 {
		t.Error("a connection that began again was not journaled")
	}
}

func TestJournalForgetsBeforeItPuts(t *testing.T) {
	d := newMemDisk()
	j, s, _ := mustLoad(t, d, t0)
	s.Begin(key(1), 1, time.Hour, t0)
	if err := j.Flush(t0); err != nil {
		t.Fatal(err)
	}
	// Cleared and begun again while a drain was under way that wrote the new one
	// already.
	s.Clear(t0, func(SourceRecord) bool { return true })
	s.Begin(key(1), 2, time.Hour, t0)
	sh := s.shard(pack(key(1)))
	gone := sh.gone
	sh.gone = nil
	for _, step := range []func(){func() {}, func() { sh.gone = gone }} {
		step()
		if err := j.Flush(t0); err != nil {
			t.Fatal(err)
		}
		if got := crash(t, d, t0); got[key(1)] != 2 {
			t.Fatalf("after the power cut: %v, want the new record", got)
		}
	}
}

func TestJournalKeepsChangesMadeDuringARewriting(t *testing.T) {
	d := newMemDisk()
	j, s, _ := mustLoad(t, d, t0)
	for n := range 1000 {
		s.Begin(key(n), 1, time.Hour, t0)
	}
	if err := j.Flush(t0); err != nil {
		t.Fatal(err)
	}
	if err := j.begin(); err != nil {
		t.Fatal(err)
	}
	for i := 0; j.spare != nil; i++ {
		s.Begin(key(i*40), 2, time.Hour, t0)
		gone := key(i*40 + 1)
		s.Clear(t0, func(r SourceRecord) bool { return r.Key == gone })
		if err := j.Flush(t0); err != nil {
			t.Fatal(err)
		}
		if i > numShards {
			t.Fatal("the rewriting does not end")
		}
	}
	if got := crash(t, d, t0); !maps.Equal(got, contents(s, t0)) {
		t.Errorf("after the power cut %d records, in the table %d, or others", len(got), s.Stats().Records)
	}
}

func TestJournalIsRewrittenWhenItHasGrown(t *testing.T) {
	d := newMemDisk()
	j, s, _ := mustLoad(t, d, t0)
	now, grew := t0, int64(0)
	for i := range 40 {
		now += second
		for n := range 4000 {
			s.Begin(key(n), uint64(i), time.Hour, now) // each time another member
			s.End(key(n), now)
		}
		if err := j.Flush(now); err != nil {
			t.Fatal(err)
		}
		grew = max(grew, j.size)
	}
	if grew < rewriteFrom || grew > 3*rewriteFrom {
		t.Errorf("journal grew to %d bytes, want a little over %d", grew, rewriteFrom)
	}
	if _, got, _ := mustLoad(t, d.cut(false, false), now); !maps.Equal(contents(got, now), contents(s, now)) {
		t.Error("a journal rewritten under traffic differs from the table")
	}
}

func TestJournalLeavesOutWhatIsDamaged(t *testing.T) {
	d := newMemDisk()
	j, s, _ := mustLoad(t, d, t0)
	for i := range 10 {
		s.Begin(key(i), uint64(i), time.Hour, t0)
	}
	if err := j.Flush(t0); err != nil {
		t.Fatal(err)
	}
	whole := d.names[journalName].data
	for off := frameSize; off < len(whole); off++ {
		data := bytes.Clone(whole)
		data[off] ^= 0x10
		got := NewSources(SourcesConfig{})
		r, err := replayFrom(section(data), got, t0)
		if err != nil || r.Damaged != 1 || r.Records != 0 && r.Records != 9 || len(contents(got, t0)) != 9 {
			t.Fatalf("byte %d flipped: %+v, %v, %d records", off, r, err, len(contents(got, t0)))
		}
	}
	for n := frameSize; n < len(whole); n++ {
		got := NewSources(SourcesConfig{})
		r, err := replayFrom(section(whole[:n]), got, t0)
		if want := n/frameSize - 1; err != nil || len(contents(got, t0)) != want || r.Torn != n%frameSize {
			t.Fatalf("cut at %d: %+v, %v, want %d records", n, r, err, want)
		}
	}
}
