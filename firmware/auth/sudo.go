// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"
)

// SudoTime is how long a password that was given again is good for.
const SudoTime = 5 * time.Minute

// Sudo lets the session with an id do what is dangerous, for SudoTime, after its user
// has given the password again, and the code where there is one. Wrong ones delay the
// session's next attempt and nobody else's.
func (a *Auth) Sudo(ctx context.Context, id, password, code string) (until time.Time, err error) {
	x, err := a.prove(ctx, id, password, code)
	if err != nil {
		return time.Time{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	x.sudo = a.cfg.Elapsed() + SudoTime
	return a.show(x).Sudo, nil
}

// ChangePassword gives the user of the session with an id another password. All
// sessions of the user end, this one too.
func (a *Auth) ChangePassword(ctx context.Context, id, password, code, next string) error {
	x, err := a.prove(ctx, id, password, code)
	if err != nil {
		return err
	}
	return a.setPassword(ctx, x.user, next)
}

// prove returns the session with an id if password and code are those of its user.
func (a *Auth) prove(ctx context.Context, id, password, code string) (*session, error) {
	a.mu.Lock()
	x := a.sessions.byID[id]
	if x == nil || a.due(x) != "" {
		a.mu.Unlock()
		return nil, noSession()
	}
	wait := x.guesses.take(a.cfg.Elapsed())
	a.mu.Unlock()
	if wait > 0 {
		return nil, throttled(wait)
	}
	err := a.proveUser(ctx, x, password, code)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		*x.guesses = guesses{}
	case is(err, Denied):
		a.throttle.failed[x.user]++
		a.changed.throttle = true
	default:
		x.guesses.giveBack()
	}
	return x, err
}

// proveUser checks password and code of x's user.
func (a *Auth) proveUser(ctx context.Context, x *session, password, code string) error {
	u := a.users.Load().byID(x.user)
	switch {
	case u == nil:
		return noSession()
	case len(password) > maxPassword:
		return errorf(Denied, "the password or the code is wrong")
	}
	right, err := a.hasher.verify(ctx, a.hasher.known, &u.Password, password)
	switch {
	case err != nil:
		return err
	case !right:
		return errorf(Denied, "the password or the code is wrong")
	case u.TOTP == nil:
		return nil
	case code == "":
		return errorf(CodeNeeded, "give the code of your authenticator app, or a recovery code, too")
	}
	return a.noteLogin(func(d *userDoc) error {
		now := d.byID(u.ID)
		if now == nil || now.Epoch != u.Epoch {
			return noSession()
		}
		return a.useCode(now, code)
	})
}

// Rotate returns a new token of the session with an id. The one before stands for the
// session for a minute more, without sudo.
func (a *Auth) Rotate(id string) (string, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	token := newSecret()
	hash, _ := parseSecret(token)
	a.mu.Lock()
	x := a.sessions.byID[id]
	if x == nil || a.due(x) != "" {
		a.mu.Unlock()
		return "", noSession()
	}
	next := *x
	next.hash = hash
	a.mu.Unlock()
	if err := a.keepSession(&next, x); err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions.byID[id] != x { // it has ended meanwhile
		return "", noSession()
	}
	a.sessions.remove(x)
	x.old, x.oldEnd, x.hash = x.hash, a.cfg.Elapsed()+tokenGrace, hash
	a.sessions.add(x)
	a.sessions.byHash[x.old] = x
	return token, nil
}
