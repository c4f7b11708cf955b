// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

const (
	orderTimeout = 10 * time.Minute
	orderPause   = 10 * time.Second // between any two orders
	longestSleep = time.Minute      // so that a jump of the clock is noticed
)

// Run orders and renews until ctx ends; then it returns nil.
func (a *ACME) Run(ctx context.Context) error {
	for {
		pause := longestSleep
		if m := a.nextDue(time.Now(), &pause); m != nil {
			a.order(ctx, m)
			pause = orderPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-a.wake:
			timer.Stop()
			// Also whoever calls Retry all the time waits between orders.
			if pause == orderPause && !sleep(ctx, orderPause) {
				return nil
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// nextDue returns the certificate that has been due for longest, or nil; then it
// shortens pause to when the next one is.
func (a *ACME) nextDue(now time.Time, pause *time.Duration) *managed {
	a.mu.Lock()
	defer a.mu.Unlock()
	var first *managed
	for _, m := range a.certs {
		if first == nil || m.due(now).Before(first.due(now)) {
			first = m
		}
	}
	if first == nil {
		return nil
	}
	left := first.due(now).Sub(now)
	if left <= 0 {
		return first
	}
	*pause = min(*pause, left)
	return nil
}

// order gets one certificate, stores it, and hands it on.
func (a *ACME) order(ctx context.Context, m *managed) {
	a.mu.Lock()
	m.ordering = true
	method := a.methods[m.record.Failures%len(a.methods)]
	a.mu.Unlock()

	a.log.Info("certificate ordered", "certificate", m.name, "domains", m.domains, "method", method)
	pair, err := a.get(ctx, m, method)
	if ctx.Err() != nil && pair == nil {
		err = nil // the box stops; that is no failure of the CA
	}
	now := time.Now()

	a.mu.Lock()
	m.ordering = false
	switch {
	case pair != nil:
		m.pair = pair
		m.record.succeeded(pair, now)
		if err != nil {
			m.record.LastError = err.Error()
		}
	case err != nil:
		m.record.failed(err, limited(err), now)
	}
	record := m.record
	a.mu.Unlock()

	a.saveRecord(m.name, record)
	switch {
	case pair != nil:
		a.log.Info("certificate issued", "certificate", m.name, "until", pair.Leaf().NotAfter,
			"fingerprint", Fingerprint(pair.Leaf()))
		a.issued(m.name, pair)
	case err != nil:
		a.log.Warn("certificate not issued", "certificate", m.name, "err", err, "next", record.NextTry)
	}
}

// get obtains a certificate. If it could not be stored, both pair and error are
// set: it serves until the box restarts.
func (a *ACME) get(ctx context.Context, m *managed, method string) (*Pair, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	chain, err := a.obtain(ctx, method, m.domains, key)
	if err != nil {
		return nil, err
	}
	pair, err := pairOfChain(chain, key)
	if err != nil {
		return nil, fmt.Errorf("the CA's answer is no use: %w", err)
	}
	if err := m.check(pair, time.Now()); err != nil {
		return nil, err
	}
	text, err := pair.MarshalPEM()
	if err == nil {
		err = a.storage.Save(pairName(m.name), text)
	}
	if err != nil {
		return pair, fmt.Errorf("store certificate: %w", err)
	}
	return pair, nil
}

// check refuses a certificate for other names, and one that would be due at once:
// ordering again would bring the same.
func (m *managed) check(p *Pair, now time.Time) error {
	if !(&managed{domains: m.domains, pair: p}).current() {
		return fmt.Errorf("the CA has issued a certificate for %q, not for %q", p.names, m.domains)
	}
	if c := p.Leaf(); !renewAt(p).After(now) {
		return fmt.Errorf("the CA has issued a certificate from %s to %s, but here it is %s; set the clock",
			c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// pairOfChain joins the PEM that a CA gives out and the key it was asked with.
func pairOfChain(chain []byte, key crypto.Signer) (*Pair, error) {
	blocks, err := pemBlocks("the chain", chain, maxPEM)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, b := range blocks {
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", b.line, err)
		}
		certs = append(certs, c)
	}
	return newPair(certs, key, time.Now())
}

func (a *ACME) saveRecord(name string, r acmeRecord) {
	text, err := json.Marshal(r)
	if err == nil {
		err = a.storage.Save(recordName(name), text)
	}
	if err != nil {
		a.log.Error("ACME state not stored", "certificate", name, "err", err)
	}
}

// limited reports whether the CA says that it was asked too often.
func limited(err error) bool {
	p, ok := errors.AsType[acme.Problem](err)
	return ok && p.Type == acme.ProblemTypeRateLimited
}
