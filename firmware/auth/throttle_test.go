// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// guess tries a wrong password and says how long the next must wait.
func guess(t testing.TB, a *Auth, user, remote string) (Kind, time.Duration) {
	t.Helper()
	_, err := a.Login(t.Context(), Attempt{User: user, Password: "wrong password", Remote: remote})
	if e, ok := err.(*Error); ok {
		return e.Kind, e.Retry
	}
	t.Fatalf("a wrong password is answered with %v", err)
	return "", 0
}

func TestDelaysGrow(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	var got []time.Duration
	for range 18 {
		if k, _ := guess(t, a, "nobody", "203.0.113.9"); k != Denied {
			t.Fatalf("an attempt after its delay: %q", k)
		}
		k, wait := guess(t, a, "nobody", "203.0.113.9")
		if k == Denied { // it was free
			got = append(got, 0)
			continue
		}
		got = append(got, wait)
		c.pass(wait)
	}
	s := time.Second
	want := []time.Duration{0, 0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s, 512 * s, 900 * s, 900 * s, 900 * s, 900 * s, 900 * s, 900 * s}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("delays\n%v, want\n%v", got, want)
	}
	c.pass(forgetAfter)
	if k, wait := guess(t, a, "nobody", "203.0.113.9"); k != Denied || wait != 0 {
		t.Errorf("an hour later: %q, %v", k, wait)
	}
	if k, wait := guess(t, a, "nobody", "203.0.113.9"); k != Denied || wait != 0 {
		t.Errorf("the count was not forgotten: %q, %v", k, wait)
	}
}

func TestAddressKey(t *testing.T) {
	for _, tt := range []struct{ remote, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2.1:443", "192.0.2.1"},
		{"[::ffff:192.0.2.1]:443", "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"[2001:db8:1:2::1]:9", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:9", "fe80::/64"},
		{"pid 17", unknownAddress},
		{"", unknownAddress},
	} {
		if got := addressKey(tt.remote); got != tt.want {
			t.Errorf("addressKey(%q) = %q, want %q", tt.remote, got, tt.want)
		}
	}
}

func TestThrottlesSurviveARestart(t *testing.T) {
	k, c := newKeeper(), newClock()
	a, _ := withAdmin(t, k, c.config())
	for range 8 {
		for {
			if _, wait := guess(t, a, "admin", "203.0.113.9"); wait == 0 {
				break
			} else {
				c.pass(wait)
			}
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, back := range []time.Duration{0, time.Hour} {
		c := &clock{c.wall.Add(-back), time.Hour}
		a = open(t, k.copy(), c.config())
		if kind, wait := guess(t, a, "admin", "203.0.113.9"); kind != Throttled || wait != 8*time.Second {
			t.Errorf("after a restart, clock back %v: %q for %v, want 8s", back, kind, wait)
		}
		if kind, _ := guess(t, a, "admin", "203.0.113.10"); kind != Throttled {
			t.Errorf("the name from another address: %q", kind)
		}
		if u, _ := a.User("admin"); u.Failed != 8 {
			t.Errorf("%d failures are known, want 8", u.Failed)
		}
		c.pass(8 * time.Second)
		if kind, _ := guess(t, a, "admin", "203.0.113.9"); kind != Denied {
			t.Errorf("after the delay: %q", kind)
		}
	}
}

func TestManyAttemptsAtOnceGainNothing(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	var wg sync.WaitGroup
	var mu sync.Mutex
	kinds := map[Kind]int{}
	for range 200 {
		wg.Go(func() {
			_, err := a.Login(t.Context(), Attempt{User: "admin", Password: "wrong password", Remote: "203.0.113.9"})
			mu.Lock()
			defer mu.Unlock()
			kinds[kind(err)]++
		})
	}
	wg.Wait()
	if kinds[Denied] != freeFailures || kinds[Throttled] != 200-freeFailures {
		t.Errorf("answers %v, want %d denied and the rest throttled", kinds, freeFailures)
	}
}

// TestOwnLoginsDoNotHideGuesses: who has a user of their own must not reset the delay of
// an address by it.
func TestOwnLoginsDoNotHideGuesses(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	a.mustCreate(t, "mallory", Viewer)
	held := false
	for i := range 20 {
		k, _ := guess(t, a, fmt.Sprintf("victim%d", i), "203.0.113.9")
		held = held || k == Throttled
		_, _ = a.Login(t.Context(), Attempt{User: "mallory", Password: password, Remote: "203.0.113.9"})
	}
	if !held {
		t.Error("20 guesses between own logins were never held")
	}
}

func TestTypingErrorsAreForgottenAtTheLogin(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), newClock().config())
	for range 5 {
		for range freeFailures - 1 {
			if k, _ := guess(t, a, "admin", "203.0.113.9"); k != Denied {
				t.Fatalf("a typing error is answered with %q", k)
			}
		}
		a.mustLogin(t, "admin", "203.0.113.9")
	}
}

