// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	pebbleca "github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// A pebble is Let's Encrypt's test server in this process. It validates over
// real sockets: every name is an address of loopback, and the ports 80 and 443 of
// the world are two of our own.
type pebble struct {
	dir, root  string // URL of the directory; PEM that vouches for it
	challenges *Challenges
	http, tls  net.Listener
	store      *db.MemoryStore
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func newPebble(t *testing.T, eab bool) *pebble {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_AUTHZREUSE", "0")
	p := &pebble{challenges: new(Challenges), http: listen(t), tls: listen(t), store: db.NewMemoryStore()}
	quiet := log.New(io.Discard, "", 0)
	issuer := pebbleca.New(quiet, p.store, "", "ecdsa", 0, 1, map[string]pebbleca.Profile{"default": {ValidityPeriod: 90 * 24 * 3600}})
	checks := va.New(quiet, port(p.http), port(p.tls), true, resolver(t), p.store)
	front := wfe.New(quiet, p.store, checks, issuer, []string{"ca.example"}, true, eab, 0, 0)
	srv := httptest.NewUnstartedServer(front.Handler())
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	t.Cleanup(srv.Close)
	p.dir = srv.URL + wfe.DirectoryPath
	p.root = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	return p
}

// resolver answers every question for an address with 127.0.0.1.
func resolver(t *testing.T) string {
	t.Helper()
	l := listen(t)
	s := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{A: net.IPv4(127, 0, 0, 1),
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}})
		}
		_ = w.WriteMsg(m)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown(); <-done })
	return l.Addr().String()
}

// serve answers as the listeners of a cluster do, on both ports.
func (p *pebble) serve(t *testing.T) {
	t.Helper()
	plain := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := p.challenges.HTTP01(r.Host, r.URL.Path)
		if !ok {
			http.Error(w, "the shop is here", http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, body)
	})}
	set := newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("default.example"), p256(t), nil)}, Challenges: p.challenges})
	secure := tls.NewListener(p.tls, newServer(t, ServerConfig{Set: set, ALPN: []string{"http/1.1"}}))
	done := make(chan struct{})
	go func() { defer close(done); _ = plain.Serve(p.http) }()
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c, err := secure.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake() // then the CA has seen all
			c.Close()
		}
	}()
	t.Cleanup(func() { plain.Close(); p.tls.Close(); <-done; <-over })
}

func (p *pebble) config() ACMEConfig {
	return ACMEConfig{Directory: p.dir, CAs: []byte(p.root), TermsAgreed: true, Contact: []string{"admin@shop.example"},
		Wanted: []Wanted{shop}}
}

// run lets ACME work until the first order has ended, well or not.
func (p *pebble) run(t *testing.T, cfg ACMEConfig, storage Storage) ACMEStatus {
	t.Helper()
	issued := make(chan struct{}, 1)
	a, err := OpenACME(cfg, storage, p.challenges, func(string, *Pair) { issued <- struct{}{} }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); _ = a.Run(ctx) }()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for waiting := true; waiting; {
		select {
		case <-issued:
			waiting = false
		case <-poll.C:
			waiting = a.Status(time.Now())[0].Failures == 0
		case <-ctx.Done():
			waiting = false
		}
	}
	cancel()
	<-done
	return a.Status(time.Now())[0]
}

func TestACMEWithARealServer(t *testing.T) {
	for _, method := range []string{methodHTTP, methodALPN} {
		t.Run(method, func(t *testing.T) {
			p, storage := newPebble(t, false), newMemory()
			p.serve(t)
			cfg := p.config()
			cfg.HTTP01, cfg.TLSALPN01 = method == methodHTTP, method == methodALPN
			s := p.run(t, cfg, storage)
			if s.State != ACMEIssued || s.LastError != "" || s.Leaf == nil {
				t.Fatalf("status = %+v", s)
			}
			if got := strings.Join(s.Leaf.Names, " "); got != "shop.example www.shop.example" || s.Leaf.Key != "ECDSA P-256" {
				t.Errorf("issued for %s with %s", got, s.Leaf.Key)
			}
			pair, err := ParsePEM(storage.data[pairName("shop")], time.Now())
			if err != nil || len(pair.chain) != 2 || len(pair.Warnings()) != 0 {
				t.Fatalf("stored %v, %v, want leaf and intermediate without warnings", pair, err)
			}
			if p.challenges.load() != nil {
				t.Error("challenges are left behind")
			}

			// It is due again when two thirds of its life are over; this one is.
			account := string(storage.data[(&acmeClient{cfg: cfg}).accountName()])
			old := server(shop.Domains...)
			old.NotBefore, old.NotAfter = time.Now().Add(-70*dayLong), time.Now().Add(20*dayLong)
			due, err := pairOf(t, old, p256(t), nil).MarshalPEM()
			if err != nil {
				t.Fatal(err)
			}
			storage.data[pairName("shop")], storage.data[recordName("shop")] = due, nil
			renewed := p.run(t, cfg, storage)
			if renewed.State != ACMEIssued || renewed.Leaf.SelfSigned || renewed.Leaf.Serial == s.Leaf.Serial {
				t.Errorf("after renewal: %+v", renewed)
			}
			if got := string(storage.data[(&acmeClient{cfg: cfg}).accountName()]); got != account || account == "" {
				t.Error("renewal has changed the account")
			}
		})
	}
}

