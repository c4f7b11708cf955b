// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// A testBox is a box with its own clock. What its feed tells is in its outbox, for
// each peer, and may be delivered in any order, twice, or not at all before the next
// snapshot.
type testBox struct {
	src    *Sources
	feed   *Feed
	ahead  int64
	outbox [][2][]byte
}

func newTestBox(ahead int64) *testBox {
	b := &testBox{src: NewSources(SourcesConfig{}), ahead: ahead}
	b.feed = b.src.Follow()
	return b
}

func (b *testBox) drain(now int64) int {
	n := 0
	b.feed.Drain(now+b.ahead, func(r SourceRecord) {
		b.outbox = append(b.outbox, [2][]byte{r.AppendKey(nil), r.AppendValue(nil, now+b.ahead)})
		n++
	})
	return n
}

func (b *testBox) take(t *testing.T, m [2][]byte, now int64) {
	t.Helper()
	r, err := ParseRecord(m[0], m[1], now+b.ahead)
	if err != nil {
		t.Fatal(err)
	}
	b.src.Merge(r, now+b.ahead)
}

// snapshot sends all that b has to another box, in any order.
func (b *testBox) snapshot(t *testing.T, rng *rand.Rand, to *testBox, now int64) {
	t.Helper()
	var all [][2][]byte
	b.src.Snapshot(now+b.ahead, func(r SourceRecord) bool {
		all = append(all, [2][]byte{r.AppendKey(nil), r.AppendValue(nil, now+b.ahead)})
		return true
	})
	for _, i := range rng.Perm(len(all)) {
		to.take(t, all[i], now)
	}
}

// has returns what a box has, as far as boxes must agree on it.
func (b *testBox) has(now int64) map[SourceKey]string {
	out := map[SourceKey]string{}
	b.src.Snapshot(now+b.ahead, func(r SourceRecord) bool {
		out[r.Key] = fmt.Sprint(r.Ref, r.Cleared, r.Timeout, r.Stamp)
		return true
	})
	return out
}

// meet has boxes that hear each other again exchange snapshots, and what changes by
// that.
func meet(t *testing.T, rng *rand.Rand, now int64, boxes ...*testBox) {
	t.Helper()
	for round := 0; ; round++ {
		told := 0
		for _, i := range rng.Perm(len(boxes)) {
			for _, j := range rng.Perm(len(boxes)) {
				if i != j {
					boxes[i].snapshot(t, rng, boxes[j], now)
				}
			}
		}
		for _, b := range boxes {
			told += b.drain(now)
			deliver(t, rng, now, b, boxes)
		}
		if told == 0 && round > 0 {
			return
		}
		if round > 10 {
			t.Fatal("boxes go on telling each other")
		}
	}
}

// deliver sends what waits in b's outbox to the others, in any order, some of it
// twice.
func deliver(t *testing.T, rng *rand.Rand, now int64, b *testBox, boxes []*testBox) {
	t.Helper()
	for _, to := range boxes {
		if to == b {
			continue
		}
		for _, i := range rng.Perm(len(b.outbox)) {
			for range 1 + rng.IntN(2) {
				to.take(t, b.outbox[i], now)
			}
		}
	}
	b.outbox = nil
}

// Whatever boxes do while they hear each other or not, they have the same records when
// they have met again.
func TestBoxesAgreeWhenTheyMeet(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 6))
		boxes := []*testBox{newTestBox(0), newTestBox(rng.Int64N(20000*second) - 10000*second)}
		if seed%3 == 0 {
			boxes = append(boxes, newTestBox(77*second))
		}
		now, ticked := feedStart, int64(0)
		open := map[*testBox][]SourceKey{}
		for range 400 {
			now += rng.Int64N(second / 2)
			b := boxes[rng.IntN(len(boxes))]
			k := feedKey(byte(rng.IntN(8)))
			if now-ticked > second {
				ticked = now
				for _, x := range boxes {
					x.src.Tick(now + x.ahead)
				}
			}
			switch rng.IntN(20) {
			case 0:
				b.src.Claim(now + b.ahead)
			case 1:
				b.src.Clear(now+b.ahead, func(r SourceRecord) bool { return r.Key == k })
			case 2:
				b.outbox = nil // the mirror is cut
			case 3:
				b.ahead += rng.Int64N(2000*second) - 1000*second
			case 4, 5, 6, 7:
				b.drain(now)
				deliver(t, rng, now, b, boxes)
			case 8, 9, 10, 11:
				if o := open[b]; len(o) > 0 {
					b.src.End(o[0], now+b.ahead)
					open[b] = o[1:]
				}
			default:
				b.src.Begin(k, uint64(1+rng.IntN(3)), time.Hour, now+b.ahead)
				open[b] = append(open[b], k)
			}
		}
		meet(t, rng, now, boxes...)
		for _, b := range boxes[1:] {
			if one, two := boxes[0].has(now), b.has(now); !maps.Equal(one, two) {
				t.Fatalf("seed %d: one box has\n%v\nand another\n%v", seed, one, two)
			}
		}
	}
}

// A client stays where the box put it that served it last, whatever clocks say and
// whatever a box that was active before still believes.
func TestWhoServedLastIsBelieved(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		boxes := [2]*testBox{newTestBox(rng.Int64N(20000*second) - 10000*second), newTestBox(rng.Int64N(20000*second) - 10000*second)}
		now, active := feedStart, 0
		last := map[SourceKey]uint64{}
		visit := func(b *testBox, ref uint64) SourceKey {
			k := feedKey(byte(rng.IntN(8)))
			if r, ok := b.src.Find(k, now+b.ahead); ok && rng.IntN(4) > 0 {
				ref = r // mostly the client is let where it was; else its member is down
			}
			b.src.Begin(k, ref, time.Hour, now+b.ahead)
			if rng.IntN(3) > 0 {
				b.src.End(k, now+b.ahead)
			}
			last[k], _ = b.src.Find(k, now+b.ahead)
			return k
		}
		boxes[0].src.Claim(now + boxes[0].ahead)
		meet(t, rng, now, boxes[0], boxes[1])
		for range 12 {
			for _, b := range boxes {
				b.outbox = nil // the mirror is cut
				b.drain(now)
			}
			for range rng.IntN(6) {
				now += rng.Int64N(second)
				visit(boxes[active], 1+rng.Uint64N(4))
			}
			if rng.IntN(2) == 0 { // the other takes over, unheard
				was := boxes[active]
				active = 1 - active
				boxes[active].src.Claim(now + boxes[active].ahead)
				served := map[SourceKey]bool{}
				for range rng.IntN(6) {
					now += rng.Int64N(second)
					served[visit(boxes[active], 1+rng.Uint64N(4))] = true
				}
				for k := range served { // who was frozen takes what had waited for it
					was.src.Begin(k, 9, time.Hour, now+was.ahead)
				}
			}
			now += second
			meet(t, rng, now, boxes[0], boxes[1])
			for i, b := range boxes {
				for k, want := range last {
					if got, _ := b.src.Find(k, now+b.ahead); got != want {
						t.Fatalf("seed %d: box %d has %v on %d, and it was served on %d last", seed, i, k.Addr, got, want)
					}
				}
			}
		}
	}
}
