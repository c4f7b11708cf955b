// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	oldKey = Key{ID: 1, Secret: [32]byte{1}}
	newKey = Key{ID: 2, Secret: [32]byte{2}}
)

func shop() CookieConfig {
	return CookieConfig{
		Pool: "shop",
		VIP:  netip.MustParseAddrPort("203.0.113.10:80"),
		Members: []Ref{
			{"web1", netip.MustParseAddrPort("192.0.2.11:80")},
			{"web2", netip.MustParseAddrPort("192.0.2.12:8080")},
			{"web3", netip.MustParseAddrPort("[2001:db8::1]:80")},
		},
	}
}

// pair returns "name=value" as a browser sends it back.
func pair(c *Cookies, member int) string {
	p, _, _ := strings.Cut(string(c.AppendSetCookie(nil, member)), ";")
	return p
}

func TestCookieComesBackToItsMemberInEveryScheme(t *testing.T) {
	for _, scheme := range []string{"", "token", "0", "1", "2"} {
		cfg := shop()
		cfg.Scheme, cfg.Generation = scheme, 3
		c := NewCookies(cfg, []Key{newKey})
		for i := range cfg.Members {
			for _, form := range []string{"%s", "a=b; %s", "%s; c=d", "a=b;%s;c=d", "junk;; %s ", "=; =x; %s"} {
				field := fmt.Sprintf(form, pair(c, i))
				if m, v := c.Find([]byte(field)); m != i || v != Valid {
					t.Errorf("scheme %q: Find(%q) = %d, %v, want %d, valid", scheme, field, m, v, i)
				}
			}
			name, val, _ := strings.Cut(pair(c, i), "=")
			if m, v := c.Find([]byte(name + `="` + val + `"`)); m != i || v != Valid {
				t.Errorf("scheme %q: quoted: %d, %v", scheme, m, v)
			}
		}
		cfg.Generation++
		if m, v := NewCookies(cfg, []Key{newKey}).Find([]byte(pair(c, 1))); m != -1 || v != Foreign {
			t.Errorf("scheme %q: other generation: %d, %v, want -1, foreign", scheme, m, v)
		}
	}
}

func TestCookieSchemesSayWhatEqualizersSay(t *testing.T) {
	tests := []struct{ scheme, want string }{
		{"0", "Coyote-0-cb00710a0050=c000020c1f90:7"},
		{"1", "Coyote-1-cb00710a=c000020c1f90:7"},
		{"2", "Coyote-2-cb00710a=c000020c:7"},
	}
	for _, tt := range tests {
		cfg := shop()
		cfg.Scheme, cfg.Generation = tt.scheme, 7
		if got := pair(NewCookies(cfg, nil), 1); got != tt.want {
			t.Errorf("scheme %s: %s, want %s", tt.scheme, got, tt.want)
		}
	}
}

// Where a cookie is good: scheme 0 in one cluster, 1 on every port of the virtual
// address, 2 also for another port of the server, a token wherever the pool is.
func TestCookieSchemesReach(t *testing.T) {
	other := func(change func(*CookieConfig)) func(CookieConfig) *Cookies {
		return func(cfg CookieConfig) *Cookies {
			change(&cfg)
			return NewCookies(cfg, []Key{newKey})
		}
	}
	otherPort := other(func(c *CookieConfig) { c.VIP = netip.MustParseAddrPort("203.0.113.10:443") })
	otherServerPort := other(func(c *CookieConfig) {
		c.Members = []Ref{{"web2", netip.MustParseAddrPort("192.0.2.12:9999")}}
	})
	otherVIP := other(func(c *CookieConfig) { c.VIP = netip.MustParseAddrPort("203.0.113.99:80") })
	otherPool := other(func(c *CookieConfig) { c.Pool = "api" })
	tests := []struct {
		scheme string
		where  string
		c      func(CookieConfig) *Cookies
		want   Verdict
	}{
		{"0", "other port", otherPort, None},
		{"1", "other port", otherPort, Valid},
		{"2", "other port", otherPort, Valid},
		{"token", "other port", otherPort, Valid},
		{"0", "other server port", otherServerPort, Foreign},
		{"1", "other server port", otherServerPort, Foreign},
		{"2", "other server port", otherServerPort, Valid},
		{"token", "other server port", otherServerPort, Valid},
		{"0", "other VIP", otherVIP, None},
		{"1", "other VIP", otherVIP, None},
		{"2", "other VIP", otherVIP, None},
		{"token", "other VIP", otherVIP, Valid},
		{"token", "other pool", otherPool, None},
	}
	for _, tt := range tests {
		cfg := shop()
		cfg.Scheme = tt.scheme
		field := pair(NewCookies(cfg, []Key{newKey}), 1)
		if _, v := tt.c(cfg).Find([]byte(field)); v != tt.want {
			t.Errorf("scheme %s, %s: %v, want %v", tt.scheme, tt.where, v, tt.want)
		}
	}
}

