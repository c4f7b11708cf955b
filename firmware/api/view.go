// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"sort"
)

// A view is how far one subscriber has come in a feed. It holds no events of
// its own: a slow subscriber costs no memory but, of a state, the snapshot that
// it has.
type view struct {
	feed *feed
	wake func() // tells of news; must not block

	// Guarded by feed.mu.
	seq  uint64
	snap snapshot
	lost bool // of a state: snap was given up, for it is too old to be kept
}

// A news is one thing to tell a subscriber.
type news struct {
	seq   uint64
	data  json.RawMessage // of an event; nil: there is none
	from  uint64          // of a gap: the first number that is lost; seq is the last one
	count uint64          // of a gap: how many entries are lost, at most
	end   string          // kind of the end
}

// logEvent is how many bytes of entries one event of a log has, about.
const logEvent = 32 << 10

// begin sets v to where a subscriber starts who has since of the epoch, or
// nothing and wants the last tail events. It returns the snapshot that a state
// starts with, unless it can go on.
func (v *view) begin(since *Since, tail int) (snap json.RawMessage, seq uint64, resumed bool) {
	f := v.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	last, _ := f.newestLocked()
	v.seq, v.snap = last.seq, last.snap
	if since != nil && since.Epoch == f.epoch {
		i := f.indexLocked(since.Seq)
		switch {
		case f.topic.Class == Log, f.topic.Class == Series && since.Seq <= last.seq:
			v.seq = since.Seq
			return nil, v.seq, true
		case i > 0 && f.events[i-1].seq == since.Seq:
			v.seq, v.snap = since.Seq, f.events[i-1].snap
			return nil, v.seq, true
		}
	}
	if f.topic.Class == State {
		if f.full == nil || f.fullOf != last.seq {
			f.full, f.fullOf = last.snap.encode(), last.seq
		}
		return f.full, v.seq, false
	}
	if n := len(f.events); tail > 0 && n > 0 {
		i := max(n-tail, 0)
		if v.seq = f.lost; i > 0 {
			v.seq = f.events[i-1].seq
		}
	}
	return nil, v.seq, false
}

// indexLocked returns the index of the first event after seq.
func (f *feed) indexLocked(seq uint64) int {
	return sort.Search(len(f.events), func(i int) bool { return f.events[i].seq > seq })
}

// behind says whether there is something to tell.
func (v *view) behind() bool {
	v.feed.mu.Lock()
	defer v.feed.mu.Unlock()
	last, _ := v.feed.newestLocked()
	return last.seq > v.seq || v.feed.err != nil || v.lost
}

// next returns what the subscriber is to be told now and notes that it is. With
// latest a series skips to the newest tick.
func (v *view) next(latest bool) (news, bool) {
	f := v.feed
	f.mu.Lock()
	last, _ := f.newestLocked()
	switch e := f.err; {
	case v.lost:
		f.mu.Unlock()
		return news{end: "slow"}, true
	case last.seq <= v.seq && e != nil:
		f.mu.Unlock()
		return news{end: e.Kind}, true
	case last.seq <= v.seq:
		f.mu.Unlock()
		return news{}, false
	}
	if f.topic.Class == State {
		return v.merge(last) // unlocks
	}
	defer f.mu.Unlock()
	if f.topic.Class == Series {
		if !latest {
			last = f.events[f.indexLocked(v.seq)]
		}
		v.seq = last.seq
		return news{seq: last.seq, data: last.data}, true
	}
	return v.entries(), true
}

// merge returns one patch to the newest state, and gives feed.mu back.
func (v *view) merge(last event) (news, bool) {
	have, from := v.snap, v.seq
	v.seq, v.snap = last.seq, last.snap
	v.feed.mu.Unlock()
	if from+1 == last.seq {
		return news{seq: last.seq, data: last.data}, last.data != nil
	}
	patch, err := have.patch(last.snap)
	if err != nil { // JSON that encoding/json wrote itself
		return news{end: "internal"}, true
	}
	return news{seq: last.seq, data: patch}, patch != nil
}

// entries returns a gap or some entries of a log. The caller has feed.mu.
func (v *view) entries() news {
	f := v.feed
	if v.seq < f.lost {
		n := news{from: v.seq + 1, seq: f.lost, count: f.lost - v.seq}
		v.seq = f.lost
		return n
	}
	i := f.indexLocked(v.seq)
	if e := f.events[i]; e.lost > 0 {
		n := news{from: v.seq + 1, seq: e.seq, count: e.lost}
		v.seq = e.seq
		return n
	}
	out := []byte{'['}
	for _, e := range f.events[i:] {
		if e.lost > 0 || len(out) > 1 && len(out)+len(e.data) > logEvent {
			break
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, e.data...)
		v.seq = e.seq
	}
	return news{seq: v.seq, data: append(out, ']')}
}
