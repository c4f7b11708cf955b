// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A gatehouse is a pretended package auth: sessions by token.
type gatehouse struct {
	mu      sync.Mutex
	callers map[string]Call
	watched map[string]map[*func(string)]bool
}

func newGatehouse() *gatehouse {
	return &gatehouse{callers: map[string]Call{
		"t-ann": {Author: "ann", Role: Admin, Session: "s1"},
		"t-bob": {Author: "bob", Role: Viewer, Session: "s2", Sudo: true},
	}, watched: make(map[string]map[*func(string)]bool)}
}

func (g *gatehouse) authenticate(token, remote, _ string) (Call, *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if strings.HasPrefix(token, "many") {
		return Call{Author: token, Role: Viewer, Session: token}, nil
	}
	c, ok := g.callers[token]
	if !ok {
		return Call{}, Errorf(CodeUnauthorized, "auth.session", "the session has ended: log in again")
	}
	return c, nil
}

func (g *gatehouse) ended(session string, told func(string)) func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched[session] == nil {
		g.watched[session] = make(map[*func(string)]bool)
	}
	g.watched[session][&told] = true
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watched[session], &told)
		if len(g.watched[session]) == 0 {
			delete(g.watched, session)
		}
	}
}

// end ends a session as the real one does: under its lock.
func (g *gatehouse) end(session, kind string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for token, c := range g.callers {
		if c.Session == session {
			delete(g.callers, token)
		}
	}
	for told := range g.watched[session] {
		(*told)(kind)
	}
	delete(g.watched, session)
}

// consoleLink identifies every client as the console.
func consoleLink(net.Conn) (Call, error) { return Call{Origin: "console"}, nil }

// newGate is a box with methods that tell who calls.
func newGate() *Registry {
	reg := newYard().reg
	who := func(_ context.Context, c Call, _ struct{}) (string, error) {
		return fmt.Sprintf("%s by %s as %s from %s with %s, %s, sudo %v, %s", c.Author, c.Origin, c.Role, c.Remote, c.Agent,
			c.Session, c.Sudo, c.Lang), nil
	}
	Add(reg, Method{Name: "who.am_i", Purpose: "Say who calls.", Role: Viewer}, who)
	Add(reg, Method{Name: "who.open", Purpose: "Say who calls.", Open: true}, who)
	Add(reg, Method{Name: "who.sudo", Purpose: "Say who calls.", Role: Viewer, Sudo: true}, who)
	n := 0
	Add(reg, Method{Name: "who.count", Purpose: "Count calls.", Role: Viewer},
		func(_ context.Context, _ Call, p struct {
			Add int `json:"add,omitempty"`
		}) (int, error) {
			n += 1 + p.Add
			return n, nil
		})
	return reg
}

