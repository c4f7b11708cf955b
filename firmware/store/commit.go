// SPDX-License-Identifier: Apache-2.0

package store

import (
	"slices"
	"time"
)

// CommitOptions say who commits and how. Author and Origin are required.
type CommitOptions struct {
	Author  string
	Origin  Origin
	Comment string

	// Base is the revision that the committer believes to run. 0 is the base
	// that the candidate was made on; for CommitText and Rollback it is no
	// revision, which is true of a new store only.
	Base uint64

	// Confirm is how long the revision waits for its confirm before it is
	// reverted, up to MaxConfirm; 0 confirms it at once.
	Confirm time.Duration
}

// MaxConfirm is the longest window of a timed confirm.
const MaxConfirm = 24 * time.Hour

// Commit makes the candidate of o.Author the running revision and discards the
// candidate. It returns ErrNoCandidate, ErrUnchanged, ErrNothingRuns, a
// *ConflictError, a *PendingError, a *LimitError or what the disk said; the
// candidate and the running revision then are what they were.
func (s *Store) Commit(o CommitOptions) (Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.state.Load().Candidates[o.Author]
	if !ok {
		return Revision{}, ErrNoCandidate
	}
	if o.Base == 0 {
		o.Base = c.Base
	}
	if _, err := s.readText(c.SHA256); err != nil {
		return Revision{}, err
	}
	return s.commit(Revision{SHA256: c.SHA256, Size: c.Size, Origin: o.Origin}, o, true)
}

// CommitText makes text the running revision without touching candidates. Its
// errors are those of Commit.
func (s *Store) CommitText(text []byte, o CommitOptions) (Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := checkText(text); err != nil {
		return Revision{}, err
	}
	if err := s.admit(o); err != nil {
		return Revision{}, err
	}
	hash, err := s.putText(text)
	if err != nil {
		return Revision{}, err
	}
	return s.commit(Revision{SHA256: hash, Size: len(text), Origin: o.Origin}, o, false)
}

// Rollback makes the text of revision n the running revision again, under a new
// number, with the origin RolledBack; o.Origin is in the event. Its errors are
// those of Commit, a *NotFoundError and a *CorruptError.
func (s *Store) Rollback(n uint64, o CommitOptions) (Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.state.Load().revision(n)
	if r.Number == 0 {
		return Revision{}, &NotFoundError{n}
	}
	if _, err := s.readText(r.SHA256); err != nil {
		return Revision{}, err
	}
	return s.commit(Revision{SHA256: r.SHA256, Size: r.Size, Origin: RolledBack, Source: n}, o, false)
}

// admit returns why a commit with o must not happen now.
func (s *Store) admit(o CommitOptions) error {
	if err := (By{o.Author, o.Origin}).check(); err != nil {
		return err
	}
	if err := checkComment(o.Comment); err != nil {
		return err
	}
	if o.Confirm < 0 || o.Confirm > MaxConfirm {
		return &LimitError{"confirm", "must be 0s to 24h"}
	}
	st := s.state.Load()
	if p, ok := s.Pending(); ok {
		return &PendingError{p}
	}
	if o.Base != st.Running {
		return &ConflictError{o.Base, st.revision(st.Running)}
	}
	if o.Confirm > 0 && st.Running == 0 {
		return ErrNothingRuns
	}
	return nil
}

// commit adds r, whose text is on the disk. used says that the text is the
// candidate of o.Author, which the commit uses up.
func (s *Store) commit(r Revision, o CommitOptions, used bool) (Revision, error) {
	if err := s.admit(o); err != nil {
		return Revision{}, err
	}
	st := s.state.Load()
	if run := st.revision(st.Running); run.Number != 0 && run.SHA256 == r.SHA256 {
		return Revision{}, ErrUnchanged
	}
	now := s.cfg.Now()
	r.Author, r.Comment, r.Time = o.Author, o.Comment, wall(now)
	var w *window
	if o.Confirm > 0 {
		w = &window{Left: o.Confirm, Deadline: wall(now.Add(o.Confirm)), asOf: now}
	}
	next := st.clone()
	r = next.add(r, w)
	if used {
		delete(next.Candidates, o.Author)
	}
	next.prune(s.cfg.Keep)
	if err := s.save(next); err != nil {
		return Revision{}, err
	}
	e := Event{Time: r.Time, Kind: Committed, Revision: r.Number, Running: r.Number, Author: o.Author, Origin: o.Origin}
	if w != nil {
		e.Kind, e.Why = Confirming, "it is reverted unless confirmed within "+o.Confirm.String()
	}
	s.emit(e)
	s.sweep()
	return r, nil
}

