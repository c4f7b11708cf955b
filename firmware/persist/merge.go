// SPDX-License-Identifier: Apache-2.0

package persist

import "time"

// heldOpen is how much longer a record lives whose client was connected on another
// box when that told of it last: it tells so again within numShards seconds, as long
// as that is so.
const heldOpen = int64(2 * numShards * time.Second)

// Merge takes a record that another box has told of, Closed by the wall clock here,
// if it counts more than what the table has, and does not feed it back. It reports
// whether it did.
//
// The later stamp counts. Within a term, though, a client that is connected here stays
// where it is against one that is connected nowhere: the record here then gets the
// later stamp. Of equal stamps the one that was cleared, then the greater ref counts,
// so that all boxes decide alike; if those are equal too, the box that gave the stamp
// knows best when the client was last here, and others keep the later time.
//
// What the other box does not tell (see Feed) may end the record here sooner: by an
// eighth of its timeout and no more than a minute.
func (t *Sources) Merge(r SourceRecord, now int64) bool {
	idle := max(now-r.Closed, 0)
	if r.Open > 0 || r.Cleared {
		idle = -heldOpen
	}
	timeout := int64(min(r.Timeout, MaxTimeout))
	if timeout <= 0 || idle >= timeout {
		return false
	}
	t.heard(r.Stamp)
	id, at := pack(r.Key), t.clock.at(now)
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.get(id); e != nil && !e.dead(at) {
		switch {
		case !e.yields(r, at, at-idle):
			return false
		case e.keeps(r):
			e.stamp = r.Stamp
			t.settle(e, now)
			s.note(e, at, t.listeners.Load())
			return false
		}
	}
	e, _ := s.claim(id, at)
	s.setCleared(e, r.Cleared)
	e.ref, e.timeout, e.stamp, e.mine = r.Ref, timeout, r.Stamp, false
	if e.open == 0 || r.Cleared {
		e.open, e.closed = 0, at-idle
	}
	s.note(e, at, t.listeners.Load()&forJournal)
	return true
}

// yields reports whether r counts more than e, when closed is when r's client was last
// on the other box.
func (e *entry) yields(r SourceRecord, at, closed int64) bool {
	switch {
	case e.stamp != r.Stamp:
		return r.Stamp.after(e.stamp)
	case e.cleared != r.Cleared:
		return r.Cleared
	case e.ref != r.Ref:
		return r.Ref > e.ref
	}
	return !e.cleared && !e.mine && e.open == 0 && (e.closed > at || closed > e.closed)
}

// keeps reports whether e stays, though r is later, because it was settled here, and
// its client is connected here and nowhere else.
func (e *entry) keeps(r SourceRecord) bool {
	return e.mine && e.open > 0 && r.Open == 0 && !r.Cleared && r.Ref != e.ref && r.Stamp.Term == e.stamp.Term
}
