// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Keeper keeps documents by name. Load returns nil without an error for a name that
// there is not; what Save returned nil for is on the disk, and after an error the old
// data counts. The vault of package store is one.
type Keeper interface {
	Load(name string) ([]byte, error)
	Save(name string, data []byte) error
}

// Config says how long sessions last and what hashes cost. A zero field takes the
// default named beside it.
type Config struct {
	Idle   time.Duration // 30m: a session that is not used ends; see SetIdle
	Life   time.Duration // 12h: a session ends
	Cost   Cost          // 19 MiB, 2 passes, 1 thread
	Issuer string        // "Evener": what authenticator apps show

	Now     func() time.Time     // time.Now: the wall clock
	Elapsed func() time.Duration // the monotonic clock, since any moment before
}

func (c *Config) setDefaults() {
	if c.Idle == 0 {
		c.Idle = 30 * time.Minute
	}
	if c.Life == 0 {
		c.Life = 12 * time.Hour
	}
	if c.Cost == (Cost{}) {
		c.Cost = defaultCost
	}
	if c.Issuer == "" {
		c.Issuer = "Evener"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Elapsed == nil {
		start := time.Now()
		c.Elapsed = func() time.Duration { return time.Since(start) }
	}
}

// An Auth decides who may come in. Its methods may be called from many goroutines.
type Auth struct {
	keeper Keeper
	cfg    Config
	log    *slog.Logger
	hasher *hasher
	idle   atomic.Int64 // a time.Duration

	// users and settings are what the disk has. They are replaced whole, by whoever
	// has writing.
	users    atomic.Pointer[userDoc]
	settings atomic.Pointer[settingsDoc]

	writing sync.Mutex // serialises writes; taken before mu; guards closed and retry
	closed  bool
	retry   time.Duration // when to write again what could not be written

	mu        sync.Mutex // guards what follows; nobody writes to the disk with it
	sessions  sessions
	handovers []handover
	tokens    map[string]*liveToken // by id
	begun     map[string]begun      // TOTP that waits for its first code, by user's id
	throttle  throttle
	changed   changed
}

// A changed says what is to be written later, and when it was written last.
type changed struct {
	users, sessions, seen, throttle bool
	sessionsAt, throttleAt          time.Duration
	zero                            time.Time // when the monotonic clock was 0 by the wall clock that the documents were written by
}

// Open returns the Auth that k keeps the state of. A box without an admin gets a
// set-up code. It fails if the users cannot be read; sessions, throttles and settings
// that cannot are logged and begin anew.
func Open(k Keeper, cfg Config, log *slog.Logger) (*Auth, error) {
	cfg.setDefaults()
	a := &Auth{keeper: k, cfg: cfg, log: log, hasher: newHasher(cfg.Cost),
		tokens: make(map[string]*liveToken), begun: make(map[string]begun)}
	a.SetIdle(cfg.Idle)
	a.sessions.init()
	a.throttle.init()
	if err := a.loadUsers(); err != nil {
		return nil, err
	}
	a.loadSettings()
	a.changed.zero = a.zero()
	a.loadSessions()
	a.loadThrottle()
	if err := a.ensureSetup(); err != nil {
		return nil, err
	}
	return a, nil
}

// SetIdle ends sessions that are not used for d from now on.
func (a *Auth) SetIdle(d time.Duration) { a.idle.Store(int64(d)) }

// Run ends sessions in time and writes what may be written late, until ctx ends.
func (a *Auth) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			a.sweep()
			a.flush(false)
		}
	}
}

// Close writes what is not written yet and refuses every change from then on: the
// state belongs to whoever opens it next. Sessions are not ended.
func (a *Auth) Close() error {
	err := a.flush(true)
	a.writing.Lock()
	defer a.writing.Unlock()
	a.closed = true
	return err
}

const (
	seenEvery     = time.Minute     // when sessions were last seen is written so often
	throttleEvery = 5 * time.Second // as are throttles
	retryAfter    = 5 * time.Second // after a write that failed

	// clockSet is how far the clocks part before all is written anew: what was written
	// by the clock as it was would say after a power cut that sessions are older, or of
	// the future, and end them.
	clockSet = 10 * time.Second
)

// zero is when the monotonic clock was 0, by the wall clock as it is now.
func (a *Auth) zero() time.Time { return a.cfg.Now().Round(0).Add(-a.cfg.Elapsed()) }

// flush writes what has changed and is due, or all that has changed.
func (a *Auth) flush(all bool) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	now := a.cfg.Elapsed()
	if a.closed || !all && now < a.retry {
		return nil
	}
	a.mu.Lock()
	if zero := a.zero(); zero.Sub(a.changed.zero).Abs() > clockSet {
		a.changed.sessions, a.changed.throttle, a.changed.zero = true, true, zero
	}
	c := a.changed
	a.mu.Unlock()
	var errs []error
	if c.users {
		errs = append(errs, a.saveUsers(a.users.Load()))
	}
	if c.sessions || c.seen && (all || now-c.sessionsAt >= seenEvery) {
		errs = append(errs, a.saveSessions(nil))
	}
	if c.throttle && (all || now-c.throttleAt >= throttleEvery) {
		errs = append(errs, a.saveThrottle())
	}
	err := errors.Join(errs...)
	if err != nil {
		if a.retry == 0 {
			a.log.Warn("sessions and throttles not written; it is tried again", "err", err)
		}
		a.retry = now + retryAfter
	} else {
		a.retry = 0
	}
	return err
}

// save writes one document; the caller has writing.
func (a *Auth) save(name string, doc any) error {
	if a.closed {
		return ErrClosed
	}
	b, err := encode(doc)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return a.keeper.Save(name, b)
}
