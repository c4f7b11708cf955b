// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCheckName(t *testing.T) {
	for _, tt := range []struct {
		name string
		good bool
	}{
		{"a", true}, {"alice.b_c-d@example.com", true}, {"0", true}, {strings.Repeat("x", 64), true},
		{"", false}, {strings.Repeat("x", 65), false}, {"-rf", false}, {".x", false}, {"a b", false}, {"a/b", false},
		{"a\n", false}, {"é", false}, {"<b>", false}, {"a\x00", false},
	} {
		if err := CheckName(tt.name); (err == nil) != tt.good {
			t.Errorf("CheckName(%q) = %v, want good %v", tt.name, err, tt.good)
		}
	}
}

func TestTheLastAdminStays(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), Config{})
	viewer := Viewer
	_, err := a.UpdateUser("admin", &viewer, nil)
	wantKind(t, "demote the only admin", err, LastAdmin)
	wantKind(t, "delete the only admin", a.DeleteUser("ADMIN"), LastAdmin)
	a.mustCreate(t, "second", Admin)
	if _, err := a.UpdateUser("admin", &viewer, nil); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "delete the other only admin", a.DeleteUser("second"), LastAdmin)
	wantKind(t, "delete a viewer", a.DeleteUser("admin"), "")
	if a.SetupCode() != "" {
		t.Error("there is a set-up code again")
	}
}

func TestCreateUserRefuses(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), Config{})
	for _, tt := range []struct {
		what, name, password string
		role                 Role
		scope                map[string]string
		want                 Kind
	}{
		{"taken name", "admin", password, Viewer, nil, Exists},
		{"taken name in other case", "Admin", password, Viewer, nil, Exists},
		{"bad name", "a b", password, Viewer, nil, Invalid},
		{"bad password", "bob", "short", Viewer, nil, Invalid},
		{"no role", "bob", password, 0, nil, Invalid},
		{"too high a role", "bob", password, Admin + 1, nil, Invalid},
		{"admin with a scope", "bob", password, Admin, map[string]string{"team": "shop"}, Invalid},
		{"bad label", "bob", password, Viewer, map[string]string{"team": "a b"}, Invalid},
		{"good", "bob", password, Viewer, map[string]string{"team": "shop"}, ""},
	} {
		_, err := a.CreateUser(t.Context(), tt.name, tt.password, tt.role, tt.scope)
		wantKind(t, tt.what, err, tt.want)
	}
}