func TestTablesAreBounded(t *testing.T) {
	tb := make(table)
	for i := range 2 * maxThrottles {
		tb.get(fmt.Sprint(i), time.Duration(i)).last = time.Duration(i)
	}
	if len(tb) != maxThrottles || tb["0"] != nil || tb[fmt.Sprint(2*maxThrottles-1)] == nil {
		t.Errorf("%d entries, want the newest %d", len(tb), maxThrottles)
	}
	held := tb.get("held", 0)
	held.until = time.Hour
	for i := range 2 * maxThrottles {
		tb.get(fmt.Sprint("new", i), time.Minute).last = time.Minute
	}
	if tb["held"] != held {
		t.Error("one that is held went before those that are free")
	}
}

// TestTenThousandBadLogins hammers the only admin from many addresses.
func TestTenThousandBadLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper()
		a, g := withAdmin(t, k, Config{})
		go a.Run(t.Context())
		kinds := map[Kind]int{}
		for i := range 10_000 {
			kind, _ := guess(t, a, "admin", fmt.Sprintf("198.51.%d.%d", i/100%256, i%100))
			kinds[kind]++
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		if kinds[Denied] > 15 || kinds[Denied]+kinds[Throttled] != 10_000 {
			t.Errorf("answers %v: a throttled attempt must cost no hash", kinds)
		}
		a.mu.Lock()
		n := len(a.throttle.addresses)
		a.mu.Unlock()
		if n > kinds[Denied]+1 {
			t.Errorf("%d addresses are remembered of %d attempts that were looked at", n, kinds[Denied])
		}
		if _, err := a.Authenticate(g.Token); err != nil {
			t.Errorf("the session of the true admin: %v", err)
		}
		if _, err := a.Sudo(t.Context(), g.Session.ID, password, ""); err != nil {
			t.Errorf("sudo of the true admin: %v", err)
		}
		if got := a.mustLogin(t, "admin", home); got.Failed != kinds[Denied] {
			t.Errorf("the true admin is told of %d failures, want %d", got.Failed, kinds[Denied])
		}
		_, err := a.Login(t.Context(), Attempt{User: "admin", Password: password, Remote: "192.0.2.200"})
		wantKind(t, "the true admin from a new address, at once", err, Throttled)
		time.Sleep(longestDelay)
		a.mustLogin(t, "admin", "192.0.2.200")
		if n := k.count(throttleName); n > 40 {
			t.Errorf("throttles were written %d times in 100 seconds", n)
		}
	})
}

// TestFloodOfNames tries other names from other addresses, all at once.
func TestFloodOfNames(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), newClock().config())
	var wg sync.WaitGroup
	for w := range 50 {
		wg.Go(func() {
			for i := range 200 {
				n := w*200 + i
				guess(t, a, fmt.Sprint("name", n), fmt.Sprintf("2001:db8:%x:%x::1", n/65536, n%65536))
			}
		})
	}
	a.mustLogin(t, "admin", home) // does not wait behind them
	wg.Wait()
	if x, y := len(a.throttle.addresses), len(a.throttle.names); x > maxThrottles || y > maxThrottles {
		t.Errorf("%d addresses and %d names are remembered, want %d at most", x, y, maxThrottles)
	}
	if len(a.hasher.strangers.places) != 0 || len(a.hasher.known.places) != 0 {
		t.Error("somebody still waits for a hash")
	}
}

func TestThrottlesAreListedAndCleared(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	for range freeFailures {
		guess(t, a, "admin", "[2001:db8::7]:99")
		guess(t, a, "perhaps-a-password", "203.0.113.9")
	}
	list := fmt.Sprint(a.Throttles())
	until := c.wall.Add(time.Second)
	want := fmt.Sprint([]Throttle{
		{"address", "2001:db8::/64", 5, c.wall, until}, {"address", "203.0.113.9", 5, c.wall, until}, {"user", "admin", 5, c.wall, until}})
	if list != want {
		t.Errorf("throttles\n%s, want\n%s", list, want)
	}
	for _, tt := range []struct {
		key  string
		want int
	}{{"192.0.2.77", 0}, {"2001:db8::42", 1}, {"2001:db8::/64", 0}, {"ADMIN", 1}, {"", 2}} {
		if n := a.ClearThrottle(tt.key); n != tt.want {
			t.Errorf("ClearThrottle(%q) = %d, want %d", tt.key, n, tt.want)
		}
	}
}

// TestBusyAttemptsLeaveNoTrace: who is refused because others log in has not failed.
func TestBusyAttemptsLeaveNoTrace(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), newClock().config())
	for range cap(a.hasher.strangers.places) {
		a.hasher.strangers.places <- struct{}{}
	}
	for i := range 100 {
		if k, _ := guess(t, a, "nobody", fmt.Sprintf("203.0.113.%d", i)); k != Busy {
			t.Fatalf("a stranger while too many wait: %q", k)
		}
	}
	if x, y := len(a.throttle.addresses), len(a.throttle.names); x+y > 0 {
		t.Errorf("%d addresses and %d names are remembered", x, y)
	}
}
