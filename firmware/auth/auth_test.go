// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// A memKeeper keeps documents in memory. Its save number failAt fails.
type memKeeper struct {
	mu     sync.Mutex // guards what follows
	docs   map[string][]byte
	saves  map[string]int
	n      int
	failAt int // 0: none
}

var errDisk = errors.New("input/output error")

func newKeeper() *memKeeper {
	return &memKeeper{docs: make(map[string][]byte), saves: make(map[string]int)}
}

func (k *memKeeper) Load(name string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return bytes.Clone(k.docs[name]), nil
}

func (k *memKeeper) Save(name string, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	if k.n == k.failAt {
		return errDisk
	}
	k.saves[name]++
	k.docs[name] = bytes.Clone(data)
	return nil
}

// count returns how often the document called name was saved.
func (k *memKeeper) count(name string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.saves[name]
}

// copy returns a keeper of what k has now, as a power cut would leave it.
func (k *memKeeper) copy() *memKeeper {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &memKeeper{docs: maps.Clone(k.docs), saves: make(map[string]int)}
}

const (
	home     = "192.0.2.7:51000"
	password = "correct horse battery"
)

// quick makes hashes cheap.
var quick = Cost{Memory: 8, Passes: 1, Threads: 1}

// A clock is both clocks, for tests that set one of them.
type clock struct {
	wall    time.Time
	elapsed time.Duration
}

func (c *clock) config() Config {
	return Config{Cost: quick, Now: func() time.Time { return c.wall }, Elapsed: func() time.Duration { return c.elapsed }}
}

func (c *clock) pass(d time.Duration) { c.wall, c.elapsed = c.wall.Add(d), c.elapsed+d }

func newClock() *clock {
	return &clock{time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), 1000 * time.Hour}
}

