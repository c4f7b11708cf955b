// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"evener/firmware/persist"
	"evener/firmware/pool"
)

var setCookie = regexp.MustCompile("Set-Cookie: ([^;\r]*)[^\r]*\r\n")

// kept is a box of two members, each answering with its number, that keeps
// clients by cookie and then by address.
func kept(t *testing.T) *box {
	var configs []pool.MemberConfig
	var refs []persist.Ref
	for _, name := range []string{"a", "b"} {
		m := member(name, webServer(t, name, "127.0.0.1:0").Listener.Addr())
		configs, refs = append(configs, m), append(refs, persist.Ref{Name: m.Name, Addr: m.Addr})
	}
	return newBox(t, configs, func(s *Service) {
		plain(s)
		s.Default.Persist = []Persist{{Cookies: persist.NewCookies(
			persist.CookieConfig{Pool: "pool", Members: refs}, []persist.Key{{ID: 1}})}}
	})
}

// once asks once with further field lines and returns the member and the cookie
// that was set.
func (c *client) once(fields string) (member, cookie string) {
	c.t.Helper()
	c.send(strings.TrimSuffix(get, "\r\n") + fields + "\r\n")
	head := c.head()
	if m := setCookie.FindStringSubmatch(head); m != nil {
		cookie = m[1]
	}
	var b [1]byte
	if _, err := c.Read(b[:]); err != nil {
		c.t.Fatal(err)
	}
	return string(b[:]), cookie
}

// The cookie is found in whichever Cookie field it is, and beside a forged one.
func TestCookieKeepsClientOnItsMember(t *testing.T) {
	b := kept(t)
	c := b.dial()
	first, cookie := c.once("")
	if cookie == "" {
		t.Fatal("no cookie was set")
	}
	name, _, _ := strings.Cut(cookie, "=")
	for range 3 {
		for _, fields := range []string{
			"Cookie: " + cookie + "\r\n",
			"Cookie: x=1\r\nCookie: y=2; " + cookie + "; z=3\r\n",
			"Cookie: " + name + "=forged\r\nCookie: " + cookie + "\r\n",
		} {
			if m, again := c.once(fields); m != first || again != "" {
				t.Errorf("%q: member %s, cookie %q, want %s and none", fields, m, again, first)
			}
		}
	}
	seen := map[string]bool{}
	for range 4 {
		m, again := c.once("Cookie: " + name + "=forged\r\n")
		if seen[m] = true; again == "" {
			t.Error("a forged cookie is not replaced")
		}
	}
	if len(seen) != 2 {
		t.Errorf("a forged cookie kept the client on %v", seen)
	}
	b.pool.SetHealth(map[string]int{"a": 0, "b": 1}[first], pool.Down, "test", time.Now())
	m, again := c.once("Cookie: " + cookie + "\r\n")
	if m == first || again == "" || again == cookie {
		t.Errorf("with its member down: member %s, cookie %q, want another and its cookie", m, again)
	}
	slot := b.slot()
	if v, f, n := slot.PersistValid.Value(), slot.PersistForeign.Value(), slot.PersistNew.Value(); v != 9 || f != 5 || n != 1 {
		t.Errorf("valid, foreign, new = %d, %d, %d, want 9, 5, 1", v, f, n)
	}
}

// A client without a cookie is known by its address, and gets the cookie then.
func TestAddressIsTheFallback(t *testing.T) {
	b := kept(t)
	table := persist.NewSources(persist.SourcesConfig{})
	b.do(func() {
		b.svc.Default.Persist = append(b.svc.Default.Persist, Persist{Sources: &Sources{Table: table, Scope: 1,
			Refs: []uint64{1, 2}, Bits4: 32, Bits6: 128, Timeout: time.Hour}})
	})
	first, cookie := b.dialFrom("127.0.0.2").once("")
	for range 4 {
		if m, again := b.dialFrom("127.0.0.2").once(""); m != first || again != cookie {
			t.Errorf("member %s, cookie %q, want %s, %q", m, again, first, cookie)
		}
	}
	b.do(b.w.CloseAll)
	table.List(time.Now().UnixNano(), func(r persist.SourceRecord) bool {
		if r.Open != 0 {
			t.Errorf("%d connections of %v are noted, want 0", r.Open, r.Key.Addr)
		}
		return true
	})
	if n := table.Stats().Records; n != 1 {
		t.Errorf("records = %d, want 1", n)
	}
}

// A client whose member failed is kept on the one that answered.
func TestRetryMovesTheRecord(t *testing.T) {
	good := webServer(t, "g", "127.0.0.1:0")
	var table *persist.Sources
	b := newBox(t, []pool.MemberConfig{member("dead", nobody(t)), member("good", good.Listener.Addr())}, func(s *Service) {
		plain(s)
		table = sources(s, 2)
	})
	b.dial().once("")
	if n := b.slot().Retries.Value(); n != 1 {
		t.Fatalf("retries = %d, want 1", n)
	}
	table.List(time.Now().UnixNano(), func(r persist.SourceRecord) bool {
		if r.Ref != 101 || r.Open != 0 {
			t.Errorf("record names %d with %d open, want 101 and 0", r.Ref, r.Open)
		}
		return true
	})
}

func TestRequestsOfAConnectionAreLimited(t *testing.T) {
	o := newOrigin(t, []step{recv(get), send(okay), recv(get), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
		plain(s)
		s.Limits.Requests = 2
	})
	c := b.dial()
	c.send(get + get + get)
	c.expect(okay)
	if got, broken := c.rest(); got != "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" || broken {
		t.Errorf("last answer %q, reset %v", got, broken)
	}
	c.Close()
	b.noneLeft()
}

// Clients over the limit of a cluster wait outside.
func TestConnectionsOfAClusterAreLimited(t *testing.T) {
	s := webServer(t, "a", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{member("m", s.Listener.Addr())}, func(s *Service) {
		plain(s)
		s.Limits.Connections = 1
	})
	first, second := b.dial(), b.dial()
	first.once("")
	second.send(get)
	b.eventually("accepting is paused", func() bool {
		for _, l := range b.w.listeners {
			return l.paused
		}
		return false
	})
	b.do(func() {
		if b.w.conns != 1 {
			t.Errorf("connections = %d, want 1", b.w.conns)
		}
	})
	first.Close()
	second.head()
	second.expect("a")
}

// once_only sends the further requests of a connection where the first went,
// whatever they say, but not beyond the generation.
func TestOnceOnlyLastsForItsGeneration(t *testing.T) {
	a, z := webServer(t, "a", "127.0.0.1:0"), webServer(t, "z", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{member("m", a.Listener.Addr())}, func(s *Service) {
		plain(s)
		s.Default.OnceOnly = true
	})
	other := b.newPool("other", []pool.MemberConfig{member("z", z.Listener.Addr())})
	c := b.dial()
	if m, _ := c.once(""); m != "a" {
		t.Fatalf("member %s, want a", m)
	}
	b.do(func() { b.svc.Default = b.route("", other, "round_robin") })
	if m, _ := c.once(""); m != "a" {
		t.Errorf("second request went to %s, want a", m)
	}
	b.do(func() { b.use(b.svc) })
	if m, _ := c.once(""); m != "z" {
		t.Errorf("request of the next generation went to %s, want z", m)
	}
	c.Close()
	b.noneLeft()
	b.do(func() { b.w.Forget(other.Upstreams) })
}
