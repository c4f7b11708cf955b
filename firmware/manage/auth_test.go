// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// A memVault keeps documents in memory.
type memVault struct {
	mu   sync.Mutex // guards docs
	docs map[string][]byte
}

func (v *memVault) Load(name string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.docs[name], nil
}

func (v *memVault) Save(name string, data []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.docs[name] = data
	return nil
}

const goodPassword = "correct horse battery"

// An identityBox is a Box with users alone, the way the console reaches it.
type identityBox struct {
	t    *testing.T
	auth *auth.Auth
	box  *Box
	reg  *api.Registry
	who  func(token, remote, agent string) (api.Call, *api.Error)
	log  bytes.Buffer
}

func newIdentityBox(t *testing.T) *identityBox {
	b := &identityBox{t: t}
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	a, err := auth.Open(&memVault{docs: map[string][]byte{}}, auth.Config{Cost: auth.Cost{Memory: 8, Passes: 1, Threads: 1}}, log)
	if err != nil {
		t.Fatal(err)
	}
	b.auth, b.who = a, Authenticate(a)
	b.box = New(Config{Auth: a}, log)
	b.reg = b.box.Methods()
	return b
}

// call calls a method with a token, "" for none, "socket" for the Unix socket.
func (b *identityBox) call(token, method, params string, result any) *api.Error {
	b.t.Helper()
	c := api.Call{Origin: "console", Remote: "192.0.2.7:1000", Agent: "test"}
	switch token {
	case "":
	case "socket":
		c = api.Call{Author: "root", Origin: "cli", Role: api.Admin, Remote: "pid 1", Sudo: true}
	default:
		var e *api.Error
		if c, e = b.who(token, c.Remote, c.Agent); e != nil {
			return e
		}
	}
	raw, e := b.reg.Call(context.Background(), c, method, json.RawMessage(params))
	if e == nil && result != nil {
		if err := json.Unmarshal(raw, result); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
	}
	return e
}

func (b *identityBox) must(token, method, params string, result any) {
	b.t.Helper()
	if e := b.call(token, method, params, result); e != nil {
		b.t.Fatalf("%s %s: %v", method, params, e)
	}
}

// refuses calls a method that must be refused with a kind and a code.
func (b *identityBox) refuses(token, method, params, kind string, code int) {
	b.t.Helper()
	e := b.call(token, method, params, nil)
	if e == nil || e.Kind != kind || e.Code != code {
		b.t.Errorf("%s %s: %+v, want %s, %d", method, params, e, kind, code)
	}
}

// setUp makes the first admin and returns a token with sudo.
func (b *identityBox) setUp() string {
	b.t.Helper()
	var code SetupCode
	b.must("socket", "auth.setup_code", "{}", &code)
	var in Entered
	b.must("", "auth.setup", fmt.Sprintf(`{"code":%q,"user":"admin","password":%q}`, code.Code, goodPassword), &in)
	b.must(in.Token, "auth.sudo", fmt.Sprintf(`{"password":%q}`, goodPassword), nil)
	return in.Token
}

func (b *identityBox) login(user string) Entered {
	b.t.Helper()
	var in Entered
	b.must("", "auth.login", fmt.Sprintf(`{"user":%q,"password":%q}`, user, goodPassword), &in)
	return in
}

func TestRolesAreOrderedAlike(t *testing.T) {
	for r := auth.Viewer; r <= auth.Admin; r++ {
		if got := api.Role(r).String(); got != r.String() {
			t.Errorf("the role %v of a user is %v for methods", r, got)
		}
	}
}

func TestEntries(t *testing.T) {
	b := newIdentityBox(t)
	b.refuses("", "auth.setup", `{"code":"BBBB","user":"admin","password":"correct horse battery"}`, "auth.denied", api.CodeUnauthorized)
	b.refuses("", "auth.whoami", `{}`, "auth.required", api.CodeUnauthorized)
	token := b.setUp()
	b.refuses(token, "auth.setup_code", `{}`, "auth.local", api.CodeForbidden)
	b.refuses("", "auth.login", `{"user":"admin","password":"wrong"}`, "auth.denied", api.CodeUnauthorized)
	var me Self
	b.must(token, "auth.whoami", "{}", &me)
	if me.User != "admin" || me.Role != api.Admin || me.Session == "" || !me.Sudo || me.SudoUntil.IsZero() || me.Idle.IsZero() {
		t.Errorf("whoami tells %+v", me)
	}
	var next Handover
	b.must(token, "auth.handover_begin", "{}", &next)
	var in Entered
	b.must("", "auth.handover", fmt.Sprintf(`{"token":%q}`, next.Token), &in)
	b.refuses("", "auth.handover", fmt.Sprintf(`{"token":%q}`, next.Token), "auth.session", api.CodeUnauthorized)
	b.must(in.Token, "auth.logout", "{}", nil)
	b.refuses(in.Token, "auth.whoami", `{}`, "auth.session", api.CodeUnauthorized)
	b.must("", "auth.logout", "{}", nil)
}

