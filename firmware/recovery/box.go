// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"evener/firmware/auth"
	"evener/firmware/config"
	"evener/firmware/store"
)

// A Box is a state whose store is open for repair. While it is, no engine can
// start.
type Box struct {
	state string
	store *store.Store
	log   *slog.Logger
}

// By is who repairs, for the history of revisions.
type By struct {
	Author string // such as "serial console"
	Origin string // such as serial
}

func (b By) store() store.By { return store.By{Author: b.Author, Origin: store.Origin(b.Origin)} }

// Open opens the store in the folder state. The error is a *store.LockedError
// if an engine has it. A revision that was pending is reverted by that, unless
// the engine has handed it over: see package store.
func Open(state string, log *slog.Logger) (*Box, error) {
	s, err := store.Open(store.Config{Dir: storeDir(state)})
	if err != nil {
		return nil, err
	}
	return &Box{state: state, store: s, log: log}, nil
}

// Close lets engines start again. The time to confirm a pending revision goes on.
func (b *Box) Close() error { return b.store.Handover() }

// Restore makes the text of revision n run again, under a new number, without a
// confirm: nobody could ask for one. A text with mistakes is refused, for no
// engine would start with it.
func (b *Box) Restore(n uint64, by By, comment string) (uint64, error) {
	text, err := b.store.Text(n)
	if err != nil {
		return 0, err
	}
	if _, found := config.Parse(fmt.Sprintf("revision-%d", n), text); found.HasErrors() {
		return 0, fmt.Errorf("revision %d is not restored, because this version cannot serve it: %w", n, found)
	}
	r, err := b.store.Rollback(n, store.CommitOptions{Author: by.Author, Origin: store.Origin(by.Origin),
		Comment: comment, Base: b.store.Running().Number})
	if errors.Is(err, store.ErrUnchanged) {
		return 0, fmt.Errorf("revision %d is what runs already: nothing was changed", n)
	}
	return r.Number, err
}

// Confirm keeps the pending revision.
func (b *Box) Confirm(by By) (uint64, error) {
	p, ok := b.store.Pending()
	if !ok {
		return 0, store.ErrNotPending
	}
	return p.Revision.Number, b.store.Confirm(p.Revision.Number, by.store())
}

// Revert goes back from the pending revision to the one before it, and returns
// the number of that.
func (b *Box) Revert(by By) (uint64, error) {
	e, err := b.store.Revert(by.store())
	if err != nil {
		return 0, err
	}
	return e.Running, b.store.Unsaved()
}

// SetPassword gives a user another password and forgets failed attempts to log in
// as that user. With totpOff the second factor is turned off. All sessions of the
// user end.
func (b *Box) SetPassword(ctx context.Context, name, password string, totpOff bool) error {
	a, err := auth.Open(b.store.Vault(), auth.Config{}, b.log)
	if err != nil {
		return fmt.Errorf("the users cannot be read: %w", err)
	}
	err = a.SetPassword(ctx, name, password)
	if err == nil && totpOff {
		if u, look := a.User(name); look == nil && u.TOTP {
			err = a.TOTPDisable(name)
		}
	}
	a.ClearThrottle(name)
	return errors.Join(err, a.Close())
}

// SetupCode returns the code that makes the first administrator, and makes one
// where there is none yet. It is "" if there is an administrator.
func (b *Box) SetupCode() (string, error) {
	a, err := auth.Open(b.store.Vault(), auth.Config{}, b.log)
	if err != nil {
		return "", fmt.Errorf("the users cannot be read: %w", err)
	}
	return a.SetupCode(), a.Close()
}

// ErrReadable is returned by ResetUsers if there is no need for it.
var ErrReadable = errors.New("the users can be read, and nothing was done: give an administrator a new password")

// ResetUsers begins anew with users that cannot be read, and returns the set-up
// code. The damaged users are kept in the vault.
func (b *Box) ResetUsers() (code string, err error) {
	if _, err := auth.Open(b.store.Vault(), auth.Config{}, b.log); err == nil {
		return "", ErrReadable
	}
	const item = "auth/users"
	aside := item + ".damaged-" + time.Now().UTC().Format("20060102T150405Z")
	if _, err := b.store.Vault().SetAside(item, aside); err != nil {
		return "", err
	}
	return b.SetupCode()
}
