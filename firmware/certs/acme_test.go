// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

func TestACMERenewsAtTwoThirdsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, storage := newFakeCA(t), newMemory()
		r := startACME(t, wanted(shop), storage, ca)
		s := r.after(0)
		if s.State != ACMEIssued || s.Leaf == nil || s.LastError != "" || len(r.issued()) != 1 {
			t.Fatalf("after the start: %+v, issued %v", s, r.issued())
		}
		if p := r.Pair("shop"); p == nil || !slices.Equal(p.Names(), shop.Domains) {
			t.Errorf("Pair() = %v, want one for %v", p, shop.Domains)
		}
		r.after(60*dayLong - time.Hour)
		if ca.asked() != 1 {
			t.Errorf("the CA was asked %d times before two thirds, want 1", ca.asked())
		}
		r.after(ca.life/50 + 2*time.Hour)
		if ca.asked() != 2 || len(r.issued()) != 2 || r.issued()[0] == r.issued()[1] {
			t.Errorf("after two thirds: asked %d, issued %v, want a second one", ca.asked(), r.issued())
		}
		r.stop()

		// A restart takes what is stored, and asks nobody.
		again := startACME(t, wanted(shop), storage, ca)
		if got := "shop " + Fingerprint(again.Pair("shop").Leaf()); got != r.issued()[1] || ca.asked() != 2 {
			t.Errorf("after a restart: %s, asked %d, want %s, 2", got, ca.asked(), r.issued()[1])
		}
		again.stop()
	})
}

func TestACMEBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, storage := newFakeCA(t), newMemory()
		ca.fail(errors.New("no route"))
		r := startACME(t, wanted(shop), storage, ca)
		s := r.after(2 * dayLong)
		if s.State != ACMEFailed || s.LastError != "no route" || s.Failures != ca.asked() || s.Leaf != nil {
			t.Errorf("status = %+v", s)
		}
		got, methods := ca.pauses()
		for i, p := range got {
			want := pauses[min(i, len(pauses)-1)]
			if p < want || p > want+want/10+time.Second {
				t.Errorf("pause %d = %v, want %v and up to a tenth", i, p, want)
			}
		}
		if len(got) < 7 {
			t.Errorf("%d attempts in two days, want more", len(got)+1)
		}
		for i, m := range methods {
			if want := []string{methodHTTP, methodALPN}[i%2]; m != want {
				t.Errorf("attempt %d by %s, want %s", i, m, want)
			}
		}
		// Starting over and over does not shorten the pause.
		before := ca.asked()
		for range 20 {
			r.stop()
			r = startACME(t, wanted(shop), storage, ca)
			r.after(time.Second)
		}
		if n := ca.asked() - before; n > 1 {
			t.Errorf("the CA was asked %d times in 20 restarts", n)
		}
		// What is wanted otherwise now is tried now.
		r.stop()
		ca.fail(nil)
		r = startACME(t, wanted(Wanted{Name: "shop", Domains: []string{"other.example"}}), storage, ca)
		if s := r.after(2 * time.Minute); s.State != ACMEIssued || s.Failures != 0 {
			t.Errorf("after other domains: %+v", s)
		}
		r.stop()
	})
}

func TestACMERetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newFakeCA(t)
		ca.fail(acme.Problem{Type: acme.ProblemTypeRateLimited, Detail: "too many"})
		r := startACME(t, wanted(shop), newMemory(), ca)
		if s := r.after(0); time.Until(s.Next) < limitedPause || !strings.Contains(s.LastError, "too many") {
			t.Errorf("after rateLimited: %+v, want a pause of %v", s, limitedPause)
		}
		ca.fail(nil)
		for range 100 { // an impatient operator
			if err := r.Retry("shop"); err != nil {
				t.Fatal(err)
			}
			r.after(100 * time.Millisecond)
		}
		if ca.asked() != 1 {
			t.Errorf("the CA was asked %d times within a minute, want 1", ca.asked())
		}
		r.after(time.Minute)
		if err := r.Retry("shop"); err != nil {
			t.Fatal(err)
		}
		if s := r.after(orderPause); s.State != ACMEIssued {
			t.Errorf("after Retry: %+v", s)
		}
		if err := r.Retry("x"); err == nil {
			t.Error("Retry(unknown) = nil")
		}
		r.stop()
	})
}

func TestACMEBearsJumpsOfTheClock(t *testing.T) {
	pair := pairOf(t, server(shop.Domains...), p256(t), nil) // from 30 days ago to 60 days ahead
	tests := []struct {
		name   string
		pair   *Pair
		record acmeRecord
		now    time.Time
		want   time.Duration // from now, about
	}{
		{"fresh", pair, acmeRecord{}, now, 30 * dayLong},
		{"two thirds over", pair, acmeRecord{}, now.Add(32 * dayLong), 0},
		{"long expired", pair, acmeRecord{}, now.AddDate(10, 0, 0), 0},
		{"none, in 1970", nil, acmeRecord{}, time.Unix(100, 0), 0},
		{"here, in 1970", pair, acmeRecord{}, time.Unix(100, 0), now.Add(30 * dayLong).Sub(time.Unix(100, 0))},
		{"failed in the future", nil, acmeRecord{Failures: 1, NextTry: now.AddDate(10, 0, 0)}, now, maxPause},
		{"issued in the future", pair, acmeRecord{NextTry: now.AddDate(10, 0, 0)}, now.Add(32 * dayLong), maxPause},
		{"failed just now", nil, acmeRecord{Failures: 1, NextTry: now.Add(time.Minute)}, now, time.Minute},
	}
	for _, tt := range tests {
		m := &managed{domains: shop.Domains, pair: tt.pair, record: tt.record}
		got := m.due(tt.now).Sub(tt.now)
		if tt.want == 0 && got > 0 || tt.want > 0 && (got < tt.want || got > tt.want+2*dayLong) {
			t.Errorf("%s: due in %v, want about %v", tt.name, got, tt.want)
		}
	}
	if a, b := renewAt(pair), renewAt(pair); !a.Equal(b) {
		t.Error("renewAt changes from call to call")
	}
}

