// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// maxSubs is how many subscriptions one connection has.
const maxSubs = 64

// Since is where a subscriber was when it lost its connection.
type Since struct {
	Epoch string `json:"epoch" doc:"from the answer of sub.open"`
	Seq   uint64 `json:"seq" doc:"of the last event"`
}

// SubOpen are the parameters of sub.open.
type SubOpen struct {
	Topic  string          `json:"topic" doc:"such as state.pools"`
	Params json.RawMessage `json:"params,omitempty" doc:"of the topic"`
	Since  *Since          `json:"since,omitempty" doc:"go on from there"`
	Tail   *int            `json:"tail,omitempty" doc:"logs: begin with so many of the last entries; 200"`
	MaxHz  float64         `json:"max_hz,omitempty" doc:"at most so many events a second, 0.1 to 20; 0: as they come"`
}

// SubUpdate are the parameters of sub.update.
type SubUpdate struct {
	Sub    int             `json:"sub" doc:"of the subscription"`
	Params json.RawMessage `json:"params,omitempty" doc:"in place of all that it had; absent: as before"`
	MaxHz  float64         `json:"max_hz,omitempty" doc:"at most so many events a second, 0.1 to 20; 0: as they come"`
}

// SubOpened is the result of sub.open and sub.update.
type SubOpened struct {
	Sub      int             `json:"sub" doc:"number of the subscription on this connection"`
	Epoch    string          `json:"epoch" doc:"sequence numbers of another epoch mean nothing"`
	Seq      uint64          `json:"seq" doc:"of the snapshot, or of the event before the first to come"`
	Resumed  bool            `json:"resumed" doc:"nothing was lost since, or a gap will say what"`
	Snapshot json.RawMessage `json:"snapshot,omitempty" doc:"of a state {objects: {key: value}}, of a series {t, cols}, of a log {seq, entries}; absent where resumed"`
}

type subReadParams struct {
	Topic  string          `json:"topic" doc:"such as state.pools"`
	Params json.RawMessage `json:"params,omitempty" doc:"of the topic"`
	Tail   *int            `json:"tail,omitempty" doc:"logs: so many of the last entries; 200"`
}

type subClose struct {
	Sub int `json:"sub" doc:"of the subscription"`
}

// A subscription is one topic on one connection.
type subscription struct {
	id      int
	topic   *Topic
	who     Call
	params  json.RawMessage
	view    *view
	gap     time.Duration // between two events at least
	sent    time.Time     // when the last event went out
	running bool          // its opening was answered
	before  *view         // of the subscription that it replaces
}

// goesBefore says whether s has its turn before t: states, then series, then
// logs; among these, who has waited longest.
func (s *subscription) goesBefore(t *subscription) bool {
	if s.topic.Class != t.topic.Class {
		return s.topic.Class < t.topic.Class
	}
	if !s.sent.Equal(t.sent) {
		return s.sent.Before(t.sent)
	}
	return s.id < t.id
}

// addSubscriptions registers the methods of subscriptions. They work on the
// connection that calls them.
func addSubscriptions(reg *Registry) {
	Add(reg, Method{Name: "sub.open", Purpose: "Follows a topic on this connection.", Role: Viewer, Open: true, bound: true, long: true}, reg.subOpen)
	Add(reg, Method{Name: "sub.read", Purpose: "Shows what a topic begins with, and follows nothing.", Role: Viewer, Open: true, long: true}, reg.subRead)
	Add(reg, Method{Name: "sub.update", Purpose: "Changes the parameters of a subscription.", Role: Viewer, Open: true, bound: true, long: true}, reg.subUpdate)
	Add(reg, Method{Name: "sub.close", Purpose: "Ends a subscription.", Role: Viewer, Open: true, bound: true}, reg.subClose)
}

// defaultTail is how many entries a log begins with.
const defaultTail = 200

func (p SubOpen) tail() int {
	if p.Tail == nil {
		return defaultTail
	}
	return max(*p.Tail, 0)
}

func (r *Registry) subOpen(ctx context.Context, c Call, p SubOpen) (SubOpened, error) {
	run := runningCall(ctx)
	if run == nil {
		return SubOpened{}, errNoConnection
	}
	t, e := r.topicFor(c, p.Topic)
	if e != nil {
		return SubOpened{}, e
	}
	s := &subscription{topic: t, who: c, params: p.Params}
	if e := s.setGap(p.MaxHz); e != nil {
		return SubOpened{}, e
	}
	if e := run.conn.addSub(s); e != nil {
		return SubOpened{}, e
	}
	opened, e := r.follow(ctx, run, s, p.Since, p.tail())
	if e != nil {
		run.conn.dropSub(s)
		return SubOpened{}, e
	}
	return opened, nil
}

