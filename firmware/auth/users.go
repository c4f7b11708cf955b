// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of users.
const (
	maxUsers  = 256
	maxName   = 64 // bytes
	maxLabels = 16
)

// A User is what people may know of one.
type User struct {
	Name            string
	Role            Role
	Scope           map[string]string // labels that objects must have; empty: everything
	Created         time.Time
	LastLogin       time.Time // zero: never
	Failed          int       // attempts since then that were refused
	PasswordChanged time.Time
	TOTP            bool
	RecoveryCodes   int // that are left
	Sessions        int // that are open
}

// CheckName returns what is wrong with the name of a user or token, or nil.
func CheckName(name string) error {
	bad := name == "" || len(name) > maxName
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		bad = bad || !letter && (i == 0 || !strings.ContainsRune("._-@", rune(c)))
	}
	if bad {
		return errorf(Invalid, "a name must be 1 to %d letters, digits or . _ - @, and begin with a letter or digit", maxName)
	}
	return nil
}

func checkScope(r Role, scope map[string]string) error {
	if r == Admin && len(scope) > 0 {
		return errorf(Invalid, "an admin has no scope: whoever administers users can do everything")
	}
	if len(scope) > maxLabels {
		return errorf(Invalid, "a scope may have %d labels at most", maxLabels)
	}
	for k, v := range scope {
		if CheckName(k) != nil || CheckName(v) != nil {
			return errorf(Invalid, "a label of a scope must be NAME=VALUE, each of 1 to %d letters, digits or . _ - @", maxName)
		}
	}
	return nil
}