func TestSettings(t *testing.T) {
	k := newKeeper()
	a, _ := withAdmin(t, k, Config{})
	for _, tt := range []struct {
		settings string
		want     Kind
	}{
		{`{"theme":"dark", "n":[1,2]}`, ""},
		{`[]`, Invalid}, {`null`, Invalid}, {`{`, Invalid}, {``, Invalid}, {`{} {}`, Invalid},
		{`{"x":"` + strings.Repeat("x", maxSettings) + `"}`, Invalid},
	} {
		wantKind(t, tt.settings[:min(len(tt.settings), 30)], a.SetSettings("admin", json.RawMessage(tt.settings)), tt.want)
	}
	wantKind(t, "settings of nobody", a.SetSettings("nobody", json.RawMessage("{}")), NotFound)
	a = open(t, k, Config{})
	if s, err := a.Settings("admin"); err != nil || string(s) != `{"theme":"dark","n":[1,2]}` {
		t.Errorf("after a restart the settings are %s, %v", s, err)
	}
	a.mustCreate(t, "bob", Viewer)
	if err := a.SetSettings("bob", json.RawMessage(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := a.DeleteUser("bob"); err != nil {
		t.Fatal(err)
	}
	a.mustCreate(t, "bob", Viewer)
	if s, err := a.Settings("bob"); err != nil || string(s) != "{}" {
		t.Errorf("another user of that name has the settings %s, %v", s, err)
	}
}

func TestTokens(t *testing.T) {
	k, c := newKeeper(), newClock()
	a, _ := withAdmin(t, k, c.config())
	scope := map[string]string{"team": "shop"}
	if _, err := a.CreateUser(t.Context(), "bob", password, Operator, scope); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what string
		spec TokenSpec
		want Kind
	}{
		{"more than the owner", TokenSpec{Name: "x", Role: Editor, Owner: "bob"}, Exceeds},
		{"outside the owner's scope", TokenSpec{Name: "x", Role: Viewer, Owner: "bob", Scope: map[string]string{"team": "pay"}}, Exceeds},
		{"in the past", TokenSpec{Name: "x", Role: Viewer, Owner: "bob", Expires: c.wall}, Invalid},
		{"bad name", TokenSpec{Name: "x/y", Role: Viewer, Owner: "bob"}, Invalid},
		{"long name", TokenSpec{Name: strings.Repeat("x", 49), Role: Viewer, Owner: "bob"}, Invalid},
		{"no role", TokenSpec{Name: "x", Owner: "bob"}, Invalid},
		{"no such owner", TokenSpec{Name: "x", Role: Viewer, Owner: "nobody"}, NotFound},
	} {
		_, _, err := a.CreateToken(tt.spec)
		wantKind(t, tt.what, err, tt.want)
	}
	text, tok, err := a.CreateToken(TokenSpec{Name: "ci", Role: Operator, Owner: "bob", Scope: map[string]string{"site": "north"}, Expires: c.wall.Add(time.Hour)})
	if err != nil || !strings.HasPrefix(text, "evt_"+tok.ID+"_") {
		t.Fatalf("token %q, %v", text, err)
	}
	_, _, err = a.CreateToken(TokenSpec{Name: "CI", Role: Viewer, By: "root"})
	wantKind(t, "a name that is taken", err, Exists)
	a = open(t, k, c.config())
	p, err := a.Authenticate(text)
	if err != nil || p.User != "bob/ci" || p.Role != Operator || !p.Token || p.Sudo || len(p.Scope) != 2 || p.Scope["team"] != "shop" {
		t.Errorf("the token stands for %+v, %v", p, err)
	}
	for _, bad := range []string{text + "A", text[:len(text)-1], "evt_" + tok.ID + "_" + newSecret(), "evt_tnothing" + text[len(text)-tokenLen-1:], strings.ToUpper(text)} {
		_, err := a.Authenticate(bad)
		wantKind(t, bad, err, NoSession)
	}
	viewer := Viewer
	if _, err := a.UpdateUser("bob", &viewer, nil); err != nil {
		t.Fatal(err)
	}
	if p, err := a.Authenticate(text); err != nil || p.Role != Viewer {
		t.Errorf("the token of a demoted owner has %v, %v", p.Role, err)
	}
	other := map[string]string{"site": "south"}
	if _, err := a.UpdateUser("bob", nil, &other); err != nil {
		t.Fatal(err)
	}
	_, err = a.Authenticate(text)
	wantKind(t, "a token outside its owner's new scope", err, NoSession)
	if _, err := a.UpdateUser("bob", nil, &scope); err != nil {
		t.Fatal(err)
	}
	c.pass(time.Hour - time.Second)
	if _, err := a.Authenticate(text); err != nil {
		t.Errorf("before its expiry: %v", err)
	}
	c.pass(time.Second)
	_, err = a.Authenticate(text)
	wantKind(t, "after its expiry", err, NoSession)
}

func TestRevokedTokensEnd(t *testing.T) {
	k := newKeeper()
	a, _ := withAdmin(t, k, Config{})
	a.mustCreate(t, "bob", Viewer)
	text, tok, err := a.CreateToken(TokenSpec{Name: "box", Role: Admin, By: "root"})
	if err != nil {
		t.Fatal(err)
	}
	owned, _, err := a.CreateToken(TokenSpec{Name: "bobs", Role: Viewer, Owner: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(a.Tokens("bob")); n != 1 {
		t.Errorf("bob has %d tokens, want 1", n)
	}
	if _, err := a.Authenticate(text); err != nil || a.Tokens("")[1].Used.IsZero() {
		t.Errorf("the token is not good, or not noted as used: %v", err)
	}
	done, how := a.Ended(tok.ID)
	if err := a.RevokeToken(tok.ID); err != nil || endedHow(a, done, how) != EndRevoked {
		t.Errorf("revoke: %v, ended %q", err, endedHow(a, done, how))
	}
	wantKind(t, "revoke twice", a.RevokeToken(tok.ID), NotFound)
	if err := a.DeleteUser("bob"); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*Auth{a, open(t, k, Config{})} {
		for _, text := range []string{text, owned} {
			_, err := a.Authenticate(text)
			wantKind(t, "a revoked token", err, NoSession)
		}
	}
}
