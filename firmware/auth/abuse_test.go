// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"testing"
	"time"
)

// Whoever has stolen a cookie must not get free guesses of the password by handing
// the session over to another one, again and again.
func TestAHandoverGivesNoFreeGuesses(t *testing.T) {
	c := newClock()
	a, g := withAdmin(t, newKeeper(), c.config())
	id := g.Session.ID
	for range freeFailures {
		_, err := a.Sudo(t.Context(), id, "wrong password", "")
		wantKind(t, "wrong password", err, Denied)
		token, err := a.Handover(id)
		if err != nil {
			t.Fatal(err)
		}
		next, err := a.UseHandover(token, home, "")
		if err != nil {
			t.Fatal(err)
		}
		id = next.Session.ID
	}
	_, err := a.Sudo(t.Context(), id, "wrong password", "")
	wantKind(t, "a guess after five", err, Throttled)
	c.pass(time.Second)
	if _, err := a.Sudo(t.Context(), id, password, ""); err != nil {
		t.Errorf("the right password after the delay: %v", err)
	}
}

// What a token's holder follows was allowed by a role that counts no more.
func TestADemotionEndsWhatTokensFollow(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), Config{})
	a.mustCreate(t, "bob", Editor)
	text, tok, err := a.CreateToken(TokenSpec{Name: "ci", Role: Editor, Owner: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	_, others, err := a.CreateToken(TokenSpec{Name: "box", Role: Editor, By: "root"})
	if err != nil {
		t.Fatal(err)
	}
	done, how := a.Ended(tok.ID)
	untouched, howOther := a.Ended(others.ID)
	viewer := Viewer
	if _, err := a.UpdateUser("bob", &viewer, nil); err != nil {
		t.Fatal(err)
	}
	if got := endedHow(a, done, how); got != EndRole {
		t.Errorf("what the token followed ended %q, want %q", got, EndRole)
	}
	if got := endedHow(a, untouched, howOther); got != "" {
		t.Errorf("another's token ended %q", got)
	}
	if p, err := a.Authenticate(text); err != nil || p.Role != Viewer {
		t.Errorf("the token stands for %v, %v; want a viewer", p.Role, err)
	}
	again, how := a.Ended(tok.ID)
	if got := endedHow(a, again, how); got != "" {
		t.Errorf("what the token follows from now on has ended %q", got)
	}
}

func TestATokenWithAScopeIsNoAdmin(t *testing.T) {
	a, _ := withAdmin(t, newKeeper(), Config{})
	text, _, err := a.CreateToken(TokenSpec{Name: "ci", Role: Admin, Owner: "admin", Scope: map[string]string{"team": "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := a.Authenticate(text); err != nil || p.Role != Editor {
		t.Errorf("an admin's token for team=shop stands for %v, %v; want an editor", p.Role, err)
	}
}

// A page that nobody sits at comes back and asks, and its session ends all the same.
func TestRecognizeKeepsNoSessionFromIdling(t *testing.T) {
	c := newClock()
	a, g := withAdmin(t, newKeeper(), c.config())
	c.pass(20 * time.Minute)
	if _, err := a.Recognize(g.Token); err != nil {
		t.Fatal(err)
	}
	a.Use(g.Session.ID)
	for range 3 {
		c.pass(9 * time.Minute)
		if _, err := a.Recognize(g.Token); err != nil {
			t.Fatalf("within the 30 minutes after it was used: %v", err)
		}
	}
	c.pass(4 * time.Minute)
	_, err := a.Recognize(g.Token)
	wantKind(t, "31 minutes after it was used", err, NoSession)
	a.Use(g.Session.ID)
	_, err = a.Recognize(g.Token)
	wantKind(t, "use after the end", err, NoSession)
}
