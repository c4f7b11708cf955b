// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"testing"
)

// FuzzPHC: what is read is written in the same way, and takes bounded memory.
func FuzzPHC(f *testing.F) {
	good := hashPassword("x", quick).String()
	for _, s := range []string{good, strings.Replace(good, "m=8", "m=4294967295", 1), strings.Replace(good, "p=1", "p=+1", 1), good + "=", "$argon2id$v=19$m=8,t=1,p=1$$", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			if strings.Contains(err.Error(), s) && len(s) > len(good)/2 {
				t.Errorf("the error holds the hash: %v", err)
			}
			return
		}
		if p.String() != s {
			t.Errorf("%q is read as %q", s, p.String())
		}
		if p.cost.Memory > maxMemory || p.cost.Passes > maxPasses || p.cost.Threads > maxThreads || p.cost.Threads == 0 {
			t.Errorf("%q takes %+v", s, p.cost)
		}
	})
}

// FuzzToken: no token but those that were given out is good, however it is spelled.
func FuzzToken(f *testing.F) {
	a, g := withAdmin(f, newKeeper(), newClock().config())
	text, _, err := a.CreateToken(TokenSpec{Name: "ci", Role: Viewer, Owner: "admin"})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{g.Token, text, text + "\n", g.Token + "=", "evt_", "evt__", "evt_a_b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := a.Authenticate(s)
		if (err == nil) != (s == g.Token || s == text) {
			t.Errorf("Authenticate(%q) = %v", s, err)
		}
		if id, _, ok := parseToken(s); ok && (!strings.HasPrefix(s, "evt_"+id+"_") || strings.Contains(id, "_")) {
			t.Errorf("parseToken(%q) has the id %q", s, id)
		}
	})
}

// FuzzRemote: every address counts as itself or as a network, and as the same when it
// is counted again.
func FuzzRemote(f *testing.F) {
	for _, s := range []string{"192.0.2.1:1", "[2001:db8::1%x]:2", "::ffff:1.2.3.4", "pid 1", "@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := addressKey(s)
		again := addressKey(strings.TrimSuffix(key, "/64"))
		if key != again {
			t.Errorf("addressKey(%q) = %q, and of that %q", s, key, again)
		}
	})
}

func TestPHCRefuses(t *testing.T) {
	good := hashPassword("x", quick).String()
	if _, err := parsePHC(good); err != nil {
		t.Fatalf("%s: %v", good, err)
	}
	for _, change := range [][2]string{{"argon2id", "argon2i"}, {"v=19", "v=16"}, {"m=8", "m=7"}, {"m=8", "m=262145"}, {"m=8", "m=08"},
		{"t=1", "t=0"}, {"t=1", "t=17"}, {"p=1", "p=0"}, {"p=1", "p=2"}, {"m=8,t=1", "t=1,m=8"}, {"$", "$$"}} {
		s := strings.Replace(good, change[0], change[1], 1)
		if _, err := parsePHC(s); err == nil {
			t.Errorf("%s is read", s)
		}
	}
}