// with returns a call with a meta.
func with(method, params, meta string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s,"meta":%s}`, method, params, meta)
}

func TestWhoCalls(t *testing.T) {
	g := newGatehouse()
	synctest.Test(t, func(t *testing.T) {
		cfg := ServerConfig{Authenticate: g.authenticate, Ended: g.ended}
		unix := serve(t, newGate(), cfg)
		cfg.Identify = consoleLink
		console := serve(t, newGate(), cfg)
		for _, c := range []struct {
			on         *pipeListener
			method     string
			meta, want string
		}{
			{unix, "who.am_i", `{}`, `"root by api as admin from  with , , sudo false, "`},
			{unix, "who.am_i", `{"origin":"cli","lang":"zh-Hans","agent":"evener"}`, `"root by cli as admin from  with evener, , sudo false, zh-Hans"`},
			{unix, "who.am_i", `{"origin":"panel"}`, `"front panel by panel as admin from`},
			{unix, "who.am_i", `{"origin":"serial"}`, `"serial console by serial as admin from`},
			{unix, "who.am_i", `{"token":"t-ann"}`, `meta.token and meta.remote are for the console`},
			{unix, "who.am_i", `{"remote":"192.0.2.7:1"}`, `meta.token and meta.remote are for the console`},
			{unix, "who.am_i", `{"origin":"console"}`, `for the console's own connection`},
			{unix, "who.am_i", `{"lang":"../../x"}`, `meta.lang must be a language tag`},
			{unix, "who.am_i", `{"key":"` + strings.Repeat("k", 129) + `"}`, `meta.key has 129 bytes`},
			{console, "who.am_i", `{"origin":"console","token":"t-ann","remote":"192.0.2.7:1","agent":"` + strings.Repeat("é", 150) + `"}`,
				`"ann by console as admin from 192.0.2.7:1 with ` + strings.Repeat("é", 100) + `, s1, sudo false, "`},
			{console, "who.am_i", `{"origin":"cli","token":"t-ann"}`, `meta.origin of the console is`},
			{console, "who.am_i", `{}`, `meta.origin of the console is`},
			{console, "who.am_i", `{"origin":"console"}`, `"log in first"`},
			{console, "who.am_i", `{"origin":"console","token":"t-eve"}`, `the session has ended`},
			{console, "who.open", `{"origin":"console","token":"t-eve"}`, `" by console as nobody from`},
			{console, "who.open", `{"origin":"console"}`, `" by console as nobody from`},
			{console, "who.sudo", `{"origin":"console","token":"t-ann"}`, `auth.sudo`},
			{console, "who.sudo", `{"origin":"console","token":"t-bob"}`, `"bob by console`},
			{console, "server.drain", `{"origin":"console","token":"t-bob"}`, `bob has viewer`},
		} {
			nc := c.on.dial()
			say(nc, with(c.method, `{}`, c.meta))
			if got := line(t, bufio.NewReader(nc)); !strings.Contains(got, c.want) {
				t.Errorf("%s %s = %s, want %s", c.method, c.meta, got, c.want)
			}
			nc.Close()
		}
	})
	if len(g.watched) > 0 {
		t.Errorf("watched in the end: %v", g.watched)
	}
}

// A session's end stops its calls and subscriptions, is told once, and leaves
// other sessions of the connection alone.
func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGatehouse()
		nc := serve(t, newGate(), ServerConfig{Identify: consoleLink, Authenticate: g.authenticate, Ended: g.ended}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		const ann, bob = `{"origin":"console","token":"t-ann"}`, `{"origin":"console","token":"t-bob"}`
		for _, meta := range []string{ann, bob} {
			say(nc, with("sub.open", `{"topic":"series.live","params":{"series":[]}}`, meta))
			line(t, in)
		}
		say(nc, strings.Replace(with("sys.wait", `{}`, ann), `"id":1`, `"id":7`, 1))
		synctest.Wait()
		g.end("s1", "revoked")
		expect(t, in, "7 -32050")
		wantLine(t, line(t, in), `session.end {"session":"s1","kind":"revoked"}`)
		for range 3 {
			if got := line(t, in); !strings.HasPrefix(got, `sub.event {"sub":2,`) {
				t.Errorf("got %s, want an event of bob's", got)
			}
		}
		say(nc, with("sub.close", `{"sub":2}`, bob))
		line(t, in)
		say(nc, with("who.am_i", `{}`, ann))
		if got := line(t, in); !strings.Contains(got, "the session has ended") {
			t.Errorf("a call of the session = %s", got)
		}
		g.end("s2", "idle")
		wantLine(t, line(t, in), `session.end {"session":"s2","kind":"idle"}`)
	})
}

// The end of a session is told even if one of its calls does not end.
func TestSessionEndIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, reg := newGatehouse(), newGate()
		Add(reg, Method{Name: "sys.stubborn", Purpose: "Do not listen.", Role: Viewer},
			func(context.Context, Call, struct{}) (struct{}, error) {
				time.Sleep(time.Minute)
				return struct{}{}, nil
			})
		nc := serve(t, reg, ServerConfig{Identify: consoleLink, Authenticate: g.authenticate, Ended: g.ended}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		say(nc, with("sys.stubborn", `{}`, `{"origin":"console","token":"t-ann"}`))
		synctest.Wait()
		start := time.Now()
		g.end("s1", "password")
		wantLine(t, line(t, in), `session.end {"session":"s1","kind":"password"}`)
		if took := time.Since(start); took != time.Second {
			t.Errorf("told after %v, want 1s", took)
		}
		expect(t, in, "1 ok")
	})
}