func TestCookieTokensCannotBeForgedOrRead(t *testing.T) {
	c := NewCookies(shop(), []Key{newKey})
	good := pair(c, 1)
	name, val, _ := strings.Cut(good, "=")
	if len(val) != 22 {
		t.Errorf("token %q has %d characters, want 22", val, len(val))
	}
	forged := []string{
		"", "x", val[1:], val + "A", val[:21], strings.ToLower(val), strings.Repeat("A", 22), val + "=", `"` + val,
		strings.TrimPrefix(pair(NewCookies(shop(), []Key{oldKey}), 1), c.Name()+"="),
	}
	for i := range val {
		b := []byte(val)
		b[i] ^= 1
		forged = append(forged, string(b))
	}
	for _, f := range forged {
		if m, v := c.Find([]byte(name + "=" + f)); m != -1 || v != Foreign {
			t.Errorf("Find(%s=%s) = %d, %v, want foreign", name, f, m, v)
		}
	}
	for _, field := range []string{"", ";", "a=b", name, strings.ToLower(name) + "=" + val, "x" + good, name + " x=" + val} {
		if m, v := c.Find([]byte(field)); m != -1 || v != None {
			t.Errorf("Find(%q) = %d, %v, want none", field, m, v)
		}
	}
	for i := range shop().Members {
		for j := range i {
			if pair(c, i) == pair(c, j) {
				t.Errorf("members %d and %d have the same token", i, j)
			}
		}
	}
}

func TestCookieOfAnOlderKeyIsStale(t *testing.T) {
	for _, name := range []string{"", "SHOP"} {
		cfg := shop()
		cfg.Name = name
		before := NewCookies(cfg, []Key{oldKey})
		after := NewCookies(cfg, []Key{newKey, oldKey})
		if m, v := after.Find([]byte(pair(before, 2))); m != 2 || v != Stale {
			t.Errorf("name %q: older key: %d, %v, want 2, stale", name, m, v)
		}
		// The old cookie may stay in the browser beside the new one.
		both := pair(before, 2) + "; x=y; " + pair(after, 0)
		if m, v := after.Find([]byte(both)); m != 0 || v != Valid {
			t.Errorf("name %q: both: %d, %v, want 0, valid", name, m, v)
		}
		if m, v := NewCookies(cfg, []Key{newKey}).Find([]byte(pair(before, 2))); m != -1 || v.Better(Foreign) {
			t.Errorf("name %q: key gone: %d, %v", name, m, v)
		}
	}
}

func TestCookieFirstValidWins(t *testing.T) {
	c := NewCookies(shop(), []Key{newKey})
	field := c.Name() + "=forged; " + pair(c, 1) + "; " + pair(c, 0)
	if m, v := c.Find([]byte(field)); m != 1 || v != Valid {
		t.Errorf("Find = %d, %v, want 1, valid", m, v)
	}
}

