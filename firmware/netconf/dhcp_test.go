// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A server answers for a DHCP server, as a test wants it.
type server struct {
	mu      sync.Mutex // guards what follows
	begun   time.Time
	calls   []string // what was asked, and when
	lasts   time.Duration
	silent  bool
	refuses bool
	address string
	asked   netip.Addr // last, of the last Obtain
}

func newServer(lasts time.Duration) *server {
	return &server{begun: time.Now(), lasts: lasts, address: "192.0.2.100/24"}
}

func (s *server) answer(what string) (Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.calls = append(s.calls, fmt.Sprintf("%s %v", what, now.Sub(s.begun).Round(time.Second)))
	switch {
	case s.silent:
		return Lease{}, ErrSilent
	case s.refuses:
		return Lease{}, fmt.Errorf("%w: not here", ErrRefused)
	}
	l := Lease{Address: netip.MustParsePrefix(s.address), Server: netip.MustParseAddr("192.0.2.1"), Routes: []Route{defaultRoute(netip.MustParseAddr("192.0.2.1"))},
		Obtained: now, Renew: now.Add(s.lasts / 2), Rebind: now.Add(s.lasts * 7 / 8), Expires: now.Add(s.lasts)}
	if s.lasts == 0 {
		l.Renew, l.Rebind, l.Expires = now.Add(24*time.Hour), now.Add(48*time.Hour), time.Time{}
	}
	return l, nil
}

func (s *server) Obtain(_ context.Context, _ string, last netip.Addr) (Lease, error) {
	s.mu.Lock()
	s.asked = last
	s.mu.Unlock()
	return s.answer("obtain")
}
func (s *server) Verify(context.Context, string, Lease) (Lease, error) { return s.answer("verify") }
func (s *server) Renew(context.Context, string, Lease) (Lease, error)  { return s.answer("renew") }
func (s *server) Rebind(context.Context, string, Lease) (Lease, error) { return s.answer("rebind") }

func (s *server) Decline(_ context.Context, _ string, l Lease) error {
	_, err := s.answer("decline " + l.Address.Addr().String())
	return err
}

// be changes how the server answers.
func (s *server) be(f func(s *server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// asked returns what was asked since the last time.
func (s *server) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.calls
	s.calls = nil
	return out
}

// lab runs a Conf with DHCP in virtual time.
func lab(t *testing.T, lasts time.Duration, test func(t *testing.T, c *Conf, sim *Sim, s *server)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(lasts)
		sim := NewSim([]string{"lan0"}, nil)
		c := New(sim, s, Config{}, slog.New(slog.DiscardHandler))
		must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: DHCP}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		synctest.Wait()
		test(t, c, sim, s)
		cancel()
		must(t, <-done)
	})
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func problem(t *testing.T, c *Conf, want string) {
	t.Helper()
	got := strings.Join(c.Status().Problems, "; ")
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("problems are %q, want %q", got, want)
	}
}

func heard(t *testing.T, s *server, want ...string) {
	t.Helper()
	if got := s.heard(); !slices.Equal(got, want) {
		t.Errorf("the server was asked %q, want %q", got, want)
	}
}

func TestLeaseIsObtainedAndRenewed(t *testing.T) {
	lab(t, 80*time.Minute, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		heard(t, s, "obtain 0s")
		st := check(t, c, "192.0.2.100/24")
		if st.Lease == nil || st.Lease.Server != netip.MustParseAddr("192.0.2.1") || !slices.Equal(st.Gateways, addrs("192.0.2.1")) || len(st.Problems) > 0 {
			t.Errorf("status is %+v", st)
		}
		pass(85 * time.Minute)
		heard(t, s, "renew 40m0s", "renew 1h20m0s")
		check(t, c, "192.0.2.100/24")
	})
}

func TestLeaseRunsOutWhenTheServerIsDead(t *testing.T) {
	lab(t, 80*time.Minute, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		heard(t, s, "obtain 0s")
		s.be(func(s *server) { s.silent = true })
		pass(79 * time.Minute)
		// T1 is 40m, T2 70m: half of what is left each time, a minute at least.
		heard(t, s, "renew 40m0s", "renew 55m0s", "renew 1h2m30s", "renew 1h6m15s", "renew 1h8m8s", "renew 1h9m8s",
			"rebind 1h10m0s", "rebind 1h15m0s", "rebind 1h17m30s", "rebind 1h18m45s")
		check(t, c, "192.0.2.100/24")
		problem(t, c, "port mgmt: no DHCP server answers; the address holds until 2000-01-01T01:20:00Z")
		pass(90 * time.Second)
		check(t, c)
		problem(t, c, "no address for port mgmt: no DHCP server answers; it is tried again")
		if st, _ := sim.Read(); len(st.Routes) > 0 {
			t.Errorf("routes stay: %v", st.Routes)
		}
		s.be(func(s *server) { s.silent = false })
		pass(5 * time.Minute)
		check(t, c, "192.0.2.100/24")
		problem(t, c, "")
	})
}

