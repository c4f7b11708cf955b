// SPDX-License-Identifier: Apache-2.0

package persist

// A Feed tells which records of a Sources table have changed, beside its Journal
// and as rarely: a timer that restarts is told no more often than the journal
// writes it. It holds 4 bytes for each record that waits, which a record does once
// whatever becomes of it. There is one for a table at a time.
//
// Records whose clients are connected are told again while they are, once in
// numShards seconds. Those that expire or are evicted are not told, because who got
// them finds them expired too.
type Feed struct {
	t     *Sources
	batch []entry // of Drain, which is called often and mostly finds nothing
}

// Follow has changes noted from now on, until Close, and all that is in the table
// already: what changed before may be in no snapshot that other boxes have had.
func (t *Sources) Follow() *Feed {
	t.listen(forFeed, true)
	for i := range t.shards {
		s := &t.shards[i]
		s.walk(func(e *entry) { s.enqueue(e) })
	}
	return &Feed{t: t, batch: make([]entry, 0, chunk)}
}

// Drain calls tell, without a lock, with each record that has changed since the last
// Drain, as it is now. now is the wall-clock time. One goroutine calls it.
func (f *Feed) Drain(now int64, tell func(SourceRecord)) {
	at := f.t.clock.at(now)
	for i := range f.t.shards {
		s := &f.t.shards[i]
		for todo := s.takeFed(); len(todo) > 0; {
			n := min(len(todo), chunk)
			f.batch = s.copyFed(f.batch[:0], todo[:n])
			for j := range f.batch {
				if !f.batch[j].dead(at) {
					tell(f.batch[j].record(now, at))
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