func TestThrottledLoginsSayForHowLong(t *testing.T) {
	b := newIdentityBox(t)
	b.setUp()
	var e *api.Error
	for range 6 {
		e = b.call("", "auth.login", `{"user":"nobody","password":"wrong"}`, nil)
	}
	ms, _ := e.Args["retry_after_ms"].(int64)
	if e.Code != api.CodeThrottled || ms <= 0 || ms > 1001 {
		t.Errorf("the sixth attempt: %+v, %v", e, e.Args)
	}
	var list Throttles
	b.must("socket", "throttle.list", "{}", &list)
	if len(list.Throttles) != 1 || list.Throttles[0].Key != "192.0.2.7" {
		t.Errorf("throttles %+v", list)
	}
	b.must("socket", "throttle.clear", `{"key":"192.0.2.7"}`, nil)
	b.refuses("socket", "throttle.clear", `{"key":"192.0.2.7"}`, "not_found", api.CodeNotFound)
	b.login("admin")
}

func TestUsersNeedSudo(t *testing.T) {
	b := newIdentityBox(t)
	admin := b.setUp()
	plain := b.login("admin").Token
	bob := `{"name":"bob","password":"correct horse battery","role":"operator","scope":{"team":"shop"}}`
	b.refuses(plain, "user.create", bob, "auth.sudo", api.CodeForbidden)
	b.must(admin, "user.create", bob, nil)
	in := b.login("bob")
	if in.Role != api.Operator || in.Scope["team"] != "shop" {
		t.Errorf("bob has entered as %+v", in)
	}
	b.refuses(in.Token, "user.list", "{}", "auth.role", api.CodeForbidden)
	b.refuses(in.Token, "session.list", `{"all":true}`, "auth.role", api.CodeForbidden)
	b.refuses(in.Token, "session.list", `{"user":"admin"}`, "auth.role", api.CodeForbidden)
	b.refuses(admin, "user.delete", `{"name":"admin"}`, "auth.last_admin", api.CodeGuard)
	b.refuses(admin, "user.get", `{"name":"eve"}`, "not_found", api.CodeNotFound)
	b.refuses(admin, "user.create", bob, "auth.exists", api.CodeConflict)
	b.refuses(admin, "user.set_password", `{"name":"bob","password":"short"}`, "params.invalid", api.CodeParams)
	ended := make(chan string, 1)
	stop := Ended(b.auth)(in.Session, func(kind string) { ended <- kind })
	defer stop()
	b.must(admin, "user.update", `{"name":"bob","role":"editor","scope":{}}`, nil)
	if how := <-ended; how != "role" {
		t.Errorf("bob's session ended: %q, want role", how)
	}
	if again := b.login("bob"); again.Role != api.Editor || len(again.Scope) != 0 {
		t.Errorf("bob has entered as %+v", again)
	}
}

func TestSessionsOfOthersAreForAdmins(t *testing.T) {
	b := newIdentityBox(t)
	admin := b.setUp()
	b.must("socket", "user.create", `{"name":"bob","password":"correct horse battery","role":"viewer"}`, nil)
	one, two := b.login("bob"), b.login("bob")
	var list Sessions
	b.must(one.Token, "session.list", "{}", &list)
	if len(list.Sessions) != 2 {
		t.Errorf("bob sees %+v", list)
	}
	var mine Self
	b.must(admin, "auth.whoami", "{}", &mine)
	b.refuses(one.Token, "session.revoke", fmt.Sprintf(`{"id":%q}`, mine.Session), "not_found", api.CodeNotFound)
	b.must(one.Token, "session.revoke", fmt.Sprintf(`{"id":%q}`, two.Session), nil)
	b.refuses(two.Token, "auth.whoami", "{}", "auth.session", api.CodeUnauthorized)
	b.must("socket", "session.list", "{}", &list)
	if len(list.Sessions) != 2 {
		t.Errorf("the Unix socket sees %+v", list)
	}
	b.must(admin, "session.revoke", fmt.Sprintf(`{"id":%q}`, one.Session), nil)
}

