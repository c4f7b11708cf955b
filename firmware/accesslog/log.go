// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Config says what is logged where. Only Loops and Path are required.
type Config struct {
	Loops  int      // event loops, each with its own ring
	Path   string   // a regular file, "stderr", or Nowhere
	Format string   // "json" (default) or "combined"
	Fields []string // names out of Fields(); empty: the standard set of the format
	Buffer int      // 4096 records for each loop, about 4 MiB; rounded up to a power of two
}

// A Log takes records from the loops and writes them in Run.
type Log struct {
	log     *slog.Logger
	slots   []*Slot
	names   nameTable
	taps    taps
	written atomic.Uint64
	lost    atomic.Uint64 // lines that were cut when the file was changed

	wake   chan struct{} // a ring is half full, or next was set
	mu     sync.Mutex    // guards next, writes and changes of taps
	writes bool          // lines are written, or will be once Run has seen next
	next   *target       // what Run goes on with, nil for no change
	reopen atomic.Bool

	target *target // of Run
}

// A target is a destination with the form of its lines.
type target struct {
	path   string
	dest   destination
	format *format
}

// Open opens the destination, so that a mistake in the path is told at once.
func Open(cfg Config, log *slog.Logger) (*Log, error) {
	if cfg.Loops < 1 {
		return nil, fmt.Errorf("open access log: %d loops", cfg.Loops)
	}
	if cfg.Buffer == 0 {
		cfg.Buffer = 4096
	}
	t, err := openTarget(cfg)
	if err != nil {
		return nil, err
	}
	l := &Log{log: log, wake: make(chan struct{}, 1), target: t, writes: t.path != Nowhere}
	for range cfg.Loops {
		l.slots = append(l.slots, newSlot(cfg.Buffer, l.wake))
	}
	return l, nil
}

func openTarget(cfg Config) (*target, error) {
	f, err := newFormat(cfg.Format, cfg.Fields)
	if err != nil {
		return nil, fmt.Errorf("open access log: %w", err)
	}
	d, err := openDestination(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open access log: %w", err)
	}
	return &target{path: cfg.Path, dest: d, format: f}, nil
}

// Slot returns what the loop of that index puts records into.
func (l *Log) Slot(loop int) *Slot { return l.slots[loop] }

// Name returns the short form of a name, the same for equal names. It takes a
// lock: call it once for each name. Names are never forgotten.
func (l *Log) Name(s string) Name { return l.names.intern(s) }

// Reopen makes Run open its file anew, after it was renamed. It returns at once; if
// the file cannot be opened the old one stays in use, and that is logged.
func (l *Log) Reopen() {
	l.reopen.Store(true)
	l.nudge()
}

// Reconfigure opens another destination, or the same with another format, and
// makes Run go on with it. Loops and Buffer stay as they were. On an error nothing
// changes. Records that wait are written to the new destination.
func (l *Log) Reconfigure(cfg Config) error {
	t, err := openTarget(cfg)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.next
	l.next = t
	l.writes = t.path != Nowhere
	l.pace()
	l.mu.Unlock()
	if old != nil { // Run has not come to it
		old.dest.Close() // nothing was written to it
	}
	l.nudge()
	return nil
}

func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default: // it wakes already
	}
}

// Drops returns how many records were lost since Open: those that found no room,
// and those whose line was cut when the file was changed.
func (l *Log) Drops() uint64 {
	n := l.lost.Load()
	for _, s := range l.slots {
		n += s.drops.Load()
	}
	return n
}

// Written returns how many lines were written since Open.
func (l *Log) Written() uint64 { return l.written.Load() }

// A nameTable gives strings numbers.
type nameTable struct {
	mu     sync.Mutex // guards what follows
	byName map[string]Name
	all    []string
}

func (t *nameTable) intern(s string) Name {
	if s == "" {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n, ok := t.byName[s]
	if !ok {
		if t.byName == nil {
			t.byName = make(map[string]Name)
		}
		t.all = append(t.all, s)
		n = Name(len(t.all))
		t.byName[s] = n
	}
	return n
}

// list returns the names, the one of Name n at n-1. Nobody changes it.
func (t *nameTable) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[:len(t.all):len(t.all)]
}
