// SPDX-License-Identifier: Apache-2.0

package reactor

import (
	"math/rand/v2"
	"testing"
	"time"
)

const tick = 1 << tickBits

// An expiry notes that and when a timer fired.
type expiry struct {
	l     *Loop
	timer Timer
	want  int64 // when it is due by the oracle, 0 when off
	due   int64 // want before the step
	fired []int64
	again time.Duration // set anew when it fires; 0: not
	stop  *expiry       // stopped when this one fires
}

func (e *expiry) Expire(t *Timer) {
	e.fired = append(e.fired, e.l.now)
	e.want = 0
	if e.again != 0 {
		e.set(e.again)
		e.again = 0
	}
	if e.stop != nil {
		e.l.StopTimer(&e.stop.timer)
		e.stop.want = 0
		e.stop = nil
	}
}

func (e *expiry) set(d time.Duration) {
	e.l.SetTimer(&e.timer, d)
	e.want = e.l.now + int64(d)
}

// TestTimersAgainstAnOracle does random things with many timers in virtual time:
// none may fire early, twice, after it was stopped, or more than two ticks after
// the wheel could have known.
func TestTimersAgainstAnOracle(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := &Loop{now: r.Int64N(1 << 50)}
		l.wheel.skip(l.now)
		all := make([]*expiry, 60)
		for i := range all {
			all[i] = &expiry{l: l}
			all[i].timer.Owner = all[i]
		}
		for range 400 {
			e := all[r.IntN(len(all))]
			switch r.IntN(8) {
			case 0, 1, 2, 3:
				e.set(distance(r))
			case 4:
				l.StopTimer(&e.timer)
				e.want = 0
			case 5:
				e.again = distance(r)
			case 6:
				if other := all[r.IntN(len(all))]; other != e {
					e.stop = other
				}
			}
			step(t, l, all, distance(r)/time.Duration(1+r.IntN(50)))
		}
	}
}

// distance returns a duration from every level of the wheel and from beyond.
func distance(r *rand.Rand) time.Duration {
	most := []int64{1, tick, 300 * tick, 70_000 * tick, 3 << (levelBits*levels + tickBits)}
	return time.Duration(r.Int64N(most[r.IntN(len(most))]) + 1)
}

// step moves time on by d at most, as a loop that sleeps as long as wait says,
// and compares with what the oracle expects at each stop.
func step(t *testing.T, l *Loop, all []*expiry, d time.Duration) {
	t.Helper()
	end := l.now + min(int64(d), 80_000*tick)
	for l.now < end {
		next := end
		if ms := l.wheel.wait(l.now); ms >= 0 {
			next = min(end, l.now+int64(ms)*int64(time.Millisecond))
		}
		for _, e := range all {
			e.fired = e.fired[:0]
			if e.timer.Armed() != (e.want != 0) {
				t.Fatalf("armed = %v, due at %d", e.timer.Armed(), e.want)
			}
			e.due = e.want
		}
		l.now = next
		l.wheel.skip(l.now)
		l.wheel.advance(l.now)
		for _, e := range all {
			want, armed := e.due, e.due != 0
			switch {
			case len(e.fired) > 1, len(e.fired) == 1 && (!armed || want > l.now):
				t.Fatalf("at %d: fired %v, due at %d (%v)", l.now, e.fired, want, armed)
			case len(e.fired) == 0 && armed && e.want == want && want+2*tick <= l.now:
				t.Fatalf("at %d: not fired, due at %d", l.now, want)
			}
		}
	}
	if l.wheel.count < 0 || l.wheel.count > len(all) {
		t.Fatalf("count = %d of %d timers", l.wheel.count, len(all))
	}
}

// A wheel that slept long without timers does not walk through all that time.
func TestFirstTimerAfterALongSleepIsCheap(t *testing.T) {
	l := &Loop{}
	e := &expiry{l: l}
	e.timer.Owner = e
	for range 1000 {
		l.now += int64(1000 * time.Hour)
		l.wheel.skip(l.now)
		if l.wheel.tick != l.now>>tickBits {
			t.Fatalf("at tick %d, want %d: each tick between is walked through", l.wheel.tick, l.now>>tickBits)
		}
		e.set(time.Millisecond)
		l.now += 2 * tick
		l.wheel.advance(l.now)
	}
	if len(e.fired) != 1000 {
		t.Errorf("fired %d times, want 1000", len(e.fired))
	}
}

func TestMovingATimerLaterIsLazy(t *testing.T) {
	l := &Loop{}
	e := &expiry{l: l}
	e.timer.Owner = e
	e.set(10 * tick)
	was := e.timer.prev
	for i := range 100 {
		e.set(time.Duration(10+i) * tick)
	}
	if e.timer.prev != was {
		t.Error("the timer was linked anew")
	}
	for l.now < 200*tick {
		l.now += tick
		l.wheel.advance(l.now)
	}
	if len(e.fired) != 1 || e.fired[0] < 109*tick || e.fired[0] > 111*tick {
		t.Errorf("fired at %v, want once, at 109 to 111 ticks", e.fired)
	}
}

func BenchmarkMoveTimer(b *testing.B) {
	l := &Loop{}
	e := &expiry{l: l}
	e.timer.Owner = e
	for b.Loop() {
		l.now += 1000
		l.SetTimer(&e.timer, time.Minute)
		l.wheel.advance(l.now)
	}
}
