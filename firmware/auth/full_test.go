// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

// A fullKeeper has no room while full is set.
type fullKeeper struct {
	*memKeeper
	full bool
}

func (k *fullKeeper) Save(name string, data []byte) error {
	if k.full {
		return fmt.Errorf("save %s: %w", name, syscall.ENOSPC)
	}
	return k.memKeeper.Save(name, data)
}

// Whoever can make room must be able to log in.
func TestAFullDiskLocksNobodyOut(t *testing.T) {
	k, c := &fullKeeper{memKeeper: newKeeper()}, newClock()
	a, _ := withAdmin(t, k, c.config())
	a.mustCreate(t, "bob", Operator)
	turnOnTOTP(t, a, "bob")
	k.full = true
	code := codeAt(t, a.users.Load().user("bob").TOTP.Secret, c.wall.Add(totpPeriod))
	at := Attempt{User: "bob", Password: password, Remote: "203.0.113.4", Code: code}
	g, err := a.Login(t.Context(), at)
	if err != nil {
		t.Fatalf("login with a full disk: %v", err)
	}
	if _, err := a.Authenticate(g.Token); err != nil {
		t.Errorf("its session: %v", err)
	}
	_, err = a.Login(t.Context(), at)
	wantKind(t, "the same code again", err, Denied)
	admin := a.mustLogin(t, "admin", home)
	if _, err := a.Sudo(t.Context(), admin.Session.ID, password, ""); err != nil {
		t.Errorf("sudo: %v", err)
	}
	token, err := a.Rotate(admin.Session.ID)
	if err != nil {
		t.Errorf("rotate: %v", err)
	}
	// What takes something away is not believed before it is written.
	if err := a.EndSession(g.Session.ID, EndRevoked); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("revoke: %v", err)
	}
	if err := a.DeleteUser("bob"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("delete: %v", err)
	}
	if err := a.SetPassword(t.Context(), "bob", "another password"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("password: %v", err)
	}

	k.full = false
	if err := a.flush(false); err != nil {
		t.Fatal(err)
	}
	a = open(t, k.copy(), c.config())
	for what, token := range map[string]string{"bob's session": g.Token, "the rotated one": token} {
		if _, err := a.Authenticate(token); err != nil {
			t.Errorf("%s after there was room, and a restart: %v", what, err)
		}
	}
	_, err = a.Login(t.Context(), at)
	wantKind(t, "the same code after a restart", err, Denied)
}
