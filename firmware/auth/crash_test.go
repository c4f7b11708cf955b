// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// visible is all that a says of its state, as text, and which tokens it believes.
func visible(t *testing.T, a *Auth, tokens ...string) string {
	t.Helper()
	type believed struct {
		Principal
		Err bool
	}
	settings, err := a.Settings("admin")
	list := a.Tokens("")
	for i := range list {
		list[i].Used = time.Time{} // written late
	}
	all := []any{a.SetupCode() != "", a.Users(), list, settings, err, a.users.Load(), len(a.handovers)}
	sessions := a.Sessions("")
	slices.SortFunc(sessions, func(x, y Session) int {
		return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.User, y.User), cmp.Compare(x.Agent, y.Agent))
	})
	for _, s := range sessions {
		all = append(all, s.User, s.Agent, s.Expires)
	}
	for _, tok := range tokens {
		p, err := a.Authenticate(tok)
		p.Sudo = false // ends at a restart
		all = append(all, believed{p, err != nil})
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMemoryAndDiskAgreeAfterAnError fails each write of each operation in turn, and
// compares what counts with what a restart would find.
func TestMemoryAndDiskAgreeAfterAnError(t *testing.T) {
	editor := Editor
	code := func(a *Auth, name string) string {
		return codeAt(t, a.users.Load().user(name).TOTP.Secret, a.cfg.Now().Add(totpPeriod))
	}
	var made string // a token that an operation has made
	for _, op := range []struct {
		name string
		do   func(*Auth, Grant) error
	}{
		{"login", func(a *Auth, _ Grant) error {
			g, err := a.Login(t.Context(), Attempt{User: "bob", Password: password, Remote: home, Agent: "new", Code: code(a, "bob")})
			made = g.Token
			return err
		}},
		{"logout", func(a *Auth, g Grant) error { return a.EndSession(g.Session.ID, EndLogout) }},
		{"create user", func(a *Auth, _ Grant) error {
			_, err := a.CreateUser(t.Context(), "carol", password, Editor, nil)
			return err
		}},
		{"update user", func(a *Auth, _ Grant) error { _, err := a.UpdateUser("bob", &editor, nil); return err }},
		{"delete user", func(a *Auth, _ Grant) error { return a.DeleteUser("bob") }},
		{"password", func(a *Auth, _ Grant) error { return a.SetPassword(t.Context(), "bob", "another password") }},
		{"sudo with a code", func(a *Auth, g Grant) error {
			_, err := a.Sudo(t.Context(), g.Session.ID, password, code(a, "bob"))
			return err
		}},
		{"rotate", func(a *Auth, g Grant) (err error) { made, err = a.Rotate(g.Session.ID); return err }},
		{"handover", func(a *Auth, g Grant) error {
			tok, err := a.Handover(g.Session.ID)
			if err != nil {
				return err
			}
			next, err := a.UseHandover(tok, home, "handed over")
			made = next.Token
			return err
		}},
		{"create token", func(a *Auth, _ Grant) (err error) {
			made, _, err = a.CreateToken(TokenSpec{Name: "new", Role: Viewer, Owner: "bob"})
			return err
		}},
		{"revoke token", func(a *Auth, _ Grant) error { return a.RevokeToken(a.Tokens("")[0].ID) }},
		{"disable totp", func(a *Auth, _ Grant) error { return a.TOTPDisable("bob") }},
		{"recovery codes", func(a *Auth, _ Grant) error { _, err := a.RecoveryCodes("bob"); return err }},
		{"settings", func(a *Auth, _ Grant) error { return a.SetSettings("admin", json.RawMessage(`{"theme":"dark"}`)) }},
	} {
		failures := 0
		for n := 1; ; n++ {
			made = ""
			k, c := newKeeper(), newClock()
			a, admin := withAdmin(t, k, c.config())
			c.pass(time.Second)
			a.mustCreate(t, "bob", Operator)
			g := a.mustLogin(t, "bob", home)
			turnOnTOTP(t, a, "bob")
			tok, _, err := a.CreateToken(TokenSpec{Name: "ci", Role: Viewer, Owner: "bob"})
			if err != nil {
				t.Fatal(err)
			}
			tokens := []string{admin.Token, tok, g.Token, ""}
			if op.name == "rotate" {
				tokens[2] = "" // its minute of grace ends at a restart
			}
			before := visible(t, a, tokens...)
			k.n, k.failAt = 0, n
			err = op.do(a, g)
			what := fmt.Sprintf("%s, write %d failed: %v", op.name, n, err)
			tokens[3] = made
			memory, disk := visible(t, a, tokens...), visible(t, open(t, k.copy(), c.config()), tokens...)
			if memory != disk {
				t.Fatalf("%s: memory has\n%s\nthe disk\n%s", what, memory, disk)
			}
			if k.n < n { // there is no such write any more
				if err != nil {
					t.Fatalf("%s without a fault: %v", op.name, err)
				}
				if memory == before {
					t.Errorf("%s changes nothing", op.name)
				}
				break
			}
			failures++
			if err != nil && !errors.Is(err, errDisk) {
				t.Errorf("%s: another error", what)
			}
		}
		if failures == 0 {
			t.Errorf("%s writes nothing", op.name)
		}
	}
}

// TestLateWritesAreTriedAgain: what Run writes is not lost when the disk is full for a
// while.
func TestLateWritesAreTriedAgain(t *testing.T) {
	k, c := newKeeper(), newClock()
	a, _ := withAdmin(t, k, c.config())
	guess(t, a, "admin", "203.0.113.9")
	c.pass(time.Minute)
	k.failAt = k.n + 1
	if err := a.flush(false); !errors.Is(err, errDisk) {
		t.Fatalf("flush on a bad disk: %v", err)
	}
	if err := a.flush(false); err != nil || k.count(throttleName) != 0 {
		t.Errorf("it was tried again at once: %v", err)
	}
	c.pass(retryAfter)
	if err := a.flush(false); err != nil || k.count(throttleName) != 1 {
		t.Errorf("it was not tried again: %v", err)
	}
}

func TestDamagedDocuments(t *testing.T) {
	k, c := newKeeper(), newClock()
	a, g := withAdmin(t, k, c.config())
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{sessionsName, throttleName, settingsName} {
		bad := k.copy()
		bad.docs[name] = []byte(`{"version":1,`)
		a := open(t, bad, c.config())
		if _, err := a.Authenticate(g.Token); (err == nil) != (name != sessionsName) {
			t.Errorf("with a damaged %s the session is answered with %v", name, err)
		}
		a.mustLogin(t, "admin", home)
	}
	for _, doc := range []string{`{"version":1,`, `{"version":2}`, `{"version":1}{}`, `{"version":1,"users":[{"password":"x"}]}`} {
		bad := k.copy()
		bad.docs[usersName] = []byte(doc)
		if a, err := Open(bad, c.config(), a.log); err == nil || a != nil {
			t.Errorf("users %s are read", doc)
		}
	}
}
