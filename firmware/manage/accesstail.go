// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"evener/firmware/accesslog"
	"evener/firmware/api"
)

// A Taps lets somebody see the records of the access log, whether or not one is
// written; it costs nothing while nobody does.
type Taps interface {
	Tap(accesslog.Tap) (stop func(), err error)
	Sample(perSecond int, f accesslog.Tap) (stop func(), err error) // of each loop
}

// An AccessEntry is a request or a connection that has ended.
type AccessEntry struct {
	Time       time.Time    `json:"time" doc:"when it began"`
	Cluster    string       `json:"cluster"`
	Rule       string       `json:"rule,omitempty"`
	Pool       string       `json:"pool,omitempty"`
	Server     string       `json:"server,omitempty" doc:"the member that served it"`
	Client     string       `json:"client" doc:"address and port"`
	Protocol   string       `json:"protocol,omitempty"`
	Method     string       `json:"method,omitempty"`
	Host       string       `json:"host,omitempty"`
	Path       string       `json:"path,omitempty" doc:"with its query; its first 256 bytes"`
	Status     int          `json:"status" doc:"0: there was no answer"`
	Reason     string       `json:"reason" doc:"how it ended"`
	Persist    string       `json:"persist,omitempty"`
	Retries    int          `json:"retries,omitempty" doc:"further members that were tried"`
	BytesIn    int64        `json:"bytes_in"`
	BytesOut   int64        `json:"bytes_out"`
	Duration   api.Duration `json:"duration"`
	FirstByte  api.Duration `json:"first_byte,omitempty" doc:"until the member's answer began"`
	RequestID  string       `json:"request_id,omitempty"`
	UserAgent  string       `json:"user_agent,omitempty"`
	Generation uint64       `json:"generation" doc:"of the configuration that served it"`
}

func accessEntryOf(s accesslog.Seen) AccessEntry {
	e := AccessEntry{Time: time.Unix(0, s.Time).UTC(), Cluster: s.Text(s.Cluster), Rule: s.Text(s.Rule), Pool: s.Text(s.Pool),
		Server: s.Text(s.Member), Protocol: s.Protocol.String(), Method: string(s.Method.Bytes()), Host: string(s.Host.Bytes()),
		Path: string(s.Path.Bytes()), Status: int(s.Status), Reason: s.Reason.String(), Persist: s.Persist.String(),
		Retries: int(s.Retries), BytesIn: s.BytesIn, BytesOut: s.BytesOut, Duration: api.Duration(max(s.Total, 0)),
		FirstByte: api.Duration(max(s.FirstByte, 0)), RequestID: string(s.RequestID.Bytes()), UserAgent: string(s.UserAgent.Bytes()),
		Generation: s.Generation}
	if c := s.Client(); c.IsValid() {
		e.Client = c.String()
	}
	return e
}

const (
	tailSize = 2048             // entries that a tail keeps for those who read
	tailLife = 10 * time.Minute // that a tail is kept when nobody reads: a client may come back
	maxTails = 64

	// Of what fits a filter, so many a second are kept for people to read, after a
	// time of quiet so many at once. The rest is told as a gap: what is shown must
	// not take from traffic what serving it costs.
	tailRate  = 25
	tailBurst = 50
)

// tails are the filters that somebody follows.
type tails struct {
	mu     sync.Mutex // guards what follows
	byName map[string]*tail
}

// A tail keeps the newest entries that fit one filter. Sequence numbers that were
// given to nothing stand for records that were lost.
type tail struct {
	mu    sync.Mutex // guards all below
	kept  []tailed   // the oldest first
	seq   uint64     // of the newest, lost ones included
	drops uint64     // of the log, as the newest record knew it
	known bool       // drops was set
	lost  bool       // something was lost since the newest that is kept
	room  float64    // entries that may be kept now
	asked time.Time  // when room was reckoned
	stop  func()     // nil: nobody reads
	until time.Time  // forgotten then, while nobody reads
}

type tailed struct {
	seq  uint64
	gap  bool // what is before it was lost
	data AccessEntry
}

