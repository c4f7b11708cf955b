// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoginPutsTheTokenIntoTheCookieOnly(t *testing.T) {
	r := newRig(t, "", nil)
	for _, c := range []struct{ path, method, body string }{
		{"login", "auth.login", `{"user":"ann","password":"right"}`},
		{"setup", "auth.setup", `{"code":"1234","user":"ann","password":"right"}`},
		{"handover", "auth.handover", `{"token":"once"}`},
	} {
		a := r.do("POST", "/api/v1/"+c.path, c.body, "Cookie", cookieName+"=secret-stale")
		want := cookieName + "=secret-of-" + c.method + "; Path=/; HttpOnly; Secure; SameSite=Strict"
		if got := a.Header.Get("Set-Cookie"); a.StatusCode != 200 || got != want {
			t.Errorf("%s: %d, cookie %q, want %q", c.path, a.StatusCode, got, want)
		}
		if a.body != `{"role":"admin","session":"s1","user":"ann"}` {
			t.Errorf("%s: %s", c.path, a.body)
		}
		if s := r.engine.Seen(c.method); len(s) != 1 || s[0].Meta["token"] != "" || string(s[0].Params) != c.body {
			t.Errorf("%s: the engine got %+v", c.path, s)
		}
	}
	a := r.do("POST", "/api/v1/logout", `{}`, "Cookie", cookieName+"=secret-of-auth.login")
	if got := a.Header.Get("Set-Cookie"); a.StatusCode != 200 || !strings.HasPrefix(got, cookieName+"=; Path=/; Max-Age=0;") {
		t.Errorf("logout: %d, cookie %q", a.StatusCode, got)
	}
	if a = r.do("POST", "/api/v1/rpc", `{"jsonrpc":"2.0","id":1,"method":"echo"}`, "Cookie", cookieName+"=secret-of-auth.login"); a.StatusCode != 401 {
		t.Errorf("after the logout: %d %s", a.StatusCode, a.body)
	}
}

func TestLoginSaysWhatIsMissing(t *testing.T) {
	r := newRig(t, "", nil)
	for _, c := range []struct {
		body   string
		status int
		kind   string
	}{
		{`{"user":"bob","password":"right"}`, 401, "auth.totp"},
		{`{"user":"ann","password":"wrong"}`, 401, "auth.denied"},
		{`[]`, 400, "json.syntax"},
		{`{"user":"ann"`, 400, "json.syntax"},
		{`{"user":"` + strings.Repeat("a", bodyUnknown) + `"}`, 413, "message.size"},
	} {
		a := r.do("POST", "/api/v1/login", c.body)
		if a.StatusCode != c.status || !strings.HasPrefix(a.body, `{"error":{"code":-32`) || !strings.Contains(a.body, `"kind":"`+c.kind+`"}`) {
			t.Errorf("%.40s: %d %s, want %d %s", c.body, a.StatusCode, a.body, c.status, c.kind)
		}
	}
}

func TestLoginsAreSlowedDown(t *testing.T) {
	r := newRig(t, "", nil)
	for i := range 30 {
		a := r.do("POST", "/api/v1/login", `{"user":"ann","password":"wrong"}`)
		if a.StatusCode == 429 {
			if a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "retry_after_ms") || i < int(rateLogins.burst) {
				t.Errorf("after %d: %v %s", i, a.Header, a.body)
			}
			return
		}
	}
	t.Error("30 logins were let through")
}

func TestForeignPagesMayChangeNothing(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	cookie := cookieName + "=secret1"
	own := "https://" + r.addr.String()
	const body = `{"jsonrpc":"2.0","id":1,"method":"echo"}`
	for _, c := range []struct {
		name   string
		fields []string
		status int
	}{
		{"foreign origin", []string{"Origin", "https://evil.example"}, 403},
		{"another port of our host, which gets our cookie too", []string{"Origin", "https://127.0.0.1:1"}, 403},
		{"our host without TLS", []string{"Origin", "http://" + r.addr.String()}, 403},
		{"origin null", []string{"Origin", "null"}, 403},
		{"cross-site fetch", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"same-site fetch", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"the proxy's name, that nobody allows", []string{"Origin", "https://other.example", "Sec-Fetch-Site", "same-origin"}, 403},
		{"form", []string{"Origin", own, "Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"plain text", []string{"Origin", own, "Content-Type", "text/plain"}, 415},
		{"own page", []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200},
		{"allowed origin", []string{"Origin", "https://proxy.example"}, 200},
		{"program", nil, 200},
	} {
		a := r.do("POST", "/api/v1/rpc", body, append(c.fields, "Cookie", cookie)...)
		if a.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.StatusCode, a.body, c.status)
		}
		if c.status == 403 && !strings.Contains(a.body, `"kind":"origin.mismatch"`) {
			t.Errorf("%s: %s", c.name, a.body)
		}
	}
	if n := len(r.engine.Seen("echo")); n != 3 {
		t.Errorf("%d calls reached the engine, want 3", n)
	}
}

