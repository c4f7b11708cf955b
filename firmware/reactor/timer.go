// SPDX-License-Identifier: Apache-2.0

package reactor

import (
	"math/bits"
	"time"
)

// The wheel has three levels of 256 slots. A slot of the first is one tick wide,
// a slot of each further level as wide as the whole level before it:
//
//	level 0   8.4 ms a slot   2.1 s in all
//	level 1   2.1 s           9.2 min
//	level 2   9.2 min         39 h
//
// A timer further away waits in the last slot and is put in again from there.
const (
	tickBits  = 23 // 8.4 ms
	levelBits = 8
	slotsPer  = 1 << levelBits
	levels    = 3
)

// A Timer calls its owner once when its time has come. It lives inside its
// owner; the zero value is a timer that is off. Timers fire up to two ticks
// (17 ms) late and never early.
type Timer struct {
	next, prev *Timer
	when       int64 // when to fire, 0 when off
	slotAt     int64 // tick of the slot that it is linked into
	Owner      Expirer
}

// An Expirer is told that its timer has expired.
type Expirer interface{ Expire(*Timer) }

// Armed reports whether t is going to fire.
func (t *Timer) Armed() bool { return t.when != 0 }

type wheel struct {
	tick  int64 // the last tick that was handled
	due   Timer // head of what drain is at
	used  [levels][slotsPer / 64]uint64
	slots [levels][slotsPer]Timer // heads of circular lists
	count int
}

// SetTimer makes t fire after d. Moving a timer later, which is what a
// connection does at each exchange, only notes the new time: the timer is
// linked anew when its old time comes.
func (l *Loop) SetTimer(t *Timer, d time.Duration) {
	when := l.now + int64(d)
	if t.when != 0 && t.next != nil && when>>tickBits >= t.slotAt {
		t.when = when
		return
	}
	l.wheel.unlink(t)
	t.when = when
	l.wheel.link(t)
}

// StopTimer turns t off.
func (l *Loop) StopTimer(t *Timer) {
	l.wheel.unlink(t)
	t.when = 0
}

// link puts t where it is seen in the first tick that begins after its time.
func (w *wheel) link(t *Timer) {
	at := max(t.when>>tickBits, w.tick) + 1
	distance := at - w.tick
	level := 0
	for level < levels-1 && distance >= 1<<(levelBits*(level+1)) {
		level++
	}
	if last := w.tick + 1<<(levelBits*levels) - 1; at > last {
		at = last
	}
	i := at >> (levelBits * level) & (slotsPer - 1)
	t.slotAt = at - 1
	head := &w.slots[level][i]
	if head.next == nil {
		head.next, head.prev = head, head
	}
	t.prev, t.next = head.prev, head
	head.prev.next = t
	head.prev = t
	w.used[level][i>>6] |= 1 << (i & 63)
	w.count++
}

func (w *wheel) unlink(t *Timer) {
	if t.next == nil {
		return
	}
	t.prev.next = t.next
	t.next.prev = t.prev
	t.next, t.prev = nil, nil
	w.count--
}

// skip moves a wheel without timers on, so that a loop that slept for a day does
// not walk through it tick by tick with the first timer that is set then.
func (w *wheel) skip(now int64) {
	if w.count == 0 {
		w.tick = max(w.tick, now>>tickBits)
	}
}

// advance fires every timer whose time has come.
func (w *wheel) advance(now int64) {
	for target := now >> tickBits; w.tick < target; {
		if w.count == 0 {
			w.tick = target
			return
		}
		w.tick++
		for level := levels - 1; level > 0; level-- {
			if w.tick&(1<<(levelBits*level)-1) == 0 {
				w.drain(level, w.tick>>(levelBits*level)&(slotsPer-1), now)
			}
		}
		w.drain(0, w.tick&(slotsPer-1), now)
	}
}

// drain empties one slot: what is due fires, the rest is linked again. What is
// linked while it runs never lands in the same slot of level 0 again, because
// link looks at least one tick ahead.
func (w *wheel) drain(level int, i, now int64) {
	if w.used[level][i>>6]&(1<<(i&63)) == 0 {
		return
	}
	w.used[level][i>>6] &^= 1 << (i & 63)
	head := &w.slots[level][i]
	if head.next == nil || head.next == head {
		return
	}
	due := &w.due
	due.next, due.prev = head.next, head.prev
	due.next.prev, due.prev.next = due, due
	head.next, head.prev = head, head
	for due.next != due {
		t := due.next
		w.unlink(t)
		if t.when > now {
			w.link(t)
			continue
		}
		t.when = 0
		t.Owner.Expire(t)
	}
}

// wait returns how many milliseconds epoll may sleep: until the next used slot
// of level 0, or until the level turns over.
func (w *wheel) wait(now int64) int {
	if w.count == 0 {
		return -1
	}
	ticks := w.nextUsed()
	at := (w.tick + ticks) << tickBits
	return int(max(at-now, 0)/int64(time.Millisecond)) + 1
}

// nextUsed returns the distance in ticks to the next used slot of level 0, at
// most to the tick at which the level turns over.
func (w *wheel) nextUsed() int64 {
	cur := w.tick & (slotsPer - 1)
	for i := cur + 1; i < slotsPer; {
		word := w.used[0][i>>6] >> (i & 63)
		if word != 0 {
			return i + int64(bits.TrailingZeros64(word)) - cur
		}
		i = (i>>6 + 1) << 6
	}
	return slotsPer - cur
}
