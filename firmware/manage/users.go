// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// Users lists users.
type Users struct {
	Users []User `json:"users"`
}

// A User may log in.
type User struct {
	Name            string            `json:"name"`
	Role            api.Role          `json:"role" doc:"viewer, operator, editor or admin"`
	Scope           map[string]string `json:"scope,omitempty" doc:"labels that objects must have; none: everything"`
	Created         time.Time         `json:"created"`
	LastLogin       time.Time         `json:"last_login,omitzero"`
	Failed          int               `json:"failed" doc:"attempts that were refused since then"`
	PasswordChanged time.Time         `json:"password_changed"`
	TOTP            bool              `json:"totp" doc:"the second factor is on"`
	RecoveryCodes   int               `json:"recovery_codes" doc:"that are left"`
	Sessions        int               `json:"sessions" doc:"that are open"`
}

type userParams struct {
	Name string `json:"name" doc:"of the user"`
}

type createParams struct {
	Name     string            `json:"name" doc:"letters, digits and . _ - @; 64 at most"`
	Password string            `json:"password" secret:"true" doc:"at least 10 characters"`
	Role     api.Role          `json:"role" doc:"viewer, operator, editor or admin"`
	Scope    map[string]string `json:"scope,omitempty" doc:"labels that objects must have; none: everything"`
}

type updateParams struct {
	Name  string            `json:"name" doc:"of the user"`
	Role  api.Role          `json:"role,omitempty" doc:"left out: as it is"`
	Scope map[string]string `json:"scope,omitempty" doc:"left out: as it is; {}: everything"`
}

type setPasswordParams struct {
	Name     string `json:"name" doc:"of the user"`
	Password string `json:"password" secret:"true" doc:"at least 10 characters"`
}

func (b *Box) addUsers(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "user.list", Purpose: "Lists the users.", Role: api.Admin}, b.users)
	api.Add(reg, api.Method{Name: "user.get", Purpose: "Shows one user.", Role: api.Admin}, b.user)
	api.Add(reg, api.Method{Name: "user.create", Purpose: "Makes a user.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "create the user {name} as {role}"}, b.createUser)
	api.Add(reg, api.Method{Name: "user.update", Purpose: "Gives a user another role or scope and ends the user's sessions.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "change the user {name}: {role} {scope}"}, b.updateUser)
	api.Add(reg, api.Method{Name: "user.delete", Purpose: "Removes a user with all sessions and API tokens.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "delete the user {name}"}, b.deleteUser)
	api.Add(reg, api.Method{Name: "user.reset_totp", Purpose: "Turns a user's second factor off, for who has lost the app and the recovery codes.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "turn the second factor of {name} off"}, b.resetTOTP)
	api.Add(reg, api.Method{Name: "user.set_password", Purpose: "Gives a user another password and ends the user's sessions.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "set the password of {name}"}, b.setPassword)
	b.addResetUsers(reg)
}

func userOf(u auth.User) User {
	return User{Name: u.Name, Role: api.Role(u.Role), Scope: u.Scope, Created: u.Created, LastLogin: u.LastLogin, Failed: u.Failed,
		PasswordChanged: u.PasswordChanged, TOTP: u.TOTP, RecoveryCodes: u.RecoveryCodes, Sessions: u.Sessions}
}

func (b *Box) users(context.Context, api.Call, struct{}) (Users, error) {
	a, err := b.identity()
	if err != nil {
		return Users{}, err
	}
	out := Users{Users: []User{}}
	for _, u := range a.Users() {
		out.Users = append(out.Users, userOf(u))
	}
	return out, nil
}

func (b *Box) user(_ context.Context, _ api.Call, p userParams) (User, error) {
	a, err := b.identity()
	if err != nil {
		return User{}, err
	}
	u, err := a.User(p.Name)
	return userOf(u), authError(err)
}

func (b *Box) createUser(ctx context.Context, _ api.Call, p createParams) (User, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return User{}, err
	}
	u, err := a.CreateUser(ctx, p.Name, p.Password, auth.Role(p.Role), p.Scope)
	return userOf(u), authError(err)
}

func (b *Box) updateUser(_ context.Context, _ api.Call, p updateParams) (User, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return User{}, err
	}
	var role *auth.Role
	var scope *map[string]string
	if r := auth.Role(p.Role); r != 0 {
		role = &r
	}
	if p.Scope != nil {
		scope = &p.Scope
	}
	u, err := a.UpdateUser(p.Name, role, scope)
	return userOf(u), authError(err)
}

func (b *Box) deleteUser(_ context.Context, _ api.Call, p userParams) (struct{}, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, authError(a.DeleteUser(p.Name))
}

func (b *Box) resetTOTP(_ context.Context, _ api.Call, p userParams) (struct{}, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, authError(a.TOTPDisable(p.Name))
}

func (b *Box) setPassword(ctx context.Context, _ api.Call, p setPasswordParams) (struct{}, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, authError(a.SetPassword(ctx, p.Name, p.Password))
}