func TestTokensOfPrograms(t *testing.T) {
	b := newIdentityBox(t)
	admin := b.setUp()
	b.must("socket", "user.create", `{"name":"bob","password":"correct horse battery","role":"viewer"}`, nil)
	bob := b.login("bob").Token
	b.refuses(bob, "token.create", `{"name":"ci","role":"viewer"}`, "auth.sudo", api.CodeForbidden)
	b.must(bob, "auth.sudo", fmt.Sprintf(`{"password":%q}`, goodPassword), nil)
	b.refuses(bob, "token.create", `{"name":"ci","role":"editor"}`, "auth.exceeds", api.CodeForbidden)
	var tok, box NewToken
	b.must(bob, "token.create", `{"name":"ci","role":"viewer"}`, &tok)
	b.must("socket", "token.create", `{"name":"backup","role":"admin"}`, &box)
	var me Self
	b.must(tok.Secret, "auth.whoami", "{}", &me)
	if me.User != "bob/ci" || me.Role != api.Viewer || me.Sudo || me.Origin != "api" {
		t.Errorf("the token is %+v", me)
	}
	b.must(box.Secret, "user.list", "{}", nil)
	b.refuses(box.Secret, "user.delete", `{"name":"bob"}`, "auth.sudo", api.CodeForbidden)
	b.refuses(tok.Secret, "auth.password", `{"password":"x","new":"y"}`, "auth.no_session", api.CodeForbidden)
	b.refuses(bob, "token.revoke", fmt.Sprintf(`{"id":%q}`, box.ID), "not_found", api.CodeNotFound)
	b.must(bob, "token.revoke", fmt.Sprintf(`{"id":%q}`, tok.ID), nil)
	b.refuses(tok.Secret, "auth.whoami", "{}", "auth.session", api.CodeUnauthorized)
	b.must(admin, "token.revoke", fmt.Sprintf(`{"id":%q}`, box.ID), nil)
}

func TestSudoRotatesOnDemand(t *testing.T) {
	b := newIdentityBox(t)
	token := b.setUp()
	b.refuses(token, "auth.sudo", `{"password":"wrong"}`, "auth.denied", api.CodeForbidden)
	var s Sudo
	b.must(token, "auth.sudo", fmt.Sprintf(`{"password":%q,"rotate":true}`, goodPassword), &s)
	if s.Token == "" || s.Token == token || time.Until(s.Until) < 4*time.Minute {
		t.Fatalf("sudo gives %+v", s)
	}
	b.refuses(token, "user.reset_totp", `{"name":"admin"}`, "auth.sudo", api.CodeForbidden)
	b.refuses(s.Token, "user.reset_totp", `{"name":"admin"}`, "auth.state", api.CodeConflict)
}

func TestOwnSettingsAndSecondFactor(t *testing.T) {
	b := newIdentityBox(t)
	token := b.setUp()
	b.must(token, "auth.settings_set", `{"settings":{"theme":"dark"}}`, nil)
	b.refuses(token, "auth.settings_set", `{"settings":[]}`, "params.invalid", api.CodeParams)
	var s Settings
	b.must(token, "auth.settings_get", "{}", &s)
	if string(s.Settings) != `{"theme":"dark"}` {
		t.Errorf("settings %s", s.Settings)
	}
	var secret TOTPSecret
	b.must(token, "auth.totp_begin", "{}", &secret)
	b.refuses(token, "auth.totp_confirm", `{"code":"x"}`, "auth.denied", api.CodeForbidden)
	b.refuses(token, "auth.recovery_codes", "{}", "auth.state", api.CodeConflict)
	b.refuses("socket", "auth.totp_begin", "{}", "auth.no_session", api.CodeForbidden)
}

// TestPasswordsAreNotLogged looks for what was typed in the log, where the audit goes
// too.
func TestPasswordsAreNotLogged(t *testing.T) {
	b := newIdentityBox(t)
	token := b.setUp()
	_ = b.call("", "auth.login", `{"user":"typed-in-the-wrong-field","password":"and-this-one"}`, nil)
	_ = b.call(token, "auth.password", `{"password":"and-that-one","new":"and-a-new-one"}`, nil)
	_ = b.call("socket", "user.create", `{"name":"bob","password":"and-bobs-own","role":"viewer"}`, nil)
	log := b.log.String()
	for _, s := range []string{goodPassword, "typed-in-the-wrong-field", "and-this-one", "and-that-one", "and-a-new-one", "and-bobs-own", token} {
		if strings.Contains(log, s) {
			t.Errorf("the log has %q", s)
		}
	}
	if strings.Count(log, "audit") < 4 || !strings.Contains(log, "create the user bob as viewer") {
		t.Errorf("the log lacks the audit:\n%s", log)
	}
}

// TestBoxWithoutUsers: traffic goes on, and everybody is told why nobody can log in.
func TestBoxWithoutUsers(t *testing.T) {
	reg := New(Config{}, slog.New(slog.DiscardHandler)).Methods()
	for _, m := range []string{"auth.login", "user.list", "token.list", "throttle.list", "session.list", "auth.setup_code"} {
		params := "{}"
		if m == "auth.login" {
			params = `{"user":"a","password":"b"}`
		}
		_, e := reg.Call(t.Context(), api.Call{Role: api.Admin, Sudo: true}, m, json.RawMessage(params))
		if e == nil || e.Kind != "auth.unavailable" {
			t.Errorf("%s: %+v, want auth.unavailable", m, e)
		}
	}
	if _, e := Authenticate(nil)("x", "", ""); e == nil || e.Code != api.CodeUnauthorized {
		t.Errorf("a token without users: %+v", e)
	}
	told := ""
	Ended(nil)("s", func(kind string) { told = kind })()
	if told != "revoked" {
		t.Errorf("a session without users has ended %q", told)
	}
}
