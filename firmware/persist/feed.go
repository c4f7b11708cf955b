// SPDX-License-Identifier: Apache-2.0

package persist

import "time"

// A Feed tells which records of a Sources table have changed, beside its Journal
// and as rarely: a timer that restarts is told no more often than the journal
// writes it. It holds 4 bytes for each record that waits, which a record does once
// whatever becomes of it. There is one for a table at a time.
//
// Records whose clients are connected are told again while they are, once in
// numShards seconds. Those that expire or are evicted are not told, because who got
// them finds them expired too; nor are those that Sources.Clear drops.
type Feed struct{ t *Sources }

// Follow has changes noted from now on, until Close. What is in the table already
// is for Sources.List.
func (t *Sources) Follow() *Feed {
	t.listen(forFeed, true)
	return &Feed{t}
}

// Drain calls f, without a lock, with each record that has changed since the last
// Drain, as it is now. now is the wall-clock time. One goroutine calls it.
func (f *Feed) Drain(now int64, tell func(SourceRecord)) {
	at := f.t.clock.at(now)
	batch := make([]entry, 0, chunk)
	for i := range f.t.shards {
		s := &f.t.shards[i]
		for todo := s.takeFed(); len(todo) > 0; {
			n := min(len(todo), chunk)
			batch = s.copyFed(batch[:0], todo[:n])
			for j := range batch {
				if !batch[j].dead(at) {
					tell(batch[j].record(now, at))
				}
			}
			todo = todo[n:]
		}
	}
}

// Close ends the feed. Nothing is noted for it any more.
func (f *Feed) Close() {
	f.t.listen(forFeed, false)
	f.Drain(0, func(SourceRecord) {})
}

// takeFed returns the entries that the feed must tell of.
func (s *shard) takeFed() []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	todo := s.fed
	s.fed = nil
	return todo
}

// copyFed appends copies of those of the entries that are records.
func (s *shard) copyFed(to []entry, which []uint32) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range which {
		e := s.entry(n)
		if e.fed = false; e.used {
			e.toldOpen = e.open > 0
			to = append(to, *e)
		}
	}
	return to
}

// heldOpen is how much longer a record lives whose client was connected on another
// box when that told of it last: it tells so again within numShards seconds, as long
// as that is so.
const heldOpen = int64(2 * numShards * time.Second)

// Merge takes a record that another box has told of, as of the time asOf, and does
// not feed it back. It reports whether it did: a client that is connected here stays
// where it is, and of two records the one that was in use last counts. All times are
// wall-clock times. What the other box does not tell (see Feed) may end the record
// here sooner: by an eighth of its timeout and no more than a minute.
func (t *Sources) Merge(r SourceRecord, asOf, now int64) bool {
	idle := max(now-r.Closed, 0)
	if r.Open > 0 {
		idle = max(now-asOf, 0) - heldOpen
	}
	timeout := int64(min(r.Timeout, MaxTimeout))
	if timeout <= 0 || idle >= timeout {
		return false
	}
	id, at := pack(r.Key), t.clock.at(now)
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.get(id)
	switch {
	case e == nil:
		e = s.add(id)
	case e.open > 0:
		return false
	case !e.dead(at) && e.closed <= at && e.closed >= at-idle:
		return false
	}
	e.ref, e.timeout, e.closed = r.Ref, timeout, at-idle
	s.note(e, at, t.listeners.Load()&forJournal)
	return true
}