func open(t testing.TB, k Keeper, cfg Config) *Auth {
	t.Helper()
	if cfg.Cost == (Cost{}) {
		cfg.Cost = quick
	}
	a, err := Open(k, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// withAdmin is open with the user admin, who has come from home before.
func withAdmin(t testing.TB, k Keeper, cfg Config) (*Auth, Grant) {
	t.Helper()
	a := open(t, k, cfg)
	g, err := a.Setup(t.Context(), Attempt{User: "admin", Password: password, Code: a.SetupCode(), Remote: home, Agent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return a, g
}

func (a *Auth) mustCreate(t testing.TB, name string, role Role) {
	t.Helper()
	if _, err := a.CreateUser(t.Context(), name, password, role, nil); err != nil {
		t.Fatal(err)
	}
}

func (a *Auth) mustLogin(t testing.TB, name, remote string) Grant {
	t.Helper()
	g, err := a.Login(t.Context(), Attempt{User: name, Password: password, Remote: remote})
	if err != nil {
		t.Fatalf("login of %s from %s: %v", name, remote, err)
	}
	return g
}

// kind returns what kind of error err is, "" for none and its text for another's.
func kind(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	}
	return Kind(err.Error())
}

func wantKind(t testing.TB, what string, err error, want Kind) {
	t.Helper()
	if kind(err) != want {
		t.Errorf("%s: %v (%q), want kind %q", what, err, kind(err), want)
	}
}

func TestSetupMakesTheFirstAdminOnce(t *testing.T) {
	k := newKeeper()
	a := open(t, k, Config{})
	code := a.SetupCode()
	if len(code) != 19 || strings.ContainsAny(code, "AEIOUY01") {
		t.Errorf("the code is %q, want 4x4 letters that are no vowels", code)
	}
	a = open(t, k, Config{})
	if a.SetupCode() != code {
		t.Errorf("after a restart the code is %q, want %q", a.SetupCode(), code)
	}
	at := Attempt{User: "admin", Password: password, Code: "BBBB-BBBB-BBBB-BBBB", Remote: home}
	_, err := a.Setup(t.Context(), at)
	wantKind(t, "wrong code", err, Denied)
	at.Code, at.Password = strings.ToLower(strings.ReplaceAll(code, "-", " ")), "short"
	_, err = a.Setup(t.Context(), at)
	wantKind(t, "short password", err, Invalid)
	at.Password = password
	g, err := a.Setup(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := a.Authenticate(g.Token); err != nil || p.User != "admin" || p.Role != Admin || p.ID != g.Session.ID || p.Sudo {
		t.Errorf("the session stands for %+v, %v", p, err)
	}
	if a.SetupCode() != "" || strings.Contains(string(k.docs[usersName]), code) {
		t.Error("the code is still there")
	}
	_, err = a.Setup(t.Context(), at)
	wantKind(t, "second set-up", err, SetUp)
}

func TestSetupIsThrottled(t *testing.T) {
	a := open(t, newKeeper(), newClock().config())
	var err error
	for range freeFailures + 1 {
		_, err = a.Setup(t.Context(), Attempt{User: "admin", Password: password, Code: "no", Remote: home})
	}
	wantKind(t, "sixth wrong code", err, Throttled)
	_, err = a.Setup(t.Context(), Attempt{User: "admin", Password: password, Code: a.SetupCode(), Remote: "192.0.2.8"})
	wantKind(t, "right code from elsewhere", err, "")
}

func TestLogin(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), Config{})
	for _, tt := range []struct {
		name, user, password string
		want                 Kind
	}{
		{"right", "admin", password, ""},
		{"other case", "Admin", password, ""},
		{"wrong password", "admin", password + "x", Denied},
		{"cut password", "admin", password[:12], Denied},
		{"empty password", "admin", "", Denied},
		{"long password", "admin", strings.Repeat("x", maxPassword+1), Denied},
		{"unknown user", "nobody", password, Denied},
		{"no user", "", password, Denied},
		{"impossible user", "a\nb", password, Denied},
	} {
		a.ClearThrottle("")
		g, err := a.Login(t.Context(), Attempt{User: tt.user, Password: tt.password, Remote: home})
		if kind(err) != tt.want || (g.Token != "") != (err == nil) {
			t.Errorf("%s: %v, want kind %q", tt.name, err, tt.want)
		}
		if err != nil && err.Error() != denied().Error() {
			t.Errorf("%s: the error tells more: %v", tt.name, err)
		}
	}
}

func TestLoginTellsWhatHappenedSince(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	before := c.wall
	c.pass(time.Hour)
	for range 3 {
		_, err := a.Login(t.Context(), Attempt{User: "admin", Password: "wrong", Remote: "203.0.113.9"})
		wantKind(t, "wrong password", err, Denied)
	}
	if g := a.mustLogin(t, "admin", home); g.Failed != 3 || !g.Before.Equal(before) || g.User.Failed != 0 {
		t.Errorf("the login tells of %d failures since %v, want 3 since %v", g.Failed, g.Before, before)
	}
	if g := a.mustLogin(t, "admin", home); g.Failed != 0 {
		t.Errorf("the next login tells of %d failures, want 0", g.Failed)
	}
}

func TestUnknownUsersCostAHashToo(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), Config{})
	for range cap(a.hasher.strangers.places) {
		a.hasher.strangers.places <- struct{}{}
	}
	for _, user := range []string{"nobody", "a b", "admin"} {
		_, err := a.Login(t.Context(), Attempt{User: user, Password: "wrong", Remote: "203.0.113.9"})
		wantKind(t, "login of "+user+" while no hash may wait", err, Busy)
	}
	if n := len(a.Throttles()); n != 0 {
		t.Errorf("%d throttles though nobody's password was looked at", n)
	}
	a.mustLogin(t, "admin", home) // who is known does not queue with strangers
}

