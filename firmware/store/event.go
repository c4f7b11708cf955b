// SPDX-License-Identifier: Apache-2.0

package store

import "sync"

// maxEvents is how many events are remembered.
const maxEvents = 256

// events remembers the last events since Open. It has its own lock, so that a
// reader does not wait for the disk.
type events struct {
	mu   sync.Mutex // guards all below
	seq  uint64
	last []Event
}

// emit numbers e, remembers it and returns it.
func (s *Store) emit(e Event) Event {
	if e.Time.IsZero() {
		e.Time = wall(s.cfg.Now())
	}
	ev := &s.events
	ev.mu.Lock()
	defer ev.mu.Unlock()
	ev.seq++
	e.Seq = ev.seq
	if len(ev.last) == maxEvents {
		ev.last = append(ev.last[:0], ev.last[1:]...)
	}
	ev.last = append(ev.last, e)
	return e
}

// Events returns the events after number since, the oldest first; 0 gives all
// that are remembered. A first number above since+1 tells that some were lost.
func (s *Store) Events(since uint64) []Event {
	ev := &s.events
	ev.mu.Lock()
	defer ev.mu.Unlock()
	var es []Event
	for _, e := range ev.last {
		if e.Seq > since {
			es = append(es, e)
		}
	}
	return es
}
