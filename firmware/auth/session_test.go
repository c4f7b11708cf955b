// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// endedHow says how the session with an id ended, "" if it has not.
func endedHow(a *Auth, done <-chan struct{}, how func() Ending) Ending {
	select {
	case <-done:
		return how()
	default:
		return ""
	}
}

func TestSessionsEndInTime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		used  time.Duration // how often it is used
		want  Ending
		after time.Duration
	}{
		{"unused", 0, EndIdle, 30 * time.Minute},
		{"used", 10 * time.Minute, EndExpired, 12 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, g := withAdmin(t, newKeeper(), Config{})
				go a.Run(t.Context())
				done, how := a.Ended(g.Session.ID)
				start := time.Now()
				for tt.used > 0 && time.Since(start) < tt.after-tt.used {
					time.Sleep(tt.used)
					if _, err := a.Authenticate(g.Token); err != nil {
						t.Fatalf("after %v: %v", time.Since(start), err)
					}
				}
				<-done
				if got := time.Since(start).Round(10 * time.Second); got != tt.after || how() != tt.want {
					t.Errorf("ended after %v: %q, want %v: %q", got, how(), tt.after, tt.want)
				}
				_, err := a.Authenticate(g.Token)
				wantKind(t, "after the end", err, NoSession)
			})
		})
	}
}

func TestWhatEndsSessions(t *testing.T) {
	editor := Editor
	scope := map[string]string{"team": "shop"}
	for _, tt := range []struct {
		name string
		do   func(*testing.T, *Auth, Grant) error
		want Ending
	}{
		{"logout", func(_ *testing.T, a *Auth, g Grant) error { return a.EndSession(g.Session.ID, EndLogout) }, EndLogout},
		{"password set", func(t *testing.T, a *Auth, _ Grant) error {
			return a.SetPassword(t.Context(), "bob", "another password")
		}, EndPassword},
		{"own password", func(t *testing.T, a *Auth, g Grant) error {
			return a.ChangePassword(t.Context(), g.Session.ID, password, "", "another password")
		}, EndPassword},
		{"role", func(_ *testing.T, a *Auth, _ Grant) error { _, err := a.UpdateUser("bob", &editor, nil); return err }, EndRole},
		{"scope", func(_ *testing.T, a *Auth, _ Grant) error { _, err := a.UpdateUser("bob", nil, &scope); return err }, EndRole},
		{"deleted", func(_ *testing.T, a *Auth, _ Grant) error { return a.DeleteUser("bob") }, EndRevoked},
		{"nothing changed", func(_ *testing.T, a *Auth, _ Grant) error {
			v := Viewer
			_, err := a.UpdateUser("bob", &v, nil)
			return err
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKeeper()
			a, admin := withAdmin(t, k, Config{})
			a.mustCreate(t, "bob", Viewer)
			g := a.mustLogin(t, "bob", home)
			done, how := a.Ended(g.Session.ID)
			if err := tt.do(t, a, g); err != nil {
				t.Fatal(err)
			}
			if got := endedHow(a, done, how); got != tt.want {
				t.Errorf("the session ended: %q, want %q", got, tt.want)
			}
			for _, a := range []*Auth{a, open(t, k.copy(), Config{})} {
				if _, err := a.Authenticate(g.Token); (err == nil) != (tt.want == "") {
					t.Errorf("the token is answered with %v", err)
				}
				if _, err := a.Authenticate(admin.Token); err != nil {
					t.Errorf("the session of another user: %v", err)
				}
			}
		})
	}
}

func TestSessionsSurviveARestart(t *testing.T) {
	k, c := newKeeper(), newClock()
	a, g := withAdmin(t, k, c.config())
	c.pass(20 * time.Minute)
	if _, err := a.Authenticate(g.Token); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		wall    time.Duration // how far the clocks go between the two engines
		elapsed time.Duration
		lives   time.Duration // how long the session lives in the next; 0: not at all
	}{
		{"at once", 0, 0, 30 * time.Minute},
		{"10 minutes later", 10 * time.Minute, 0, 20 * time.Minute},
		{"idle meanwhile", 30 * time.Minute, 0, 0},
		{"another boot", 10 * time.Minute, -990 * time.Hour, 20 * time.Minute},
		{"clock a little back", -30 * time.Second, 0, 30 * time.Minute},
		{"clock far back", -2 * time.Minute, 0, 0},
	} {
		c := &clock{c.wall.Add(tt.wall), c.elapsed + tt.elapsed}
		a := open(t, k.copy(), c.config())
		c.pass(max(0, tt.lives-time.Second))
		if _, err := a.Session(g.Session.ID); (err == nil) != (tt.lives > 0) {
			t.Errorf("%s: the session after %v: %v", tt.name, tt.lives, err)
		}
		c.pass(time.Second)
		if _, err := a.Authenticate(g.Token); err == nil {
			t.Errorf("%s: the session lives longer than %v", tt.name, tt.lives)
		}
	}
}

