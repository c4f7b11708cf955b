// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"evener/firmware/http1"
	"evener/firmware/persist"
)

// explainText has members that nobody connects to: explaining asks none.
const explainText = `
server "web1" { address = "127.0.0.1:1" }
server "web2" { address = "127.0.0.1:2" }
pool "kept" {
  member "web1" {}
}
pool "free" {
  member "web2" { dont_persist = true }
}
cluster "c" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "kept"
  persist "cookie" {}
  persist "source" {}
  limits { body = "1KiB" }
  rule "source" {
    when = path_prefix("/source/")
    persist "source" {}
  }
  rule "none" {
    when = path_prefix("/none/")
    persist "none" {}
  }
  rule "free" {
    when = path_prefix("/free/")
    pool = "free"
  }
}
`

func newExplainer(t *testing.T) *Balancer {
	t.Helper()
	key := persist.Key{ID: 1, Secret: [32]byte{1, 2, 3}}
	b := newRunning(t, Config{Loops: 1, Keys: []persist.Key{key}})
	if err := serveText(t, b, 1, fmt.Sprintf(explainText, freePort(t))); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestExplainRefusesWhatTheExchangeRefuses: no member gets these, whatever the
// rules say.
func TestExplainRefusesWhatTheExchangeRefuses(t *testing.T) {
	b := newExplainer(t)
	for _, tt := range []struct {
		name   string
		q      Question
		status int
		label  string
		words  string // excerpt
	}{
		{"sound", Question{URL: "/"}, 0, "", ""},
		{"trace", Question{Method: "TRACE", URL: "/"}, 405, "bad_request", "not forwarded"},
		{"connect", Question{Method: "CONNECT", URL: "a.example:443"}, 405, "connect", "CONNECT"},
		{"body at the limit", Question{Method: "PUT", URL: "/", Fields: []string{"Content-Length: 1024"}}, 0, "", ""},
		{"body over the limit", Question{Method: "PUT", URL: "/", Fields: []string{"Content-Length: 1025"}}, 413, "over_limit", "limits { body }"},
		{"long target", Question{URL: "/" + strings.Repeat("a", 9000)}, 414, "target_too_long", "limits { uri }"},
		{"two lengths", Question{Method: "PUT", URL: "/", Fields: []string{"Content-Length: 1", "Content-Length: 2"}}, 400, "several_cl", "several"},
		{"unknown expectation", Question{URL: "/", Fields: []string{"Expect: tea"}}, 417, "bad_expect", "Expect"},
	} {
		a, err := b.Explain(tt.q, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if a.Status != tt.status || a.Label != tt.label || !strings.Contains(a.Words, tt.words) || (a.Words == "") != (tt.words == "") {
			t.Errorf("%s: refused with %d %q %q, want %d %q %q", tt.name, a.Status, a.Label, a.Words, tt.status, tt.label, tt.words)
		}
		if sent := a.Forwarded != "" || a.Answer != ""; sent != (tt.status == 0) {
			t.Errorf("%s: forwarded %q, answered %q", tt.name, a.Forwarded, a.Answer)
		}
	}
}

func TestExplainSaysWhatPersistenceDoes(t *testing.T) {
	b := newExplainer(t)
	first, err := b.Explain(Question{URL: "/"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(first.SetCookie, ";")
	name, _, _ := strings.Cut(cookie, "=")
	for _, tt := range []struct{ name, url, cookie, want string }{
		{"nobody knows the client", "/", "", "the client is not known yet: the answer sets a cookie"},
		{"a cookie", "/", cookie, "the client is kept on web1 by its cookie"},
		{"a forged cookie", "/", cookie[:len(cookie)-2] + "AA", "the cookie " + name + " is worth nothing: it is forged, was made with a key that is gone or for another generation, or its member has left the pool; the answer sets a cookie"},
		{"a cookie of another key", "/", "EVENER_00000000=AAAA", "the cookie EVENER_00000000 is not read here: this pool's is " + name +
			", and that one is of another pool, of other settings, or too old: its key is gone; the answer sets a cookie"},
		{"somebody else's cookie", "/", "theme=dark", "the client is not known yet: the answer sets a cookie"},
		{"by address alone", "/source/", "", "the client is not known yet: its address is remembered"},
		{"none", "/none/", "", "the route has no persistence"},
		{"a member that keeps nobody", "/free/", "", "the client is not known yet: web2 keeps no clients"},
	} {
		q := Question{URL: tt.url}
		if tt.cookie != "" {
			q.Fields = []string{"Cookie: " + tt.cookie}
		}
		a, err := b.Explain(q, nil)
		if err != nil || a.KeptWhy != tt.want {
			t.Errorf("%s: persistence %q, %v; want %q", tt.name, a.KeptWhy, err, tt.want)
		}
		if sets := strings.Contains(tt.want, "sets a cookie"); (a.SetCookie != "") != sets {
			t.Errorf("%s: the answer sets the cookie %q", tt.name, a.SetCookie)
		}
	}
}

func TestExplainSaysWhichMemberACookieCannotHave(t *testing.T) {
	b := newExplainer(t)
	first, err := b.Explain(Question{URL: "/"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(first.SetCookie, ";")
	if err := b.Disable("kept", "web1", Order{Reason: "new disk", Force: true}); err != nil {
		t.Fatal(err)
	}
	a, err := b.Explain(Question{URL: "/", Fields: []string{"Cookie: " + cookie}}, nil)
	if err != nil || !strings.HasPrefix(a.KeptWhy, "the cookie names web1, which may not be used: disabled since ") ||
		!strings.HasSuffix(a.KeptWhy, ": new disk; there is no member to keep the client on") {
		t.Errorf("persistence %q, %v; want that the cookie's member is disabled, and why", a.KeptWhy, err)
	}
}

func TestExplainKnowsAClientByItsAddress(t *testing.T) {
	b := newExplainer(t)
	key := persist.SourceKey{Scope: persist.SourceScope("c", "kept"), Addr: netip.MustParseAddr("192.0.2.7")}
	b.sources.Begin(key, persist.MemberRef("kept", "web1"), time.Minute, time.Now().UnixNano())
	for url, want := range map[string]string{
		"/source/": "the client is kept on web1 by its address",
		"/":        "the client is kept on web1 by its address; the answer sets a cookie",
	} {
		a, err := b.Explain(Question{URL: url, Client: netip.AddrPortFrom(key.Addr, 1)}, nil)
		if err != nil || a.KeptWhy != want {
			t.Errorf("%s: persistence %q, %v; want %q", url, a.KeptWhy, err, want)
		}
	}
}

func TestQuestionsThatDescribeNoRequest(t *testing.T) {
	b := newExplainer(t)
	for _, q := range []Question{
		{URL: "/", Fields: []string{"no colon"}}, {URL: "/", Fields: []string{"A: b\r\nC: d"}}, {URL: "/\n"}, {Method: "GET\r\n", URL: "/"},
	} {
		if _, err := b.Explain(q, nil); !errors.As(err, new(*QuestionError)) {
			t.Errorf("Explain(%+v) = %v, want a QuestionError", q, err)
		}
	}
}

// TestEveryRefusalHasWords: of an answer or a body there is nothing to explain.
func TestEveryRefusalHasWords(t *testing.T) {
	for _, r := range http1.Reasons() {
		if r < http1.BadStatusLine && refusals[r] == "" {
			t.Errorf("the reason %s has no words", r)
		}
	}
}

// TestExplainNamesTheClustersOfTheScheme: where it cannot tell which one is meant, those
// of the other scheme are no answer to that.
func TestExplainNamesTheClustersOfTheScheme(t *testing.T) {
	b := newRunning(t, Config{Loops: 1})
	text := "server \"web1\" { address = \"127.0.0.1:1\" }\npool \"p\" {\n  member \"web1\" {}\n}\n"
	for _, c := range []struct{ name, protocol, more string }{{"a", "http", ""}, {"b", "http", ""}, {"s", "https", "  tls {}\n"}} {
		text += fmt.Sprintf("cluster %q {\n  protocol = %q\n  listen   = [\"127.0.0.1:%d\"]\n  pool     = \"p\"\n%s}\n", c.name, c.protocol, freePort(t), c.more)
	}
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ url, want string }{
		{"http://example.com/", "say which http cluster; there are a, b"},
		{"/", "say which http cluster; there are a, b, s"},
		{"https://example.com/", ""},
	} {
		got := ""
		if _, err := b.Explain(Question{URL: tt.url}, nil); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Explain(%s): error %q, want %q", tt.url, got, tt.want)
		}
	}
}
