// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// ACMEConfig says which certificates are got from which CA by ACME (RFC 8555).
type ACMEConfig struct {
	Directory   string   // the CA's URL, https; required
	Contact     []string // e-mail addresses; may be empty where the CA allows it
	TermsAgreed bool     // somebody has agreed to the CA's terms of service; required
	EAB         *EAB     // for CAs that want an account to be bound to a customer
	CAs         []byte   // PEM: who vouches for the directory itself; nil means the CAs of the system

	// How the CA may convince itself; at least one. HTTP-01 needs a listener on
	// port 80 of each name, TLS-ALPN-01 one on port 443 whose Set has the same
	// Challenges. With both, attempts alternate.
	HTTP01, TLSALPN01 bool

	Wanted []Wanted
}

// EAB binds an account to a customer of the CA (RFC 8555 section 7.3.4).
type EAB struct {
	KeyID  string
	MACKey string // base64url, as the CA gives it
}

// Wanted is one certificate to get and to keep renewed. Its key is ECDSA P-256,
// a new one each time.
type Wanted struct {
	Name    string   // what the caller calls it
	Domains []string // host names, the first also as common name; no wildcards
}

// Storage keeps what ACME must not lose, under short names of its own. All of
// it is secret. Save returns when data would survive a loss of power.
type Storage interface {
	Load(name string) ([]byte, error) // nil, nil where there is nothing
	Save(name string, data []byte) error
}

// ACME gets certificates and renews them when two thirds of their life are over.
//
// It orders one certificate at a time. A failed order is tried again after a
// pause that grows from a minute to twelve hours, which a restart does not
// shorten. At no time does it order more often than once in ten seconds, nor one
// certificate again within a third of its life (or twelve hours) after it was
// issued, whatever the clock says. A clock that jumps delays an order by twelve
// hours at most.
//
// Of a pair of boxes, only the one that clients reach may run it.
type ACME struct {
	cfg        ACMEConfig
	storage    Storage
	challenges *Challenges
	issued     func(name string, p *Pair)
	log        *slog.Logger
	obtain     func(ctx context.Context, method string, domains []string, key crypto.Signer) (chain []byte, err error)
	methods    []string      // of challenges
	wake       chan struct{} // of Run, by Retry

	mu    sync.Mutex // guards what follows
	certs []*managed // as in cfg.Wanted
}

// OpenACME checks cfg and loads the certificates that storage has. issued is
// called by Run, one call at a time, with each new certificate.
func OpenACME(cfg ACMEConfig, storage Storage, challenges *Challenges,
	issued func(name string, p *Pair), log *slog.Logger) (*ACME, error) {
	a := &ACME{cfg: cfg, storage: storage, challenges: challenges, issued: issued, log: log,
		wake: make(chan struct{}, 1)}
	if cfg.HTTP01 {
		a.methods = append(a.methods, methodHTTP)
	}
	if cfg.TLSALPN01 {
		a.methods = append(a.methods, methodALPN)
	}
	if err := cfg.check(a.methods); err != nil {
		return nil, err
	}
	client, err := newACMEClient(cfg, storage, challenges)
	if err != nil {
		return nil, err
	}
	a.obtain = client.obtain
	for _, w := range cfg.Wanted {
		m, err := a.load(w)
		if err != nil {
			return nil, err
		}
		a.certs = append(a.certs, m)
	}
	return a, nil
}

func (cfg ACMEConfig) check(methods []string) error {
	u, err := url.Parse(cfg.Directory)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("the directory of an ACME CA must be an https URL, not %q", cfg.Directory)
	case !cfg.TermsAgreed:
		return errors.New("the CA's terms of service must be agreed to before it can be asked for certificates")
	case len(methods) == 0:
		return errors.New("ACME needs at least one of HTTP-01 and TLS-ALPN-01")
	case cfg.EAB != nil && (cfg.EAB.KeyID == "" || cfg.EAB.MACKey == ""):
		return errors.New("an external account binding needs a key ID and a MAC key")
	}
	for _, c := range cfg.Contact {
		if a, err := mail.ParseAddress(c); err != nil || a.Address != c {
			return fmt.Errorf("the contact of an ACME account must be an e-mail address, not %q", c)
		}
	}
	seen := map[string]bool{}
	for _, w := range cfg.Wanted {
		if w.Name == "" || seen[w.Name] {
			return fmt.Errorf("each certificate needs a name of its own, not %q", w.Name)
		}
		seen[w.Name] = true
	}
	return nil
}

// canonicalDomains checks the names of a certificate.
func (w Wanted) canonicalDomains() (domains []string, err error) {
	for _, d := range w.Domains {
		n, err := CanonicalName(d)
		if err != nil {
			return nil, fmt.Errorf("certificate %q: %w", w.Name, err)
		}
		if strings.HasPrefix(n, "*.") {
			return nil, fmt.Errorf("certificate %q: %s: a CA gives wildcards for DNS-01 only, which is not offered", w.Name, d)
		}
		if !slices.Contains(domains, n) {
			domains = append(domains, n)
		}
	}
	if len(domains) == 0 {
		return nil, fmt.Errorf("certificate %q: at least one host name is needed", w.Name)
	}
	return domains, nil
}

// Pair returns the current certificate of that name, or nil if there is none
// yet.
func (a *ACME) Pair(name string) *Pair {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.find(name); m != nil {
		return m.pair
	}
	return nil
}

// Retry orders the certificate of that name now, whatever pause it is in: for
// an operator who has repaired what was wrong. It does nothing within a minute of
// the last attempt, and for a certificate that is not due.
func (a *ACME) Retry(name string) error {
	a.mu.Lock()
	m := a.find(name)
	if m == nil {
		a.mu.Unlock()
		return fmt.Errorf("there is no ACME certificate %q", name)
	}
	if now := time.Now(); m.record.Failures > 0 && absolute(now.Sub(m.record.LastTry)) >= pauses[0] {
		m.record.NextTry = now
	}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
	return nil
}

// find is called with mu held.
func (a *ACME) find(name string) *managed {
	for _, m := range a.certs {
		if m.name == name {
			return m
		}
	}
	return nil
}

func absolute(d time.Duration) time.Duration { return max(d, -d) }
