// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of sessions. The one that is idle longest goes for a new one.
const (
	maxUserSessions = 64
	maxSessions     = 1024
	maxAgent        = 200 // bytes
)

// tokenGrace is how long the token before a rotation still stands for its session,
// for requests that are under way. It does not have sudo.
const tokenGrace = time.Minute

// A Session is what people may know of one. Times are of the wall clock.
type Session struct {
	ID      string // no secret
	User    string
	Remote  string // where it began
	Agent   string
	Created time.Time
	Seen    time.Time // when it was used last
	Expires time.Time // when it ends, used or not
	Idle    time.Time // when it ends if it is not used
	Sudo    time.Time // until then; zero: no
}

// A session is one that has not ended. Its times are of the monotonic clock.
type session struct {
	id, user      string // user is an id
	hash          digest
	epoch         uint64
	remote, agent string
	created       time.Time
	seen, end     time.Duration
	sudo          time.Duration // until then; 0: no

	old    digest        // the hash of the token before this one
	oldEnd time.Duration // 0: there is none

	guesses *guesses // of the password, by whoever has the session or one handed over from it
	ended   ended
}

// sessions are the sessions that have not ended, by id and by token.
type sessions struct {
	byID   map[string]*session
	byHash map[digest]*session
}

func (s *sessions) init() {
	s.byID, s.byHash = make(map[string]*session), make(map[digest]*session)
}

func (s *sessions) count(user string) (n int) {
	for _, x := range s.byID {
		if x.user == user {
			n++
		}
	}
	return n
}

func (s *sessions) add(x *session) { s.byID[x.id], s.byHash[x.hash] = x, x }

func (s *sessions) remove(x *session) {
	delete(s.byID, x.id)
	delete(s.byHash, x.hash)
	if x.oldEnd > 0 {
		delete(s.byHash, x.old)
	}
}

// surplus returns the sessions that must go for one more of user.
func (s *sessions) surplus(user string) (out []*session) {
	all := slices.SortedFunc(maps.Values(s.byID), func(x, y *session) int { return int(x.seen - y.seen) })
	own := s.count(user)
	for _, x := range all {
		if x.user == user && own >= maxUserSessions || len(s.byID)-len(out) >= maxSessions {
			out = append(out, x)
			if x.user == user {
				own--
			}
		}
	}
	return out
}

// newSession makes a session of u and keeps it. Guesses are counted by g.
func (a *Auth) newSession(u *userRec, at Attempt, life time.Duration, g *guesses) (Session, string, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	token := newSecret()
	hash, _ := parseSecret(token)
	now := a.cfg.Elapsed()
	x := &session{id: newID("s"), user: u.ID, hash: hash, epoch: u.Epoch, remote: cut(at.Remote, maxAgent), agent: cut(at.Agent, maxAgent),
		created: a.wall(), seen: now, end: now + life, guesses: g, ended: newEnded()}
	if cur := a.users.Load().byID(u.ID); cur == nil || cur.Epoch != u.Epoch {
		return Session{}, "", noSession()
	}
	a.mu.Lock()
	gone := a.sessions.surplus(u.ID)
	a.mu.Unlock()
	if err := a.keepSession(x, gone...); err != nil {
		return Session{}, "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, old := range gone {
		a.endLocked(old, EndIdle)
	}
	a.sessions.add(x)
	return a.show(x), token, nil
}

// cut returns s as text of n bytes at most.
func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// show describes x; the caller has mu.
func (a *Auth) show(x *session) Session {
	now, wall := a.cfg.Elapsed(), a.wall()
	out := Session{ID: x.id, Remote: x.remote, Agent: x.agent, Created: x.created, Seen: wall.Add(x.seen - now).Truncate(time.Second),
		Expires: wall.Add(x.end - now), Idle: wall.Add(x.seen + a.idleTime() - now)}
	if x.sudo > now {
		out.Sudo = wall.Add(x.sudo - now)
	}
	if u := a.users.Load().byID(x.user); u != nil {
		out.User = u.Name
	}
	return out
}

func (a *Auth) idleTime() time.Duration { return time.Duration(a.idle.Load()) }

// Sessions lists the sessions of the user called name, or of all ("") users, the one
// used last first.
func (a *Auth) Sessions(name string) []Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []Session{}
	for _, x := range slices.SortedFunc(maps.Values(a.sessions.byID), func(x, y *session) int { return int(y.seen - x.seen) }) {
		if s := a.show(x); a.due(x) == "" && (name == "" || strings.EqualFold(s.User, name)) {
			out = append(out, s)
		}
	}
	return out
}

// Session returns the session with an id.
func (a *Auth) Session(id string) (Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.sessions.byID[id]
	if x == nil || a.due(x) != "" {
		return Session{}, errorf(NotFound, "there is no session %q", id)
	}
	return a.show(x), nil
}

// due says how x ends now, "" if it does not; the caller has mu.
func (a *Auth) due(x *session) Ending {
	now := a.cfg.Elapsed()
	switch u := a.users.Load().byID(x.user); {
	case u == nil, u.Epoch != x.epoch:
		return EndRevoked
	case now >= x.end:
		return EndExpired
	case now-x.seen >= a.idleTime():
		return EndIdle
	}
	return ""
}

// EndSession ends the session with an id.
func (a *Auth) EndSession(id string, how Ending) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	x := a.sessions.byID[id]
	a.mu.Unlock()
	if x == nil {
		return errorf(NotFound, "there is no session %q", id)
	}
	if err := a.saveSessions(nil, x); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.endLocked(x, how)
	return nil
}

// endOfUser ends the sessions of a user whose epoch has changed: on the disk they
// have ended already, and what is left there of them may go late.
func (a *Auth) endOfUser(id string, how Ending) {
	a.mu.Lock()
	epoch := ^uint64(0)
	if u := a.users.Load().byID(id); u != nil {
		epoch = u.Epoch
	}
	for _, x := range a.sessions.byID {
		if x.user == id && x.epoch != epoch {
			a.endLocked(x, how)
		}
	}
	a.mu.Unlock()
	a.flush(false)
}

// endLocked ends x; the caller has mu. The disk follows.
func (a *Auth) endLocked(x *session, how Ending) {
	a.sessions.remove(x)
	a.handovers = slices.DeleteFunc(a.handovers, func(h handover) bool { return h.session == x.id })
	a.changed.sessions = true
	x.ended.end(how)
}

// sweep ends what is due.
func (a *Auth) sweep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range a.sessions.byID {
		if how := a.due(x); how != "" {
			a.endLocked(x, how)
		} else if x.oldEnd > 0 && a.cfg.Elapsed() >= x.oldEnd {
			delete(a.sessions.byHash, x.old)
			x.oldEnd = 0
		}
	}
	for _, t := range a.tokens {
		if a.tokenExpired(t) {
			t.ended.end(EndExpired)
		}
	}
	a.throttle.sweep(a.cfg.Elapsed())
}