func TestCookieAttributes(t *testing.T) {
	cfg := shop()
	cfg.Name, cfg.Path, cfg.Domain, cfg.Age, cfg.Secure = "S", "/shop", "example.com", 8*time.Hour, true
	c := NewCookies(cfg, []Key{newKey})
	full := pair(c, 0) + "; Path=/shop; HttpOnly; SameSite=Lax; Max-Age=28800; Domain=example.com; Secure"
	if got := string(c.AppendSetCookie([]byte("x"), 0)); got != "x"+full {
		t.Errorf("set %q, want %q", got, "x"+full)
	}
	tests := []struct {
		host string
		fits bool
	}{
		{"example.com", true}, {"EXAMPLE.com:8080", true}, {"www.example.com", true},
		{"badexample.com", false}, {"example.org", false}, {"com", false}, {"", false},
		{"[2001:db8::1]:80", false}, {"[2001:db8::1]", false}, {"example.com.evil.org", false},
	}
	for _, tt := range tests {
		if got := c.DomainFits([]byte(tt.host)); got != tt.fits {
			t.Errorf("DomainFits(%q) = %v, want %v", tt.host, got, tt.fits)
		}
		want := full
		if !tt.fits {
			want = strings.Replace(full, "; Domain=example.com", "", 1)
		}
		if got := string(c.AppendSetCookieFor(nil, 0, []byte(tt.host))); got != want {
			t.Errorf("for %q set %q, want %q", tt.host, got, want)
		}
	}
	plain := NewCookies(shop(), []Key{newKey})
	if got, want := string(plain.AppendSetCookie(nil, 0)), pair(plain, 0)+"; Path=/; HttpOnly; SameSite=Lax"; got != want {
		t.Errorf("set %q, want %q", got, want)
	}
	if !plain.DomainFits([]byte("any.where")) || !strings.HasPrefix(plain.Name(), "EVENER_") || len(plain.Name()) != 15 {
		t.Errorf("name %q", plain.Name())
	}
}

func TestCookieCheckSaysEverythingThatIsWrong(t *testing.T) {
	if err := shop().Check(); err != nil {
		t.Errorf("Check of a good one = %v", err)
	}
	bad := CookieConfig{
		Scheme: "token", Name: "a b", Path: "x", Domain: "a;b", Age: -1, Generation: 65536,
	}
	err := bad.Check()
	for _, word := range []string{"name", "path", "domain", "age", "generation"} {
		if err == nil || !strings.Contains(err.Error(), "cookie "+word) {
			t.Errorf("Check = %v, want a word about the %s", err, word)
		}
	}
	for _, cfg := range []CookieConfig{
		{Scheme: "3"}, {Scheme: "2"}, {Scheme: "2", Name: "X", VIP: shop().VIP},
		{Name: "__Host-x"}, {Name: "__Secure-x"}, {Path: "/a\r\nSet-Cookie: x"}, {Domain: "."},
	} {
		if cfg.Check() == nil {
			t.Errorf("Check(%+v) = nil", cfg)
		}
	}
}

func TestRotateKeepsOldKeysForAWhile(t *testing.T) {
	var keys []Key
	for range 300 { // past the wrap of the id
		keys = Rotate(keys, 2)
		seen := map[byte]bool{}
		for _, k := range keys {
			if seen[k.ID] || k.Secret == [32]byte{} {
				t.Fatalf("keys %v", keys)
			}
			seen[k.ID] = true
		}
	}
	if len(keys) != 3 {
		t.Errorf("%d keys, want 3", len(keys))
	}
}

func TestCookieFindDoesNotAllocate(t *testing.T) {
	c := NewCookies(shop(), []Key{newKey, oldKey})
	field := []byte("a=b; c=d; " + pair(c, 1))
	dst := make([]byte, 0, 256)
	host := []byte("www.example.com:80")
	if n := testing.AllocsPerRun(100, func() {
		c.Find(field)
		dst = c.AppendSetCookieFor(dst[:0], 1, host)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The oracle splits the field with strings and compares with every known value.
func FuzzCookieFind(f *testing.F) {
	cfg := shop()
	cfg.Name = "S"
	c := NewCookies(cfg, []Key{newKey, oldKey})
	f.Add(pair(c, 0))
	f.Add(`a=b; S="` + strings.TrimPrefix(pair(c, 1), "S=") + `";S=;;=`)
	f.Fuzz(func(t *testing.T, field string) {
		wantMember, want := -1, None
		for _, p := range strings.Split(field, ";") {
			name, val, ok := strings.Cut(p, "=")
			if !ok || strings.Trim(name, " \t") != "S" {
				continue
			}
			val = strings.Trim(val, " \t")
			if len(val) >= 2 && strings.HasPrefix(val, `"`) && strings.HasSuffix(val, `"`) {
				val = val[1 : len(val)-1]
			}
			member, got := -1, Foreign
			for i, m := range cfg.Members {
				switch val {
				case token(newKey, "shop", m.Name, 0):
					member, got = i, Valid
				case token(oldKey, "shop", m.Name, 0):
					member, got = i, Stale
				}
			}
			if got.Better(want) {
				wantMember, want = member, got
			}
		}
		if m, v := c.Find([]byte(field)); m != wantMember || v != want {
			t.Errorf("Find(%q) = %d, %v, want %d, %v", field, m, v, wantMember, want)
		}
	})
}
