// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"evener/firmware/lb"
	"evener/firmware/persist"
)

// A MirrorLog takes what this box changes in a table, for its peers.
type MirrorLog interface {
	Put(key, value []byte) error
	Delete(key []byte) error
}

// A MirrorChange is one record that a peer has changed.
type MirrorChange struct {
	Key, Value []byte
	Deleted    bool
}

// A MirrorTable is one kind of record that the boxes of a pair tell each other.
type MirrorTable struct {
	Name string
	// Snapshot calls yield with each record that a peer should have until it returns
	// false. No lock is held meanwhile.
	Snapshot func(ctx context.Context, yield func(key, value []byte) bool) error
	// Apply takes what the peer called origin has changed; an error says what of it
	// could not be used.
	Apply func(origin string, changes []MirrorChange) error
	// Begin and End stand around a snapshot of origin: what it leaves out is to be
	// forgotten. nil: nothing is.
	Begin, End func(origin string)

	mu  sync.Mutex // guards log
	log MirrorLog

	applied, refused atomic.Uint64
}

// Attach has changes of this box told to log from now on.
func (t *MirrorTable) Attach(log MirrorLog) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log = log
}

// put tells peers of a record, where there are any. What is too large for the mirror
// is counted.
func (t *MirrorTable) put(key, value []byte) {
	t.tell(func(log MirrorLog) error { return log.Put(key, value) })
}

// remove tells peers that a record is gone.
func (t *MirrorTable) remove(key []byte) {
	t.tell(func(log MirrorLog) error { return log.Delete(key) })
}

func (t *MirrorTable) tell(change func(MirrorLog) error) {
	t.mu.Lock()
	log := t.log
	t.mu.Unlock()
	if log == nil {
		return
	}
	if err := change(log); err != nil {
		t.refused.Add(1)
	}
}

// each applies changes one by one with take, and sums up what cannot be used.
func (t *MirrorTable) each(changes []MirrorChange, take func(MirrorChange) error) error {
	var first error
	bad := 0
	for _, c := range changes {
		if err := take(c); err != nil {
			if bad++; first == nil {
				first = err
			}
			continue
		}
		t.applied.Add(1)
	}
	t.refused.Add(uint64(bad))
	if bad > 1 {
		return fmt.Errorf("%w (and %d more)", first, bad-1)
	}
	return first
}

// tables are what the box mirrors.
type tables struct {
	confirmer string // who has confirmed the last pairing here; guarded by standby.mu

	sources, runtime, verdicts, timeline, history, keys, certificates *MirrorTable

	own, theirs verdictTables
	past        timelines
}

// makeTables makes the tables of the box.
func (b *Box) makeTables() {
	t := &b.standby.tables
	t.sources = b.sourceMirror()
	t.runtime = b.runtimeMirror()
	t.verdicts = b.verdictMirror()
	t.timeline = b.timelineMirror()
	t.history = b.historyMirror()
	t.keys = b.keyMirror()
	t.certificates = b.certificateMirror()
}

// MirrorTables returns the tables that the mirror is to carry.
func (b *Box) MirrorTables() []*MirrorTable {
	t := &b.standby.tables
	return []*MirrorTable{t.certificates, t.keys, t.runtime, t.verdicts, t.timeline, t.sources, t.history}
}

func (b *Box) tableCounts() []HATable {
	out := []HATable{}
	for _, t := range b.MirrorTables() {
		if t != nil {
			out = append(out, HATable{Name: t.Name, Applied: t.applied.Load(), Refused: t.refused.Load()})
		}
	}
	return out
}

// sourceMirror carries records of source persistence.
func (b *Box) sourceMirror() *MirrorTable {
	t := &MirrorTable{Name: "sources"}
	t.Snapshot = func(ctx context.Context, yield func(key, value []byte) bool) error {
		var key, value []byte
		start := time.Now() // and then by a clock that nobody sets
		b.cfg.Balancer.SourceTable().Snapshot(start.UnixNano(), func(r persist.SourceRecord) bool {
			key, value = r.AppendKey(key[:0]), r.AppendValue(value[:0], start.UnixNano()+int64(time.Since(start)))
			return ctx.Err() == nil && yield(key, value)
		})
		return ctx.Err()
	}
	t.Apply = func(_ string, changes []MirrorChange) error {
		src, now := b.cfg.Balancer.SourceTable(), time.Now().UnixNano()
		return t.each(changes, func(c MirrorChange) error {
			if c.Deleted {
				return nil // records end by themselves
			}
			r, err := persist.ParseRecord(c.Key, c.Value, now)
			if err != nil {
				return err
			}
			src.Merge(r, now)
			return nil
		})
	}
	return t
}

