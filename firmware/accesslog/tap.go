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
	Drops uint64 // records that were lost since the log was opened, before this one
}

// Text returns the string that a name stands for.
func (s Seen) Text(n Name) string {
	if n == 0 || int(n) > len(s.names) {
		return ""
	}
	return s.names[n-1]
}

// taps is a list that Run reads without a lock.
type taps struct{ list atomic.Pointer[[]*Tap] }

func (t *taps) load() []*Tap {
	if l := t.list.Load(); l != nil {
		return *l
	}
	return nil
}

// swap replaces the list by what change makes of it.
func (t *taps) swap(change func([]*Tap) []*Tap) {
	for {
		old := t.list.Load()
		var was []*Tap
		if old != nil {
			was = *old
		}
		next := change(slices.Clone(was))
		if t.list.CompareAndSwap(old, &next) {
			return
		}
	}
}

// Tap lets f see every record from now on, until the function that it returns is
// called. f may be called once more while that runs.
func (l *Log) Tap(f Tap) (stop func()) {
	p := &f
	l.taps.swap(func(list []*Tap) []*Tap { return append(list, p) })
	return func() {
		l.taps.swap(func(list []*Tap) []*Tap { return slices.DeleteFunc(list, func(q *Tap) bool { return q == p }) })
	}
}

// show lets the taps see r.
func (w *writer) show(list []*Tap, r *Record, names []string) {
	s := Seen{Record: r, names: names, Drops: w.drops}
	for _, t := range list {
		(*t)(s)
	}
}

// Nowhere is the path of a log whose lines are not written: it has taps alone.
const Nowhere = "nowhere"

// A sinkhole takes what nobody wants.
type sinkhole struct{}

func (sinkhole) Write(b []byte) (int, error) { return len(b), nil }
func (sinkhole) Close() error                { return nil }
