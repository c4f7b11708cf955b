// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"strings"
	"testing"
)

// lastToken returns the token that the engine saw last with a method.
func (r *rig) lastToken(method string) string {
	r.t.Helper()
	seen := r.engine.Seen(method)
	if len(seen) == 0 {
		r.t.Fatalf("the engine has not seen %s", method)
	}
	token, _ := seen[len(seen)-1].Meta["token"].(string)
	return token
}

func TestSudoGivesTheSessionANewToken(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	r.engine.Login("secret2", "s2")
	own, other := r.mustDial("secret1"), r.mustDial("secret2")
	a := r.do("POST", "/api/v1/sudo", `{"password":"right"}`, "Cookie", cookieName+"=secret1")
	if a.StatusCode != 200 || a.Header.Get("Set-Cookie") != cookieName+"=secret1-rotated; Path=/; HttpOnly; Secure; SameSite=Strict" {
		t.Fatalf("%d, cookie %q: %s", a.StatusCode, a.Header.Get("Set-Cookie"), a.body)
	}
	if a.body != `{"until":"2026-11-21T11:00:00Z"}` {
		t.Errorf("the body is %s, want no token in it", a.body)
	}
	const call = `{"jsonrpc":"2.0","id":1,"method":"echo"}`
	if ask(t, own, call); r.lastToken("echo") != "secret1-rotated" {
		t.Errorf("the session's open WebSocket speaks with %q", r.lastToken("echo"))
	}
	if ask(t, other, call); r.lastToken("echo") != "secret2" {
		t.Errorf("another session's WebSocket speaks with %q", r.lastToken("echo"))
	}
	late := r.mustDial("secret1") // its handshake was under way
	r.waitFor("the late WebSocket", func() bool { ask(t, late, call); return r.lastToken("echo") == "secret1-rotated" })
}

// The limit of a session's WebSockets holds over a rotation.
func TestSudoMovesWhatIsCounted(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	for range maxSocketsSession {
		r.mustDial("secret1")
	}
	r.waitFor("all WebSockets", func() bool { return len(r.server.socks.list()) == maxSocketsSession })
	if a := r.do("POST", "/api/v1/sudo", `{"password":"right"}`, "Cookie", cookieName+"=secret1"); a.StatusCode != 200 {
		t.Fatal(a.body)
	}
	if _, a, err := r.dial("secret1-rotated"); err == nil || a == nil || a.StatusCode != 429 {
		t.Errorf("one more WebSocket than a session may have: %v, %v", a, err)
	}
}

func TestSudoRefuses(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	cookie := []string{"Cookie", cookieName + "=secret1"}
	rpc := func(params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"auth.sudo","params":` + params + `}`
	}
	for _, c := range []struct {
		what, path, body string
		fields           []string
		status           int
		kind             string
	}{
		{"a wrong password", "sudo", `{"password":"wrong"}`, cookie, 403, "auth.denied"},
		{"nobody", "sudo", `{"password":"right"}`, nil, 401, "auth.required"},
		{"a program", "sudo", `{"password":"right"}`, []string{"Authorization", "Bearer secret1"}, 403, "auth.no_session"},
		{"no object", "sudo", `[]`, cookie, 400, "json.syntax"},
		{"a foreign page", "sudo", `{"password":"right"}`, append([]string{"Origin", "https://evil.example"}, cookie...), 403, "origin.mismatch"},
		{"a script that wants the token", "rpc", rpc(`{"password":"right","rotate":true}`), cookie, 403, "method.http_only"},
		{"in capitals", "rpc", rpc(`{"password":"right","Rotate":true}`), cookie, 403, "method.http_only"},
		{"twice", "rpc", rpc(`{"password":"right","rotate":false,"rotate":true}`), cookie, 403, "method.http_only"},
		{"without a token", "rpc", rpc(`{"password":"right"}`), cookie, 200, ""},
	} {
		a := r.do("POST", "/api/v1/"+c.path, c.body, c.fields...)
		if a.StatusCode != c.status || !strings.Contains(a.body, c.kind) || strings.Contains(a.body, "rotated") || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s, cookie %q; want %d %s", c.what, a.StatusCode, a.body, a.Header.Get("Set-Cookie"), c.status, c.kind)
		}
	}
	ws := r.mustDial("secret1")
	if got := ask(t, ws, rpc(`{"password":"right","rotate":true}`)); !strings.Contains(got, "method.http_only") {
		t.Errorf("over the WebSocket: %s", got)
	}
}

// What the console asks by itself keeps no session from being idle.
func TestWhatTheConsoleAsksByItself(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	ws := r.mustDial("secret1")
	r.do("GET", "/api/v1/things/x", "", "Cookie", cookieName+"=secret1")
	for _, method := range []string{"sys.hello", "sys.rest", "sys.openapi"} {
		for _, q := range r.engine.Seen(method) {
			if q.Meta["auto"] != true {
				t.Errorf("%s came with %v, want auto", method, q.Meta)
			}
		}
	}
	for _, c := range []struct {
		meta string
		want any
	}{{`{}`, nil}, {`{"auto":true}`, true}, {`{"auto":false}`, nil}} {
		ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"echo","meta":`+c.meta+`}`)
		seen := r.engine.Seen("echo")
		if got := seen[len(seen)-1].Meta["auto"]; got != c.want {
			t.Errorf("meta %s came as auto %v, want %v", c.meta, got, c.want)
		}
	}
}