func TestHashesAreMadeAnewWhenTheirCostChanges(t *testing.T) {
	k := newKeeper()
	withAdmin(t, k, Config{})
	dear := Cost{Memory: 16, Passes: 2, Threads: 1}
	a := open(t, k, Config{Cost: dear})
	a.mustLogin(t, "admin", home)
	if got := a.users.Load().user("admin").Password.cost; got != dear {
		t.Errorf("the hash costs %+v, want %+v", got, dear)
	}
	open(t, k, Config{}).mustLogin(t, "admin", home)
	if a := open(t, newKeeper(), Config{Cost: Cost{Memory: 9, Passes: 1, Threads: 1}}); a.hasher.cost.Memory != 9 {
		t.Error("the cost is not used")
	}
}

func TestDefaultCostIsThatOfOWASP(t *testing.T) {
	a, err := Open(newKeeper(), Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.hasher.make(context.Background(), password)
	if err != nil || !strings.HasPrefix(p.String(), "$argon2id$v=19$m=19456,t=2,p=1$") || !p.verify(password) || p.verify(password+" ") {
		t.Errorf("the hash is %v, %v", p, err)
	}
}

func TestCheckPassword(t *testing.T) {
	for _, tt := range []struct {
		name, password string
		good           bool
	}{
		{"alice", "correct horse", true},
		{"alice", "ninechars", false},
		{"alice", "tenletters", true},
		{"alice", "密码密码密码密码密码", true},
		{"alice", strings.Repeat("x", 1024), true},
		{"alice", strings.Repeat("x", 1025), false},
		{"administrator", "administrator", false},
		{"administrator", "Administrator1", false},
		{"alice", "evenerevener", false},
		{"alice", "Evener-alice", false},
		{"alice", "bad\xffutf8bytes", false},
		{"a", "a banana is a fruit", true},
	} {
		err := CheckPassword(tt.name, tt.password)
		if (err == nil) != tt.good {
			t.Errorf("CheckPassword(%q, %.20q) = %v, want good %v", tt.name, tt.password, err, tt.good)
		}
		if err != nil && strings.Contains(err.Error(), tt.password) {
			t.Errorf("the error holds the password: %v", err)
		}
	}
}

// TestSecretsAreNotKeptOrLogged looks for secrets wherever they could be.
func TestSecretsAreNotKeptOrLogged(t *testing.T) {
	k := newKeeper()
	var logged bytes.Buffer
	a, err := Open(k, Config{Cost: quick}, slog.New(slog.NewJSONHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Setup(t.Context(), Attempt{User: "admin", Password: password, Code: a.SetupCode(), Remote: home})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = a.Login(t.Context(), Attempt{User: "hunter2-in-the-wrong-field", Password: "secret-and-wrong", Remote: home})
	text, _, err := a.CreateToken(TokenSpec{Name: "ci", Role: Viewer, Owner: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	handover, err := a.Handover(g.Session.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	all := logged.String()
	for _, doc := range k.docs {
		all += string(doc)
	}
	for _, secret := range []string{password, "hunter2", "secret-and-wrong", g.Token, text[len(text)-tokenLen:], handover} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is kept or logged", secret)
		}
	}
	if !strings.Contains(all, "logged in") || !strings.Contains(all, "argon2id") {
		t.Error("the test has not seen the log and the documents")
	}
}

func TestClosedAuthChangesNothing(t *testing.T) {
	k := newKeeper()
	a, g := withAdmin(t, k, Config{})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	saves := fmt.Sprint(k.saves)
	if _, err := a.Login(t.Context(), Attempt{User: "admin", Password: password, Remote: home}); !errors.Is(err, ErrClosed) {
		t.Errorf("login after Close: %v, want ErrClosed", err)
	}
	if err := a.EndSession(g.Session.ID, EndLogout); !errors.Is(err, ErrClosed) {
		t.Errorf("logout after Close: %v, want ErrClosed", err)
	}
	if err := a.Close(); err != nil || fmt.Sprint(k.saves) != saves {
		t.Errorf("second Close: %v; saves %v, want %s", err, k.saves, saves)
	}
}
