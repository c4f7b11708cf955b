// SPDX-License-Identifier: Apache-2.0

package accesslog

import "sync/atomic"

// sampleBurst is how many records in a row a sampled slot takes after a time of
// quiet, as a multiple of its rate for a second.
const sampleBurst = 2

// A sampler lets a loop leave out records that nobody will look at, before they
// cost anything. Where a thousand requests a second are shown to people, all but a
// few of the records would be made, kept and carried to another core for nothing.
type sampler struct {
	rate    atomic.Int64  // records a second that are wanted; 0: all
	skipped atomic.Uint64 // written by the loop alone

	// Of the loop.
	room  float64
	asked int64
}

// Wanted reports whether the record that the loop is about to make is wanted, and
// counts it if not. now is the loop's time in nanoseconds. Only the loop that owns
// the slot may call it.
func (s *Slot) Wanted(now int64) bool {
	rate := float64(s.sample.rate.Load())
	if rate == 0 {
		return true
	}
	p := &s.sample
	most := sampleBurst * rate
	if p.asked == 0 {
		p.room = most
	} else {
		p.room = min(most, p.room+float64(max(0, now-p.asked))*rate/1e9)
	}
	p.asked = now
	if p.room < 1 {
		p.skipped.Store(p.skipped.Load() + 1)
		return false
	}
	p.room--
	return true
}

// Sample is Tap for somebody who needs to see only so many records a second, more
// than 0, of each loop. The others count as drops for who sees any, and in no
// other way. While lines are written, or somebody taps all, it is Tap.
func (l *Log) Sample(perSecond int, f Tap) (stop func()) {
	return l.add(&tap{see: f, rate: perSecond})
}

// pace tells the loops how many records are wanted. mu is held.
func (l *Log) pace() {
	rate := 0
	for _, t := range l.taps.load() {
		if t.rate == 0 || l.writes {
			rate = 0
			break
		}
		rate = max(rate, t.rate)
	}
	for _, s := range l.slots {
		s.sample.rate.Store(int64(rate))
	}
}

// skipped returns how many records the loops left out.
func (l *Log) skipped() (n uint64) {
	for _, s := range l.slots {
		n += s.sample.skipped.Load()
	}
	return n
}
