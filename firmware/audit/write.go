// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"fmt"
	"time"
)

// anchorFile holds the number and hash of the record before the first that is
// kept; there is none while all are.
const anchorFile = "anchor.json"

// maxBatch is how many records are made durable at once.
const maxBatch = 512

// A writer is the goroutine that owns the file that is written to.
type writer struct {
	l    *Log
	file file // nil: to be opened
}

// run writes until the log is closed.
func (w *writer) run() {
	defer close(w.l.done)
	defer func() {
		if w.file != nil {
			w.file.Close() // all of it is synced
		}
	}()
	var retry <-chan time.Time
	for {
		if retry != nil {
			select { // a failing disk is not asked again for each record
			case <-retry:
			case <-w.l.wake:
				if !w.closing() {
					continue
				}
			}
		} else {
			<-w.l.wake
		}
		retry = nil
		closing := w.closing()
		if !w.drain() {
			retry = time.After(w.l.cfg.Retry)
		}
		if closing {
			return
		}
	}
}

func (w *writer) closing() bool {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	return w.l.closed
}

// drain writes what waits and reports whether the disk has taken all of it.
func (w *writer) drain() bool {
	for {
		batch := w.next()
		if len(batch) == 0 {
			return true
		}
		err := w.write(batch)
		w.told(err)
		if err != nil {
			return false
		}
	}
}

// told keeps how the last try ended, and logs when that has changed.
func (w *writer) told(err error) {
	l := w.l
	l.mu.Lock()
	was := l.failing
	l.failing = err
	waiting := len(l.queue)
	l.mu.Unlock()
	switch {
	case err != nil && was == nil:
		l.log.Error("audit log not written", "err", err, "waiting", waiting)
	case err == nil && was != nil:
		l.log.Info("audit log written again")
	}
}

// next returns what is to be written next; it stays in the queue until it is.
func (w *writer) next() []*waiting {
	l := w.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.lost; n.n > 0 && len(l.queue) < l.cfg.Queue {
		l.lost = loss{}
		l.queue = append(l.queue, &waiting{done: make(chan struct{}), rec: boxRecord(MethodLost,
			fmt.Sprintf("%d records from %s to %s were not written: %s", n.n,
				n.from.UTC().Format(time.RFC3339), n.till.UTC().Format(time.RFC3339), n.why))})
	}
	return l.queue[:min(len(l.queue), maxBatch)]
}

// boxRecord is a record of the log itself.
func boxRecord(method, note string) Record {
	return Record{Time: time.Now().Round(0).UTC(), Origin: "box", Method: method, Outcome: OK, Note: note}
}

// write makes the batch, which is the head of the queue, durable.
func (w *writer) write(batch []*waiting) error {
	l := w.l
	if err := w.rotate(); err != nil {
		return err
	}
	l.mu.Lock()
	head, seg := l.head, l.files[len(l.files)-1]
	l.mu.Unlock()
	var out []byte
	recs := make([]Record, len(batch))
	for i, b := range batch {
		recs[i] = b.rec
		recs[i].Seq, recs[i].Prev = head.Seq+1, head.Hash
		var err error
		if out, err = seal(out, &recs[i]); err != nil {
			return err
		}
		head = anchor{recs[i].Seq, recs[i].Hash}
	}
	if err := w.put(seg, out); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[len(l.files)-1].size += int64(len(out))
	l.head = head
	l.queue = append([]*waiting(nil), l.queue[len(batch):]...)
	l.recent = append(l.recent, recs...)
	if n := len(l.recent) - l.cfg.Recent; n > 0 {
		l.recent = append([]Record(nil), l.recent[n:]...)
	}
	for _, b := range batch {
		close(b.done)
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// put appends bytes to the file, all or none of them.
func (w *writer) put(seg segment, out []byte) error {
	if w.file == nil {
		f, err := w.l.disk.Append(seg.name)
		if err != nil {
			return err
		}
		// What an earlier failure has left behind the last whole record goes.
		if err := f.Truncate(seg.size); err != nil {
			f.Close()
			return err
		}
		if err := w.l.disk.Sync(); err != nil {
			f.Close()
			return err
		}
		w.file = f
	}
	_, err := w.file.Write(out)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		// The next try opens the file anew and cuts off what came of this one.
		w.file.Close()
		w.file = nil
	}
	return err
}

// rotate begins another file where the last is long enough, and removes the
// oldest where there are too many.
func (w *writer) rotate() error {
	l := w.l
	l.mu.Lock()
	last, head, n := l.files[len(l.files)-1], l.head, len(l.files)
	l.mu.Unlock()
	if last.size < l.cfg.MaxFile {
		return nil
	}
	if n >= l.cfg.MaxFiles {
		if err := w.prune(); err != nil {
			return err
		}
	}
	if w.file != nil {
		w.file.Close() // all of it is synced
		w.file = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = append(l.files, segment{name: fileName(head.Seq + 1), first: head.Seq + 1})
	return nil
}

// prune removes the oldest file. The anchor goes first: a crash between the two
// leaves a file that Open removes.
func (w *writer) prune() error {
	l := w.l
	l.keep.Lock()
	defer l.keep.Unlock()
	l.mu.Lock()
	oldest, second := l.files[0], l.files[1]
	l.mu.Unlock()
	a, err := firstLink(l.disk, second)
	if err != nil {
		return err
	}
	if err := writeAnchor(l.disk, a); err != nil {
		return err
	}
	if err := l.disk.Remove(oldest.name); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.anchor = a
	l.files = append([]segment(nil), l.files[1:]...)
	// Behind the batch that is being written, which is the head of the queue.
	l.queue = append(l.queue, &waiting{done: make(chan struct{}), rec: boxRecord(MethodPruned,
		fmt.Sprintf("records up to number %d, whose hash is %s, were removed to make room", a.Seq, a.Hash))})
	return nil
}

// firstLink returns the number and hash of the record before the first of a file.
func firstLink(d disk, s segment) (anchor, error) {
	f, err := d.Open(s.name)
	if err != nil {
		return anchor{}, err
	}
	defer f.Close()
	line, err := newLines(f).next()
	if err == nil {
		var r Record
		if r, err = parseLine(line); err == nil {
			return anchor{r.Seq - 1, r.Prev}, nil
		}
	}
	// It is damaged: Verify goes on saying so, with what the name promises.
	return anchor{s.first - 1, zeros}, nil
}

func writeAnchor(d disk, a anchor) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return d.Replace(anchorFile, append(b, '\n'))
}