func TestRefusalTakesTheAddressAtOnce(t *testing.T) {
	lab(t, time.Hour, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		s.be(func(s *server) { s.refuses = true })
		pass(31 * time.Minute)
		check(t, c)
		problem(t, c, "no address for port mgmt: the DHCP server refuses: not here")
		s.be(func(s *server) { s.refuses, s.address = false, "192.0.2.101/24" })
		pass(2 * time.Minute)
		check(t, c, "192.0.2.101/24")
	})
}

func TestDeadServerIsAskedLessAndLess(t *testing.T) {
	lab(t, time.Hour, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		s.be(func(s *server) { s.silent = true })
		pass(61 * time.Minute) // the lease has run out
		s.heard()
		pass(time.Hour)
		if n := len(s.heard()); n < 35 || n > 125 { // a minute, half of it more or less
			t.Errorf("a dead server was asked %d times in an hour", n)
		}
	})
}

func TestLinkThatComesBackIsVerified(t *testing.T) {
	lab(t, time.Hour, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		s.heard()
		pass(10 * time.Minute)
		sim.Plug("lan0", false)
		c.LinkChanged()
		pass(time.Second)
		check(t, c, "192.0.2.100/24")
		problem(t, c, "port mgmt has no link")
		s.be(func(s *server) { s.address = "192.0.2.200/24" }) // it is plugged in elsewhere
		sim.Plug("lan0", true)
		c.LinkChanged()
		pass(time.Second)
		heard(t, s, "verify 10m1s")
		check(t, c, "192.0.2.200/24")
		problem(t, c, "")
	})
}

func TestWithoutALinkNothingIsAsked(t *testing.T) {
	lab(t, time.Hour, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		s.heard()
		sim.Plug("lan0", false)
		c.LinkChanged()
		pass(3 * time.Hour)
		heard(t, s)
		check(t, c)
		sim.Plug("lan0", true)
		c.LinkChanged()
		pass(time.Second)
		check(t, c, "192.0.2.100/24")
	})
}

func TestEndlessLease(t *testing.T) {
	lab(t, 0, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		s.be(func(s *server) { s.silent = true })
		pass(10 * 24 * time.Hour)
		check(t, c, "192.0.2.100/24")
		if n := len(s.heard()); n > 9*24*60 {
			t.Errorf("the server was asked %d times", n)
		}
	})
}

func TestOtherMethodsEndTheClient(t *testing.T) {
	lab(t, time.Hour, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		s.heard()
		static := Desired{Port: "mgmt", Interface: "lan0", Method: Static, Addresses: prefixes("198.51.100.1/24")}
		must(t, c.Set(static))
		pass(3 * time.Hour)
		heard(t, s)
		check(t, c, "198.51.100.1/24")
	})
}

// TestCommitThatIsTakenBack goes from DHCP to a fixed address and back: the lease is
// still there, and the address at once.
func TestCommitThatIsTakenBack(t *testing.T) {
	lab(t, time.Hour, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		dhcp := c.Status().Desired
		must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: Static, Addresses: prefixes("198.51.100.1/24")}))
		pass(2 * time.Minute)
		check(t, c, "198.51.100.1/24")
		must(t, c.Set(dhcp))
		check(t, c, "192.0.2.100/24")
		s.heard()
		pass(time.Second)
		heard(t, s, "verify 2m0s")
		check(t, c, "192.0.2.100/24")
	})
}

func TestEngineThatStartsAnewKeepsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(time.Hour)
		sim := NewSim([]string{"lan0"}, nil)
		cfg := Config{Record: filepath.Join(t.TempDir(), "network.json")}
		d := Desired{Port: "mgmt", Interface: "lan0", Method: DHCP}
		run := func(test func(c *Conf)) {
			c := New(sim, s, cfg, slog.New(slog.DiscardHandler))
			must(t, c.Set(d))
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- c.Run(ctx) }()
			synctest.Wait()
			test(c)
			cancel()
			must(t, <-done)
		}
		run(func(c *Conf) { heard(t, s, "obtain 0s") })
		s.be(func(s *server) { s.silent = true })
		pass(time.Minute)
		run(func(c *Conf) {
			heard(t, s, "verify 1m0s")
			check(t, c, "192.0.2.100/24")
		})
		pass(2 * time.Hour) // the box was off, and the lease has run out
		s.be(func(s *server) { s.silent = false })
		run(func(c *Conf) {
			heard(t, s, "obtain 2h1m0s")
			if s.asked != netip.MustParseAddr("192.0.2.100") {
				t.Errorf("it asks for %v, want the address that it had", s.asked)
			}
		})
	})
}
