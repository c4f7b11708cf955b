// SPDX-License-Identifier: Apache-2.0

// Package logring is the box's log: a slog.Handler that writes text lines, for
// the serial console or the journal, and keeps the last records in memory for
// "evener show log". It does not know who logs what or who reads it.
//
// Each record has a sequence number, from 1 and without gaps, so a reader that
// comes back can tell exactly how many records it has missed. Memory is
// bounded: the number of records, and the length of each.
package logring

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Config says what is kept. A zero field takes the default named beside it.
type Config struct {
	Level slog.Leveler // slog.LevelInfo; less important records are dropped
	Size  int          // 1000 records
}

// A Record is one remembered line of the log.
type Record struct {
	Seq     uint64     `json:"seq"`
	Time    time.Time  `json:"time"` // zero if the record had none
	Level   slog.Level `json:"level"`
	Message string     `json:"message"`
	Attrs   []Attr     `json:"attrs,omitempty"`
}

// An Attr is one fact of a record. The keys of groups are joined by dots.
type Attr struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Limits of one remembered record; the text line has all of it.
const (
	maxAttrs = 32
	maxValue = 1024 // bytes of the message, a key or a value
)

// A Batch is a part of the log, the oldest record first.
type Batch struct {
	Records []Record `json:"records"`
	Lost    uint64   `json:"lost"` // records after the number asked for that are no longer kept
	Next    uint64   `json:"next"` // what to ask for next time
	More    bool     `json:"more"` // there are records after Next already
}

// A Handler writes and remembers. Handlers made from it by WithAttrs and
// WithGroup share its memory.
type Handler struct {
	ring  *ring
	text  slog.Handler
	level slog.Leveler
	attrs []Attr // of WithAttrs, with their groups
	group string // of WithGroup, with a dot at its end, or ""
}

// ring is the memory of one log.
type ring struct {
	mu   sync.Mutex // guards all below
	last []Record   // the record with number n is at (n-1) % cap
	seq  uint64     // of the newest
}

// New returns a Handler that writes text lines to w. It panics if cfg.Size is
// negative.
func New(w io.Writer, cfg Config) *Handler {
	if cfg.Level == nil {
		cfg.Level = slog.LevelInfo
	}
	if cfg.Size == 0 {
		cfg.Size = 1000
	}
	return &Handler{
		ring:  &ring{last: make([]Record, 0, cfg.Size)},
		text:  slog.NewTextHandler(w, &slog.HandlerOptions{Level: cfg.Level}),
		level: cfg.Level,
	}
}

// Enabled says whether records of level l are kept.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle remembers r and writes it. The error is that of the writer; r is
// remembered in any case.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	rec := Record{Time: r.Time.Round(0), Level: r.Level, Message: cut(r.Message)}
	rec.Attrs = append(rec.Attrs, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		rec.Attrs = flatten(rec.Attrs, h.group, a)
		return len(rec.Attrs) < maxAttrs
	})
	h.ring.add(rec)
	return h.text.Handle(ctx, r)
}

// WithAttrs returns a Handler that adds attrs to each record.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.text = h.text.WithAttrs(attrs)
	c.attrs = append([]Attr(nil), h.attrs...)
	for _, a := range attrs {
		c.attrs = flatten(c.attrs, h.group, a)
	}
	return &c
}

// WithGroup returns a Handler that puts later attributes under name.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.text = h.text.WithGroup(name)
	c.group = h.group + name + "."
	return &c
}

// Records returns at most max records after the number since, the oldest that
// are kept first; since 0 begins with the oldest, max 0 or less means all. A
// since that lies ahead, from before a restart, begins anew.
func (h *Handler) Records(since uint64, max int) Batch {
	r := h.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	if since > r.seq {
		since = 0
	}
	oldest := r.seq - uint64(len(r.last)) // the number before the first kept
	b := Batch{Next: since}
	if since < oldest {
		b.Lost, b.Next = oldest-since, oldest
	}
	n := r.seq - b.Next
	if max > 0 {
		n = min(n, uint64(max))
	}
	b.Records = make([]Record, 0, n)
	for range n {
		b.Records = append(b.Records, r.last[b.Next%uint64(cap(r.last))])
		b.Next++
	}
	b.More = b.Next < r.seq
	return b
}

// add numbers rec and puts it in the place of the oldest.
func (r *ring) add(rec Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.last) < cap(r.last) {
		r.last = append(r.last, rec)
	} else {
		r.last[r.seq%uint64(cap(r.last))] = rec
	}
	r.seq++
	r.last[(r.seq-1)%uint64(cap(r.last))].Seq = r.seq
}

// flatten appends a under the prefix of its groups, as slog's handlers do:
// empty attributes and groups are left out, a group without a name is none.
func flatten(as []Attr, prefix string, a slog.Attr) []Attr {
	v := a.Value.Resolve()
	if a.Key == "" && v.Kind() != slog.KindGroup || len(as) >= maxAttrs {
		return as
	}
	if v.Kind() != slog.KindGroup {
		return append(as, Attr{cut(prefix + a.Key), cut(v.String())})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, g := range v.Group() {
		as = flatten(as, prefix, g)
	}
	return as
}

// cut shortens s to maxValue bytes, at the end of a character.
func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	const mark = "…"
	end := maxValue - len(mark)
	for end > 0 && s[end]&0xC0 == 0x80 { // within a character
		end--
	}
	return s[:end] + mark
}
