// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"slices"
	"sync/atomic"
)

// A Tap is somebody who sees records as Run takes them out of the rings: the loops
// do nothing for it. It must be fast, and must keep nothing of a Seen.
type Tap func(Seen)

// A Seen is a record as a tap sees it, valid until the tap returns.
type Seen struct {
	*Record
	names []string
	Drops uint64 // records that were lost since the log was opened, or left out by Sample, before this one
}

// Text returns the string that a name stands for.
func (s Seen) Text(n Name) string {
	if n == 0 || int(n) > len(s.names) {
		return ""
	}
	return s.names[n-1]
}

// A tap is an entry of the list of taps.
type tap struct {
	see  Tap
	rate int // records a second of each loop that it needs; 0: all
}

// taps is a list that Run reads without a lock.
type taps struct{ list atomic.Pointer[[]*tap] }

func (t *taps) load() []*tap {
	if l := t.list.Load(); l != nil {
		return *l
	}
	return nil
}

// Tap lets f see every record from now on, until the function that it returns is
// called. f may be called once more while that runs.
func (l *Log) Tap(f Tap) (stop func()) { return l.add(&tap{see: f}) }

func (l *Log) add(t *tap) (stop func()) {
	l.change(func(list []*tap) []*tap { return append(list, t) })
	return func() {
		l.change(func(list []*tap) []*tap { return slices.DeleteFunc(list, func(q *tap) bool { return q == t }) })
	}
}

// change replaces the list of taps by what f makes of a copy.
func (l *Log) change(f func([]*tap) []*tap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := f(slices.Clone(l.taps.load()))
	l.taps.list.Store(&next)
	l.pace()
}

// show lets the taps see r.
func (w *writer) show(list []*tap, r *Record, names []string) {
	s := Seen{Record: r, names: names, Drops: w.drops + w.skipped}
	for _, t := range list {
		t.see(s)
	}
}

// Nowhere is the path of a log whose lines are not written: it has taps alone.
const Nowhere = "nowhere"

// A sinkhole takes what nobody wants.
type sinkhole struct{}

func (sinkhole) Write(b []byte) (int, error) { return len(b), nil }
func (sinkhole) Close() error                { return nil }
