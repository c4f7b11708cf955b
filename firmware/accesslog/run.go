// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"context"
	"time"
)

const (
	flushEvery = 100 * time.Millisecond // a record waits no longer while the destination works
	retryEvery = time.Second            // after an error
	quietAfter = 10 * time.Second       // without a drop: dropping has ended
	lastRounds = 100                    // at the end, if the loops still put records
	batchSize  = 64 << 10               // bytes formatted before they are written
	lineSize   = 8 << 10                // room for the line that passes batchSize
)

// A writer is the state of Run.
type writer struct {
	log     *Log
	batch   []byte
	written int  // bytes of batch that the destination has
	mended  bool // batch begins with the end of a line that is not ours
	failing bool // the last write failed

	drops    uint64    // as of the last round
	skipped  uint64    // likewise: left out because nobody wanted so many
	dropping bool      // that it began was told, that it ended was not
	before   uint64    // drops when it began
	dropAt   time.Time // the last round that saw one
}

// Run writes until ctx ends, then what still waits, and closes the destination. It
// must be called once. If the destination fails it is tried again each second;
// meanwhile records wait in the rings, and are dropped when these are full.
func (l *Log) Run(ctx context.Context) error {
	w := &writer{log: l, batch: make([]byte, 0, batchSize+lineSize)}
	w.begin()
	timer := time.NewTimer(flushEvery)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
			timer.Reset(w.round())
		case <-l.wake:
			w.change()
			timer.Reset(w.round())
		}
	}
	w.change()
	for range lastRounds {
		if w.round() > 0 {
			break
		}
	}
	w.unmend()
	l.lost.Add(uint64(bytes.Count(w.batch[w.written:], []byte("\n"))))
	for _, s := range l.slots {
		l.lost.Add(s.put.Load() - s.taken.Load())
	}
	w.tellDrops(true)
	if err := l.target.dest.Close(); err != nil {
		l.log.Error("access log not closed", "path", l.target.path, "err", err)
	}
	return nil
}

// round formats and writes all that waits, and returns when to come again.
func (w *writer) round() time.Duration {
	w.tellDrops(false)
	w.skipped = w.log.skipped()
	ok := w.flush()
	names, taps, nowhere := w.log.names.list(), w.log.taps.load(), w.log.target.path == Nowhere
	for _, s := range w.log.slots {
		end := s.put.Load() // what comes later waits for its turn
		for ok {
			all := s.take(end, func(r *Record) bool {
				if len(w.batch) >= batchSize {
					return false
				}
				names = w.namesFor(r, names)
				w.show(taps, r, names)
				if !nowhere {
					w.batch = w.log.target.format.append(w.batch, r, names)
				}
				return true
			})
			if all {
				break
			}
			ok = w.flush()
		}
	}
	if !ok || !w.flush() {
		return retryEvery
	}
	for _, s := range w.log.slots {
		if s.halfFull() {
			return 0
		}
	}
	return flushEvery
}

// namesFor returns a list of names that has those of r, which may be newer.
func (w *writer) namesFor(r *Record, names []string) []string {
	if n := int(max(r.Cluster, r.Rule, r.Pool, r.Member)); n > len(names) {
		return w.log.names.list()
	}
	return names
}

// flush writes the batch and reports whether all of it is written. What is not
// stays for the next time.
func (w *writer) flush() bool {
	for w.written < len(w.batch) {
		n, err := w.log.target.dest.Write(w.batch[w.written:])
		lines := bytes.Count(w.batch[w.written:w.written+n], []byte("\n"))
		if w.mended && n > 0 {
			w.mended = false
			lines--
		}
		w.log.written.Add(uint64(lines))
		w.written += n
		if err != nil {
			if !w.failing {
				w.log.log.Error("access log not written", "path", w.log.target.path, "err", err)
			}
			w.failing = true
			return false
		}
	}
	if w.failing {
		w.failing = false
		w.log.log.Info("access log written again", "path", w.log.target.path)
	}
	w.batch, w.written = w.batch[:0], 0
	return true
}

// tellDrops logs when dropping begins, and when it has ended.
func (w *writer) tellDrops(last bool) {
	drops, log := w.log.Drops(), w.log.log
	if drops > w.drops {
		w.dropAt = time.Now()
		if !w.dropping {
			w.dropping, w.before = true, w.drops
			log.Warn("access log drops began", "path", w.log.target.path, "dropped", drops-w.before)
		}
	}
	if w.dropping && (last || time.Since(w.dropAt) >= quietAfter) {
		w.dropping = false
		log.Warn("access log drops ended", "path", w.log.target.path, "dropped", drops-w.before)
	}
	w.drops = drops
}

// begin makes sure that the first line stands on a line of its own.
func (w *writer) begin() {
	w.unmend()
	cut, err := endsCut(w.log.target.dest)
	if err != nil {
		w.log.log.Error("access log end not read", "path", w.log.target.path, "err", err)
	}
	if cut {
		w.batch = append([]byte("\n"), w.batch[w.written:]...)
		w.written, w.mended = 0, true
	}
}

// unmend takes away the end of a line that was not written to the file before.
func (w *writer) unmend() {
	if w.mended {
		w.written, w.mended = w.written+1, false // mended: nothing of batch is written
	}
}

// change takes the target that Reconfigure left, or opens the file anew.
func (w *writer) change() {
	l := w.log
	l.mu.Lock()
	next := l.next
	l.next = nil
	l.mu.Unlock()
	if l.reopen.Swap(false) && next == nil {
		dest, err := openDestination(l.target.path)
		if err != nil {
			l.log.Error("access log not reopened", "path", l.target.path, "err", err)
			return
		}
		next = &target{path: l.target.path, dest: dest, format: l.target.format}
	}
	if next == nil {
		return
	}
	w.flush() // last try on the old one
	w.dropCutLine()
	if err := l.target.dest.Close(); err != nil {
		l.log.Error("access log not closed", "path", l.target.path, "err", err)
	}
	l.target, w.failing = next, false
	w.begin()
	l.log.Info("access log opened", "path", next.path)
}

// dropCutLine forgets the rest of a line whose beginning the old file has.
func (w *writer) dropCutLine() {
	if w.written == 0 || w.batch[w.written-1] == '\n' {
		return
	}
	end := bytes.IndexByte(w.batch[w.written:], '\n')
	w.written += end + 1 // a batch ends with a line
	w.log.lost.Add(1)
}
