// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/subtle"
)

// ensureSetup makes a set-up code for a box that has no admin.
func (a *Auth) ensureSetup() error {
	doc := a.users.Load()
	if doc.admins() > 0 || doc.Setup != "" {
		return nil
	}
	return a.changeUsers(func(d *userDoc) error {
		d.Setup = typedCode()
		return nil
	})
}

// SetupCode returns the code with which the first admin is made, "" if there is an
// admin. Whoever reads it must have the box in hand.
func (a *Auth) SetupCode() string { return a.users.Load().Setup }

// Setup makes the first admin and a session of theirs. The attempt's Code is the
// set-up code.
func (a *Auth) Setup(ctx context.Context, at Attempt) (Grant, error) {
	setUp := errorf(SetUp, "the box has an admin already: log in")
	doc := a.users.Load()
	if doc.admins() > 0 {
		return Grant{}, setUp
	}
	t, err := a.admit(at.Remote, "", false)
	if err != nil {
		return Grant{}, err
	}
	given, want := []byte(plainCode(at.Code)), []byte(plainCode(doc.Setup))
	if subtle.ConstantTimeCompare(given, want) != 1 {
		a.log.Warn("set-up refused", "remote", at.Remote)
		return Grant{}, errorf(Denied, "the set-up code is wrong: the box shows it on its terminal, or with evener setup-code")
	}
	a.undo(t)
	if err := a.checkNew(at.User, at.Password, Admin, nil); err != nil {
		return Grant{}, err
	}
	p, err := a.hasher.make(ctx, at.Password)
	if err != nil {
		return Grant{}, err
	}
	rec := a.newUser(at.User, p, Admin, nil)
	rec.Login, rec.Known = rec.Created, remember(nil, addressKey(at.Remote))
	err = a.changeUsers(func(d *userDoc) error {
		if d.admins() > 0 || d.Setup != doc.Setup {
			return setUp
		}
		return d.add(rec)
	})
	if err != nil {
		return Grant{}, err
	}
	a.log.Info("box set up", "user", rec.Name, "remote", at.Remote)
	return a.grant(&rec, at, a.cfg.Life, new(guesses))
}
