// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"sort"
	"strconv"
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
	lost []string // of a state: snap was too old to be kept; these were its keys
}

// A news is one thing to tell a subscriber.
type news struct {
	seq   uint64
	data  json.RawMessage // of an event; nil: there is none
	undo  json.RawMessage // of a state: what to tell before, so that data is all there is
	from  uint64          // of a gap: the first number that is lost; seq is the last one
	count uint64          // of a gap: how many entries are lost, at most
	end   string          // kind of the end
}

// begin sets v to where a subscriber starts who has since of the epoch, or
// nothing and wants the last tail entries. It returns the snapshot to start with,
// unless it can go on.
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
		case i > 0 && f.events[i-1].seq == since.Seq && f.topic.Class == State:
			v.seq, v.snap = since.Seq, f.events[i-1].snap
			return nil, v.seq, true
		}
	}
	switch f.topic.Class {
	case State:
		if f.full == nil || f.fullOf != last.seq {
			f.full, f.fullOf = last.snap.encode(), last.seq
		}
		snap = f.full
	case Series:
		snap = f.past
	case Log:
		snap = f.tailLocked(tail)
	}
	return snap, v.seq, false
}

// tailLocked returns the newest entries, at most n, as sub.open has them.
func (f *feed) tailLocked(n int) json.RawMessage {
	last, _ := f.newestLocked()
	out := strconv.AppendUint([]byte(`{"seq":`), last.seq, 10)
	out = append(out, `,"entries":[`...)
	first := true
	for _, e := range f.events[max(len(f.events)-n, 0):] {
		if e.lost > 0 {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(out, e.data...)
	}
	return append(out, "]}"...)
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
	return last.seq > v.seq || v.feed.err != nil
}

// next returns what the subscriber is to be told now and notes that it is. With
// latest a series skips to the newest tick.
func (v *view) next(latest bool) (news, bool) {
	f := v.feed
	f.mu.Lock()
	last, _ := f.newestLocked()
	switch e := f.err; {
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
	return v.entry(), true
}

// merge returns one patch to the newest state, and gives feed.mu back.
func (v *view) merge(last event) (news, bool) {
	have, from, lost := v.snap, v.seq, v.lost
	v.seq, v.snap, v.lost = last.seq, last.snap, nil
	v.feed.mu.Unlock()
	if lost != nil {
		return last.snap.anew(last.seq, lost), true
	}
	if from+1 == last.seq {
		return news{seq: last.seq, data: last.data}, last.data != nil
	}
	patch, err := have.patch(last.snap)
	if err != nil { // JSON that encoding/json wrote itself
		return news{end: "internal"}, true
	}
	return news{seq: last.seq, data: patch}, patch != nil
}

// entry returns the next entry of a log, or a gap. The caller has feed.mu.
func (v *view) entry() news {
	f := v.feed
	if v.seq < f.lost {
		n := news{from: v.seq + 1, seq: f.lost, count: f.lost - v.seq}
		v.seq = f.lost
		return n
	}
	e := f.events[f.indexLocked(v.seq)]
	n := news{seq: e.seq, data: e.data}
	if e.lost > 0 {
		n.from, n.count = e.seq-e.lost+1, e.lost
	}
	v.seq = e.seq
	return n
}

// anew tells a subscriber, of whom no more is known than the keys that it has,
// all of s. Its undo has no number that it could resume at.
func (s snapshot) anew(seq uint64, keys []string) news {
	all := snapshot{}
	for _, key := range keys {
		all[key] = &object{}
	}
	undo, _ := all.patch(nil)
	data, _ := snapshot(nil).patch(s)
	if data == nil {
		data = json.RawMessage("{}")
	}
	return news{seq: seq, data: data, undo: undo}
}
