// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"syscall"
)

// isFull says whether a write failed for want of room. Then whoever can make room
// must be able to log in: what a login, and sudo, would write counts in memory and is
// written as soon as there is room. Until then a crash loses the session and
// the note that a code was used. Other errors refuse the login, and nothing that ends
// or forbids something counts before it is written.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// noteLogin is changeUsers for what a login notes.
func (a *Auth) noteLogin(f func(*userDoc) error) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	next := a.users.Load().clone()
	if err := f(next); err != nil {
		return err
	}
	if err := a.saveUsers(next); isFull(err) {
		a.log.Error("no room to write users; what a login notes is written later", "err", err)
		a.mu.Lock()
		a.changed.users = true
		a.mu.Unlock()
	} else if err != nil {
		return err
	}
	a.users.Store(next)
	return nil
}

// keepSession is saveSessions for a session that begins or has a new token.
func (a *Auth) keepSession(x *session, gone ...*session) error {
	err := a.saveSessions(x, gone...)
	if !isFull(err) {
		return err
	}
	a.log.Error("no room to write sessions; a new one is written later", "err", err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changed.sessions = true
	return nil
}
