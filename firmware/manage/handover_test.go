// SPDX-License-Identifier: Apache-2.0

package manage

import "testing"

// TestConsoleThatMovesTakesItsSessionAlong: whoever moves the console is let in
// once at its new address.
func TestConsoleThatMovesTakesItsSessionAlong(t *testing.T) {
	identity := newIdentityBox(t)
	token := identity.setUp()
	d := newDesk(t, deskText)
	d.cfg.Auth = identity.auth
	ann, e := identity.who(token, "192.0.2.7:51000", "test")
	if e != nil {
		t.Fatal(e)
	}
	must[Draft](d, ann, "config.edit", args{"base": 1, "edits": []args{
		{"op": "patch", "path": "pool/shop", "set": args{"queue": 3}}}})
	if c := must[Committed](d, ann, "config.commit", args{}); c.Handover != "" || len(c.URLs) != 0 {
		t.Errorf("a commit that leaves the console where it is gives %+v", c)
	}
	must[Draft](d, ann, "config.edit", args{"base": 2, "edits": []args{
		{"op": "insert", "type": "console", "set": args{"listen": []string{"127.0.0.1:9555"}}}}})
	c := must[Committed](d, ann, "config.commit", args{"confirm_s": 120})
	if c.Handover == "" || len(c.URLs) != 1 {
		t.Fatalf("a commit that moves the console gives %+v", c)
	}
	if _, err := identity.auth.UseHandover(c.Handover, "192.0.2.7:51001", "test"); err != nil {
		t.Errorf("the token does not let in: %v", err)
	}
	if _, err := identity.auth.UseHandover(c.Handover, "192.0.2.7:51001", "test"); err == nil {
		t.Error("the token lets in twice")
	}
}
