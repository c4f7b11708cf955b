// SPDX-License-Identifier: Apache-2.0

package event

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Config says how much is kept. A zero field takes the default named beside it.
type Config struct {
	Size    int           // 10000 events in memory
	MaxFile int64         // 4 MiB; a file that is longer is followed by another, and there are two
	Retry   time.Duration // 1s between two tries on a disk that fails
	Queue   int           // 10000 lines that wait for the disk
}

func (c *Config) setDefaults() {
	if c.Size == 0 {
		c.Size = 10000
	}
	if c.MaxFile == 0 {
		c.MaxFile = 4 << 20
	}
	if c.Retry == 0 {
		c.Retry = time.Second
	}
	if c.Queue == 0 {
		c.Queue = 10000
	}
}

// A Journal is the events of the box. Its methods may be called from many
// goroutines; none of them waits for the disk but Close.
type Journal struct {
	cfg  Config
	log  *slog.Logger
	dir  string
	wake chan struct{} // a line waits, or Close was called
	done chan struct{} // closed when the writer has ended

	mu      sync.Mutex // guards all below
	epoch   string     // another one when the numbers have begun anew
	events  []Event    // the oldest first
	seq     uint64     // of the newest
	queue   [][]byte   // lines that wait for the disk
	lost    uint64     // lines that found no room in queue and are not told of yet
	closed  bool
	failing error
	changed chan struct{} // closed and replaced when there is another event or ack
}

// Open reads the journal in the folder dir, and makes it where there is none.
// Lines that a loss of power has damaged are left out.
func Open(dir string, cfg Config, log *slog.Logger) (*Journal, error) {
	cfg.setDefaults()
	j := &Journal{cfg: cfg, log: log, dir: dir, wake: make(chan struct{}, 1), done: make(chan struct{}),
		changed: make(chan struct{})}
	w, err := j.load()
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	if j.epoch == "" {
		j.epoch = rand.Text()
		j.put(line{Epoch: j.epoch, Seq: j.seq})
	}
	go w.run()
	return j, nil
}

// Add numbers e, which [New] has made, keeps it and returns it. Its time is now
// where it has none.
func (j *Journal) Add(e Event) Event {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.Round(0).UTC()
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.add(e)
}

// add is Add with mu held.
func (j *Journal) add(e Event) Event {
	j.seq++
	e.Seq, e.Ack = j.seq, nil
	j.keep(e)
	j.put(line{Event: &e})
	j.tell()
	return e
}

// keep remembers e in place of the oldest.
func (j *Journal) keep(e Event) {
	j.events = append(j.events, e)
	if n := len(j.events) - j.cfg.Size; n > 0 {
		j.events[0] = Event{} // let go of its texts
		j.events = j.events[n:]
	}
}

func (j *Journal) tell() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// put queues a line for the disk. mu is held.
func (j *Journal) put(l line) {
	if j.closed || len(j.queue) >= j.cfg.Queue {
		j.lost++
		return
	}
	b, err := l.encode()
	if err != nil { // an argument that JSON cannot write
		j.log.Error("event not kept on the disk", "err", err)
		j.lost++
		return
	}
	j.queue = append(j.queue, b)
	select {
	case j.wake <- struct{}{}:
	default: // it wakes already
	}
}

// ErrNotFound says that there is no such event any more.
var ErrNotFound = errors.New("no such event is kept")

// Ack notes that by has taken notice of an event, and returns the event. The first
// acknowledgement stays.
func (j *Journal) Ack(seq uint64, by, note string) (Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.find(seq)
	if e == nil {
		return Event{}, ErrNotFound
	}
	if e.Ack == nil {
		a := Ack{By: cut(by), Time: time.Now().Round(0).UTC(), Note: cut(note)}
		e.Ack = &a
		j.put(line{Seq: seq, Ack: &a})
		j.tell()
	}
	return *e, nil
}

// find returns the event of a number, nil if it is not kept. mu is held.
func (j *Journal) find(seq uint64) *Event {
	// Numbers have gaps only where the file was damaged.
	for i := len(j.events) - 1; i >= 0 && j.events[i].Seq >= seq; i-- {
		if j.events[i].Seq == seq {
			return &j.events[i]
		}
	}
	return nil
}

// Query returns the newest events that f wants, the newest first: at most limit
// (0: all), and only those with a number below before (0: any).
func (j *Journal) Query(f Filter, limit int, before uint64) []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := []Event{}
	for i := len(j.events) - 1; i >= 0; i-- {
		e := j.events[i]
		if before > 0 && e.Seq >= before || !f.Match(e) {
			continue
		}
		if out = append(out, e); len(out) == limit {
			break
		}
	}
	return out
}

// Unacked counts the events of at least severity s that nobody has acknowledged.
func (j *Journal) Unacked(s Severity) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for i := range j.events {
		if j.events[i].Ack == nil && j.events[i].Severity >= s {
			n++
		}
	}
	return n
}

// A Batch is a part of the journal, the oldest event first.
type Batch struct {
	Events []Event
	Lost   uint64 // events after the number asked for that are not kept any more
	Next   uint64 // what to ask for next time
}

// After returns the events after number since, at most max of them (0: all), and a
// channel that is closed when something has changed. A since ahead of the journal
// begins anew.
func (j *Journal) After(since uint64, max int) (Batch, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if since > j.seq {
		since = 0
	}
	i := len(j.events)
	for i > 0 && j.events[i-1].Seq > since {
		i--
	}
	es, b := j.events[i:], Batch{Next: since}
	if max > 0 && len(es) > max {
		es = es[:max]
	}
	for n, e := range es {
		b.Lost += e.Seq - b.Next - 1
		b.Next = e.Seq
		if n == 0 {
			b.Events = make([]Event, 0, len(es))
		}
		b.Events = append(b.Events, e)
	}
	return b, j.changed
}

// Follow calls f with the events after number since as they come, until ctx ends
// (it then returns nil) or f fails. A follower that is too slow is told how many it
// has missed.
func (j *Journal) Follow(ctx context.Context, since uint64, f func(Batch) error) error {
	for {
		b, changed := j.After(since, 500)
		if len(b.Events) > 0 {
			if err := f(b); err != nil {
				return err
			}
			since = b.Next
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// Last returns the number of the newest event.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// Epoch names the numbering: it is another one when numbers have begun anew.
func (j *Journal) Epoch() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.epoch
}

// Problem says why events are not kept on the disk now, nil if they are.
func (j *Journal) Problem() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failing
}

// Close writes what waits.
func (j *Journal) Close() error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default: // it wakes already
	}
	<-j.done
	return j.Problem()
}
