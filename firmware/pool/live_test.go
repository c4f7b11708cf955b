// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"
)

func TestSlotsShareNoCacheLine(t *testing.T) {
	if n := unsafe.Sizeof(Slot{}); n != 128 {
		t.Errorf("a slot is %d bytes, want 128", n)
	}
}

func TestLiveUnlimitedNeverRefuses(t *testing.T) {
	l := NewLive(LiveConfig{Loops: 2})
	for range 1000 {
		if !l.Acquire(1) {
			t.Fatal("refused")
		}
	}
	l.Acquire(0)
	if l.Active() != 1001 || l.Slot(1).Active.Load() != 1000 || l.Full() || l.Limit() != 0 || l.used.Load() != 0 {
		t.Errorf("active %d, loop 1 %d, shared counter %d", l.Active(), l.Slot(1).Active.Load(), l.used.Load())
	}
	l.Wait(0) // nothing to wait for
	l.Leave(0)
	l.Release(0)
	if l.Active() != 1000 {
		t.Errorf("active %d after a release", l.Active())
	}
}

// Loops that take and give back at once never hold more than the limit.
func TestLiveLimitHoldsUnderContention(t *testing.T) {
	const loops, limit = 4, 3
	l := NewLive(LiveConfig{Loops: loops, Limit: limit})
	var held, most atomic.Int64
	var wg sync.WaitGroup
	for loop := range loops {
		wg.Go(func() {
			for range 20_000 {
				if l.Acquire(loop) {
					n := held.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					held.Add(-1)
					l.Release(loop)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() > limit || l.Active() != 0 || l.Sum().Active != 0 {
		t.Errorf("held %d at once of %d, %d left", most.Load(), limit, l.Active())
	}
}

// Every loop queues for one place and sleeps until it is woken: nobody is
// forgotten, however Release and Wait interleave.
func TestLiveWakesEveryWaiter(t *testing.T) {
	const loops, rounds = 5, 3000
	wakes := make([]chan struct{}, loops)
	for i := range wakes {
		wakes[i] = make(chan struct{}, 1) // as an eventfd: one or more wakes are one
	}
	l := NewLive(LiveConfig{Loops: loops, Limit: 2, Wake: func(loop int) {
		select {
		case wakes[loop] <- struct{}{}:
		default:
		}
	}})
	var wg sync.WaitGroup
	for loop := range loops {
		wg.Go(func() {
			for range rounds {
				for !l.Acquire(loop) {
					l.Wait(loop)
					<-wakes[loop]
				}
				l.Release(loop)
			}
			l.Leave(loop)
		})
	}
	wg.Wait() // a lost wake-up hangs here
	if l.Active() != 0 {
		t.Errorf("%d left", l.Active())
	}
}

func TestLiveWakesInTurnAndPassesOn(t *testing.T) {
	var woken []int
	l := NewLive(LiveConfig{Loops: 130, Limit: 1, Wake: func(loop int) { woken = append(woken, loop) }})
	expect := func(what string, want ...int) {
		t.Helper()
		if len(woken) != len(want) {
			t.Fatalf("%s: woke %v, want %v", what, woken, want)
		}
		for i := range want {
			if woken[i] != want[i] {
				t.Fatalf("%s: woke %v, want %v", what, woken, want)
			}
		}
		woken = nil
	}
	l.Acquire(0)
	for _, loop := range []int{3, 70, 129} {
		l.Wait(loop)
	}
	expect("while full")
	l.Release(0)
	expect("first release", 3)
	l.Leave(3)
	expect("the woken loop had no use", 70)
	l.Acquire(70)
	l.Wait(3)
	l.Release(70)
	expect("in turn, not always the lowest", 129)
	l.Acquire(129)
	l.Release(129)
	expect("wraps around", 3)
	l.Acquire(0)
	l.Release(0)
	expect("nobody waits")
	l.Wait(5)
	expect("waiting for what is free already", 5)
}

func TestLiveRaisedLimitWakes(t *testing.T) {
	woken := 0
	l := NewLive(LiveConfig{Loops: 4, Limit: 1, Wake: func(int) { woken++ }})
	l.Acquire(0)
	for loop := range 4 {
		l.Wait(loop)
	}
	l.SetLimit(3)
	if woken != 2 {
		t.Errorf("woke %d for two more places", woken)
	}
	l.SetLimit(1)
	if !l.Full() || l.Acquire(0) {
		t.Error("acquired above a lowered limit")
	}
	for _, n := range []int{0, -1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("SetLimit(%d) dropped a limit", n)
				}
			}()
			l.SetLimit(n)
		}()
	}
}

func TestLiveSumsWhatLoopsCount(t *testing.T) {
	l := NewLive(LiveConfig{Loops: 3, Limit: 9})
	for i := range 3 {
		s := l.Slot(i)
		for _, c := range []*atomic.Uint64{&s.Picked, &s.Answered, &s.Failed, &s.FirstByte, &s.BytesIn, &s.BytesOut} {
			c.Store(uint64(i + 1))
		}
		s.Open.Store(2)
	}
	want := Counts{Open: 6, Picked: 6, Answered: 6, Failed: 6, FirstByte: 6, BytesIn: 6, BytesOut: 6, Limit: 9}
	if got := l.Sum(); got != want {
		t.Errorf("Sum = %+v, want %+v", got, want)
	}
}

func TestLiveHotPathDoesNotAllocate(t *testing.T) {
	l := NewLive(LiveConfig{Limit: 1})
	if n := testing.AllocsPerRun(100, func() {
		l.Acquire(0)
		l.Acquire(0)
		l.Wait(0)
		l.Release(0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
