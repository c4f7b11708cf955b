// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"
)

// A SourceKey names a record: a client's address within a scope.
type SourceKey struct {
	Scope uint64     // SourceScope or InterClusterScope
	Addr  netip.Addr // Mask of the client's; its zone is not looked at
}

// Mask returns the part of a client's address that counts: its first v4bits or
// v6bits bits, the others zero. An IPv4 address mapped to IPv6 is an IPv4 address.
func Mask(a netip.Addr, v4bits, v6bits int) netip.Addr {
	a = a.Unmap()
	bits := v6bits
	if a.Is4() {
		bits = v4bits
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return a.WithZone("")
	}
	return p.Addr()
}

// SourceScope is the scope of the clients of one cluster on one pool.
func SourceScope(cluster, pool string) uint64 { return stableHash("cluster", cluster, pool) }

// InterClusterScope is the scope shared by all clusters of a kind ("l4" or "l7")
// that keep a client on one server host. Their records hold a HostRef.
func InterClusterScope(kind string) uint64 { return stableHash("inter-cluster", kind) }

// MemberRef stands for a member. It is the same on every box and after every
// restart.
func MemberRef(pool, member string) uint64 { return stableHash("member", pool, member) }

// HostRef stands for a server's address, whatever its port.
func HostRef(a netip.Addr) uint64 { return stableHash("host", a.Unmap().WithZone("").String()) }

