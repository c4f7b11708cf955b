// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

func codeAt(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// turnOnTOTP returns the secret and the recovery codes.
func turnOnTOTP(t testing.TB, a *Auth, name string) (string, []string) {
	t.Helper()
	secret, url, err := a.TOTPBegin(name)
	if err != nil || !strings.HasPrefix(url, "otpauth://totp/Evener:"+name+"?") || !strings.Contains(url, secret) {
		t.Fatalf("begin: %q, %v", url, err)
	}
	codes, err := a.TOTPConfirm(name, codeAt(t, secret, a.cfg.Now()))
	if err != nil || len(codes) != recoveryCodes {
		t.Fatalf("confirm: %d codes, %v", len(codes), err)
	}
	return secret, codes
}

func TestSecondFactor(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	secret, codes := turnOnTOTP(t, a, "admin")
	other := codeAt(t, secret, c.wall.Add(5*time.Minute))
	login := func(what, code string, want Kind) {
		t.Helper()
		_, err := a.Login(t.Context(), Attempt{User: "admin", Password: password, Code: code, Remote: home})
		wantKind(t, what, err, want)
	}
	login("no code", "", CodeNeeded)
	login("the code that has confirmed", codeAt(t, secret, c.wall), Denied)
	c.pass(10 * time.Minute)
	login("a step early", codeAt(t, secret, c.wall.Add(totpPeriod)), "")
	login("this step", codeAt(t, secret, c.wall), "")
	login("this step again", codeAt(t, secret, c.wall), Denied)
	login("a step late", codeAt(t, secret, c.wall.Add(-totpPeriod)), "")
	login("two steps late", codeAt(t, secret, c.wall.Add(-2*totpPeriod)), Denied)
	login("two steps early", codeAt(t, secret, c.wall.Add(2*totpPeriod)), Denied)
	a.ClearThrottle("")
	login("an old code", other, Denied)
	login("recovery code", strings.ToLower(strings.ReplaceAll(codes[3], "-", "")), "")
	login("recovery code again", codes[3], Denied)
	login("another recovery code", codes[4], "")
	if u, _ := a.User("admin"); u.RecoveryCodes != recoveryCodes-2 || !u.TOTP {
		t.Errorf("the user is %+v, want 8 codes", u)
	}
	again, err := a.RecoveryCodes("admin")
	if err != nil {
		t.Fatal(err)
	}
	login("a void recovery code", codes[5], Denied)
	login("a new recovery code", again[0], "")
	if err := a.TOTPDisable("admin"); err != nil {
		t.Fatal(err)
	}
	login("no code after it was turned off", "", "")
}

func TestUsedCodesAreRememberedOverARestart(t *testing.T) {
	k, c := newKeeper(), newClock()
	a, _ := withAdmin(t, k, c.config())
	secret, _ := turnOnTOTP(t, a, "admin")
	c.pass(time.Minute)
	code := codeAt(t, secret, c.wall)
	if _, err := a.Login(t.Context(), Attempt{User: "admin", Password: password, Code: code, Remote: home}); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, k.copy(), c.config()).Login(t.Context(), Attempt{User: "admin", Password: password, Code: code, Remote: home})
	wantKind(t, "the same code after a crash", err, Denied)
}

func TestSecondFactorIsBegunAndConfirmed(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	_, err := a.TOTPConfirm("admin", "123456")
	wantKind(t, "confirm without begin", err, WrongMoment)
	secret, _, err := a.TOTPBegin("admin")
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.TOTPConfirm("admin", codeAt(t, secret, c.wall.Add(time.Hour)))
	wantKind(t, "confirm with a wrong code", err, Denied)
	c.pass(beginLife)
	_, err = a.TOTPConfirm("admin", codeAt(t, secret, c.wall))
	wantKind(t, "confirm too late", err, WrongMoment)
	turnOnTOTP(t, a, "admin")
	_, _, err = a.TOTPBegin("admin")
	wantKind(t, "begin while it is on", err, WrongMoment)
}

// TestCodesAreThrottled: who has the password cannot try all codes.
func TestCodesAreThrottled(t *testing.T) {
	c := newClock()
	a, _ := withAdmin(t, newKeeper(), c.config())
	turnOnTOTP(t, a, "admin")
	var err error
	for range freeFailures + 1 {
		_, err = a.Login(t.Context(), Attempt{User: "admin", Password: password, Code: "000000", Remote: "203.0.113.9"})
	}
	wantKind(t, "the sixth wrong code", err, Throttled)
}
