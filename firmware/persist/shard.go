// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// An entryID is a SourceKey without pointers, which the garbage collector need
// not follow in a million records. hi and lo are the 16-byte form of the address.
type entryID struct{ scope, hi, lo uint64 }

func pack(k SourceKey) entryID {
	a := k.Addr.As16()
	return entryID{k.Scope, binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}
}

func (id entryID) key() SourceKey {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], id.hi)
	binary.BigEndian.PutUint64(a[8:], id.lo)
	return SourceKey{Scope: id.scope, Addr: netip.AddrFrom16(a).Unmap()}
}

// An entry is a record. Times are the table's clock. Entries are on a ring in the
// order of their last use; entry 0 of a shard is the ring's head and no record.
type entry struct {
	id         entryID
	ref        uint64
	timeout    int64 // ns
	closed     int64 // when the last connection closed; nothing while open > 0
	noted      int64 // when the journal and the feed were last told of it
	stamp      Stamp
	open       int32
	prev, next uint32 // prev was used later
	self       uint32
	dirty      bool // is in shard.dirty
	used       bool // is a record
	toldOpen   bool // the journal, or the feed, has it as open
	fed        bool // is in shard.fed
	mine       bool // the stamp was given here
	cleared    bool // only says that the client is kept nowhere
}

// dead reports whether the record's time is over.
func (e *entry) dead(at int64) bool { return e.open == 0 && at-e.closed >= e.timeout }

// stale reports whether what the journal knows of the entry's use is too old.
func (e *entry) stale(at int64) bool { return at-e.noted >= slack(e.timeout) }

func (e *entry) record(now, at int64) SourceRecord {
	r := SourceRecord{
		Key: e.id.key(), Ref: e.ref, Timeout: time.Duration(e.timeout), Open: int(e.open),
		Stamp: e.stamp, Cleared: e.cleared,
	}
	if e.open == 0 {
		r.Closed = now - (at - e.closed)
	}
	return r
}

// chunk is how many entries are allocated at once: growing never copies.
const chunk = 64

// A shard is a part of the table.
type shard struct {
	mu      sync.Mutex // guards everything below
	index   map[entryID]uint32
	chunks  [][]entry
	made    uint32   // entries made, in use or free
	free    []uint32 // entries to use again
	limit   int
	cleared int // entries that only say that their client is kept nowhere
	evicted uint64
	expired uint64

	dirty []uint32  // entries that the journal must write
	gone  []entryID // records that the journal must forget
	fed   []uint32  // entries that the feed must tell of
}

func (s *shard) init(limit int) {
	s.limit = max(limit, 1)
	s.index = make(map[entryID]uint32)
	s.make()
}

func (s *shard) entry(n uint32) *entry { return &s.chunks[n/chunk][n%chunk] }

// make returns an entry that never was in use.
func (s *shard) make() *entry {
	if int(s.made/chunk) == len(s.chunks) {
		s.chunks = append(s.chunks, make([]entry, chunk))
	}
	e := s.entry(s.made)
	e.self = s.made
	s.made++
	return e
}

// get returns the record of id, or nil.
func (s *shard) get(id entryID) *entry {
	n, ok := s.index[id]
	if !ok {
		return nil
	}
	return s.entry(n)
}

// lookup is get as a use: the record becomes the one last used, and one whose
// time is over is dropped.
func (s *shard) lookup(id entryID, at int64) *entry {
	e := s.get(id)
	if e == nil {
		return nil
	}
	if e.dead(at) {
		if !e.cleared {
			s.expired++
		}
		s.remove(e)
		return nil
	}
	if e.cleared {
		return nil
	}
	s.unlink(e)
	s.link(e)
	return e
}

// claim returns the record of id for a use, or for a change from elsewhere: a new one
// if there is none, or only one that was cleared, whose stamp stays.
func (s *shard) claim(id entryID, at int64) (e *entry, fresh bool) {
	if e := s.lookup(id, at); e != nil {
		return e, false
	}
	e = s.get(id)
	if e == nil {
		return s.add(id), true
	}
	s.setCleared(e, false)
	s.unlink(e)
	s.link(e)
	return e, true
}

