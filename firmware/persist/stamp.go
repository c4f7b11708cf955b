// SPDX-License-Identifier: Apache-2.0

package persist

// A Stamp says when a record was settled: its client came to the member, or came
// again, on the box that was active then. Boxes that have different records for one
// client keep the one with the later stamp, so they agree whatever order they hear
// of them in, and whatever their clocks say about when it was heard.
//
// It is a logical clock. Term is greater after a takeover than on any box that the
// new active one has heard of before; within a term Tick follows the clock, but is
// not before any tick that the box has given or heard of, and later than the record's
// own.
type Stamp struct {
	Term uint32
	Tick uint64 // 2^16 ns since 1970, 48 bits
}

const (
	tickShift = 16
	maxTick   = uint64(1)<<48 - 1
)

// after reports whether s is later than o.
func (s Stamp) after(o Stamp) bool {
	if s.Term != o.Term {
		return s.Term > o.Term
	}
	return s.Tick > o.Tick
}

// stampAt returns the stamp, before all terms, of a record that has none and was
// used at the wall-clock time.
func stampAt(wall int64) Stamp { return Stamp{Tick: uint64(max(wall, 0)) >> tickShift} }

// Claim begins a term: what is used here from now on wins over what other boxes
// used before, as far as this box has heard of their terms. It is called when the box
// becomes active for clients that another box may have served.
//
// Other boxes hear of the term at once, and the journal keeps it: in a record of no
// client, that was cleared in it.
func (t *Sources) Claim(now int64) {
	for term := t.term.Load(); term+1 != 0 && !t.term.CompareAndSwap(term, term+1); {
		term = t.term.Load()
	}
	id, at := entryID{}, t.clock.at(now)
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.claim(id, at)
	s.setCleared(e, true)
	e.timeout, e.closed = int64(MaxTimeout), at
	t.settle(e, now)
	s.note(e, at, t.listeners.Load())
}

// settle gives e the stamp of a use on this box.
func (t *Sources) settle(e *entry, wall int64) {
	s := Stamp{Term: t.term.Load(), Tick: stampAt(wall).Tick}
	if last := t.tick.Load(); s.Tick < last {
		s.Tick = last + 1
	}
	if s.Term <= e.stamp.Term {
		s.Term, s.Tick = e.stamp.Term, max(s.Tick, e.stamp.Tick+1)
	}
	s.Tick = min(s.Tick, maxTick)
	e.stamp, e.mine = s, true
	t.heard(s)
}

// heard has later stamps of this box be later than s.
func (t *Sources) heard(s Stamp) {
	for {
		term := t.term.Load()
		if term >= s.Term || t.term.CompareAndSwap(term, s.Term) {
			break
		}
	}
	for {
		tick := t.tick.Load()
		if tick >= s.Tick || t.tick.CompareAndSwap(tick, s.Tick) {
			return
		}
	}
}