// stableHash is FNV-1a over words that are each followed by a byte that UTF-8
// does not use.
func stableHash(words ...string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, w := range words {
		for i := range len(w) {
			h = (h ^ uint64(w[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3
	}
	return h
}

// SourcesConfig bounds a table.
type SourcesConfig struct {
	Max int // 1 000 000 records; about 150 bytes each, taken as they come
}

// MaxTimeout is the longest that a record is kept after the last connection.
const MaxTimeout = 1073741823 * time.Second

// numShards is how many parts a table has, each with a lock of its own. A lock is
// held for well under a microsecond, by a loop, or for some tens by Tick, List
// and the journal, which work in small batches.
const numShards = 64

// Sources keeps clients on members by their address. It is shared by all event
// loops. A record lives until timeout after the last of the client's connections
// has closed. When the table is full, the record that was longest not used goes.
type Sources struct {
	seed      maphash.Seed
	clock     clock
	shards    [numShards]shard
	swept     int           // the shard that Tick sweeps next; Tick is called by one goroutine
	listeners atomic.Uint32 // who changes are noted for: forJournal, forFeed
	term      atomic.Uint32 // the latest that was heard of or claimed
	tick      atomic.Uint64 // the latest that was heard of or given
}

// Who changes are noted for.
const (
	forJournal = 1 << iota
	forFeed
)

// listen has changes noted for who, or not any more.
func (t *Sources) listen(who uint32, on bool) {
	if on {
		t.listeners.Or(who)
	} else {
		t.listeners.And(^who)
	}
}

// NewSources returns an empty table.
func NewSources(cfg SourcesConfig) *Sources {
	limit := cfg.Max
	if limit <= 0 {
		limit = 1_000_000
	}
	t := &Sources{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].init((limit + numShards - 1) / numShards)
	}
	return t
}

// Find returns the member that the client is kept on, and counts as a use.
func (t *Sources) Find(k SourceKey, now int64) (ref uint64, ok bool) {
	id, at := pack(k), t.clock.at(now)
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.lookup(id, at)
	if e == nil {
		return 0, false
	}
	return e.ref, true
}

// Begin notes that a connection of the client to ref begins; from now on the
// client is kept there. The timer stops. Each Begin is followed by one End. A
// timeout of 0 or less keeps nothing.
func (t *Sources) Begin(k SourceKey, ref uint64, timeout time.Duration, now int64) {
	if timeout <= 0 {
		return
	}
	id, at := pack(k), t.clock.at(now)
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, changed := s.claim(id, at)
	kept := int64(min(timeout, MaxTimeout))
	changed = changed || e.ref != ref || e.timeout != kept || !e.mine || e.stamp.Term < t.term.Load()
	e.ref, e.timeout = ref, kept
	e.open++
	if changed || e.open == 1 && e.stale(at) {
		t.settle(e, now)
		e.noted = at
		s.note(e, at, t.listeners.Load())
	}
}

// End notes that a connection of the client has closed. When it was the last, the
// timer starts. An End whose record was cleared or evicted meanwhile does
// nothing.
func (t *Sources) End(k SourceKey, now int64) {
	id, at := pack(k), t.clock.at(now)
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.get(id)
	if e == nil || e.cleared || e.dead(at) {
		return
	}
	if e.open--; e.open > 0 {
		return
	}
	e.open, e.closed = 0, at
	if who := t.listeners.Load(); who != 0 && (e.toldOpen || e.stale(at)) {
		s.note(e, at, who)
	}
}

// slack is how much later than the journal says a record may have been in use.
// Not writing each restart of a timer spares flash memory; after a crash the slack
// is added, so that no client loses its member too early. Timers shorter than two
// sweeps of the table are written each time.
func slack(timeout int64) int64 {
	if timeout < int64(2*numShards*time.Second) {
		return 0
	}
	return min(timeout/8, int64(time.Minute))
}

// A SourceRecord is a record as people and the other box see it.
type SourceRecord struct {
	Key     SourceKey
	Ref     uint64
	Timeout time.Duration
	Open    int   // connections now
	Closed  int64 // Unix ns when the last one closed; 0 while Open is above 0
	Stamp   Stamp // which of two records of a client counts
	Cleared bool  // the client is kept nowhere since Stamp; only other boxes need know
}

// Put sets a record as it was at an earlier time, whatever stamp the table's has. Its
// open connections are taken to close now, but it does not look newer to other boxes:
// its stamp stays, or is that of its last use if it has none. A record that is too old
// is dropped.
func (t *Sources) Put(r SourceRecord, now int64) {
	id, at := pack(r.Key), t.clock.at(now)
	closed := at
	if r.Open == 0 {
		closed -= max(now-r.Closed, 0)
	}
	timeout := int64(min(r.Timeout, MaxTimeout))
	if timeout <= 0 || at-closed >= timeout {
		return
	}
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.claim(id, at)
	e.ref, e.timeout, e.mine = r.Ref, timeout, false
	s.setCleared(e, r.Cleared)
	if e.open == 0 {
		e.closed = closed
	}
	if e.stamp = r.Stamp; e.stamp == (Stamp{}) {
		e.stamp = stampAt(now - (at - closed))
	}
	t.heard(e.stamp)
	s.note(e, at, t.listeners.Load())
}

// List calls f for each living record, in no order, until f returns false. f is
// called without a lock, on copies that are gathered a few hundred at a time.
func (t *Sources) List(now int64, f func(SourceRecord) bool) {
	t.Snapshot(now, func(r SourceRecord) bool { return r.Cleared || f(r) })
}

// Snapshot is List for another box: it also gives those that were cleared and are to
// stay so.
func (t *Sources) Snapshot(now int64, f func(SourceRecord) bool) {
	at := t.clock.at(now)
	var batch []entry
	for i := range t.shards {
		for from := uint32(0); ; {
			batch, from = t.shards[i].copySome(batch[:0], from)
			for _, e := range batch {
				if !e.dead(at) && !f(e.record(now, at)) {
					return
				}
			}
			if from == 0 {
				break
			}
		}
	}
}

// Clear drops the records for which match is true and returns how many. match is
// called under a lock: it must be quick and leave the table alone. While there is a
// Feed, each leaves word of it until its timeout, so that a box that is away now does
// not bring it back.
func (t *Sources) Clear(now int64, match func(SourceRecord) bool) int {
	at, n := t.clock.at(now), 0
	for i := range t.shards {
		s := &t.shards[i]
		n += s.removeIf(t.listeners.Load(), func(e *entry) bool {
			return match(e.record(now, at))
		}, func(e *entry) {
			s.setCleared(e, true)
			e.ref, e.open, e.closed = 0, 0, at+heldOpen // longer than any copy lives
			t.settle(e, now)
			s.note(e, at, t.listeners.Load())
		})
	}
	return n
}

// SourceStats counts what a table holds and what became of records.
type SourceStats struct {
	Records int    // now; up to about a minute ago expired ones included
	Max     int    // where eviction begins, spread over the shards
	Evicted uint64 // dropped to make room
	Expired uint64
}

// Stats returns the table's counts.
func (t *Sources) Stats() SourceStats {
	var n SourceStats
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n.Records += len(s.index) - s.cleared
		n.Max += s.limit
		n.Evicted += s.evicted
		n.Expired += s.expired
		s.mu.Unlock()
	}
	return n
}

// Tick is called about once a second by one goroutine (Journal.Flush does it). It
// drops expired records, a shard at a time, and from its first call on a clock
// that jumps moves the table's time by no more than 10 s.
func (t *Sources) Tick(now int64) {
	t.clock.tick(now)
	t.shards[t.swept].sweep(t.clock.at(now), t.listeners.Load())
	t.swept = (t.swept + 1) % numShards
}

func (t *Sources) shard(id entryID) *shard {
	return &t.shards[maphash.Comparable(t.seed, id)%numShards]
}
