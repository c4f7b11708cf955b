// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"maps"
	"time"
)

// A throttleDoc has the failed attempts. Names are kept as they were tried, of users
// that exist alone: others may be passwords.
type throttleDoc struct {
	Version   int            `json:"version"`
	Saved     time.Time      `json:"saved"` // all lengths of time are as of then
	Addresses []throttleRec  `json:"addresses"`
	Names     []throttleRec  `json:"names"`
	Failed    map[string]int `json:"failed,omitempty"` // by user's id
}

type throttleRec struct {
	Key      string        `json:"key"`
	Failures int           `json:"failures"`
	User     string        `json:"user,omitempty"`
	Mixed    bool          `json:"mixed,omitempty"`
	Age      time.Duration `json:"age_ns"`  // of the last failure
	Wait     time.Duration `json:"wait_ns"` // until the next attempt may begin
}

// saveThrottle writes who has failed; the caller has writing.
func (a *Auth) saveThrottle() error {
	a.mu.Lock()
	now, users := a.cfg.Elapsed(), a.users.Load()
	doc := throttleDoc{Version: formatVersion, Saved: a.cfg.Now().UTC(), Failed: maps.Clone(a.throttle.failed)}
	for key, e := range a.throttle.addresses {
		r := e.record(key, now)
		if users.user(r.User) == nil {
			r.User, r.Mixed = "", r.Mixed || r.User != ""
		}
		doc.Addresses = append(doc.Addresses, r)
	}
	for key, e := range a.throttle.names {
		if users.user(key) != nil {
			doc.Names = append(doc.Names, e.record(key, now))
		}
	}
	a.changed.throttle = false
	a.mu.Unlock()
	err := a.save(throttleName, doc)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.changed.throttle = true
		return err
	}
	a.changed.throttleAt = now
	return nil
}

func (e *entry) record(key string, now time.Duration) throttleRec {
	return throttleRec{key, e.failures, e.user, e.mixed, now - e.last, e.wait(now)}
}

// loadThrottle reads who has failed. If the clock has gone back, delays begin anew.
func (a *Auth) loadThrottle() {
	doc := throttleDoc{Version: formatVersion}
	if err := a.load(throttleName, &doc.Version, &doc); err != nil {
		a.log.Warn("failed attempts are forgotten", "err", err)
		return
	}
	gap, now := max(0, a.cfg.Now().Sub(doc.Saved)), a.cfg.Elapsed()
	read := func(t table, list []throttleRec) {
		for _, r := range list[:min(len(list), maxThrottles)] {
			wait := min(r.Wait, longestDelay) - gap
			t[r.Key] = &entry{guesses{r.Failures, now - r.Age - gap, now + wait}, r.User, r.Mixed}
		}
	}
	read(a.throttle.addresses, doc.Addresses)
	read(a.throttle.names, doc.Names)
	if doc.Failed != nil {
		a.throttle.failed = doc.Failed
	}
	a.throttle.sweep(now)
}
