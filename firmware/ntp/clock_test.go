// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A quartz is a clock that is wrong by something, and remembers what is done to it.
type quartz struct {
	mu    sync.Mutex // guards what follows
	begun time.Time
	off   time.Duration // ahead of the true time
	kept  bool
	able  bool
	fails error
	dry   bool
	did   []string
}

func (q *quartz) Now() (time.Time, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Now().Round(0).Add(q.off), time.Since(q.begun)
}

func (q *quartz) Kept() bool { q.mu.Lock(); defer q.mu.Unlock(); return q.kept }

func (q *quartz) Can() (bool, string) {
	if q.able {
		return true, ""
	}
	return false, "the engine lacks the right CAP_SYS_TIME"
}

func (q *quartz) Simulated() bool { return q.dry }

func (q *quartz) do(what string, by time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.did = append(q.did, fmt.Sprintf("%s %v", what, by))
	if q.fails != nil {
		return q.fails
	}
	q.off += by
	q.kept = true
	return nil
}

func (q *quartz) Slew(by, _, _ time.Duration, _ Leap) error { return q.do("slew", by) }
func (q *quartz) Step(by, _ time.Duration) error            { return q.do("step", by) }

// take returns what was done since the last time.
func (q *quartz) take() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.did
	q.did = nil
	return out
}

// A town has time servers; each is ahead of the true time by something.
type town struct {
	q  *quartz
	mu sync.Mutex // guards what follows

	ahead map[string]time.Duration // by address; none: it is silent
	err   map[string]error
	names map[string][]string
	asked map[string]int
}

func (w *town) Resolve(_ context.Context, name string) (out []netip.AddrPort, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, ok := w.names[name]
	if !ok {
		if _, err := netip.ParseAddr(name); err != nil {
			return nil, errors.New("no such host")
		}
		list = []string{name}
	}
	for _, a := range list {
		out = append(out, netip.AddrPortFrom(netip.MustParseAddr(a), 123))
	}
	return out, nil
}

func (w *town) Ask(_ context.Context, server netip.AddrPort) (Answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := server.Addr().String()
	w.asked[a]++
	if err := w.err[a]; err != nil {
		return Answer{}, err
	}
	ahead, ok := w.ahead[a]
	if !ok {
		return Answer{}, ErrSilent
	}
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return Answer{Offset: ahead - w.q.off, Distance: 20 * time.Millisecond, Delay: 10 * time.Millisecond, Stratum: 2}, nil
}

func (w *town) be(f func()) { w.mu.Lock(); defer w.mu.Unlock(); f() }

func (w *town) count(a string) int { w.mu.Lock(); defer w.mu.Unlock(); return w.asked[a] }

// A day runs a Clock in virtual time.
type day struct {
	*Clock
	*town
	q      *quartz
	events []string
	sync.Mutex
}

func (d *day) heardOf() []string {
	d.Lock()
	defer d.Unlock()
	out := d.events
	d.events = nil
	return out
}

var kinds = map[EventKind]string{Stepped: "stepped", Jumped: "jumped", Lost: "lost", Found: "found"}

