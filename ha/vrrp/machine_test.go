// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// The local router of the tests, and others: two whose address is greater
// than its own, one whose is smaller.
var (
	self    = netip.MustParseAddr("10.0.0.5")
	other   = netip.MustParseAddr("10.0.0.9")
	third   = netip.MustParseAddr("10.0.0.7")
	smaller = netip.MustParseAddr("10.0.0.1")
)

// testConfig is version 3 with priority 100 each second, preempting.
func testConfig() Config {
	return Config{
		Version: 3, Family: IPv4, VRID: 10, Priority: 100, Interval: time.Second,
		Addresses: addrs("192.0.2.1"), Source: self, Preempt: true,
	}
}

// adv is an advertisement of the test's virtual router.
func adv(from netip.Addr, priority uint8, change ...func(*Received)) Advert {
	r := Received{
		Advertisement: Advertisement{Version: 3, VRID: 10, Priority: priority,
			Interval: time.Second, Addresses: addrs("192.0.2.1")},
		Source: from, Destination: IPv4.Group(),
	}
	for _, f := range change {
		f(&r)
	}
	return Advert{r}
}

// every sets the interval of an adv, v2 its version, pseudo its checksum.
func every(d time.Duration) func(*Received) { return func(r *Received) { r.Interval = d } }
func v2(r *Received)                        { r.Version = 2 }
func pseudo(r *Received)                    { r.Checksum = ChecksumPseudo }

// A step is an event and what must come of it. want are the actions in short
// form; state and next (the deadline, none if negative) are checked where set.
type step struct {
	at   time.Duration
	e    Event
	want string
	then State
	next time.Duration
}

// A row is one promise of the state machine, named by its section.
type row struct {
	name   string
	change func(*Config)
	steps  []step
}

// short writes actions as a row of words.
func short(list []Action) string {
	var words []string
	for _, a := range list {
		switch a := a.(type) {
		case Send:
			words = append(words, fmt.Sprintf("send%d", a.Priority))
		case Take:
			words = append(words, map[bool]string{true: "take+accept", false: "take"}[a.Accept])
		case Release:
			words = append(words, "release")
		case Announce:
			words = append(words, map[bool]string{true: "again", false: "announce"}[a.Again])
		case Log:
			switch {
			case a.From != a.To:
				words = append(words, ">"+a.To.String())
			case a.Warn:
				words = append(words, "warn")
			default:
				words = append(words, "note")
			}
		}
	}
	return strings.Join(words, " ")
}

// run plays the rows.
func run(t *testing.T, rows []row) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			m := newMachine(t, r.change)
			for i, s := range r.steps {
				got := short(m.Handle(s.at, s.e))
				if got != s.want {
					t.Fatalf("step %d, %v: Handle(%T) = %q, want %q", i, s.at, s.e, got, s.want)
				}
				if m.State() != s.then {
					t.Fatalf("step %d, %v: after %T state %v, want %v", i, s.at, s.e, m.State(), s.then)
				}
				next, ok := m.Deadline()
				if s.next < 0 && ok || s.next > 0 && (!ok || next != s.next) {
					t.Fatalf("step %d, %v: after %T deadline %v, %v, want %v", i, s.at, s.e, next, ok, s.next)
				}
			}
		})
	}
}

func newMachine(t testing.TB, change func(*Config)) *Machine {
	t.Helper()
	c := testConfig()
	if change != nil {
		change(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Times of the test's router: Skew_Time, Active_Down_Interval.
const (
	skew = 609375 * time.Microsecond // (256-100)/256 s
	down = 3*time.Second + skew
	none = time.Duration(-1)
)

const becomes = "send100 take announce >active"

// started and active begin most rows; become is what active ends with.
var (
	started = step{0, Startup{}, ">backup", Backup, down}
	active  = step{down, Tick{}, becomes, Active, down + time.Second}
)

func TestTimersAreKeptInNanoseconds(t *testing.T) {
	for _, c := range []struct {
		version, priority uint8
		interval          time.Duration
		want              time.Duration
	}{
		{3, 100, time.Second, 3609375 * time.Microsecond},
		{3, 254, time.Second, 3007812500},
		{3, 253, time.Second, 3011718750},
		{3, 1, time.Second, 3996093750},
		{3, 100, 100 * ms, 360937500},
		{3, 150, 250 * ms, 853515625},
		{3, 1, IntervalMax, 163640039062},
		{2, 100, time.Second, 3609375 * time.Microsecond},
		{2, 100, 5 * time.Second, 15609375 * time.Microsecond},
	} {
		if got := DownInterval(c.version, c.priority, c.interval); got != c.want {
			t.Errorf("DownInterval(v%d, %d, %v) = %v, want %v", c.version, c.priority, c.interval, got, c.want)
		}
	}
}

func TestConfigCheckNamesEveryMistake(t *testing.T) {
	c := Config{Version: 2, Family: IPv6, Priority: 0, Interval: 1500 * ms, Source: self,
		Addresses: addrs("2001:db8::1"), PreemptDelay: time.Hour, AnnounceAgain: -1}
	err := c.Check()
	if err == nil {
		t.Fatal("Check() = nil")
	}
	for _, want := range []string{
		"version 2 is for IPv4 only", "VRID must be 1 to 255", "priority must be 1 to 254",
		"source must be an address", "0s to 1000s, not 1h", "must not be negative",
		"whole seconds, not 1.5s", "must be link-local",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Check() = %v, want also %q", err, want)
		}
	}
	if m, err := New(c); err == nil || m != nil {
		t.Errorf("New = %v, %v, want an error", m, err)
	}
	if err := testConfig().Check(); err != nil {
		t.Errorf("Check of a good configuration = %v", err)
	}
}
