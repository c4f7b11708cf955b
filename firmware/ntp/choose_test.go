// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const ms = time.Millisecond

func TestChoose(t *testing.T) {
	a := func(offset, distance time.Duration) Answer {
		return Answer{Offset: offset, Distance: distance, Stratum: 2}
	}
	for _, c := range []struct {
		name string
		in   []Answer
		ok   bool
		want time.Duration
		good string
	}{
		{"nobody", nil, false, 0, ""},
		{"one alone", []Answer{a(5*ms, ms)}, true, 5 * ms, "+"},
		{"two that agree", []Answer{a(5*ms, 10*ms), a(7*ms, 10*ms)}, true, 6 * ms, "++"},
		{"two that do not", []Answer{a(0, 10*ms), a(time.Second, 10*ms)}, false, 0, ""},
		{"two against one", []Answer{a(0, 10*ms), a(time.Hour, 10*ms), a(2*ms, 10*ms)}, true, ms, "+-+"},
		{"two against two", []Answer{a(0, 10*ms), a(time.Hour, 10*ms), a(0, 10*ms), a(time.Hour, 10*ms)}, false, 0, ""},
		{"a chain without a common point", []Answer{a(0, 10*ms), a(18*ms, 10*ms), a(36*ms, 10*ms)}, true, 9 * ms, "++-"},
		{"the surer one counts more", []Answer{a(0, 10*ms), a(11*ms, 100*ms)}, true, ms, "++"},
		{"perfect ones agree nearly", []Answer{a(0, 0), a(ms, 0)}, true, ms / 2, "++"},
		{"touching", []Answer{a(0, 10*ms), a(20*ms, 10*ms)}, true, 10 * ms, "++"},
	} {
		x, ok := choose(c.in)
		good := ""
		for _, g := range x.good {
			good += map[bool]string{true: "+", false: "-"}[g]
		}
		if ok != c.ok || ok && ((x.offset-c.want).Abs() > 10*time.Microsecond || good != c.good) {
			t.Errorf("%s: choose = %v %q, %v, want %v %q, %v", c.name, x.offset, good, ok, c.want, c.good, c.ok)
		}
	}
}

func TestChooseLeap(t *testing.T) {
	in := []Answer{{Distance: ms, Stratum: 3, Leap: LongMinute}, {Distance: ms, Stratum: 1, Leap: LongMinute}, {Distance: ms, Stratum: 2}}
	if x, _ := choose(in); x.leap != LongMinute || x.stratum != 1 {
		t.Errorf("choose = %+v", x)
	}
	if x, _ := choose(in[1:]); x.leap != NoLeap {
		t.Errorf("one of two is enough: %+v", x)
	}
	for day, want := range map[string]Leap{"2026-06-29T12:00:00Z": NoLeap, "2026-06-30T00:30:00Z": LongMinute, "2026-12-31T23:00:00Z": LongMinute, "2026-09-30T12:00:00Z": NoLeap} {
		now, err := time.Parse(time.RFC3339, day)
		if got := leapNow(LongMinute, now); err != nil || got != want {
			t.Errorf("leapNow at %s = %v, want %v", day, got, want)
		}
	}
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		offset      time.Duration
		n           int
		kept, again bool
		want        action
	}{
		{128 * ms, 1, false, false, slew}, {-129 * ms, 1, false, false, step}, {100 * 24 * time.Hour, 1, false, false, step},
		{-400 * ms, 1, true, false, slew}, {401 * ms, 3, true, false, wait}, {401 * ms, 1, true, true, step},
		{-15 * time.Minute, 1, true, true, step}, {16 * time.Minute, 2, true, true, refuse}, {-16 * time.Minute, 3, true, true, step},
	} {
		if got := decide(c.offset, c.n, c.kept, c.again); got != c.want {
			t.Errorf("decide(%v, %d, %v, %v) = %v, want %v", c.offset, c.n, c.kept, c.again, got, c.want)
		}
	}
}

func TestWhatTheKernelIsTold(t *testing.T) {
	x := slewing(-3*ms, 2*ms, leastPoll, ShortMinute)
	if x.Offset != -3000000 || x.Maxerror != 2000 || x.Constant != 2 || x.Status&unix.STA_DEL == 0 || x.Status&unix.STA_UNSYNC != 0 || x.Status&unix.STA_PLL == 0 {
		t.Errorf("slewing = %+v", x)
	}
	for poll, want := range map[time.Duration]int64{firstPoll: 0, leastPoll: 2, mostPoll: 6, 10 * mostPoll: 6} {
		if got := constant(poll); got != want {
			t.Errorf("constant(%v) = %d, want %d", poll, got, want)
		}
	}
	for d, want := range map[time.Duration][2]int64{1500 * ms: {1, 500e6}, -500 * ms: {-1, 500e6}, -2 * time.Second: {-2, 0}} {
		if got := timeval(d); int64(got.Sec) != want[0] || int64(got.Usec) != want[1] {
			t.Errorf("timeval(%v) = %+v", d, got)
		}
	}
}