// TestASetClockProlongsNothing sets the wall clock back while the engine runs.
func TestASetClockProlongsNothing(t *testing.T) {
	k, c := newKeeper(), newClock()
	a, g := withAdmin(t, k, c.config())
	_, tok, err := a.CreateToken(TokenSpec{Name: "t", Role: Viewer, By: "root", Expires: c.wall.Add(20 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	c.wall = c.wall.Add(-1000 * time.Hour)
	c.pass(20 * time.Minute)
	if !a.Tokens("")[0].Expired {
		t.Errorf("token %s is good after its time", tok.ID)
	}
	c.pass(9*time.Minute + 59*time.Second)
	if _, err := a.Session(g.Session.ID); err != nil {
		t.Errorf("the session has ended early: %v", err)
	}
	c.pass(time.Second)
	_, err = a.Authenticate(g.Token)
	wantKind(t, "session after its time", err, NoSession)
}

// TestASetClockEndsNothing sets the wall clock, and a second later the power fails.
func TestASetClockEndsNothing(t *testing.T) {
	for _, by := range []time.Duration{3 * time.Hour, -3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var set atomic.Int64
			k, now := newKeeper(), func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
			a, g := withAdmin(t, k, Config{Now: now})
			go a.Run(t.Context())
			time.Sleep(5 * time.Minute)
			before := k.count(sessionsName)
			set.Store(int64(by))
			time.Sleep(10*time.Minute + time.Millisecond)
			if n := k.count(sessionsName) - before; n != 1 {
				t.Errorf("clock set by %v: sessions written %d times, want once", by, n)
			}
			a = open(t, k.copy(), Config{Now: now})
			if _, err := a.Authenticate(g.Token); err != nil {
				t.Errorf("clock set by %v, and a power cut: %v", by, err)
			}
		})
	}
}

func TestLastSeenIsWrittenOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper()
		a, g := withAdmin(t, k, Config{})
		go a.Run(t.Context())
		before := k.count(sessionsName)
		for range 600 {
			if _, err := a.Authenticate(g.Token); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := k.count(sessionsName) - before; n < 9 || n > 11 {
			t.Errorf("written %d times in 10 minutes of use, want 10", n)
		}
		used := a.Sessions("")[0].Seen
		if kept := open(t, k.copy(), Config{}).Sessions("")[0].Seen; used.Sub(kept) > time.Minute {
			t.Errorf("the disk has last seen %v, memory %v", kept, used)
		}
	})
}

func TestTheIdlestSessionGoesForANewOne(t *testing.T) {
	c := newClock()
	a, first := withAdmin(t, newKeeper(), c.config())
	a.mustCreate(t, "bob", Viewer)
	bob := a.mustLogin(t, "bob", home)
	done, how := a.Ended(first.Session.ID)
	var second Grant
	for i := range maxUserSessions {
		c.pass(time.Second)
		g := a.mustLogin(t, "admin", home)
		if i == 0 {
			second = g
		}
	}
	if endedHow(a, done, how) != EndIdle || len(a.Sessions("admin")) != maxUserSessions {
		t.Errorf("%d sessions, the first %q", len(a.Sessions("admin")), endedHow(a, done, how))
	}
	for _, g := range []Grant{second, bob} {
		if _, err := a.Authenticate(g.Token); err != nil {
			t.Errorf("session of %s: %v", g.User.Name, err)
		}
	}
}