// see takes a record that fits.
func (t *tail) see(s accesslog.Seen, fits bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	gap := false
	if lost := s.Drops - t.drops; t.known && lost > 0 {
		t.seq += lost
		gap = true
	}
	t.drops, t.known = s.Drops, true
	if !fits {
		if gap {
			t.lost = true
		}
		return
	}
	t.seq++
	if !t.admit(time.Now()) {
		t.lost = true
		return
	}
	t.kept = append(t.kept, tailed{t.seq, gap || t.lost, accessEntryOf(s)})
	t.lost = false
	if n := len(t.kept) - tailSize; n >= tailSize/4 { // in steps: each moves the rest
		t.kept = append(t.kept[:0], t.kept[n:]...)
		t.kept[0].gap = true
	}
}

// admit says whether one more entry may be kept.
func (t *tail) admit(now time.Time) bool {
	if t.asked.IsZero() {
		t.room = tailBurst
	} else {
		t.room = min(tailBurst, t.room+max(0, now.Sub(t.asked).Seconds())*tailRate)
	}
	t.asked = now
	if t.room < 1 {
		return false
	}
	t.room--
	return true
}

// read returns entries after a number, up to the next loss.
func (t *tail) read(after uint64, most int) api.Batch[AccessEntry] {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := len(t.kept)
	for i > 0 && t.kept[i-1].seq > after {
		i--
	}
	out := api.Batch[AccessEntry]{First: 1, Last: after}
	for n, e := range t.kept[i:] {
		if e.gap && e.seq > out.Last+1 {
			if n > 0 {
				return out // what is before the loss first
			}
			out.First = e.seq
		}
		if len(out.Entries) == most {
			return out
		}
		out.Entries = append(out.Entries, api.Entry[AccessEntry]{Seq: e.seq, Data: e.data})
		out.Last = e.seq
	}
	return out
}

// accessTopic reads from the tail of its filter, and makes it where there is none.
// ctx ends when nobody follows the topic any more.
func (b *Box) accessTopic(ctx context.Context, _ api.Call, p accessFilter, after uint64, most int) (api.Batch[AccessEntry], error) {
	if b.cfg.Taps == nil {
		return api.Batch[AccessEntry]{}, api.Errorf(api.CodeFailed, "access.closed", "there is no traffic to follow: the engine has just begun or is about to end")
	}
	match, err := p.compile()
	if err != nil {
		return api.Batch[AccessEntry]{}, err
	}
	key, err := json.Marshal(p)
	if err != nil {
		return api.Batch[AccessEntry]{}, err
	}
	t, err := b.tails.get(string(key))
	if err != nil {
		return api.Batch[AccessEntry]{}, err
	}
	if err := t.follow(ctx, b.cfg.Taps, match); err != nil {
		return api.Batch[AccessEntry]{}, err
	}
	return t.read(after, most), nil
}

// get returns the tail of a filter, and forgets those that nobody has read for long.
func (ts *tails) get(key string) (*tail, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	now := time.Now()
	for k, t := range ts.byName {
		t.mu.Lock()
		if t.stop == nil && now.After(t.until) && k != key {
			delete(ts.byName, k)
		}
		t.mu.Unlock()
	}
	t := ts.byName[key]
	if t == nil {
		if len(ts.byName) >= maxTails {
			return nil, api.Errorf(api.CodeTooMany, "too_many.filters", "%d different filters of the access log are followed or were so lately; use one of them or wait some minutes", maxTails)
		}
		if ts.byName == nil {
			ts.byName = map[string]*tail{}
		}
		t = &tail{until: now.Add(tailLife)}
		ts.byName[key] = t
	}
	return t, nil
}

// follow begins to see records if that has not begun, until ctx ends. What came
// while nobody read is a loss of unknown size: it counts as one. Where all records
// fit, the loops need not make more of them than are kept.
func (t *tail) follow(ctx context.Context, taps Taps, match func(accesslog.Seen) bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		return nil
	}
	var stop func()
	var err error
	if match == nil {
		stop, err = taps.Sample(tailRate, func(s accesslog.Seen) { t.see(s, true) })
	} else {
		stop, err = taps.Tap(func(s accesslog.Seen) { t.see(s, match(s)) })
	}
	if err != nil {
		return err
	}
	if t.seq > 0 {
		t.seq, t.lost = t.seq+1, true
	}
	t.stop, t.known = stop, false
	context.AfterFunc(ctx, func() {
		stop()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.stop, t.until = nil, time.Now().Add(tailLife)
	})
	return nil
}