func TestRPC(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	for _, c := range []struct {
		name, token, body string
		status            int
		want              string
	}{
		{"call", "secret1", `{"jsonrpc":"2.0","id":"x","method":"echo","params":{"a":1}}`, 200, `{"jsonrpc":"2.0","id":"x","result":{"meta":{"agent":"Go-http-client/2.0",`},
		{"no session", "", `{"jsonrpc":"2.0","id":1,"method":"echo"}`, 401, `"id":1,"method"`[:6]},
		{"conflict", "secret1", `{"jsonrpc":"2.0","id":1,"method":"conflict"}`, 409, `"revision":7`},
		{"no such method", "secret1", `{"jsonrpc":"2.0","id":1,"method":"nope"}`, 404, `-32601`},
		{"notification", "secret1", `{"jsonrpc":"2.0","method":"echo"}`, 400, `give it an id`},
		{"subscription", "secret1", `{"jsonrpc":"2.0","id":1,"method":"sub.open"}`, 400, `/api/v1/ws`},
		{"reading a topic", "secret1", `{"jsonrpc":"2.0","id":1,"method":"sub.read","params":{"topic":"state.pools"}}`, 200, `snapshot`},
		{"login", "secret1", `{"jsonrpc":"2.0","id":1,"method":"auth.login"}`, 403, `method.http_only`},
		{"settings", "secret1", `{"jsonrpc":"2.0","id":1,"method":"console.settings"}`, 403, `method.internal`},
		{"large without session", "", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"` + strings.Repeat("a", bodyUnknown) + `"}}`, 413, `message.size`},
		{"large with a dead one", "secret0", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"` + strings.Repeat("a", bodyUnknown) + `"}}`, 401, `auth.required`},
		{"too large", "secret1", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"` + strings.Repeat("a", bodyKnown) + `"}}`, 413, `message.size`},
		{"large", "secret1", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"` + strings.Repeat("a", 500<<10) + `"}}`, 200, strings.Repeat("a", 500<<10)},
		{"bad UTF-8", "secret1", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", 400, `json.utf8`},
	} {
		var fields []string
		if c.token != "" {
			fields = []string{"Authorization", "Bearer " + c.token}
		}
		a := r.do("POST", "/api/v1/rpc", c.body, fields...)
		if a.StatusCode != c.status || !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %d %.300s, want %d %.100s", c.name, a.StatusCode, a.body, c.status, c.want)
		}
	}
}