func TestACMEShowsWhyTheServerRefused(t *testing.T) {
	p := newPebble(t, false)
	p.http.Close() // nobody answers
	p.tls.Close()
	tests := []struct {
		name   string
		change func(*ACMEConfig)
		want   string
	}{
		{"HTTP-01", func(c *ACMEConfig) { c.HTTP01 = true }, "connection refused"},
		{"TLS-ALPN-01", func(c *ACMEConfig) { c.TLSALPN01 = true }, "Failed to connect"},
		{"a blocked name", func(c *ACMEConfig) {
			c.HTTP01, c.Wanted = true, []Wanted{{"x", []string{"blocked.example"}}}
		}, "blocked.example"},
		{"no CA there", func(c *ACMEConfig) {
			c.HTTP01, c.Directory = true, "https://127.0.0.1:"+strconv.Itoa(port(p.http))+"/dir"
		}, "connection refused"},
		{"not trusted", func(c *ACMEConfig) {
			// By another URL of the same server, since the library remembers directories.
			c.HTTP01, c.CAs, c.Directory = true, []byte(certPEM(newCA(t, "x", nil).cert)), c.Directory+"?"
		}, "certificate signed by unknown authority"},
	}
	if err := p.store.AddBlockedDomain("blocked.example"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := p.config()
			tt.change(&cfg)
			s := p.run(t, cfg, newMemory())
			if s.State != ACMEFailed || s.Failures != 1 || !strings.Contains(s.LastError, tt.want) {
				t.Errorf("status = %+v, want a failure with %q", s, tt.want)
			}
			if left := time.Until(s.Next); left < 30*time.Second || left > 70*time.Second {
				t.Errorf("next attempt in %v, want about a minute", left)
			}
			if p.challenges.load() != nil {
				t.Error("challenges are left behind")
			}
		})
	}
}

func TestACMEAccounts(t *testing.T) {
	p, storage := newPebble(t, true), newMemory()
	p.serve(t)
	mac := base64.RawURLEncoding.EncodeToString([]byte("a key of at least thirty-two bytes"))
	if err := p.store.AddExternalAccountKeyByID("customer", mac); err != nil {
		t.Fatal(err)
	}
	cfg := p.config()
	cfg.HTTP01 = true
	if s := p.run(t, cfg, storage); !strings.Contains(s.LastError, "external account") && !strings.Contains(s.LastError, "externalAccount") {
		t.Errorf("without EAB: %+v, want a refusal", s)
	}
	forget := func() { storage.data[recordName("shop")], storage.data[pairName("shop")] = nil, nil }
	forget()
	cfg.EAB = &EAB{KeyID: "customer", MACKey: mac + "="}
	if s := p.run(t, cfg, storage); s.State != ACMEIssued {
		t.Fatalf("with EAB: %+v", s)
	}
	name := (&acmeClient{cfg: cfg}).accountName()
	if text := string(storage.data[name]); !strings.Contains(text, "mailto:admin@shop.example") || strings.Contains(text, mac) {
		t.Errorf("stored account = %s, want the contact and no MAC key", text)
	}
	forget()
	cfg.Contact = []string{"other@shop.example"}
	if s := p.run(t, cfg, storage); s.State != ACMEIssued || !strings.Contains(string(storage.data[name]), "other@shop.example") {
		t.Errorf("with another contact: %+v", s)
	}

	// A CA that has lost its accounts gets a new one at the second attempt.
	forget()
	fresh := newPebble(t, false)
	fresh.serve(t)
	other := fresh.config()
	other.HTTP01 = true
	storage.data[(&acmeClient{cfg: other}).accountName()] = []byte(strings.ReplaceAll(string(storage.data[name]),
		strings.TrimSuffix(p.dir, wfe.DirectoryPath), strings.TrimSuffix(fresh.dir, wfe.DirectoryPath)))
	if s := fresh.run(t, other, storage); s.State != ACMEFailed {
		t.Errorf("with an account that the CA does not know: %+v", s)
	}
	forget()
	if s := fresh.run(t, other, storage); s.State != ACMEIssued {
		t.Errorf("at the second attempt: %+v", s)
	}
}
