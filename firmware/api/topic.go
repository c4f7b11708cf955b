// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A Class is how a topic's events follow each other, and what becomes of them
// when a client reads too slowly.
type Class uint8

// The classes.
const (
	State  Class = iota + 1 // objects: a snapshot, then merge patches; the latest wins
	Series                  // ticks of numbers; the oldest tick is dropped
	Log                     // numbered entries; what is lost is told as a gap
)

var classNames = [...]string{"", "state", "series", "log"}

// String returns the name that documents and clients use.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("Class(%d)", uint8(c))
}

// MarshalText returns c's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A Topic is something that clients can follow. Register one with [AddState],
// [AddSeries] or [AddLog].
//
// What a topic shows is computed once for all subscribers with the same
// parameters, role and scope, and only while there are any. Its function
// therefore gets a Call that has Role and Scope alone, unless the topic is
// Private or Open.
type Topic struct {
	Name    string // dotted, such as state.pools
	Purpose string // one sentence for help and documents
	Role    Role   // the weakest that may follow it; must be set unless Open
	Open    bool   // may be followed without a session; its function gets the whole Call
	Private bool   // differs from caller to caller: its function gets the whole Call

	Rate  float64       // 2: computed at most so often in a second for changes that are told
	Every time.Duration // computed so often without being told; 0: only after Changed

	// Class, Params (a struct) and Data (of one object or entry) are set by the
	// functions that register.
	Class  Class
	Params reflect.Type
	Data   reflect.Type

	params *Schema
	data   func() *Schema
	feeds  *feeds

	// source returns what computes the topic for a caller, and the parameters
	// as all who mean the same write them.
	source func(Call, json.RawMessage) (source, json.RawMessage, *Error)
}

// A Tick is one event of a series topic: a time and, by the name of a series,
// its values.
type Tick struct {
	Time time.Time         `json:"t"`
	Cols map[string]Column `json:"cols"`
}

// A Past is what a series was before: for each time one value in every column.
type Past struct {
	Times []time.Time       `json:"t"`
	Cols  map[string]Column `json:"cols"`
}

// AddState registers a state topic. snapshot returns all objects by their keys,
// which must be the names of things, not numbers that move. It is called when the
// first subscriber comes, after [Topic.Changed] and, if the topic says so, every
// so often; subscribers get what differs from the call before.
//
// Like [Add] it panics on a mistake in its arguments.
func AddState[P, T any](reg *Registry, t Topic, snapshot func(context.Context, Call, P) (map[string]T, error)) *Topic {
	return addTopic[P, T](reg, t, State, func(c Call, p P) source {
		return stateSource(func(ctx context.Context) (map[string]any, error) {
			objects, err := snapshot(ctx, c, p)
			if err != nil {
				return nil, err
			}
			out := make(map[string]any, len(objects))
			for k, v := range objects {
				out[k] = v
			}
			return out, nil
		})
	})
}

// AddSeries registers a series topic. tick returns the present values; it is
// called every Topic.Every, which must be set. past, which may be nil, returns
// what a new subscriber begins with: what was before the first tick.
func AddSeries[P any](reg *Registry, t Topic, past func(context.Context, Call, P) (Past, error),
	tick func(context.Context, Call, P) (Tick, error)) *Topic {
	if t.Every <= 0 {
		panic(fmt.Sprintf("api: topic %q: a series needs Every", t.Name))
	}
	return addTopic[P, Tick](reg, t, Series, func(c Call, p P) source {
		s := seriesSource{tick: func(ctx context.Context) (Tick, error) { return tick(ctx, c, p) }}
		if past != nil {
			s.past = func(ctx context.Context) (Past, error) { return past(ctx, c, p) }
		}
		return s
	})
}

// AddLog registers a log topic. read returns entries in their order, those with
// a sequence number over after, at most as many as asked for; see [Ring.Read].
// It is called after [Topic.Changed] and, if the topic says so, every so often.
func AddLog[P, T any](reg *Registry, t Topic,
	read func(ctx context.Context, c Call, p P, after uint64, most int) (Batch[T], error)) *Topic {
	return addTopic[P, T](reg, t, Log, func(c Call, p P) source {
		return logSource(func(ctx context.Context, after uint64, most int) (Batch[any], error) {
			b, err := read(ctx, c, p, after, most)
			if err != nil {
				return Batch[any]{}, err
			}
			out := Batch[any]{First: b.First, Last: b.Last, Entries: make([]Entry[any], len(b.Entries))}
			for i, e := range b.Entries {
				out.Entries[i] = Entry[any]{Seq: e.Seq, Data: e.Data}
			}
			return out, nil
		})
	})
}

// addTopic registers t, whose events source makes for one kind of caller.
func addTopic[P, T any](reg *Registry, t Topic, class Class, open func(Call, P) source) *Topic {
	t.Class, t.Params, t.Data, t.feeds = class, reflect.TypeFor[P](), reflect.TypeFor[T](), reg.feeds
	t.params, t.data = mustSchema(t.Name, t.Params), schemaWhenNeeded(t.Name, t.Data)
	if t.Rate == 0 {
		t.Rate = 2
	}
	t.source = func(c Call, raw json.RawMessage) (source, json.RawMessage, *Error) {
		var p P
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, nil, paramsError(t.Name, []Problem{{Message: plainJSONError(err)}})
		}
		canonical, err := json.Marshal(p)
		if err != nil {
			return nil, nil, AsError(err)
		}
		return open(c, p), canonical, nil
	}
	if why := t.fault(); why != "" {
		panic(fmt.Sprintf("api: topic %q: %s", t.Name, why))
	}
	if reg.topics[t.Name] != nil {
		panic(fmt.Sprintf("api: topic %q is registered twice", t.Name))
	}
	if len(reg.topics) == 0 {
		addSubscriptions(reg)
	}
	reg.topics[t.Name] = &t
	return &t
}

// fault returns what is wrong with the description of t, or "".
func (t *Topic) fault() string {
	switch {
	case !nameForm.MatchString(t.Name):
		return "a name is lower-case words with dots between, such as state.pools"
	case t.Purpose == "":
		return "no purpose"
	case t.Role == Nobody && !t.Open || t.Role > Admin:
		return "no role"
	case t.params.Type != "object" || t.Params.Kind() != reflect.Struct:
		return "parameters must be a struct"
	case t.Rate < 0.1 || t.Rate > 20:
		return "the rate must be 0.1 to 20 a second"
	}
	return ""
}

// Changed says that what t shows may have changed. It returns at once; what
// follows from it is computed once, no sooner than the topic's rate allows.
func (t *Topic) Changed() { t.feeds.changed(t) }

// ParamsSchema returns the JSON Schema of the parameters.
func (t *Topic) ParamsSchema() *Schema { return t.params }

// DataSchema returns the JSON Schema of one object, tick or entry.
func (t *Topic) DataSchema() *Schema { return t.data() }

// Topics returns every topic in the order of the names.
func (r *Registry) Topics() []*Topic {
	ts := slices.Collect(maps.Values(r.topics))
	slices.SortFunc(ts, func(a, b *Topic) int { return strings.Compare(a.Name, b.Name) })
	return ts
}
