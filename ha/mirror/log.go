// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sort"
	"sync"
	"time"
)

// LogConfig bounds a Log. A zero field takes the default named beside it.
type LogConfig struct {
	Records int // 131072 changed records are remembered for peers
	Bytes   int // 16 MiB of their keys and values
}

// Limits of a record, in bytes.
const (
	MaxKey   = 4 << 10
	MaxValue = 64 << 10
)

// A Log remembers what this box changed in a table until all peers have it. Only
// the newest change of a key is kept. When it is full the oldest go, and a peer
// that did not have them gets a new snapshot. While no peer could go on where it
// was, it keeps nothing.
type Log struct {
	cfg   LogConfig
	epoch uint64 // drawn by NewLog: sequence numbers mean nothing in another
	start time.Time

	mu      sync.Mutex // guards what follows
	last    uint64     // sequence number of the newest change
	floor   uint64     // changes up to here are not kept any more
	entries []*logEntry
	byKey   map[string]*logEntry // the entries that are not void
	bytes   int                  // of keys and values in byKey
	readers map[*logReader]bool
}

// A logEntry is one change. It is void when its key was changed again.
type logEntry struct {
	seq     uint64
	at      time.Duration // since Log.start
	key     string
	value   []byte // never changed once it is here
	deleted bool
	void    bool
}

// A logReader is one peer's place in a Log. Its fields are guarded by Log.mu.
type logReader struct {
	wake  chan<- struct{} // told of each change, without waiting
	keeps bool            // the log keeps what comes after acked for it
	acked uint64
}

// NewLog returns an empty log.
func NewLog(cfg LogConfig) *Log {
	if cfg.Records <= 0 {
		cfg.Records = 131072
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 16 << 20
	}
	return &Log{
		cfg: cfg, epoch: randomUint64(), start: time.Now(),
		byKey: map[string]*logEntry{}, readers: map[*logReader]bool{},
	}
}

// randomUint64 returns a number that is not 0 and not met again.
func randomUint64() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails (its documentation)
	return binary.BigEndian.Uint64(b[:]) | 1
}

var errRecordSize = errors.New("a record's key has 1 to 4096 bytes and its value at most 65536")

// Put notes that this box set key to value, after the table holds it; both are
// copied. It never waits for a peer. What Records.Apply was given must not be put:
// each box sends its own changes only.
func (l *Log) Put(key, value []byte) error {
	if len(key) == 0 || len(key) > MaxKey || len(value) > MaxValue {
		return errRecordSize
	}
	l.add(key, value, false)
	return nil
}

// Delete notes that this box removed key, after the table did.
func (l *Log) Delete(key []byte) error {
	if len(key) == 0 || len(key) > MaxKey {
		return errRecordSize
	}
	l.add(key, nil, true)
	return nil
}

func (l *Log) add(key, value []byte, deleted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	if !l.kept() {
		l.floor = l.last
		return
	}
	e := &logEntry{seq: l.last, at: time.Since(l.start), deleted: deleted}
	if value != nil {
		e.value = append(make([]byte, 0, len(value)), value...)
	}
	if old := l.byKey[string(key)]; old != nil {
		e.key = old.key
		l.void(old)
	} else {
		e.key = string(key)
	}
	l.byKey[e.key] = e
	l.bytes += len(e.key) + len(e.value)
	l.entries = append(l.entries, e)
	l.shrink()
	for r := range l.readers {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// kept reports whether any reader wants changes to be kept.
func (l *Log) kept() bool {
	for r := range l.readers {
		if r.keeps {
			return true
		}
	}
	return false
}

// void takes e out of the log; its place in entries stays until compact.
func (l *Log) void(e *logEntry) {
	l.bytes -= len(e.key) + len(e.value)
	e.void, e.value = true, nil
}

// shrink keeps the log within its bounds.
func (l *Log) shrink() {
	for len(l.byKey) > l.cfg.Records || l.bytes > l.cfg.Bytes {
		l.dropFirst()
	}
	lost := false
	for r := range l.readers {
		if r.keeps && r.acked < l.floor {
			r.keeps, lost = false, true // it needs a snapshot
		}
	}
	if lost {
		l.trim()
	}
	if len(l.entries) > 1024 && len(l.entries) > 2*len(l.byKey) {
		l.compact()
	}
}

// dropFirst forgets the oldest entry.
func (l *Log) dropFirst() {
	e := l.entries[0]
	l.entries[0] = nil
	l.entries = l.entries[1:]
	l.floor = e.seq
	if !e.void {
		delete(l.byKey, e.key)
		l.void(e)
	}
}

// compact gives back the places of void entries.
func (l *Log) compact() {
	living := make([]*logEntry, 0, len(l.byKey)+len(l.byKey)/2)
	for _, e := range l.entries {
		if !e.void {
			living = append(living, e)
		}
	}
	l.entries = living
}

// attach makes a reader that wants no changes kept until begin or resume.
func (l *Log) attach(wake chan<- struct{}) *logReader {
	r := &logReader{wake: wake}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers[r] = true
	return r
}

// detach forgets a reader.
func (l *Log) detach(r *logReader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.readers, r)
	l.trim()
}

// begin returns the number of the newest change and keeps for r what comes after
// it: a snapshot that is read from now on holds all up to there.
func (l *Log) begin(r *logReader) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.keeps, r.acked = true, l.last
	l.trim()
	return l.last
}

