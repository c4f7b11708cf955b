// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Config says how much is kept. A zero field takes the default named beside it.
type Config struct {
	MaxFile  int64         // 8 MiB; a file that is longer is followed by another
	MaxFiles int           // 16; at least 2
	Queue    int           // 4096 records that wait for the disk
	Recent   int           // 1000 records in memory, for Follow
	Wait     time.Duration // 200ms that Append waits for the disk
	Retry    time.Duration // 1s between two tries on a disk that fails
}

func (c *Config) setDefaults() {
	if c.MaxFile == 0 {
		c.MaxFile = 8 << 20
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = 16
	}
	c.MaxFiles = max(c.MaxFiles, 2)
	if c.Queue == 0 {
		c.Queue = 4096
	}
	if c.Recent == 0 {
		c.Recent = 1000
	}
	if c.Wait == 0 {
		c.Wait = 200 * time.Millisecond
	}
	if c.Retry == 0 {
		c.Retry = time.Second
	}
}

// Why Append could not promise that a record is on the disk. In each case what
// the record tells of was done all the same.
var (
	ErrLate   = errors.New("the audit record waits for the disk")
	ErrLost   = errors.New("the audit record is lost: the disk takes none and too many wait already")
	ErrClosed = errors.New("the audit log is closed")
)

// A Log is an open audit log. Its methods may be called from many goroutines.
type Log struct {
	cfg  Config
	log  *slog.Logger
	disk disk
	done chan struct{} // closed when the writer has ended
	wake chan struct{} // something waits, or Close was called

	keep sync.Mutex // held while files are removed, and while all are opened

	mu      sync.Mutex // guards all below; never held while the disk works
	queue   []*waiting
	closed  bool
	lost    loss
	failing error  // of the last try to write, nil if it went well
	total   uint64 // lost since Open

	files   []segment // the oldest first; the last is written to
	anchor  anchor
	head    anchor        // of the newest record on the disk
	recent  []Record      // the newest Config.Recent records, the oldest first
	changed chan struct{} // closed and replaced when head moves
}

// An anchor names a record by number and hash.
type anchor struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// A segment is one file.
type segment struct {
	name  string
	first uint64 // sequence number that it begins with
	size  int64  // bytes that are on the disk
}

// A waiting record is told when it is on the disk.
type waiting struct {
	rec  Record
	done chan struct{}
}

// A loss is records that were not written and are not told of yet.
type loss struct {
	n          uint64
	from, till time.Time
	why        string
}

// Open opens the log in the folder dir, and makes it where there is none. What a
// loss of power has left of a last line is cut off, and noted in the chain. It
// fails only if the folder cannot be read or made: a damaged log is continued.
func Open(dir string, cfg Config, log *slog.Logger) (*Log, error) {
	d, err := openDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	return open(d, cfg, log)
}

func open(d disk, cfg Config, log *slog.Logger) (*Log, error) {
	cfg.setDefaults()
	l := &Log{cfg: cfg, log: log, disk: d, done: make(chan struct{}), wake: make(chan struct{}, 1),
		changed: make(chan struct{})}
	notes, err := l.recover()
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	for _, n := range notes {
		l.queue = append(l.queue, &waiting{rec: n, done: make(chan struct{})})
	}
	w := &writer{l: l}
	go w.run()
	l.nudge()
	return l, nil
}

// Append adds r. It returns nil when r would survive a loss of power, and waits
// for that no longer than Config.Wait.
func (l *Log) Append(r Record) error {
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	r.Time = r.Time.Round(0).UTC()
	r.cut()
	w, err := l.enqueue(r)
	if err != nil {
		return err
	}
	timer := time.NewTimer(l.cfg.Wait)
	defer timer.Stop()
	select {
	case <-w.done:
		return nil
	case <-timer.C:
		return ErrLate
	}
}

func (l *Log) enqueue(r Record) (*waiting, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, ErrClosed
	case len(l.queue) >= l.cfg.Queue:
		why := "the disk is slow"
		if l.failing != nil {
			why = l.failing.Error()
		}
		l.lose(1, r.Time, why)
		return nil, ErrLost
	}
	w := &waiting{rec: r, done: make(chan struct{})}
	l.queue = append(l.queue, w)
	l.nudge()
	return w, nil
}

// lose counts records that were not written. mu is held.
func (l *Log) lose(n uint64, at time.Time, why string) {
	if l.lost.n == 0 {
		l.lost.from = at
	}
	l.lost.n += n
	l.lost.till, l.lost.why = at, why
	l.total += n
}

func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default: // it wakes already
	}
}

// Close writes what waits, and ends the log. What the disk does not take at once
// is lost, and the error says so.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.nudge()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.queue); n > 0 {
		return fmt.Errorf("close audit log: %d records were not written: %w", n, l.failing)
	}
	return nil
}

// A Status says how the log does.
type Status struct {
	Seq     uint64 `json:"seq"`               // of the newest record on the disk
	Waiting int    `json:"waiting"`           // for the disk
	Lost    uint64 `json:"lost"`              // records since Open
	Problem string `json:"problem,omitempty"` // why nothing can be written now
}

// Status tells how the log does.
func (l *Log) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Seq: l.head.Seq, Waiting: len(l.queue), Lost: l.total}
	if l.failing != nil {
		s.Problem = l.failing.Error()
	}
	return s
}

// A Batch is a part of the log, the oldest record first.
type Batch struct {
	Records []Record
	Lost    uint64 // records after the number asked for that are no longer in memory
	Next    uint64 // what to ask for next time
}

// After returns the records after number since that are in memory, at most max of
// them (0: all), and what of the log has changed since is closed when there is
// more. A since ahead of the log, from before it was made anew, begins at 0.
func (l *Log) After(since uint64, max int) (Batch, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since > l.head.Seq {
		since = 0
	}
	b := Batch{Next: since}
	i := len(l.recent)
	for i > 0 && l.recent[i-1].Seq > since {
		i--
	}
	rs := l.recent[i:]
	if len(rs) > 0 && rs[0].Seq > since+1 {
		b.Lost = rs[0].Seq - since - 1
	}
	if max > 0 && len(rs) > max {
		rs = rs[:max]
	}
	b.Records = append(b.Records, rs...)
	if len(rs) > 0 {
		b.Next = rs[len(rs)-1].Seq
	}
	return b, l.changed
}

// Follow calls f with the records after number since as they come, until ctx ends
// (it then returns nil) or f fails. A follower that is too slow is told how many
// records it has missed.
func (l *Log) Follow(ctx context.Context, since uint64, f func(Batch) error) error {
	for {
		b, changed := l.After(since, 500)
		if len(b.Records) > 0 || b.Lost > 0 {
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