// TestACMENeverHammers runs against a CA whose certificates are due as soon as
// they are issued, and one that issues for other names.
func TestACMENeverHammers(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*fakeCA)
		most  int
	}{
		{"a life of a nanosecond", func(ca *fakeCA) { ca.life = 1 }, 8},
		{"a life of an hour", func(ca *fakeCA) { ca.life = time.Hour }, 36},
		{"other names", func(ca *fakeCA) { ca.names = []string{"x.example"} }, 8},
		{"already old", func(ca *fakeCA) { ca.life = -dayLong }, 8},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			ca := newFakeCA(t)
			tt.spoil(ca)
			r := startACME(t, wanted(shop), newMemory(), ca)
			r.after(dayLong)
			if ca.asked() > tt.most+1 {
				t.Errorf("%s: asked %d times in a day, want at most %d", tt.name, ca.asked(), tt.most)
			}
			pauses, _ := ca.pauses()
			for i, p := range pauses {
				if p < orderPause {
					t.Errorf("%s: pause %d = %v, want at least %v", tt.name, i, p, orderPause)
					break
				}
			}
			r.stop()
		})
	}
}

func TestACMEOrdersOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newFakeCA(t)
		var all []Wanted
		for i := range 5 {
			all = append(all, Wanted{fmt.Sprint("c", i), []string{fmt.Sprintf("c%d.example", i)}})
		}
		r := startACME(t, wanted(all...), newMemory(), ca)
		r.after(time.Minute)
		pauses, _ := ca.pauses()
		if len(r.issued()) != 5 || slices.Min(pauses) < orderPause {
			t.Errorf("issued %v with pauses %v, want 5 and %v between", r.issued(), pauses, orderPause)
		}
		r.stop()
	})
}

func TestACMEServesWhatItCannotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := newMemory()
		r := startACME(t, wanted(), storage, newFakeCA(t))
		r.stop()
		storage.fail = errors.New("disk full")
		r = startACME(t, wanted(shop), storage, newFakeCA(t))
		if s := r.after(0); len(r.issued()) != 1 || !strings.Contains(s.LastError, "disk full") || s.State != ACMEIssued {
			t.Errorf("status = %+v, issued %v, want a certificate and the error", s, r.issued())
		}
		r.stop()
	})
}

func TestACMETakesDamagedStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage, ca := newMemory(), newFakeCA(t)
		_ = storage.Save(pairName("shop"), []byte("x"))
		_ = storage.Save(recordName("shop"), []byte("{"))
		r := startACME(t, wanted(shop), storage, ca)
		if s := r.after(0); s.State != ACMEFailed || !strings.Contains(s.LastError, "damaged") || ca.asked() != 0 {
			t.Errorf("status = %+v, asked %d, want damage and a pause", s, ca.asked())
		}
		if s := r.after(10 * time.Minute); s.State != ACMEIssued {
			t.Errorf("status = %+v, want a new certificate", s)
		}
		r.stop()
	})
}

func TestACMEConfigSaysWhatWouldBeRight(t *testing.T) {
	tests := []struct {
		name   string
		change func(*ACMEConfig)
		want   string
	}{
		{"good", func(*ACMEConfig) {}, ""},
		{"http", func(c *ACMEConfig) { c.Directory = "http://ca.example" }, "must be an https URL"},
		{"terms", func(c *ACMEConfig) { c.TermsAgreed = false }, "terms of service must be agreed to"},
		{"no method", func(c *ACMEConfig) { c.HTTP01, c.TLSALPN01 = false, false }, "at least one of HTTP-01 and TLS-ALPN-01"},
		{"EAB", func(c *ACMEConfig) { c.EAB = &EAB{KeyID: "x"} }, "a key ID and a MAC key"},
		{"contact", func(c *ACMEConfig) { c.Contact = []string{"mailto:a@b.example"} }, "must be an e-mail address"},
		{"wildcard", func(c *ACMEConfig) { c.Wanted = []Wanted{{"w", []string{"*.a.example"}}} }, "for DNS-01 only"},
		{"address", func(c *ACMEConfig) { c.Wanted = []Wanted{{"w", []string{"192.0.2.1"}}} }, "is an address"},
		{"no domains", func(c *ACMEConfig) { c.Wanted = []Wanted{{"w", nil}} }, "at least one host name"},
		{"twice", func(c *ACMEConfig) { c.Wanted = append(c.Wanted, shop) }, "a name of its own"},
		{"CAs", func(c *ACMEConfig) { c.CAs = []byte("x") }, "has no PEM block"},
	}
	for _, tt := range tests {
		cfg := wanted(shop)
		tt.change(&cfg)
		_, err := OpenACME(cfg, newMemory(), new(Challenges), func(string, *Pair) {}, slog.New(slog.DiscardHandler))
		contains(t, fmt.Sprintf("OpenACME(%s)", tt.name), err, tt.want)
	}
}
