// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// A snapshot is all objects of a state topic at one time. Snapshots share the
// objects that did not change between them, and nobody changes one.
type snapshot map[string]*object

// An object is the JSON of one, without null members.
type object struct{ raw json.RawMessage }

// take returns the snapshot of objects, which shares with s what is equal, and
// how many bytes it does not share.
func (s snapshot) take(schema *Schema, objects map[string]any) (next snapshot, size int, err error) {
	next = make(snapshot, len(objects))
	for key, v := range objects {
		raw, err := encodeObject(schema, v)
		if err != nil {
			return nil, 0, fmt.Errorf("object %s: %w", key, err)
		}
		if raw == nil {
			continue
		}
		if old := s[key]; old != nil && bytes.Equal(old.raw, raw) {
			next[key] = old
			continue
		}
		next[key] = &object{raw}
		size += len(raw)
	}
	return next, size, nil
}

// encodeObject returns v's JSON without null members, nil where v is null.
func encodeObject(schema *Schema, v any) (json.RawMessage, error) {
	raw, err := encodeResult(schema, v)
	if err != nil || !bytes.Contains(raw, []byte("null")) {
		return raw, err
	}
	plain, err := plainJSON(raw)
	if err != nil || plain == nil {
		return nil, err
	}
	return json.Marshal(plain)
}

// patch returns the merge patch that makes next from s, nil where they are
// equal.
func (s snapshot) patch(next snapshot) (json.RawMessage, error) {
	var out []byte
	add := func(key string, raw []byte) {
		out = append(out, ',')
		name, _ := json.Marshal(key) // a string always has one
		out = append(append(append(out, name...), ':'), raw...)
	}
	for _, key := range slices.Sorted(maps.Keys(next)) {
		old, obj := s[key], next[key]
		switch {
		case old == obj:
			continue
		case old == nil:
			add(key, obj.raw)
			continue
		}
		var a, b any
		if err := unmarshalNumbers(old.raw, &a); err != nil {
			return nil, err
		}
		if err := unmarshalNumbers(obj.raw, &b); err != nil {
			return nil, err
		}
		p, differs := mergePatch(a, b)
		if !differs {
			continue
		}
		raw, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		add(key, raw)
	}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if next[key] == nil {
			add(key, []byte("null"))
		}
	}
	if out == nil {
		return nil, nil
	}
	out[0] = '{'
	return append(out, '}'), nil
}

// encode returns s as sub.open has it.
func (s snapshot) encode() json.RawMessage {
	out := []byte(`{"objects":{`)
	for i, key := range slices.Sorted(maps.Keys(s)) {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(key) // a string always has one
		out = append(append(append(out, name...), ':'), s[key].raw...)
	}
	return append(out, "}}"...)
}

// A source computes what a feed shows next. One goroutine at a time calls it.
type source interface {
	// next returns what came to be since the call before: nothing, one event or,
	// of a log, several.
	next(ctx context.Context, f *feed) ([]event, error)
}

// An event is one change, tick or entry that a feed keeps for its subscribers.
type event struct {
	seq  uint64
	data json.RawMessage // what sub.event carries of it
	size int             // bytes that are kept because of it
	snap snapshot        // of a state: what there is after it
	lost uint64          // of a log: this many entries before it were lost, and there is no data
}

// stateSource returns all objects there are.
type stateSource func(context.Context) (map[string]any, error)

func (s stateSource) next(ctx context.Context, f *feed) ([]event, error) {
	objects, err := s(ctx)
	if err != nil {
		return nil, err
	}
	last, have := f.newest()
	snap, size, err := last.snap.take(f.topic.data(), objects)
	if err != nil {
		return nil, err
	}
	patch, err := last.snap.patch(snap)
	if err != nil || have && patch == nil {
		return nil, err
	}
	return []event{{seq: last.seq + 1, data: patch, size: size, snap: snap}}, nil
}

// A seriesSource returns the present values, and those of before.
type seriesSource struct {
	past func(context.Context) (Past, error) // nil: there is none
	tick func(context.Context) (Tick, error)
}

func (s seriesSource) next(ctx context.Context, f *feed) ([]event, error) {
	tick, err := s.tick(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(tick)
	if err != nil {
		return nil, err
	}
	last, _ := f.newest()
	return []event{{seq: last.seq + 1, data: raw, size: len(raw)}}, nil
}

// logSource returns the entries after a sequence number.
type logSource func(ctx context.Context, after uint64, most int) (Batch[any], error)

// What is read of a log before its subscribers are told.
const (
	logBatch  = 1024 // entries at once
	logRounds = 64   // times; a log may grow while it is read
)

func (s logSource) next(ctx context.Context, f *feed) (events []event, err error) {
	for range logRounds {
		after := f.looked
		b, err := s(ctx, after, logBatch)
		if err != nil {
			return events, err
		}
		switch {
		case !f.started:
			f.forgetUpTo(b.First - 1)
		case b.First > after+1:
			events = append(events, event{seq: b.First - 1, lost: b.First - 1 - after})
		}
		for _, e := range b.Entries {
			raw, err := encodeResult(f.topic.data(), e.Data)
			if err != nil {
				return events, fmt.Errorf("entry %d: %w", e.Seq, err)
			}
			events = append(events, event{seq: e.Seq, data: raw, size: len(raw)})
		}
		if n := len(events) - 2*keepEvents[Log]; n > 0 { // nobody could see those
			f.forgetUpTo(events[n-1].seq)
			events = slices.Delete(events, 0, n)
		}
		f.looked = max(b.Last, after)
		f.started = true
		if f.looked == after || ctx.Err() != nil {
			return events, nil
		}
	}
	f.changed() // there may be more
	return events, nil
}