// topicFor returns the topic called name if c may follow it.
func (r *Registry) topicFor(c Call, name string) (*Topic, *Error) {
	t := r.topics[name]
	switch {
	case t == nil:
		return nil, Errorf(CodeNotFound, "topic.unknown", "there is no topic %q%s", name,
			meant(name, slices.Collect(maps.Keys(r.topics))))
	case !t.Open && c.Role < t.Role:
		return nil, roleError(name, t.Role, c)
	}
	return t, nil
}

// subRead is sub.open for those who have no connection of their own: it returns
// what there is and follows nothing.
func (r *Registry) subRead(ctx context.Context, c Call, p subReadParams) (SubOpened, error) {
	t, e := r.topicFor(c, p.Topic)
	if e != nil {
		return SubOpened{}, e
	}
	v, e := r.view(ctx, t, c, p.Params, func() {})
	if e != nil {
		return SubOpened{}, e
	}
	defer r.feeds.close(v)
	out := SubOpened{Epoch: v.feed.epoch}
	out.Snapshot, out.Seq, _ = v.begin(nil, SubOpen{Tail: p.Tail}.tail())
	return out, nil
}

// view opens t's feed for c.
func (r *Registry) view(ctx context.Context, t *Topic, c Call, params json.RawMessage, wake func()) (*view, *Error) {
	if len(params) == 0 || string(params) == "null" {
		params = json.RawMessage("{}")
	}
	if e := checkAgainst(t.params, t.Name, params); e != nil {
		return nil, e
	}
	return r.feeds.open(ctx, t, c, params, wake)
}

// follow gives s, which stands on run's connection, a view, and lets it run when
// the call has been answered.
func (r *Registry) follow(ctx context.Context, run *running, s *subscription, since *Since, tail int) (SubOpened, *Error) {
	v, e := r.view(ctx, s.topic, s.who, s.params, run.conn.out.wake)
	if e != nil {
		return SubOpened{}, e
	}
	opened := SubOpened{Sub: s.id, Epoch: v.feed.epoch}
	opened.Snapshot, opened.Seq, opened.Resumed = v.begin(since, tail)
	if !run.conn.setView(s, v) { // the session ended in the meantime
		r.feeds.close(v)
		return SubOpened{}, Errorf(CodeCancelled, "cancelled", "the subscription was closed")
	}
	run.afterwards(func(ok bool) {
		if ok {
			run.conn.startSub(s)
		} else {
			run.conn.dropSub(s)
		}
	})
	return opened, nil
}

func (r *Registry) subUpdate(ctx context.Context, c Call, p SubUpdate) (SubOpened, error) {
	run := runningCall(ctx)
	if run == nil {
		return SubOpened{}, errNoConnection
	}
	next := &subscription{}
	if e := next.setGap(p.MaxHz); e != nil {
		return SubOpened{}, e
	}
	old := run.conn.swapSub(p.Sub, c, next)
	if old == nil {
		return SubOpened{}, noSub(p.Sub)
	}
	if p.Params != nil {
		next.params = p.Params
	}
	opened, e := r.follow(ctx, run, next, nil, defaultTail)
	if e != nil {
		run.conn.restoreSub(next, old)
		return SubOpened{}, e
	}
	return opened, nil
}

func (r *Registry) subClose(ctx context.Context, c Call, p subClose) (struct{}, error) {
	run := runningCall(ctx)
	if run == nil {
		return struct{}{}, errNoConnection
	}
	s := run.conn.findSub(p.Sub, c)
	if s == nil {
		return struct{}{}, noSub(p.Sub)
	}
	run.conn.dropSub(s)
	return struct{}{}, nil
}

var errNoConnection = Errorf(CodeRequest, "sub.transport", "subscriptions and streams need a connection of their own: use the WebSocket")

func noSub(id int) *Error {
	return Errorf(CodeNotFound, "sub.unknown", "this connection has no subscription %d", id)
}

// setGap sets how often events may come.
func (s *subscription) setGap(hz float64) *Error {
	if hz != 0 && !(hz >= 0.1 && hz <= 20) {
		return Errorf(CodeParams, "params.invalid", "max_hz must be 0.1 to 20, or 0 for events as they come, not %v", hz)
	}
	s.gap = 0
	if hz > 0 {
		s.gap = time.Duration(float64(time.Second) / hz)
	}
	return nil
}
