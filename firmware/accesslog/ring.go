// SPDX-License-Identifier: Apache-2.0

package accesslog

import "sync/atomic"

// A Slot is one loop's way into the log: a ring that the loop fills and Run
// empties, without a lock. Each side writes its own counter only, on its own cache
// lines.
//
//	taken          put
//	  v             v
//	..[x][x][x][x][ ][ ]..    put - taken records wait, at most len(ring)
type Slot struct {
	ring []Record
	half uint64
	wake chan<- struct{}
	_    [128]byte

	// Written by the loop.
	put   atomic.Uint64
	seen  uint64 // taken, as the loop knows it
	drops atomic.Uint64
	_     [128]byte

	// Written by Run.
	taken atomic.Uint64
	_     [128]byte

	sample sampler
	_      [128]byte
}

func newSlot(size int, wake chan<- struct{}) *Slot {
	n := 2
	for n < size {
		n *= 2
	}
	return &Slot{ring: make([]Record, n), half: uint64(n) / 2, wake: wake}
}

// Put hands a copy of r to the log and never blocks. It returns false, and counts
// it, if there is no room. Only the loop that owns the slot may call it. A nil
// Slot takes everything and writes nothing.
func (s *Slot) Put(r *Record) bool {
	if s == nil {
		return true
	}
	put := s.put.Load()
	if put-s.seen >= s.half {
		s.seen = s.taken.Load()
		if put-s.seen >= s.half && !s.hurry(put) {
			return false
		}
	}
	s.ring[put&uint64(len(s.ring)-1)] = *r
	s.put.Store(put + 1)
	return true
}

// hurry wakes Run, and reports whether there is room. It counts a drop.
func (s *Slot) hurry(put uint64) bool {
	if put-s.seen == s.half { // once on the way up
		select {
		case s.wake <- struct{}{}:
		default: // it wakes already
		}
	}
	if put-s.seen < uint64(len(s.ring)) {
		return true
	}
	s.drops.Store(s.drops.Load() + 1)
	return false
}

// halfFull reports whether so much waits that nobody will be woken for more.
func (s *Slot) halfFull() bool { return s.put.Load()-s.taken.Load() >= s.half }

// take calls f for the records that wait, up to end (a value of put), until it
// returns false, which keeps that record. It reports whether f had them all. Only
// Run calls it.
func (s *Slot) take(end uint64, f func(*Record) bool) bool {
	for taken := s.taken.Load(); taken != end; taken++ {
		if !f(&s.ring[taken&uint64(len(s.ring)-1)]) {
			return false
		}
		s.taken.Store(taken + 1)
	}
	return true
}