func TestLargeBodyOfADeadSessionIsNotRead(t *testing.T) {
	r := newRig(t, "", nil)
	a := r.do("POST", "/api/v1/rpc", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"`+strings.Repeat("a", bodyUnknown)+`"}}`,
		"Authorization", "Bearer secret0")
	if a.StatusCode != 401 || len(r.engine.Seen("echo")) != 0 {
		t.Errorf("%d %s; %d calls reached the engine", a.StatusCode, a.body, len(r.engine.Seen("echo")))
	}
}

func TestREST(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	for _, c := range []struct {
		name, verb, path, body string
		fields                 []string
		status                 int
		want                   string
	}{
		{"get", "GET", "/things/a%2Fb?revision=5&deep=true&tags=x&tags=y&more=7", "", nil, 200, `"params":{"deep":true,"more":"7","name":"a/b","revision":5,"tags":["x","y"]}`},
		{"fixed part first", "GET", "/things/all", "", nil, 200, `"meta"`},
		{"unchanged", "GET", "/things/a", "", []string{"If-None-Match", `"7"`}, 304, ``},
		{"wrong type", "GET", "/things/a?revision=five", "", nil, 400, `must be of type integer`},
		{"twice", "GET", "/things/a?revision=5&revision=6", "", nil, 400, `more than once`},
		{"query for the path's part", "GET", "/things/a?name=b", "", nil, 400, `given by the path`},
		{"put with revision", "PUT", "/things/a", `{"v":1}`, []string{"If-Match", `"12"`}, 200, `"params":{"base":12,"name":"a","v":1}`},
		{"put with both", "PUT", "/things/a", `{"base":1}`, []string{"If-Match", `"12"`}, 400, `given by If-Match`},
		{"weak", "PUT", "/things/a", `{}`, []string{"If-Match", `W/"12"`}, 400, `If-Match must be`},
		{"no number", "PUT", "/things/a", `{}`, []string{"If-Match", `"a"`}, 400, `If-Match must be`},
		{"body for the path's part", "PUT", "/things/a", `{"name":"b"}`, nil, 400, `given by the path`},
		{"body as one parameter", "PATCH", "/boxes/a?dry_run=1", `{"name":"b","x":[1]}`, []string{"If-Match", `"12"`}, 200,
			`"params":{"base":12,"dry_run":true,"name":"a","values":{"name":"b","x":[1]}}`},
		{"body and query the same", "PATCH", "/boxes/a?values=1", `{}`, nil, 400, `leave it out of the query`},
		{"body as one, no object", "PATCH", "/boxes/a", `[]`, nil, 400, `JSON object`},
		{"body as one, a name twice", "PATCH", "/boxes/a", `{"x":1,"x":2}`, nil, 400, `stands twice`},
		{"neither yes nor no", "PATCH", "/boxes/a?dry_run=2", `{}`, nil, 400, `type boolean`},
		{"joined", "POST", "/pools/p/members/m/drain", `{}`, nil, 200, `"params":{"member":"p/m"}`},
		{"delete", "DELETE", "/things/a?force=true", "", nil, 200, `"params":{"force":"true","name":"a"}`},
		{"conflict", "GET", "/conflict", "", nil, 409, `"kind":"conflict"`},
		{"verb", "PATCH", "/things/a", `{}`, nil, 405, `has GET, PUT, DELETE only`},
		{"trace", "OPTIONS", "/things/a", ``, nil, 404, `http.method`},
		{"unknown", "GET", "/nothing", "", nil, 404, `openapi.json`},
		{"empty part", "GET", "/things/", "", nil, 404, `openapi.json`},
		{"a method with a token", "POST", "/sneaky", `{}`, nil, 403, `method.http_only`},
		{"body no object", "PUT", "/things/a", `[]`, nil, 400, `JSON object`},
		{"key", "GET", "/things/all", "", []string{"Idempotency-Key", "k9", "Accept-Language", "zh-Hans,en;q=0.5"}, 200, `"key":"k9","lang":"zh-Hans"`},
	} {
		a := r.do(c.verb, "/api/v1"+c.path, c.body, append(c.fields, "Cookie", cookieName+"=secret1")...)
		if a.StatusCode != c.status || !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.name, a.StatusCode, a.body, c.status, c.want)
		}
		if c.name == "get" && a.Header.Get("ETag") != `"7"` {
			t.Errorf("ETag %q", a.Header.Get("ETag"))
		}
		if c.status == 405 && a.Header.Get("Allow") != "GET, PUT, DELETE" {
			t.Errorf("Allow %q", a.Header.Get("Allow"))
		}
	}
	if n := len(r.engine.Seen("sys.rest")); n != 1 {
		t.Errorf("the table was asked for %d times", n)
	}
	if a := r.do("GET", "/api/v1/things/a", ""); a.StatusCode != 401 {
		t.Errorf("without a session: %d %s", a.StatusCode, a.body)
	}
	a := r.do("GET", "/api/v1/openapi.json", "", "Authorization", "Bearer secret1")
	if a.StatusCode != 200 || !strings.Contains(a.body, `"openapi":"3.1.0"`) {
		t.Errorf("openapi.json: %d %s", a.StatusCode, a.body)
	}
	if b := r.do("GET", "/api/v1/openapi.json", "", "Authorization", "Bearer secret1", "If-None-Match", a.Header.Get("ETag")); b.StatusCode != 304 {
		t.Errorf("openapi.json again: %d", b.StatusCode)
	}
}

// built writes pages as the build does, and a secret beside them.
func built(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dist")
	for name, text := range map[string]string{
		"index.html": "<p>page", "index.html.br": "br", "index.html.gz": "gz", "licences.txt": "mit", ".gitignore": "*",
		"assets/app-1.js": "js", "assets/app-1.js.gz": "gz of js", "../secret.txt": "never",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.txt", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPages(t *testing.T) {
	for _, fixed := range []bool{true, false} {
		t.Run(fmt.Sprintf("fixed %v", fixed), func(t *testing.T) { testPages(t, fixed) })
	}
}

func testPages(t *testing.T, fixed bool) {
	dir := built(t)
	r := newRig(t, dir, nil)
	r.serveFrom(os.DirFS(dir), fixed)
	immutable := "public, max-age=31536000, immutable"
	if !fixed {
		immutable = "no-cache"
	}
	for _, c := range []struct {
		path, coding string
		status       int
		body, cache  string
	}{
		{"/", "", 200, "<p>page", "no-cache"},
		{"/", "gzip, br", 200, "br", "no-cache"},
		{"/", "br;q=0, gzip;q=0.5", 200, "gz", "no-cache"},
		{"/pools/shop", "", 200, "<p>page", "no-cache"},
		{"/pools/..", "", 200, "<p>page", "no-cache"},
		{"/assets/app-1.js", "", 200, "js", immutable},
		{"/assets/app-1.js", "br, gzip", 200, "gz of js", immutable},
		{"/assets/app-2.js", "", 404, "load the page again", ""},
		{"/assets/", "", 404, "load the page again", ""},
		{"/assets/../../secret.txt", "", 404, "load the page again", ""},
		{"/../secret.txt", "", 200, "<p>page", "no-cache"},
		{"/%2e%2e/secret.txt", "", 200, "<p>page", "no-cache"},
		{"/..%2fsecret.txt", "", 200, "<p>page", "no-cache"},
		{"/..%5csecret.txt", "", 200, "<p>page", "no-cache"},
		{"//secret.txt", "", 200, "<p>page", "no-cache"},
		{"/.gitignore", "", 200, "<p>page", "no-cache"},
		{"/index.html%00.js", "", 200, "<p>page", "no-cache"},
		{"/licences.txt", "", 200, "mit", "no-cache"},
	} {
		a := r.do("GET", c.path, "", "Accept-Encoding", c.coding)
		if a.StatusCode != c.status || !strings.Contains(a.body, c.body) || a.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s (%s): %d %q %q, want %+v", c.path, c.coding, a.StatusCode, a.body, a.Header.Get("Cache-Control"), c)
		}
		if strings.Contains(a.body, "never") {
			t.Fatalf("%s: a file outside was served", c.path)
		}
		if a.StatusCode == 200 && r.do("GET", c.path, "", "Accept-Encoding", c.coding, "If-None-Match", a.Header.Get("ETag")).StatusCode != 304 {
			t.Errorf("%s (%s): served again", c.path, c.coding)
		}
	}
	if a := r.do("POST", "/", "{}"); a.StatusCode != 405 {
		t.Errorf("POST /: %d", a.StatusCode)
	}
}

func TestDirServesNothingThatALinkLeadsTo(t *testing.T) {
	r := newRig(t, built(t), nil)
	if a := r.do("GET", "/link.txt", ""); strings.Contains(a.body, "never") {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	if a := r.do("GET", "/", ""); a.body != "<p>page" {
		t.Errorf("got %s", a.body)
	}
}

func TestMissingPagesSayHowToBuildThem(t *testing.T) {
	r := newRig(t, t.TempDir(), nil)
	a := r.do("GET", "/pools", "")
	if a.StatusCode != 503 || !strings.Contains(a.body, "make build") || a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	for _, selfSigned := range []bool{true, false} {
		t.Run(fmt.Sprintf("self-signed %v", selfSigned), func(t *testing.T) { testHeaders(t, selfSigned) })
	}
}

func testHeaders(t *testing.T, selfSigned bool) {
	r := newRig(t, built(t), map[string]any{"self_signed": selfSigned})
	for _, path := range []string{"/", "/assets/none.js", "/api/v1/none", "/api/v2", "/api/v1/ws"} {
		a := r.do("GET", path, "")
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q", path, name, got)
			}
		}
		if got := a.Header.Get("Strict-Transport-Security"); (got == "") != selfSigned {
			t.Errorf("%s: self-signed %v: HSTS %q", path, selfSigned, got)
		}
		if (strings.HasPrefix(path, "/api/")) != (a.Header.Get("Content-Type") == "application/json") {
			t.Errorf("%s: type %q", path, a.Header.Get("Content-Type"))
		}
	}
}

func TestHugeHeadsAreRefused(t *testing.T) {
	r := newRig(t, t.TempDir(), nil)
	h1 := r.newClient(false)
	if a := r.doWith(h1, "GET", "/", "", "X-A", strings.Repeat("a", 11<<10)); a.StatusCode != 503 { // the placeholder
		t.Errorf("11 KiB: %d", a.StatusCode)
	}
	if a := r.doWith(h1, "GET", "/", "", "X-A", strings.Repeat("a", 17<<10)); a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("17 KiB: %d %s", a.StatusCode, a.Proto)
	}
	q, _ := http.NewRequest("GET", fmt.Sprintf("https://%v/", r.addr), nil)
	q.Header.Set("X-A", strings.Repeat("a", 17<<10))
	if a, err := r.client.Do(q); err == nil && a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("17 KiB over HTTP/2: %v", a.Status)
	}
}
