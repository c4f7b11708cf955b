// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/event"
	"evener/firmware/phrase"
	"evener/firmware/store"
)

// An Event is something that happened to the box.
type Event struct {
	Seq      uint64         `json:"seq"`
	Time     time.Time      `json:"time"`
	Kind     string         `json:"kind" doc:"stable and dotted, such as member.down"`
	Severity string         `json:"severity" doc:"info, warning or error"`
	Object   string         `json:"object,omitempty" doc:"path of what it is about, such as pool/shop/member/web2"`
	Args     map[string]any `json:"args,omitempty" doc:"the values inside text, for translation"`
	Text     string         `json:"text" doc:"in words"`
	Ack      *EventAck      `json:"ack,omitempty" doc:"who has taken notice; absent: nobody"`

	Said phrase.Words `json:"said,omitempty" doc:"what the args that are sentences say, by name: kind and args"`
}

// An EventAck says who has taken notice of an event.
type EventAck struct {
	By   string    `json:"by"`
	Time time.Time `json:"time"`
	Note string    `json:"note,omitempty"`
}

func eventOf(e event.Event) Event {
	out := Event{Seq: e.Seq, Time: e.Time, Kind: string(e.Kind), Severity: e.Severity.String(), Object: e.Object, Args: e.Args, Text: e.Text,
		Said: phrase.Args(e.Args)}
	if e.Ack != nil {
		out.Ack = &EventAck{e.Ack.By, e.Ack.Time, e.Ack.Note}
	}
	return out
}

type eventFilter struct {
	From     time.Time `json:"from,omitzero" doc:"the oldest; all"`
	To       time.Time `json:"to,omitzero" doc:"events before this; all"`
	Severity string    `json:"severity,omitempty" doc:"and worse: info, warning or error; info"`
	Kinds    []string  `json:"kinds,omitempty" doc:"patterns such as member.*; all"`
	Objects  []string  `json:"objects,omitempty" doc:"paths with what is below them, or patterns such as pool/*; all"`
	Text     string    `json:"text,omitempty" doc:"found anywhere"`
	Unacked  bool      `json:"unacked,omitempty" doc:"only those that nobody has acknowledged"`
}

func (f eventFilter) filter() (event.Filter, error) {
	out := event.Filter{From: f.From, To: f.To, Kinds: f.Kinds, Objects: f.Objects, Text: f.Text, Unacked: f.Unacked}
	if f.Severity != "" {
		s, err := event.ParseSeverity(f.Severity)
		if err != nil {
			return out, api.Errorf(api.CodeParams, "params.severity", "%v", err)
		}
		out.Severity = s
	}
	return out, nil
}

type eventQuery struct {
	eventFilter
	Limit  int    `json:"limit,omitempty" doc:"events at most, up to 10000; 100"`
	Before uint64 `json:"before,omitempty" doc:"only events with a lower number"`
	Since  uint64 `json:"since,omitempty" doc:"only events with a higher number, the oldest first"`
}

// Events is a part of the journal.
type Events struct {
	Events  []Event `json:"events" doc:"the newest first; with since the oldest first"`
	Lost    uint64  `json:"lost,omitempty" doc:"with since: events in between that are not kept any more"`
	Last    uint64  `json:"last" doc:"number of the newest event"`
	Next    uint64  `json:"next,omitempty" doc:"with since: what to ask for next"`
	Unacked int     `json:"unacked" doc:"warnings and errors that nobody has acknowledged"`
	Problem string  `json:"problem,omitempty" doc:"why events would not survive a restart now"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

type eventAckParams struct {
	Events []uint64 `json:"events" doc:"numbers"`
	Note   string   `json:"note,omitempty" doc:"what is done about it"`
}

func (b *Box) addEvents(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "event.list", Purpose: "Shows what happened to the box.", Role: api.Viewer}, b.eventList)
	api.Add(reg, api.Method{Name: "event.ack", Purpose: "Notes that you have taken notice of events.", Role: api.Operator,
		Effect: api.Runtime, Audit: "acknowledge events {events}", Idempotent: true}, b.eventAck)
}

var errNoEvents = api.Errorf(api.CodeFailed, "events.closed", "the journal of events is not open; the log of the engine says why")

func (b *Box) eventList(_ context.Context, _ api.Call, p eventQuery) (Events, error) {
	j := b.cfg.Events
	if j == nil {
		return Events{}, errNoEvents
	}
	f, err := p.filter()
	if err != nil {
		return Events{}, err
	}
	if p.Limit <= 0 || p.Limit > 10000 {
		p.Limit = 100
	}
	out := Events{Events: []Event{}, Last: j.Last(), Unacked: j.Unacked(event.Warning)}
	if err := j.Problem(); err != nil {
		out.Problem = err.Error()
		out.Said = phrase.Fields("problem", out.Problem)
	}
	if p.Since > 0 {
		batch, _ := j.After(p.Since, p.Limit)
		out.Lost, out.Next = batch.Lost, batch.Next
		for _, e := range batch.Events {
			if f.Match(e) {
				out.Events = append(out.Events, eventOf(e))
			}
		}
		return out, nil
	}
	for _, e := range j.Query(f, p.Limit, p.Before) {
		out.Events = append(out.Events, eventOf(e))
	}
	return out, nil
}

func (b *Box) eventAck(_ context.Context, c api.Call, p eventAckParams) (Events, error) {
	j := b.cfg.Events
	if j == nil {
		return Events{}, errNoEvents
	}
	out := Events{Events: []Event{}}
	for _, seq := range p.Events {
		e, err := j.Ack(seq, c.Author, p.Note)
		if errors.Is(err, event.ErrNotFound) {
			return Events{}, api.Errorf(api.CodeNotFound, "not_found", "event %d is not kept; event.list shows those that are", seq)
		}
		if err != nil {
			return Events{}, err
		}
		out.Events = append(out.Events, eventOf(e))
	}
	out.Last, out.Unacked = j.Last(), j.Unacked(event.Warning)
	return out, nil
}

// happened adds an event to the journal, where there is one.
func (b *Box) happened(k event.Kind, object string, args map[string]any) {
	if b.cfg.Events != nil {
		b.cfg.Events.Add(event.New(k, object, args))
	}
}

// revisions remembers which revision ran when the last commit ended.
type revisions struct {
	mu   sync.Mutex // guards what follows
	last uint64
}

// note says in rec from which revision to which a commit has led.
func (r *revisions) note(rec *audit.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != 0 && r.last != rec.Revision && rec.Before == "" && rec.After == "" {
		rec.Before, rec.After = revisionWord(r.last), revisionWord(rec.Revision)
	}
	r.last = rec.Revision
}

// wentBack notes that the box has taken a commit back by itself, if no other commit
// has ended since.
func (r *revisions) wentBack(e store.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == e.Revision {
		r.last = e.Running
	}
}