func TestSessionsAreBoundedInAll(t *testing.T) {
	c := newClock()
	k := newKeeper()
	a, first := withAdmin(t, k, c.config())
	for i := range maxSessions/maxUserSessions - 1 {
		name := fmt.Sprintf("user%d", i)
		a.mustCreate(t, name, Viewer)
		id := a.users.Load().user(name).ID
		for range maxUserSessions {
			c.pass(100 * time.Millisecond)
			hash, _ := parseSecret(newSecret())
			a.sessions.add(&session{id: newID("s"), user: id, hash: hash, seen: c.elapsed, end: c.elapsed + time.Hour, ended: newEnded()})
		}
	}
	for range maxUserSessions + 1 {
		c.pass(100 * time.Millisecond)
		a.mustLogin(t, "user0", home) // in place of one of the same user
	}
	for range maxUserSessions {
		c.pass(100 * time.Millisecond)
		a.mustLogin(t, "admin", home)
	}
	if n := len(a.Sessions("")); n != maxSessions || len(a.sessions.byHash) != maxSessions {
		t.Errorf("%d sessions, want %d", n, maxSessions)
	}
	_, err := a.Authenticate(first.Token)
	wantKind(t, "the oldest session", err, NoSession)
	a.mustCreate(t, "late", Viewer)
	oldest := a.Sessions("")[maxSessions-1]
	a.mustLogin(t, "late", home)
	_, err = a.Session(oldest.ID)
	wantKind(t, "the idlest session of another user", err, NotFound)
	if n := len(a.Sessions("")); n != maxSessions {
		t.Errorf("%d sessions after one more, want %d", n, maxSessions)
	}
}

func TestSudo(t *testing.T) {
	c := newClock()
	a, g := withAdmin(t, newKeeper(), c.config())
	sudo := func(token string) bool {
		p, err := a.Authenticate(token)
		if err != nil {
			t.Fatal(err)
		}
		return p.Sudo
	}
	_, err := a.Sudo(t.Context(), g.Session.ID, "wrong password", "")
	wantKind(t, "wrong password", err, Denied)
	if sudo(g.Token) {
		t.Error("sudo without the password")
	}
	if _, err := a.Sudo(t.Context(), g.Session.ID, password, ""); err != nil || !sudo(g.Token) {
		t.Fatalf("sudo: %v", err)
	}
	rotated, err := a.Rotate(g.Session.ID)
	if err != nil || !sudo(rotated) || sudo(g.Token) {
		t.Errorf("after the rotation the new token must have sudo and the old one not: %v", err)
	}
	c.pass(tokenGrace)
	_, err = a.Authenticate(g.Token)
	wantKind(t, "old token after its grace", err, NoSession)
	c.pass(SudoTime - tokenGrace - time.Second)
	if !sudo(rotated) {
		t.Error("sudo has ended early")
	}
	c.pass(time.Second)
	if sudo(rotated) {
		t.Error("sudo has not ended")
	}
}

func TestGuessesOfASessionDelayItAlone(t *testing.T) {
	c := newClock()
	a, g := withAdmin(t, newKeeper(), c.config())
	for range freeFailures {
		_, err := a.Sudo(t.Context(), g.Session.ID, "wrong password", "")
		wantKind(t, "wrong password", err, Denied)
	}
	_, err := a.Sudo(t.Context(), g.Session.ID, password, "")
	wantKind(t, "sixth attempt", err, Throttled)
	other := a.mustLogin(t, "admin", "203.0.113.5")
	if _, err := a.Sudo(t.Context(), other.Session.ID, password, ""); err != nil {
		t.Errorf("another session: %v", err)
	}
	c.pass(time.Second)
	if _, err := a.Sudo(t.Context(), g.Session.ID, password, ""); err != nil {
		t.Errorf("after the delay: %v", err)
	}
}

func TestHandover(t *testing.T) {
	c := newClock()
	k := newKeeper()
	a, g := withAdmin(t, k, c.config())
	c.pass(20 * time.Minute)
	_, _ = a.Authenticate(g.Token)
	token, err := a.Handover(g.Session.ID)
	if err != nil {
		t.Fatal(err)
	}
	a = open(t, k, c.config()) // it survives a restart
	next, err := a.UseHandover(token, "192.0.2.8", "other")
	if err != nil || next.User.Name != "admin" || next.Session.ID == g.Session.ID {
		t.Fatalf("handover: %+v, %v", next.User, err)
	}
	if !next.Session.Expires.Equal(g.Session.Expires) {
		t.Errorf("the new session ends %v, want %v as the old one", next.Session.Expires, g.Session.Expires)
	}
	_, err = a.UseHandover(token, home, "")
	wantKind(t, "second use", err, NoSession)
	_, err = open(t, k.copy(), c.config()).UseHandover(token, home, "")
	wantKind(t, "second use after a restart", err, NoSession)
	late, err := a.Handover(g.Session.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.pass(handoverLife)
	_, err = a.UseHandover(late, home, "")
	wantKind(t, "use after 5 minutes", err, NoSession)
}