// resume reports whether r can go on after seq, which its peer says that it has.
func (l *Log) resume(r *logReader, epoch, seq uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch != l.epoch || !r.keeps || seq < l.floor || seq > l.last {
		return false
	}
	r.acked = max(r.acked, seq)
	l.trim()
	return true
}

// trimStep is how many entries are forgotten before Put gets its turn: it may be
// called on the packet path.
const trimStep = 256

// ack says that r's peer has all changes up to seq.
func (l *Log) ack(r *logReader, seq uint64) {
	for done := false; !done; {
		l.mu.Lock()
		if r.keeps && seq > r.acked {
			r.acked = min(seq, l.last)
		}
		done = l.trimSome(trimStep)
		l.mu.Unlock()
	}
}

// trim forgets what no reader waits for.
func (l *Log) trim() { l.trimSome(len(l.entries)) }

// trimSome forgets up to n entries that no reader waits for, and reports whether
// there are no more of them.
func (l *Log) trimSome(n int) (done bool) {
	lowest := l.last
	for r := range l.readers {
		if r.keeps {
			lowest = min(lowest, r.acked)
		}
	}
	for ; len(l.entries) > 0 && l.entries[0].seq <= lowest; n-- {
		if n == 0 {
			return false
		}
		l.dropFirst()
	}
	l.floor = max(l.floor, lowest)
	if len(l.entries) == 0 {
		l.entries = nil
	}
	return true
}

// A logBatch is a run of changes.
type logBatch struct {
	to     uint64        // the number of the newest
	count  int           // how many
	oldest time.Duration // when the oldest was put, since Log.start
}

// read appends to buf the changes after the number from, until buf has limit
// bytes or more. It returns false if they are not all there any more.
func (l *Log) read(buf []byte, r *logReader, from uint64, limit int) ([]byte, logBatch, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !r.keeps { // from is at or after what it acknowledged, which is kept
		return buf, logBatch{}, false
	}
	b := logBatch{to: from}
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].seq > from })
	for ; i < len(l.entries) && len(buf) < limit; i++ {
		e := l.entries[i]
		b.to = e.seq
		if e.void {
			continue
		}
		if b.count == 0 {
			b.oldest = e.at
		}
		b.count++
		buf = appendChange(buf, e.key, e.value, e.deleted)
	}
	if i == len(l.entries) {
		b.to = l.last
	}
	return buf, b, true
}

// waiting returns how many changes r's peer has not acknowledged.
func (l *Log) waiting(r *logReader) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !r.keeps {
		return 0
	}
	if r.acked <= l.floor {
		return len(l.byKey) // the usual case, and the one in which there may be many
	}
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].seq > r.acked })
	for _, e := range l.entries[i:] {
		if !e.void {
			n++
		}
	}
	return n
}

// age returns how long ago at is.
func (l *Log) age(at time.Duration) time.Duration { return time.Since(l.start) - at }