// claimSources has records of source persistence that are used from now on win over
// what other boxes have, when a group has become active here by report r, since the
// report old and the change numbered acked.
func (b *Box) claimSources(old, r *HAReport, acked uint64) {
	was := old.active()
	for name := range r.active() {
		if !was[name] {
			b.cfg.Balancer.SourceTable().Claim(time.Now().UnixNano())
			return
		}
	}
	for _, c := range r.Changes {
		if c.Number > acked && c.To == HAActive && c.From != HAActive { // it was away in between
			b.cfg.Balancer.SourceTable().Claim(time.Now().UnixNano())
			return
		}
	}
}

// sourcePause is between two looks at what has changed in the records: most of the time
// that a change needs to the other box. While nothing changes it grows to sourceRest.
// peersPause is between two looks at whether there is another box.
const (
	sourcePause = 5 * time.Millisecond
	sourceRest  = 40 * time.Millisecond
	peersPause  = time.Second
)

// feedSources tells peers of records of source persistence until ctx ends. Nothing
// is noted while there is no peer to tell.
func (b *Box) feedSources(ctx context.Context) {
	src, t := b.cfg.Balancer.SourceTable(), b.standby.tables.sources
	var feed *persist.Feed
	defer func() {
		if feed != nil {
			feed.Close()
		}
	}()
	var key, value []byte
	tick := time.NewTimer(0)
	defer tick.Stop()
	pause := sourcePause
	for looked := (time.Time{}); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if time.Since(looked) >= peersPause {
			looked = time.Now()
			switch wanted := b.anyPaired(); {
			case wanted && feed == nil:
				feed = src.Follow()
			case !wanted && feed != nil:
				feed.Close()
				feed = nil
			}
		}
		if feed == nil {
			tick.Reset(peersPause)
			continue
		}
		pause = min(2*pause, sourceRest)
		now := time.Now().UnixNano()
		feed.Drain(now, func(r persist.SourceRecord) {
			key, value = r.AppendKey(key[:0]), r.AppendValue(value[:0], now)
			t.put(key, value)
			pause = sourcePause
		})
		tick.Reset(pause)
	}
}

// anyPaired tells whether there is somebody to mirror with.
func (b *Box) anyPaired() bool {
	if b.cfg.Mirror == nil {
		return false
	}
	for _, p := range b.cfg.Mirror.Status().Peers {
		if p.Paired {
			return true
		}
	}
	return false
}

// A wireState is a runtime state between boxes.
type wireState struct {
	Stamp int64           `json:"stamp"`
	Node  string          `json:"node"`
	Value json.RawMessage `json:"value"`
}

// memberKey names a member in tables.
func memberKey(pool, member string) []byte { return []byte(pool + "\x00" + member) }

func cutMember(key []byte) (pool, member string, err error) {
	for i, c := range key {
		if c == 0 {
			return string(key[:i]), string(key[i+1:]), nil
		}
	}
	return "", "", fmt.Errorf("the key of a member is POOL, a zero byte, SERVER, not %q", key)
}

func wireRuntime(s lb.RuntimeState) (key, value []byte, err error) {
	value, err = json.Marshal(wireState{s.Stamp, s.Node, s.Value})
	return memberKey(s.Pool, s.Member), value, err
}

// runtimeMirror carries what operators decide about members.
func (b *Box) runtimeMirror() *MirrorTable {
	t := &MirrorTable{Name: "runtime"}
	t.Snapshot = func(ctx context.Context, yield func(key, value []byte) bool) error {
		for _, s := range b.cfg.Balancer.RuntimeStates() {
			key, value, err := wireRuntime(s)
			if err != nil {
				return err
			}
			if !yield(key, value) {
				break
			}
		}
		return nil
	}
	t.Apply = func(_ string, changes []MirrorChange) error {
		return t.each(changes, func(c MirrorChange) error {
			if c.Deleted {
				return nil // an end is a state too
			}
			pool, member, err := cutMember(c.Key)
			if err != nil {
				return err
			}
			var w wireState
			if err := json.Unmarshal(c.Value, &w); err != nil {
				return fmt.Errorf("read the runtime state of %s/%s: %w", pool, member, err)
			}
			_, err = b.cfg.Balancer.TakeState(lb.RuntimeState{Pool: pool, Member: member, Stamp: w.Stamp, Node: w.Node, Value: w.Value})
			return err
		})
	}
	return t
}

// tellRuntime has runtime states that are set on this box told to peers.
func (b *Box) tellRuntime() {
	t := b.standby.tables.runtime
	b.cfg.Balancer.MirrorStates(b.nodeName(), func(s lb.RuntimeState) {
		if key, value, err := wireRuntime(s); err == nil {
			t.put(key, value)
		}
	})
}