func during(t *testing.T, q *quartz, servers []string, test func(t *testing.T, d *day)) {
	synctest.Test(t, func(t *testing.T) {
		q.begun = time.Now()
		w := &town{q: q, ahead: map[string]time.Duration{"192.0.2.1": 0, "192.0.2.2": 0, "192.0.2.3": 0}, err: map[string]error{}, asked: map[string]int{},
			names: map[string][]string{"pool.example": {"192.0.2.1", "192.0.2.2", "192.0.2.3"}}}
		d := &day{town: w, q: q}
		d.Clock = New(q, w, Config{Happened: func(e Event) {
			d.Lock()
			defer d.Unlock()
			d.events = append(d.events, fmt.Sprintf("%s %v", kinds[e.Kind], e.By))
		}}, slog.New(slog.DiscardHandler))
		d.Set(servers)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		synctest.Wait()
		test(t, d)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

func want(t *testing.T, what string, got []string, list ...string) {
	t.Helper()
	if !slices.Equal(got, list) {
		t.Errorf("%s: %q, want %q", what, got, list)
	}
}

func (d *day) says(t *testing.T, text string) {
	t.Helper()
	got := strings.Join(d.Status().Problems, "; ")
	if text == "" && got != "" || !strings.Contains(got, text) {
		t.Errorf("problems are %q, want %q", got, text)
	}
}

var three = []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}

func TestClockThatNobodyKeptIsSetAtStart(t *testing.T) {
	during(t, &quartz{off: -30 * time.Hour, able: true}, []string{"pool.example"}, func(t *testing.T, d *day) {
		want(t, "at start", d.q.take(), "step 30h0m0s")
		want(t, "events", d.heardOf(), "stepped 30h0m0s")
		pass(time.Minute) // and the step is not taken for somebody else's
		want(t, "events", d.heardOf())
		d.says(t, "")
		if s := d.Status(); !s.Synced || s.Stratum != 3 || len(s.Servers) != 3 || s.Servers[2].State != Good || s.Servers[0].Name != "pool.example" {
			t.Errorf("status is %+v", s)
		}
	})
}

func TestSmallDifferencesAreSlewed(t *testing.T) {
	during(t, &quartz{off: 100 * time.Millisecond, able: true}, three, func(t *testing.T, d *day) {
		want(t, "at start", d.q.take(), "slew -100ms")
		d.be(func() { d.q.mu.Lock(); d.q.off = 390 * time.Millisecond; d.q.mu.Unlock() })
		pass(5 * time.Second)
		want(t, "of a clock that was kept", d.q.take(), "slew -390ms")
		want(t, "events", d.heardOf())
	})
}

func TestRightClockIsAskedForLessAndLess(t *testing.T) {
	during(t, &quartz{able: true, kept: true}, three, func(t *testing.T, d *day) {
		pass(10 * time.Second)
		first := d.count("192.0.2.1")
		pass(24 * time.Hour)
		if n := d.count("192.0.2.1") - first; first != 3 || n < 84 || n > 90 {
			t.Errorf("asked %d times at first, then %d times in a day", first, n)
		}
	})
}

func TestLiarIsOutvoted(t *testing.T) {
	during(t, &quartz{able: true}, three, func(t *testing.T, d *day) {
		d.q.take()
		d.be(func() { d.ahead["192.0.2.2"] = time.Hour })
		pass(time.Hour)
		for _, x := range d.q.take() {
			if x != "slew 0s" {
				t.Errorf("the clock is moved: %s", x)
			}
		}
		if s := d.Status(); s.Servers[1].State != Outvoted || s.Servers[1].Offset != time.Hour || !s.Synced {
			t.Errorf("status is %+v", s)
		}
		d.says(t, "")
	})
}

func TestTwoThatDisagreeAreNotBelieved(t *testing.T) {
	during(t, &quartz{able: true}, three[:2], func(t *testing.T, d *day) {
		d.q.take()
		d.be(func() { d.ahead["192.0.2.2"] = time.Minute })
		pass(2 * time.Hour)
		want(t, "nothing is believed", d.q.take()) // but what was asked before
		d.says(t, "the time servers disagree, and none of them is believed: 192.0.2.1: 0s, 192.0.2.2: 1m0s")
		want(t, "events", d.heardOf(), "lost 0s")
		d.be(func() { d.ahead["192.0.2.2"] = 0 })
		pass(2 * time.Minute)
		want(t, "events", d.heardOf(), "found 0s")
		d.says(t, "")
	})
}

func TestServersThatJump(t *testing.T) {
	during(t, &quartz{able: true, kept: true}, three[:1], func(t *testing.T, d *day) {
		pass(time.Minute)
		d.q.take()
		d.be(func() { d.ahead["192.0.2.1"] = 10 * time.Second })
		for i := 0; i < 3000 && len(d.Status().Problems) == 0; i++ {
			pass(time.Second)
		}
		want(t, "the first time it is not believed", d.q.take())
		d.says(t, "wrong by 10s all at once")
		d.be(func() { d.ahead["192.0.2.1"] = 0 })
		pass(16 * time.Second)
		want(t, "it was a mistake of the server", d.q.take(), "slew 0s")

		d.be(func() { d.ahead["192.0.2.1"] = 10 * time.Second })
		pass(mostPoll + 20*time.Second)
		if got := d.q.take(); len(got) == 0 || got[0] != "step 10s" {
			t.Errorf("said twice, it is done: %q", got)
		}
		want(t, "events", d.heardOf(), "stepped 10s")

		d.be(func() { d.ahead["192.0.2.1"] = 3 * time.Hour })
		pass(4 * time.Hour)
		want(t, "one server alone is not believed so much", d.q.take())
		d.says(t, "fewer than three of them agree: it is not set")
		d.be(func() {
			for _, a := range three {
				d.ahead[a] = 3 * time.Hour
			}
		})
		d.Set(three)
		pass(time.Minute)
		if got := d.q.take(); len(got) == 0 || got[0] != "step 2h59m50s" {
			t.Errorf("three of them are: %q", got)
		}
	})
}

func TestSilentServers(t *testing.T) {
	during(t, &quartz{able: true}, []string{"192.0.2.9", "nowhere.example"}, func(t *testing.T, d *day) {
		d.says(t, "") // it may come yet
		pass(10 * time.Minute)
		d.says(t, "no time server can be followed: 192.0.2.9: no answer; nowhere.example: no such host")
		pass(time.Hour)
		want(t, "events", d.heardOf(), "lost 0s")
		want(t, "nothing is done", d.q.take())
		if n := d.count("192.0.2.9"); n < 5 || n > 12 {
			t.Errorf("asked %d times", n)
		}
		if s := d.Status(); s.Synced || s.Servers[0].State != Silent || s.Servers[1].Why != "no such host" {
			t.Errorf("status is %+v", s)
		}
	})
}

func TestKissOfDeathIsObeyed(t *testing.T) {
	during(t, &quartz{able: true}, three[:2], func(t *testing.T, d *day) {
		d.be(func() { d.err["192.0.2.1"], d.err["192.0.2.2"] = &KissError{"RATE"}, &KissError{"DENY"} })
		pass(10 * time.Second)
		was := d.count("192.0.2.2")
		rate := d.count("192.0.2.1")
		pass(23 * time.Hour)
		if n := d.count("192.0.2.2"); n != was {
			t.Errorf("who has refused was asked %d times more", n-was)
		}
		if n := d.count("192.0.2.1") - rate; n > 30 {
			t.Errorf("who wants fewer questions was asked %d times in a day", n)
		}
		d.says(t, "192.0.2.2: it refuses to serve this box (DENY)")
		pass(2 * time.Hour)
		if d.count("192.0.2.2") == was {
			t.Error("it is never asked again")
		}
	})
}

func TestClockThatSomebodyElseSets(t *testing.T) {
	during(t, &quartz{able: true}, nil, func(t *testing.T, d *day) {
		d.q.mu.Lock()
		d.q.off -= time.Hour
		d.q.mu.Unlock()
		pass(lookEvery)
		want(t, "events", d.heardOf(), "jumped -1h0m0s")
		pass(time.Hour)
		want(t, "events", d.heardOf())
		want(t, "without servers it is left alone", d.q.take())
		d.says(t, "")
	})
}

func TestClockThatCannotBeCorrected(t *testing.T) {
	for _, dry := range []bool{false, true} {
		during(t, &quartz{off: time.Minute, dry: dry}, three, func(t *testing.T, d *day) {
			pass(time.Hour)
			want(t, "nothing is done", d.q.take())
			s := d.Status()
			if s.Offset != -time.Minute || s.Corrects || s.Synced || s.Would != "it would be set by -1m0s" || s.Why == "" {
				t.Errorf("status is %+v", s)
			}
			if dry {
				d.says(t, "")
			} else {
				d.says(t, "the clock is not corrected: the engine lacks the right CAP_SYS_TIME")
			}
		})
	}
	during(t, &quartz{able: true, fails: errors.New("operation not permitted")}, three, func(t *testing.T, d *day) {
		d.says(t, "the clock is not corrected: operation not permitted")
	})
}

func TestNamesAreLookedUpAgain(t *testing.T) {
	during(t, &quartz{able: true}, []string{"pool.example"}, func(t *testing.T, d *day) {
		d.be(func() {
			d.ahead["192.0.2.7"] = 0 // the others answer still
			d.town.names["pool.example"] = []string{"192.0.2.7"}
		})
		pass(2 * time.Hour)
		if s := d.Status(); len(s.Servers) != 1 || s.Servers[0].State != Good {
			t.Errorf("status is %+v", s)
		}
	})
}

func TestSameServersChangeNothing(t *testing.T) {
	during(t, &quartz{able: true}, three, func(t *testing.T, d *day) {
		pass(time.Hour)
		was := d.Status().Last
		d.Set(slices.Clone(three))
		if d.Status().Last != was || was.IsZero() {
			t.Error("it begins anew")
		}
		d.Set(nil)
		pass(time.Hour)
		n := d.count("192.0.2.1")
		pass(time.Hour)
		if d.count("192.0.2.1") != n || len(d.Status().Servers) > 0 {
			t.Error("it asks on")
		}
	})
}