// Users lists the users by name.
func (a *Auth) Users() []User {
	doc := a.users.Load()
	out := make([]User, 0, len(doc.Users))
	for i := range doc.Users {
		out = append(out, a.describe(&doc.Users[i]))
	}
	slices.SortFunc(out, func(x, y User) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// User returns the user called name.
func (a *Auth) User(name string) (User, error) {
	u, err := a.users.Load().named(name)
	if err != nil {
		return User{}, err
	}
	return a.describe(u), nil
}

func (a *Auth) describe(u *userRec) User {
	out := User{Name: u.Name, Role: u.Role, Scope: maps.Clone(u.Scope), Created: u.Created, LastLogin: u.Login,
		PasswordChanged: u.Changed, TOTP: u.TOTP != nil}
	if u.TOTP != nil {
		out.RecoveryCodes = len(u.TOTP.Recovery)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	out.Failed = a.throttle.failed[u.ID]
	out.Sessions = a.sessions.count(u.ID)
	return out
}

// CreateUser makes a user.
func (a *Auth) CreateUser(ctx context.Context, name, password string, role Role, scope map[string]string) (User, error) {
	if err := a.checkNew(name, password, role, scope); err != nil {
		return User{}, err
	}
	p, err := a.hasher.make(ctx, password)
	if err != nil {
		return User{}, err
	}
	rec := a.newUser(name, p, role, scope)
	if err := a.changeUsers(func(d *userDoc) error { return d.add(rec) }); err != nil {
		return User{}, err
	}
	a.log.Info("user created", "user", name, "userrole", role)
	return a.describe(&rec), nil
}

// checkNew checks all that is known before a hash is made.
func (a *Auth) checkNew(name, password string, role Role, scope map[string]string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := role.check(); err != nil {
		return err
	}
	if err := checkScope(role, scope); err != nil {
		return err
	}
	if a.users.Load().user(name) != nil {
		return errorf(Exists, "there is a user %q already; upper and lower case are the same here", name)
	}
	return CheckPassword(name, password)
}

func (a *Auth) newUser(name string, p phc, role Role, scope map[string]string) userRec {
	now := a.wall()
	return userRec{ID: newID("u"), Name: name, Role: role, Scope: maps.Clone(scope), Password: p, Created: now, Changed: now}
}

// add adds a user, if the name is free still.
func (d *userDoc) add(u userRec) error {
	if d.user(u.Name) != nil {
		return errorf(Exists, "there is a user %q already; upper and lower case are the same here", u.Name)
	}
	if len(d.Users) >= maxUsers {
		return errorf(Full, "there are %d users; more are not kept: delete one", maxUsers)
	}
	d.Users = append(d.Users, u)
	return nil
}

// UpdateUser gives a user another role and scope, nil for no change. The sessions of
// the user end if there is one.
func (a *Auth) UpdateUser(name string, role *Role, scope *map[string]string) (User, error) {
	var after userRec
	changed := false
	err := a.changeUsers(func(d *userDoc) error {
		u, err := d.named(name)
		if err != nil {
			return err
		}
		was := *u
		if role != nil {
			u.Role = *role
		}
		if scope != nil {
			u.Scope = maps.Clone(*scope)
		}
		if err := u.Role.check(); err != nil {
			return err
		}
		if err := checkScope(u.Role, u.Scope); err != nil {
			return err
		}
		if changed = u.Role != was.Role || !maps.Equal(u.Scope, was.Scope); changed {
			u.Epoch++
		}
		if was.Role == Admin && d.admins() == 0 {
			return lastAdmin(u.Name)
		}
		after = *u
		return nil
	})
	if err != nil {
		return User{}, err
	}
	if changed {
		a.log.Info("user changed", "user", after.Name, "userrole", after.Role)
		a.endOfUser(after.ID, EndRole)
		a.breakTokens(after.ID)
	}
	return a.describe(&after), nil
}

func lastAdmin(name string) error {
	return errorf(LastAdmin, "%s is the only admin: make another one first", name)
}

// DeleteUser removes a user with all sessions and tokens.
func (a *Auth) DeleteUser(name string) error {
	var gone userRec
	var tokens []tokenRec
	err := a.changeUsers(func(d *userDoc) error {
		u, err := d.named(name)
		if err != nil {
			return err
		}
		gone = *u
		d.Users = slices.DeleteFunc(d.Users, func(u userRec) bool { return u.ID == gone.ID })
		if gone.Role == Admin && d.admins() == 0 {
			return lastAdmin(gone.Name)
		}
		d.Tokens = slices.DeleteFunc(d.Tokens, func(t tokenRec) bool {
			if t.Owner == gone.ID {
				tokens = append(tokens, t)
			}
			return t.Owner == gone.ID
		})
		return nil
	})
	if err != nil {
		return err
	}
	a.log.Info("user deleted", "user", gone.Name)
	a.endTokens(tokens, EndRevoked)
	a.endOfUser(gone.ID, EndRevoked)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.throttle.failed, gone.ID)
	delete(a.begun, gone.ID)
	a.changed.throttle = true
	return nil
}

// SetPassword gives a user another password, without asking for the old one. All
// sessions of the user end.
func (a *Auth) SetPassword(ctx context.Context, name, password string) error {
	u, err := a.users.Load().named(name)
	if err != nil {
		return err
	}
	return a.setPassword(ctx, u.ID, password)
}

// setPassword is SetPassword for the user with an id.
func (a *Auth) setPassword(ctx context.Context, id, password string) error {
	u := a.users.Load().byID(id)
	if u == nil {
		return noSession()
	}
	if err := CheckPassword(u.Name, password); err != nil {
		return err
	}
	p, err := a.hasher.make(ctx, password)
	if err != nil {
		return err
	}
	err = a.changeUsers(func(d *userDoc) error {
		u := d.byID(id)
		if u == nil {
			return errorf(NotFound, "the user is not there any more")
		}
		u.Password, u.Changed, u.Epoch = p, a.wall(), u.Epoch+1
		return nil
	})
	if err != nil {
		return err
	}
	a.log.Info("password changed", "user", u.Name)
	a.endOfUser(id, EndPassword)
	return nil
}

// wall returns the time for people: without a monotonic reading, to the second.
func (a *Auth) wall() time.Time { return a.cfg.Now().UTC().Round(0).Truncate(time.Second) }
