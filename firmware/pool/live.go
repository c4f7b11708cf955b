// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"math/bits"
	"sync/atomic"
)

// A Slot holds what one event loop counts of one member. Only that loop writes
// it, always as x.Store(x.Load()+n), so no write is ever contended; anyone may
// read it. Acquire and Release write Active; everything else is written by the
// code that carries the traffic.
type Slot struct {
	Active    atomic.Int64  // exchanges (or, of tcp clusters, connections) now on the member
	Picked    atomic.Uint64 // exchanges sent to the member, each try counted
	Answered  atomic.Uint64 // of these, how many had an answer's first byte
	Failed    atomic.Uint64 // of these, how many ended without a whole answer
	FirstByte atomic.Uint64 // ns from request sent to first byte, summed over Answered
	Open      atomic.Int64  // connections to the member, idle ones too
	BytesIn   atomic.Uint64 // from clients to the member
	BytesOut  atomic.Uint64 // from the member to clients

	_ [64]byte // a slot is two cache lines: loops never share one
}

// Counts is the sum of all slots of a member at about one moment. The counters
// never run backwards while the member keeps its name and address.
type Counts struct {
	Active, Open             int64
	Picked, Answered, Failed uint64
	FirstByte                uint64 // ns, summed over Answered
	BytesIn, BytesOut        uint64
	Limit                    int // 0: unlimited
}

// LiveConfig says how a member is counted.
type LiveConfig struct {
	Loops int            // 1
	Limit int            // 0: unlimited, and nothing shared is ever written
	Wake  func(loop int) // nil: nobody is woken. Called from any loop; must not block
}

// Live is what is counted of a member while it runs. It outlives generations: a
// commit hands it on, and an exchange releases the Live that it acquired.
type Live struct {
	slots  []Slot
	wake   func(loop int)
	before *Live // counted until a limit was added or dropped

	limited bool // never changes: Release must do what Acquire did
	limit   atomic.Int64
	waiting []atomic.Uint64 // one bit for each loop that wants a freed place
	turn    atomic.Uint32   // the loop after the one woken last

	_    [64]byte
	used atomic.Int64 // of limit; written by all loops, so on a line of its own
	_    [56]byte
}

// NewLive returns counters that start at zero.
func NewLive(cfg LiveConfig) *Live {
	n := max(cfg.Loops, 1)
	l := &Live{
		slots:   make([]Slot, n),
		wake:    cfg.Wake,
		limited: cfg.Limit > 0,
		waiting: make([]atomic.Uint64, (n+63)/64),
	}
	l.limit.Store(int64(max(cfg.Limit, 0)))
	return l
}

// Slot returns the counters that loop writes.
func (l *Live) Slot(loop int) *Slot { return &l.slots[loop] }

// Loops returns the number of slots.
func (l *Live) Loops() int { return len(l.slots) }

// Limit returns how many may be active at once, 0 for any number.
func (l *Live) Limit() int { return int(l.limit.Load()) }

// Active returns how many exchanges are on the member, over all loops.
func (l *Live) Active() int64 {
	if l.limited && l.before == nil {
		return l.used.Load()
	}
	n := int64(0)
	for ; l != nil; l = l.before {
		for i := range l.slots {
			n += l.slots[i].Active.Load()
		}
	}
	return n
}

// Sum adds up the slots, those of the time before a limit was added or dropped
// too.
func (l *Live) Sum() Counts {
	c := Counts{Limit: l.Limit()}
	for ; l != nil; l = l.before {
		for i := range l.slots {
			s := &l.slots[i]
			c.Active += s.Active.Load()
			c.Open += s.Open.Load()
			c.Picked += s.Picked.Load()
			c.Answered += s.Answered.Load()
			c.Failed += s.Failed.Load()
			c.FirstByte += s.FirstByte.Load()
			c.BytesIn += s.BytesIn.Load()
			c.BytesOut += s.BytesOut.Load()
		}
	}
	return c
}

// Full reports whether an Acquire would be refused now.
func (l *Live) Full() bool { return l.limited && l.used.Load() >= l.limit.Load() }

// Acquire takes a place for loop, or reports false when the limit is reached.
// Without a limit it always succeeds and writes only the loop's own slot.
func (l *Live) Acquire(loop int) bool {
	if l.limited {
		for {
			n := l.used.Load()
			if n >= l.limit.Load() {
				return false
			}
			if l.used.CompareAndSwap(n, n+1) {
				break
			}
		}
	}
	s := &l.slots[loop]
	s.Active.Store(s.Active.Load() + 1)
	return true
}

// Release gives back a place that the same loop acquired, and wakes one loop
// that waits for it.
func (l *Live) Release(loop int) {
	s := &l.slots[loop]
	s.Active.Store(s.Active.Load() - 1)
	if l.limited && l.used.Add(-1) < l.limit.Load() {
		l.wakeOne()
	}
}

// Wait notes that loop has an exchange waiting for a place. The loop's wake
// function is called once when there is one, at once if it was freed meanwhile;
// the note is then gone. A woken loop tries Acquire; whoever still waits calls
// Wait again, and a loop with nobody left to serve calls Leave.
func (l *Live) Wait(loop int) {
	if !l.limited {
		return
	}
	l.waiting[loop/64].Or(1 << (loop % 64))
	// Either this load sees the place that a Release freed, or that Release sees
	// the bit: sync/atomic is sequentially consistent.
	if !l.Full() {
		l.wakeOne()
	}
}

// Leave takes back a Wait: the loop has no use for a place. If it had been woken
// for one already, the next loop in line is woken in its stead.
func (l *Live) Leave(loop int) {
	if !l.limited {
		return
	}
	l.waiting[loop/64].And(^(uint64(1) << (loop % 64)))
	if !l.Full() {
		l.wakeOne()
	}
}

// SetLimit changes a limit to another; both must be above 0, because exchanges
// under way were counted, or not, by the old rule. A commit that adds or drops a
// limit makes a fresh Live (see Pool.Adopt).
func (l *Live) SetLimit(n int) {
	if !l.limited || n <= 0 {
		panic("pool: SetLimit adds or drops a limit")
	}
	l.limit.Store(int64(n))
	for free := n - int(l.used.Load()); free > 0 && l.wakeOne(); free-- {
	}
}

// wakeOne wakes the next waiting loop in turn, and reports whether there was one.
func (l *Live) wakeOne() bool {
	for {
		loop := l.nextWaiting()
		if loop < 0 {
			return false
		}
		bit := uint64(1) << (loop % 64)
		if l.waiting[loop/64].And(^bit)&bit == 0 {
			continue // another Release woke it first
		}
		l.turn.Store(uint32(loop + 1))
		if l.wake != nil {
			l.wake(loop)
		}
		return true
	}
}

// nextWaiting returns the first waiting loop at or after turn, wrapping around,
// or -1.
func (l *Live) nextWaiting() int {
	from := int(l.turn.Load()) % len(l.slots)
	if n := l.scan(from, len(l.waiting)); n >= 0 {
		return n
	}
	if from == 0 {
		return -1
	}
	return l.scan(0, from/64+1)
}

// scan returns the first waiting loop at or after from in the words before end.
func (l *Live) scan(from, end int) int {
	for w := from / 64; w < end; w++ {
		v := l.waiting[w].Load()
		if w == from/64 {
			v &= ^uint64(0) << (from % 64)
		}
		if v != 0 {
			return w*64 + bits.TrailingZeros64(v)
		}
	}
	return -1
}