// Pending returns the revision that waits for its confirm; ok says whether
// there is one.
func (s *Store) Pending() (p PendingConfirm, ok bool) {
	st := s.state.Load()
	if st.Window == nil {
		return PendingConfirm{}, false
	}
	w := st.Window.at(s.cfg.Now())
	return PendingConfirm{Revision: st.revision(st.Running), Left: w.Left, Deadline: w.Deadline}, true
}

// Confirm keeps the pending revision n. A confirm that comes after the deadline
// but before the Tick that acts on it still counts: the revision runs, and its
// committer can be heard. It returns ErrNotPending if n does not wait.
func (s *Store) Confirm(n uint64, by By) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := s.pendingState(n, by)
	if err != nil {
		return err
	}
	now := wall(s.cfg.Now())
	next.settle(Confirmed, Settlement{Author: by.Author, Origin: by.Origin, Time: now})
	if err := s.save(next); err != nil {
		return err
	}
	s.emit(Event{Time: now, Kind: Settled, Revision: n, Running: n, Author: by.Author, Origin: by.Origin})
	return nil
}

// Extend makes the pending revision n wait for d from now, up to MaxConfirm.
func (s *Store) Extend(n uint64, d time.Duration, by By) error {
	if d <= 0 || d > MaxConfirm {
		return &LimitError{"confirm", "must be more than 0s and up to 24h"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := s.pendingState(n, by)
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	next.Window = &window{Left: d, Deadline: wall(now.Add(d)), asOf: now}
	if err := s.save(next); err != nil {
		return err
	}
	s.emit(Event{Time: wall(now), Kind: Extended, Revision: n, Running: n, Author: by.Author, Origin: by.Origin,
		Why: "it is reverted unless confirmed within " + d.String()})
	return nil
}

// Revert goes back from the pending revision to the one confirmed before it. It
// takes effect whatever the disk says: see Unsaved.
func (s *Store) Revert(by By) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.pendingState(s.state.Load().Running, by); err != nil {
		return Event{}, err
	}
	return s.revert(Settlement{Author: by.Author, Origin: by.Origin, Time: wall(s.cfg.Now()),
		Why: by.Author + " took the commit back"}), nil
}

// pendingState returns a copy of the state in which n is pending.
func (s *Store) pendingState(n uint64, by By) (*state, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if err := by.check(); err != nil {
		return nil, err
	}
	st := s.state.Load()
	if st.Window == nil || st.Running != n {
		return nil, ErrNotPending
	}
	return st.clone(), nil
}

// Tick looks at the deadline and returns what happened, if anything did: the
// caller must then run what [Store.Running] returns. Call it at the Deadline of
// Pending and every few seconds in between: it also writes what an earlier
// failure of the disk has left unsaved. now should have a monotonic reading.
func (s *Store) Tick(now time.Time) (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Event{}, false
	}
	s.retry()
	st := s.state.Load()
	if st.Window == nil {
		return Event{}, false
	}
	w := st.Window.at(now)
	if w.Left == 0 {
		return s.revert(timeout(now)), true
	}
	next := *st
	next.Window = &w
	s.state.Store(&next)
	return Event{}, false
}

func timeout(now time.Time) Settlement {
	return Settlement{Origin: ConfirmTimeout, Time: wall(now), Why: "nobody confirmed the commit in time"}
}

// revert ends the window of the running revision. It never fails: while the
// disk still calls the revision pending, a restart reverts it, too.
func (s *Store) revert(why Settlement) Event {
	st := s.state.Load()
	next := st.clone()
	next.settle(Reverted, why)
	if err := s.save(next); err != nil {
		s.state.Store(next)
		s.states.stale = err
	}
	return s.emit(Event{Time: why.Time, Kind: WentBack, Revision: st.Running, Running: next.Running,
		Author: why.Author, Origin: why.Origin, Why: why.Why})
}

// retry writes the documents that the disk has refused before.
func (s *Store) retry() {
	if s.states.stale != nil {
		_ = s.save(s.state.Load()) // stale goes on saying why
	}
	for _, p := range []*pair{s.runtimes, s.secrets, s.vaults} {
		if p.stale != nil {
			_ = p.save(slices.Clone(p.payload))
		}
	}
}
