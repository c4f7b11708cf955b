// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The names of the documents.
const (
	usersName    = "auth/users"
	sessionsName = "auth/sessions"
	throttleName = "auth/throttle"
	settingsName = "auth/settings"
)

// formatVersion is that of all documents.
const formatVersion = 1

// A userDoc is what must never be half changed: users, tokens, and the code that
// makes the first admin. One that is in use is never changed, only replaced.
type userDoc struct {
	Version int        `json:"version"`
	Setup   string     `json:"setup_code,omitempty"`
	Users   []userRec  `json:"users"`
	Tokens  []tokenRec `json:"tokens"`
}

// A userRec is a user as it is kept. What its slices and maps hold is replaced, not
// changed.
type userRec struct {
	ID       string            `json:"id"` // of this user, not of another of that name
	Name     string            `json:"name"`
	Role     Role              `json:"role"`
	Scope    map[string]string `json:"scope,omitempty"`
	Epoch    uint64            `json:"epoch"` // sessions of another one have ended
	Password phc               `json:"password"`
	Created  time.Time         `json:"created"`
	Changed  time.Time         `json:"password_changed"`
	Login    time.Time         `json:"last_login,omitzero"`
	Known    []string          `json:"known_addresses,omitempty"` // the latest first
	TOTP     *totpRec          `json:"totp,omitempty"`
}

// A totpRec is a user's second factor.
type totpRec struct {
	Secret   string   `json:"secret"`             // base32
	Used     []int64  `json:"used,omitempty"`     // steps, the latest first
	Recovery []digest `json:"recovery,omitempty"` // codes that are left
}

func (d *userDoc) clone() *userDoc {
	next := *d
	next.Users, next.Tokens = slices.Clone(d.Users), slices.Clone(d.Tokens)
	return &next
}

// user returns the user called name, of any case, or nil.
func (d *userDoc) user(name string) *userRec {
	for i := range d.Users {
		if strings.EqualFold(d.Users[i].Name, name) {
			return &d.Users[i]
		}
	}
	return nil
}

func (d *userDoc) byID(id string) *userRec {
	for i := range d.Users {
		if d.Users[i].ID == id {
			return &d.Users[i]
		}
	}
	return nil
}

// admins counts them.
func (d *userDoc) admins() (n int) {
	for i := range d.Users {
		if d.Users[i].Role == Admin {
			n++
		}
	}
	return n
}

// named is user with the error that says there is none.
func (d *userDoc) named(name string) (*userRec, error) {
	if u := d.user(name); u != nil {
		return u, nil
	}
	return nil, errorf(NotFound, "there is no user %q", name)
}

// changeUsers makes a copy of the users, lets f change it, and when it is on the disk,
// makes it what counts. An error of f or of the disk changes nothing.
func (a *Auth) changeUsers(f func(*userDoc) error) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	next := a.users.Load().clone()
	if err := f(next); err != nil {
		return err
	}
	if next.admins() > 0 {
		next.Setup = ""
	}
	if err := a.saveUsers(next); err != nil {
		return err
	}
	a.users.Store(next)
	return nil
}

// saveUsers writes doc; the caller has writing.
func (a *Auth) saveUsers(doc *userDoc) error {
	if err := a.save(usersName, doc); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changed.users = false
	return nil
}

func (a *Auth) loadUsers() error {
	doc := &userDoc{Version: formatVersion, Users: []userRec{}, Tokens: []tokenRec{}}
	if err := a.load(usersName, &doc.Version, doc); err != nil {
		return err
	}
	a.users.Store(doc)
	for _, t := range doc.Tokens {
		a.tokens[t.ID] = a.newLiveToken(t)
	}
	return nil
}

// load reads the document called name into doc, whose version is at version. Without
// one doc stays as it is.
func (a *Auth) load(name string, version *int, doc any) error {
	b, err := a.keeper.Load(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if b == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(doc); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("read %s: there is more than one document", name)
	}
	if *version != formatVersion {
		return fmt.Errorf("read %s: it has version %d; this firmware reads %d", name, *version, formatVersion)
	}
	return nil
}

func encode(doc any) ([]byte, error) { return json.Marshal(doc) }
