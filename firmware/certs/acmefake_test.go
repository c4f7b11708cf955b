// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A memory is a Storage.
type memory struct {
	mu   sync.Mutex
	data map[string][]byte
	fail error // of Save
}

func newMemory() *memory { return &memory{data: map[string][]byte{}} }

func (m *memory) Load(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data[name], nil
}

func (m *memory) Save(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.data[name] = data
	return nil
}

// wanted is a configuration that a fakeCA serves.
func wanted(certs ...Wanted) ACMEConfig {
	return ACMEConfig{Directory: "https://ca.example/dir", TermsAgreed: true, HTTP01: true, TLSALPN01: true, Wanted: certs}
}

var shop = Wanted{Name: "shop", Domains: []string{"shop.example", "www.shop.example"}}

// A fakeCA issues certificates in virtual time, and notes when it was asked.
type fakeCA struct {
	t  *testing.T
	ca *ca

	mu      sync.Mutex // guards what follows
	life    time.Duration
	err     error    // instead of a certificate
	names   []string // instead of those asked for
	times   []time.Time
	methods []string
}

func newFakeCA(t *testing.T) *fakeCA {
	tmpl := caTemplate("ca")
	tmpl.NotBefore, tmpl.NotAfter = time.Now(), time.Now().AddDate(50, 0, 0)
	key := p256(t)
	return &fakeCA{t: t, ca: &ca{sign(t, tmpl, key, nil), key}, life: 90 * dayLong}
}

func (f *fakeCA) obtain(_ context.Context, method string, domains []string, key crypto.Signer) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times, f.methods = append(f.times, time.Now()), append(f.methods, method)
	if f.err != nil {
		return nil, f.err
	}
	if f.names != nil {
		domains = f.names
	}
	tmpl := server(domains...)
	tmpl.NotBefore, tmpl.NotAfter = time.Now(), time.Now().Add(f.life)
	return []byte(certPEM(sign(f.t, tmpl, key, f.ca), f.ca.cert)), nil
}

// fail makes all orders from now on end with err, or succeed.
func (f *fakeCA) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// asked returns how often it was asked, pauses the times between, and methods
// by what challenges.
func (f *fakeCA) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.times)
}

func (f *fakeCA) pauses() (ps []time.Duration, methods []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 1; i < len(f.times); i++ {
		ps = append(ps, f.times[i].Sub(f.times[i-1]))
	}
	return ps, slices.Clone(f.methods)
}

// An acmeRun is an ACME that runs in the bubble of a test.
type acmeRun struct {
	*ACME
	stop func()

	mu     sync.Mutex
	issues []string // "name fingerprint"
}

func (r *acmeRun) issued() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.issues)
}

func startACME(t *testing.T, cfg ACMEConfig, storage Storage, ca *fakeCA) *acmeRun {
	t.Helper()
	r := new(acmeRun)
	a, err := OpenACME(cfg, storage, new(Challenges), func(name string, p *Pair) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.issues = append(r.issues, name+" "+Fingerprint(p.Leaf()))
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a.obtain = ca.obtain
	r.ACME = a
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	}
	synctest.Wait()
	return r
}

// after waits in virtual time and returns the only status.
func (r *acmeRun) after(d time.Duration) ACMEStatus {
	time.Sleep(d)
	synctest.Wait()
	return r.Status(time.Now())[0]
}
