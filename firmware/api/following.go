// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// maxNews is how many events wait in a Following for somebody to take them.
const maxNews = 4096

// A Following is a topic that a [Client] follows.
type Following struct {
	c     *Client
	id    int
	topic string
	bell  chan struct{} // full: there is news, or the end

	mu   sync.Mutex // guards what follows
	news []Event
	err  error // of the end
}

// An Event is what a [Following] tells.
type Event struct {
	Topic    string
	Seq      uint64
	Snapshot json.RawMessage // of the first one: what there is
	Data     json.RawMessage // a merge patch, a tick or an entry
	Dropped  uint64          // so many entries of a log were lost here, and there is no Data
}

// Follow subscribes to a topic, params being a struct or nil. Close the Following
// when it is not needed any more.
func (c *Client) Follow(ctx context.Context, topic string, params any) (*Following, error) {
	f := &Following{c: c, topic: topic, bell: make(chan struct{}, 1)}
	p := SubOpen{Topic: topic}
	if params != nil {
		raw, err := json.Marshal(params)
		if err != nil {
			return nil, err
		}
		p.Params = raw
	}
	if err := c.call(ctx, "sub.open", p, nil, f.begin); err != nil {
		return nil, err
	}
	return f, nil
}

// begin notes the answer of sub.open, and that f is followed.
func (f *Following) begin(result json.RawMessage) error {
	var o SubOpened
	if err := json.Unmarshal(result, &o); err != nil {
		return fmt.Errorf("read the result of sub.open: %w", err)
	}
	f.id = o.Sub
	f.c.subs[f.id] = f
	f.add(Event{Topic: f.topic, Seq: o.Seq, Snapshot: o.Snapshot})
	return nil
}

// errBehind is the end of a Following whose events nobody takes.
var errBehind = errors.New("the events of this topic came faster than they were taken")

// add keeps e for Next.
func (f *Following) add(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return
	case len(f.news) >= maxNews:
		f.err = errBehind
	default:
		f.news = append(f.news, e)
	}
	f.ring()
}

func (f *Following) ring() {
	select {
	case f.bell <- struct{}{}:
	default:
	}
}

// fail ends f after what waits.
func (f *Following) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.ring()
}

// Next returns the next event and waits for it. The first one has the topic's
// snapshot. An error is the end: that of ctx, of the subscription or of the
// connection.
func (f *Following) Next(ctx context.Context) (Event, error) {
	for {
		f.mu.Lock()
		if len(f.news) > 0 {
			e := f.news[0]
			f.news[0] = Event{}
			f.news = f.news[1:]
			f.mu.Unlock()
			return e, nil
		}
		err := f.err
		f.mu.Unlock()
		if err != nil {
			return Event{}, err
		}
		select {
		case <-f.bell:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// Close ends the subscription.
func (f *Following) Close(ctx context.Context) error {
	f.c.mu.Lock()
	delete(f.c.subs, f.id)
	f.c.mu.Unlock()
	f.fail(errors.New("the subscription was closed"))
	return f.c.Call(ctx, "sub.close", subClose{f.id}, nil)
}

// notice takes a notification of the box. One about a subscription that was closed
// in the meantime, or of a kind that is not known here, is no mistake.
func (c *Client) notice(a answer) error {
	var p struct {
		Sub     int             `json:"sub"`
		Seq     uint64          `json:"seq"`
		Data    json.RawMessage `json:"data"`
		To      uint64          `json:"to"`
		Dropped uint64          `json:"dropped"`
		Kind    string          `json:"kind"`
	}
	if err := json.Unmarshal(a.Params, &p); err != nil {
		return fmt.Errorf("read the box's %s: %w", a.Method, err)
	}
	c.mu.Lock()
	f := c.subs[p.Sub]
	if a.Method == "sub.end" {
		delete(c.subs, p.Sub)
	}
	c.mu.Unlock()
	switch {
	case f == nil:
	case a.Method == "sub.event":
		f.add(Event{Topic: f.topic, Seq: p.Seq, Data: p.Data})
	case a.Method == "sub.gap":
		f.add(Event{Topic: f.topic, Seq: p.To, Dropped: p.Dropped})
	case a.Method == "sub.end":
		f.fail(fmt.Errorf("the box has ended the subscription of %s: %s", f.topic, p.Kind))
	}
	return nil
}

// Objects are those of a state topic, as they are after some events.
type Objects map[string]any

// Apply brings o up to e and returns what e changed: for each key its merge
// patch, nil for an object that is gone. A snapshot replaces everything.
func (o Objects) Apply(e Event) (map[string]any, error) {
	if e.Snapshot != nil {
		var s struct {
			Objects map[string]any `json:"objects"`
		}
		if err := unmarshalNumbers(e.Snapshot, &s); err != nil {
			return nil, fmt.Errorf("read the snapshot of %s: %w", e.Topic, err)
		}
		clear(o)
		for k, v := range s.Objects {
			o[k] = v
		}
		return s.Objects, nil
	}
	var patch map[string]any
	if err := unmarshalNumbers(e.Data, &patch); err != nil {
		return nil, fmt.Errorf("read an event of %s: %w", e.Topic, err)
	}
	for k, p := range patch {
		if p == nil {
			delete(o, k)
		} else {
			o[k] = applyPatch(o[k], p)
		}
	}
	return patch, nil
}