func (s *shard) setCleared(e *entry, yes bool) {
	switch {
	case yes && !e.cleared:
		s.cleared++
	case !yes && e.cleared:
		s.cleared--
	}
	e.cleared = yes
}

// add makes a record, evicting the one longest not used if the shard is full.
func (s *shard) add(id entryID) *entry {
	if len(s.index) >= s.limit {
		s.remove(s.entry(s.entry(0).prev))
		s.evicted++
	}
	var e *entry
	if n := len(s.free); n > 0 {
		e, s.free = s.entry(s.free[n-1]), s.free[:n-1]
	} else {
		e = s.make()
	}
	*e = entry{id: id, self: e.self, dirty: e.dirty, fed: e.fed, used: true}
	s.index[id] = e.self
	s.link(e)
	return e
}

func (s *shard) remove(e *entry) {
	s.setCleared(e, false)
	s.unlink(e)
	delete(s.index, e.id)
	e.used = false
	s.free = append(s.free, e.self)
}

func (s *shard) link(e *entry) {
	head := s.entry(0)
	e.prev, e.next = 0, head.next
	s.entry(head.next).prev = e.self
	head.next = e.self
}

func (s *shard) unlink(e *entry) {
	s.entry(e.prev).next = e.next
	s.entry(e.next).prev = e.prev
}

// note has e written by the journal and told by the feed, as far as they are among
// who.
func (s *shard) note(e *entry, at int64, who uint32) {
	if who == 0 {
		return
	}
	e.noted = at
	if who&forJournal != 0 && !e.dirty {
		e.dirty = true
		s.dirty = append(s.dirty, e.self)
	}
	if who&forFeed != 0 {
		s.enqueue(e)
	}
}

// enqueue has the feed tell of e.
func (s *shard) enqueue(e *entry) {
	if !e.fed {
		e.fed = true
		s.fed = append(s.fed, e.self)
	}
}

// copySome appends copies of the records among the next entries, and returns
// where to go on, 0 at the end.
func (s *shard) copySome(to []entry, from uint32) ([]entry, uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := min(from+chunk, s.made)
	for n := from; n < end; n++ {
		if e := s.entry(n); e.used {
			to = append(to, *e)
		}
	}
	if end == s.made {
		end = 0
	}
	return to, end
}

// removeIf drops the records for which match is true and returns how many. Where
// other boxes are told, it calls bury for each, which is to leave word that they are
// gone.
func (s *shard) removeIf(who uint32, match func(*entry) bool, bury func(*entry)) int {
	removed := 0
	s.walk(func(e *entry) {
		if e.cleared || !match(e) {
			return
		}
		if who&forFeed != 0 {
			bury(e)
			removed++
			return
		}
		if who&forJournal != 0 {
			s.gone = append(s.gone, e.id)
		}
		s.remove(e)
		removed++
	})
	return removed
}

// sweep drops the records whose time is over; nobody need know, because who gets them
// finds them expired too. It does tell who of connections that have been open for
// a while.
func (s *shard) sweep(at int64, who uint32) {
	s.walk(func(e *entry) {
		switch {
		case e.dead(at):
			if !e.cleared {
				s.expired++
			}
			s.remove(e)
		case who != 0 && e.open > 0 && !e.toldOpen && e.stale(at):
			s.note(e, at, who)
		case who&forFeed != 0 && e.open > 0:
			s.note(e, at, forFeed)
		}
	})
}

// walk calls f for every record, with the lock held for a chunk at a time.
func (s *shard) walk(f func(*entry)) {
	for from, end := uint32(0), uint32(1); from < end; from += chunk {
		s.mu.Lock()
		for n := from; n < min(from+chunk, s.made); n++ {
			if e := s.entry(n); e.used {
				f(e)
			}
		}
		end = s.made
		s.mu.Unlock()
	}
}
