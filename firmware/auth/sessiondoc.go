// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"time"
)

// A sessionDoc has the sessions, and when tokens were used last. It holds how long
// each session has left and not when it ends: so a clock that is set does not prolong
// any.
type sessionDoc struct {
	Version   int                  `json:"version"`
	Saved     time.Time            `json:"saved"` // all lengths of time are as of then
	Sessions  []sessionRec         `json:"sessions"`
	Handovers []handoverRec        `json:"handovers,omitempty"`
	Used      map[string]time.Time `json:"tokens_used,omitempty"` // by id
}

type sessionRec struct {
	ID      string        `json:"id"`
	User    string        `json:"user"` // id
	Hash    digest        `json:"hash"`
	Epoch   uint64        `json:"epoch"`
	Remote  string        `json:"remote"`
	Agent   string        `json:"agent"`
	Created time.Time     `json:"created"`
	Left    time.Duration `json:"left_ns"`
	Idle    time.Duration `json:"idle_ns"` // since it was used
}

type handoverRec struct {
	Hash    digest        `json:"hash"`
	Session string        `json:"session"`
	Left    time.Duration `json:"left_ns"`
}

// saveSessions writes the sessions with x, which may be nil, and without gone; the
// caller has writing.
func (a *Auth) saveSessions(x *session, gone ...*session) error {
	a.mu.Lock()
	now := a.cfg.Elapsed()
	doc := sessionDoc{Version: formatVersion, Saved: a.cfg.Now().UTC(), Sessions: []sessionRec{}, Used: map[string]time.Time{}}
	if x != nil {
		doc.Sessions = append(doc.Sessions, x.record(now))
	}
	for _, s := range a.sessions.byID {
		if !slices.Contains(gone, s) {
			doc.Sessions = append(doc.Sessions, s.record(now))
		}
	}
	for _, h := range a.handovers {
		if x != nil && x.id == h.session || !slices.ContainsFunc(gone, func(s *session) bool { return s.id == h.session }) {
			doc.Handovers = append(doc.Handovers, handoverRec{h.hash, h.session, h.end - now})
		}
	}
	for id, t := range a.tokens {
		if !t.used.IsZero() {
			doc.Used[id] = t.used
		}
	}
	was := a.changed
	a.changed.sessions, a.changed.seen = false, false
	a.mu.Unlock()
	err := a.save(sessionsName, doc)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.changed.sessions = a.changed.sessions || was.sessions
		a.changed.seen = a.changed.seen || was.seen
		return err
	}
	a.changed.sessionsAt = now
	return nil
}

func (x *session) record(now time.Duration) sessionRec {
	return sessionRec{x.id, x.user, x.hash, x.epoch, x.remote, x.agent, x.created, x.end - now, now - x.seen}
}

// clockBack is how far the wall clock may go back over a restart.
const clockBack = time.Minute

// loadSessions reads the sessions that have not ended since they were written.
func (a *Auth) loadSessions() {
	doc := sessionDoc{Version: formatVersion}
	if err := a.load(sessionsName, &doc.Version, &doc); err != nil {
		a.log.Warn("sessions are lost: users log in again", "err", err)
		return
	}
	gap := a.cfg.Now().Sub(doc.Saved)
	if gap < -clockBack {
		a.log.Warn("clock has gone back: users log in again", "by", -gap)
		a.changed.sessions = true
		return
	}
	gap = max(gap, 0)
	now := a.cfg.Elapsed()
	for _, r := range doc.Sessions {
		x := &session{id: r.ID, user: r.User, hash: r.Hash, epoch: r.Epoch, remote: r.Remote, agent: r.Agent, created: r.Created,
			seen: now - r.Idle - gap, end: now + min(r.Left, a.cfg.Life) - gap, guesses: new(guesses), ended: newEnded()}
		if a.due(x) != "" || len(a.sessions.byID) >= maxSessions {
			a.changed.sessions = true
			continue
		}
		a.sessions.add(x)
	}
	for _, r := range doc.Handovers {
		if h := (handover{r.Hash, r.Session, now + r.Left - gap}); h.end > now && a.sessions.byID[h.session] != nil {
			a.handovers = append(a.handovers, h)
		}
	}
	for id, used := range doc.Used {
		if t := a.tokens[id]; t != nil {
			t.used = used
		}
	}
}
