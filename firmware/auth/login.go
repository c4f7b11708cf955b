// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"slices"
	"time"
)

// An Attempt is what somebody gives to come in.
type Attempt struct {
	User, Password string
	Code           string // of the authenticator app, or a recovery code
	Remote         string // address, with or without a port
	Agent          string // what the client says it is
}

// A Grant is a new session. Its token is not kept anywhere.
type Grant struct {
	Token   string
	Session Session
	User    User
	Before  time.Time // the login before this one, zero if there was none
	Failed  int       // attempts that were refused since then
}

// maxKnown is how many addresses of each user are remembered.
const maxKnown = 8

// Login makes a session for who gives the right name, password and, where the user
// has one, code. Errors do not tell which of them was wrong.
func (a *Auth) Login(ctx context.Context, at Attempt) (Grant, error) {
	addr, name := addressKey(at.Remote), ""
	if CheckName(at.User) == nil {
		name = at.User
	}
	u := a.users.Load().user(name)
	known, lane := false, a.hasher.strangers
	if u != nil && slices.Contains(u.Known, addr) {
		known, lane = true, a.hasher.known
	}
	if lane.full() { // a flood must not push others out of the table of failures
		return Grant{}, busy()
	}
	t, err := a.admit(at.Remote, name, known)
	if err != nil {
		return Grant{}, err
	}
	var hash *phc
	if u != nil {
		hash = &u.Password
	}
	right := false
	if len(at.Password) <= maxPassword {
		if right, err = a.hasher.verify(ctx, lane, hash, at.Password); err != nil {
			a.undo(t)
			return Grant{}, err
		}
	}
	if !right {
		a.refused(u, at.Remote)
		return Grant{}, denied()
	}
	g, err := a.enter(ctx, u, at)
	switch {
	case is(err, Denied):
		a.refused(u, at.Remote)
	case err != nil:
		a.undo(t)
	default:
		a.succeeded(t, u.ID)
		g.User.Failed = 0
	}
	return g, err
}

// enter lets in the user u, whose password was right.
func (a *Auth) enter(ctx context.Context, u *userRec, at Attempt) (Grant, error) {
	if u.TOTP != nil && at.Code == "" {
		return Grant{}, errorf(CodeNeeded, "give the code of your authenticator app, or a recovery code, too")
	}
	fresh := u.Password
	if u.Password.cost != a.cfg.Cost {
		var err error
		if fresh, err = a.hasher.make(ctx, at.Password); err != nil {
			return Grant{}, err
		}
	}
	var after userRec
	err := a.noteLogin(func(d *userDoc) error {
		now := d.byID(u.ID)
		if now == nil || now.Epoch != u.Epoch {
			return denied() // it was changed meanwhile
		}
		if err := a.useCode(now, at.Code); err != nil {
			return err
		}
		if now.Password.String() == u.Password.String() {
			now.Password = fresh
		}
		now.Login, now.Known = a.wall(), remember(now.Known, addressKey(at.Remote))
		after = *now
		return nil
	})
	if err != nil {
		return Grant{}, err
	}
	a.mu.Lock()
	failed := a.throttle.failed[u.ID]
	a.mu.Unlock()
	g, err := a.grant(&after, at, a.cfg.Life, new(guesses))
	g.Before, g.Failed = u.Login, failed
	return g, err
}

// remember puts addr in front of the addresses that are known.
func remember(known []string, addr string) []string {
	if addr == unknownAddress {
		return known
	}
	known = slices.DeleteFunc(slices.Clone(known), func(k string) bool { return k == addr })
	known = slices.Insert(known, 0, addr)
	return known[:min(len(known), maxKnown)]
}

// refused counts a failure of u, which may be nil, and logs it. The name of who does
// not exist is not logged: it may be a password in the wrong field.
func (a *Auth) refused(u *userRec, remote string) {
	if u == nil {
		a.log.Warn("login refused", "user", "unknown", "remote", remote)
		return
	}
	a.log.Warn("login refused", "user", u.Name, "remote", remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.throttle.failed[u.ID]++
	a.changed.throttle = true
}

// grant makes a session of u that lives for life and counts guesses by g.
func (a *Auth) grant(u *userRec, at Attempt, life time.Duration, g *guesses) (Grant, error) {
	s, token, err := a.newSession(u, at, life, g)
	if err != nil {
		return Grant{}, err
	}
	a.log.Info("logged in", "user", u.Name, "session", s.ID, "remote", at.Remote)
	return Grant{Token: token, Session: s, User: a.describe(u)}, nil
}