// A connection of the pool carries any number of sessions and remembers few.
func TestSessionsOfAConnectionAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGatehouse()
		nc := serve(t, newGate(), ServerConfig{Identify: consoleLink, Authenticate: g.authenticate, Ended: g.ended}).dial()
		in := bufio.NewReader(nc)
		for i := range 500 {
			say(nc, with("who.am_i", `{}`, fmt.Sprintf(`{"origin":"console","token":"many%d"}`, i)))
			line(t, in)
		}
		synctest.Wait()
		if n := len(g.watched); n > maxSessions+1 {
			t.Errorf("%d sessions are watched, want at most %d", n, maxSessions+1)
		}
		g.end("many499", "logout")
		wantLine(t, line(t, in), `session.end {"session":"many499","kind":"logout"}`)
		nc.Close()
		synctest.Wait()
		if n := len(g.watched); n != 0 {
			t.Errorf("%d sessions are watched after the end, want none", n)
		}
	})
}

// A call with a key is made once, on whichever connection it is asked for.
func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := newGate()
		l := serve(t, reg, ServerConfig{})
		count := func(params, key string) string {
			nc := l.dial()
			defer nc.Close()
			say(nc, with("who.count", params, `{"key":"`+key+`"}`))
			return line(t, bufio.NewReader(nc))
		}
		wantLine(t, count(`{}`, "a"), "1")
		wantLine(t, count(`{}`, "a"), "1")
		wantLine(t, count(`{}`, "b"), "2")
		if got := count(`{"add":1}`, "a"); !strings.Contains(got, `"kind":"key.reused"`) {
			t.Errorf("other parameters = %s, want key.reused", got)
		}
		if got := count(`{"ad":1}`, "c"); !strings.Contains(got, `there is no parameter`) {
			t.Errorf("wrong parameters = %s", got)
		}
		wantLine(t, count(`{}`, "c"), "3")
		time.Sleep(keepKeyFor + time.Second)
		wantLine(t, count(`{}`, "a"), "4")
		for i := range 2000 {
			count(`{}`, fmt.Sprint("k", i))
		}
		wantLine(t, count(`{}`, "k1999"), "2004")
		wantLine(t, count(`{}`, "k0"), "2005") // forgotten
		if n := len(reg.keys.made); n > keepKeys {
			t.Errorf("%d calls are remembered, want at most %d", n, keepKeys)
		}
		nc := l.dial()
		defer nc.Close()
		say(nc, with("sub.open", `{"topic":"state.pools"}`, `{"key":"s"}`))
		if got := line(t, bufio.NewReader(nc)); !strings.Contains(got, "leave meta.key out") {
			t.Errorf("sub.open with a key = %s", got)
		}
	})
}

func TestKeysAreBoundedInBytes(t *testing.T) {
	k := &keys{made: make(map[keyOwner]*keyed)}
	once := func(key string, size int) *Error {
		_, e := k.once(t.Context(), Call{Author: "ann"}, key, "m", []byte(`{}`), func() (json.RawMessage, *Error) {
			return make(json.RawMessage, size), nil
		})
		return e
	}
	for i := range 100 {
		once(fmt.Sprint(i), keepKeyResult)
	}
	once("last", 1)
	if k.size > keepKeyBytes {
		t.Errorf("%d bytes are kept, want at most %d", k.size, keepKeyBytes)
	}
	once("long", keepKeyResult+1)
	if e := once("long", 1); e == nil || e.Kind != "key.spent" {
		t.Errorf("a result that was not kept = %v, want key.spent", e)
	}
	if _, e := k.once(t.Context(), Call{}, "x", "m", []byte(`{}`), nil); e == nil {
		t.Error("nobody's key is taken")
	}
}

// A call with a key outlives its connection; who asks again waits for it.
func TestKeyedCallOutlivesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, made := newBox(quiet, nil), 0
		Add(reg, Method{Name: "sys.slow", Purpose: "Take a second.", Role: Viewer},
			func(ctx context.Context, _ Call, _ struct{}) (string, error) {
				made++
				wait(ctx, time.Second)
				return "done", ctx.Err()
			})
		l := serve(t, reg, ServerConfig{})
		first, second := l.dial(), l.dial()
		defer second.Close()
		say(first, with("sys.slow", `{}`, `{"key":"k"}`))
		time.Sleep(500 * time.Millisecond)
		first.Close()
		say(second, with("sys.slow", `{}`, `{"key":"k"}`))
		wantLine(t, line(t, bufio.NewReader(second)), `"done"`)
		if made != 1 {
			t.Errorf("the call was made %d times, want once", made)
		}
	})
}
