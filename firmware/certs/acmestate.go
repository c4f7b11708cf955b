// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// A managed certificate is what ACME knows of one that is wanted.
type managed struct {
	name     string
	domains  []string
	pair     *Pair // nil until there is one
	ordering bool
	record   acmeRecord
}

// An acmeRecord is what must survive a restart so that a box that starts over
// and over does not hammer the CA.
type acmeRecord struct {
	Domains   []string  `json:"domains"`  // that the rest is about
	Failures  int       `json:"failures"` // in a row
	LastTry   time.Time `json:"last_try"`
	NextTry   time.Time `json:"next_try"` // not before
	LastError string    `json:"last_error,omitempty"`
}

// An ACMEState says where a certificate stands.
type ACMEState string

// The states.
const (
	ACMEWaiting  ACMEState = "waiting"  // to be ordered for the first time, or again
	ACMEOrdering ACMEState = "ordering" // the CA is being asked
	ACMEIssued   ACMEState = "issued"   // here, and not due
	ACMEFailed   ACMEState = "failed"   // the last order failed; a certificate may be here all the same
)

// ACMEStatus is one certificate for showing.
type ACMEStatus struct {
	Name      string
	Domains   []string
	State     ACMEState
	Leaf      *Description // nil until there is a certificate
	Next      time.Time    // of the next order
	LastTry   time.Time    // zero: never
	LastError string       // of the last order, "" if it succeeded
	Failures  int          // in a row
}

// Status describes all certificates that are wanted, at the time now.
func (a *ACME) Status(now time.Time) []ACMEStatus {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]ACMEStatus, len(a.certs))
	for i, m := range a.certs {
		s := ACMEStatus{Name: m.name, Domains: slices.Clone(m.domains), State: m.state(now), Next: m.due(now),
			LastTry: m.record.LastTry, LastError: m.record.LastError, Failures: m.record.Failures}
		if m.pair != nil {
			d := Describe(m.pair.Leaf(), now)
			s.Leaf = &d
		}
		all[i] = s
	}
	return all
}

func (m *managed) state(now time.Time) ACMEState {
	switch {
	case m.ordering:
		return ACMEOrdering
	case m.record.Failures > 0:
		return ACMEFailed
	case m.current() && m.due(now).After(now):
		return ACMEIssued
	}
	return ACMEWaiting
}

// current reports whether the certificate is for the names that are wanted.
func (m *managed) current() bool {
	if m.pair == nil {
		return false
	}
	return slices.Equal(slices.Sorted(slices.Values(m.pair.names)), slices.Sorted(slices.Values(m.domains)))
}

// pauses follow a first, second … failed order in a row; the last one stays.
var pauses = [...]time.Duration{
	time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, maxPause,
}

const (
	maxPause     = 12 * time.Hour
	limitedPause = 2 * time.Hour // at least, if the CA says that it was asked too often
)

// due returns when m is to be ordered, now or earlier meaning at once. A pause
// that lies further away than any that is ever set comes from a clock that was
// wrong, and is shortened.
func (m *managed) due(now time.Time) time.Time {
	at := now
	if m.current() {
		at = renewAt(m.pair)
	}
	pause := m.record.NextTry
	if latest := now.Add(maxPause + maxPause/10); pause.After(latest) {
		pause = latest
	}
	if pause.After(at) {
		return pause
	}
	return at
}

// renewAt is when two thirds of the life of a certificate are over, and up to a
// fiftieth of it later, the same each time, so that many boxes do not come at the
// same hour.
func renewAt(p *Pair) time.Time {
	c := p.Leaf()
	life := c.NotAfter.Sub(c.NotBefore)
	h := fnv.New32a()
	h.Write(c.Raw)
	return c.NotBefore.Add(life/3*2 + life/50/1000*time.Duration(h.Sum32()%1000))
}

// failed notes a failed order.
func (r *acmeRecord) failed(err error, limited bool, now time.Time) {
	pause := pauses[min(r.Failures, len(pauses)-1)]
	if limited {
		pause = max(pause, limitedPause)
	}
	pause += rand.N(pause / 10)
	r.Failures++
	r.LastError, r.LastTry, r.NextTry = err.Error(), now, now.Add(pause)
}

// succeeded notes an order that gave p.
func (r *acmeRecord) succeeded(p *Pair, now time.Time) {
	life := p.Leaf().NotAfter.Sub(p.Leaf().NotBefore)
	*r = acmeRecord{Domains: r.Domains, LastTry: now, NextTry: now.Add(min(max(life/3, 0), maxPause))}
}

// The names in Storage.
func pairName(name string) string   { return "acme/certificate/" + name }
func recordName(name string) string { return "acme/state/" + name }

// load takes from storage what is known of w. What cannot be read is ordered
// anew, but not at once.
func (a *ACME) load(w Wanted) (*managed, error) {
	domains, err := w.canonicalDomains()
	if err != nil {
		return nil, err
	}
	m := &managed{name: w.Name, domains: domains}
	now := time.Now()
	text, err := a.storage.Load(recordName(w.Name))
	if err != nil {
		return nil, fmt.Errorf("load ACME state of %s: %w", w.Name, err)
	}
	if text != nil {
		if err := json.Unmarshal(text, &m.record); err != nil {
			m.record = acmeRecord{Domains: domains}
			m.record.failed(fmt.Errorf("the stored state is damaged: %w", err), false, now)
		}
	}
	if !slices.Equal(m.record.Domains, domains) {
		// Other names have their own luck.
		last := m.record.LastTry
		m.record = acmeRecord{Domains: domains, LastTry: last, NextTry: last.Add(pauses[0])}
	}
	if text, err = a.storage.Load(pairName(w.Name)); err != nil {
		return nil, fmt.Errorf("load ACME certificate %s: %w", w.Name, err)
	}
	if text != nil {
		if m.pair, err = ParsePEM(text, now); err != nil {
			m.record.failed(fmt.Errorf("the stored certificate is damaged: %w", err), false, now)
		}
	}
	return m, nil
}
