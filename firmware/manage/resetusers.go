// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// usersItem is what the vault calls the users.
const usersItem = "auth/users"

// A UsersReset tells what has become of users that could not be read.
type UsersReset struct {
	Code  string `json:"code" secret:"true" doc:"set-up code, with which the console makes the first admin"`
	Aside string `json:"aside,omitempty" doc:"what the vault calls the damaged users now; empty: nothing was left of them"`
}

func (b *Box) addResetUsers(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "user.reset", Purpose: "Begins anew with a set-up code where the users cannot be read, over the Unix socket alone; the damaged file is kept.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "begin anew with the users"}, b.resetUsers)
}

// resetUsers is the way back in for who has the box in hand. The next engine reads
// the new users: this one goes on without any.
func (b *Box) resetUsers(_ context.Context, c api.Call, _ struct{}) (UsersReset, error) {
	if c.Session != "" {
		return UsersReset{}, api.Errorf(api.CodeForbidden, "auth.local", "users are reset by who has the box in hand: evener user reset")
	}
	if b.cfg.Auth != nil {
		return UsersReset{}, api.Errorf(api.CodeConflict, "auth.readable",
			"the users can be read, and nothing was done: evener user password NAME lets somebody in whose password is lost")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	vault := b.cfg.Store.Vault()
	if a, err := auth.Open(vault, auth.Config{}, b.log); err == nil { // somebody has reset them already
		b.beginRestart("engine")
		return UsersReset{Code: a.SetupCode()}, a.Close()
	}
	out := UsersReset{Aside: usersItem + ".damaged-" + time.Now().UTC().Format("20060102T150405Z")}
	kept, err := vault.SetAside(usersItem, out.Aside)
	if err != nil {
		return UsersReset{}, apiError(err)
	}
	if !kept {
		out.Aside = ""
	}
	a, err := auth.Open(vault, auth.Config{}, b.log)
	if err != nil {
		return UsersReset{}, apiError(err)
	}
	out.Code = a.SetupCode()
	b.log.Warn("users reset", "by", c.Author, "aside", out.Aside)
	b.beginRestart("engine")
	return out, a.Close()
}

// beginRestart replaces a role when the answer of this call has left, and notes that
// it does. A restart of that role that is under way is enough.
func (b *Box) beginRestart(role string) {
	b.restart.mu.Lock()
	defer b.restart.mu.Unlock()
	if b.restart.role == role && !b.restart.done {
		return
	}
	b.restart.role, b.restart.done, b.restart.err = role, false, ""
	go b.doRestart(role)
}
