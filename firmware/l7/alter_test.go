// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"evener/firmware/http1"
	"evener/firmware/pool"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
)

// requestOps and answerOps compile lines of the form "action name value".
func requestOps(t testing.TB, lines ...string) []*rewrite.Ops { return ops(t, rewrite.Requests, lines) }
func answerOps(t testing.TB, lines ...string) []*rewrite.Ops  { return ops(t, rewrite.Answers, lines) }

func ops(t testing.TB, d rewrite.Direction, lines []string) []*rewrite.Ops {
	t.Helper()
	actions := map[string]rewrite.Action{}
	for _, a := range []rewrite.Action{rewrite.Add, rewrite.Set, rewrite.SetIfAbsent, rewrite.Append, rewrite.Remove} {
		actions[a.String()] = a
	}
	var list []rewrite.Op
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		name, value, _ := strings.Cut(rest, " ")
		list = append(list, rewrite.Op{Action: actions[word], Name: name, Value: value})
	}
	o, problems := rewrite.CompileOps(d, list)
	if problems != nil {
		t.Fatalf("CompileOps(%q) = %v", lines, problems)
	}
	return []*rewrite.Ops{o}
}

func newURL(t testing.TB, c rewrite.URLConfig) *rewrite.URL {
	t.Helper()
	u, err := rewrite.NewURL(c)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// eachPair runs f for clients and members of both protocols: request asks the
// member behind the box.
func eachPair(t *testing.T, h http.HandlerFunc, tune func(*Service),
	f func(t *testing.T, b *box, request func(method, path string, fields ...string) (*http.Response, string))) {
	for _, client2 := range []bool{false, true} {
		for _, member2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("client_h2_%v_member_h2_%v", client2, member2), func(t *testing.T) {
				s := newMember(t, member2, h)
				b := muxBox(t, s.Listener.Addr(), client2, tune)
				if member2 {
					b.streamMember(false)
				}
				tr, url := pairClient(t, b)
				f(t, b, func(method, path string, fields ...string) (*http.Response, string) {
					t.Helper()
					return fetchWith(t, tr, method, url+path, fields...)
				})
				tr.CloseIdleConnections()
				b.noneLeft()
			})
		}
	}
}

// newMember starts a server that speaks one protocol.
func newMember(t *testing.T, http2 bool, h http.HandlerFunc) *httptest.Server {
	if http2 {
		return memberServer(t, false, h)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// pairClient returns a client of b, which speaks HTTP/2 over TLS and HTTP/1 else,
// and its URL.
func pairClient(t *testing.T, b *box) (*http.Transport, string) {
	if b.svc.TLS == nil {
		return &http.Transport{DisableCompression: true}, "http://" + b.addr
	}
	tr, url := muxClient(t, b)
	tr.DisableCompression = true
	return tr, url
}

// Operations see what the box adds by itself, and their values are those of the
// exchange, whatever the two sides speak.
func TestOperationsOnHeads(t *testing.T) {
	type seen struct {
		host string
		http.Header
	}
	got := make(chan seen, 1)
	h := func(w http.ResponseWriter, r *http.Request) {
		got <- seen{r.Host, r.Header.Clone()}
		w.Header().Set("X-Internal-A", "1")
		w.Header().Set("X-Internal-B", "2")
		w.Header().Set("Server", "secret")
		w.Header().Add("Set-Cookie", "a=1")
		w.Write([]byte("hello"))
	}
	tune := func(s *Service) {
		s.Default.ClientIP, s.Forwarded = true, true
		s.Default.RequestOps = append(requestOps(t, "set X-Client $client_ip", "set X-All $method $path$query $cluster/$pool/$member",
			"append X-List b", "remove X-Private-*", "set Host inner.test", "remove Via", "set_if_absent X-Here default",
			"set X-Spoof $header_x_forwarded_for", "set X-Id $request_id", "append Cookie z=9"),
			requestOps(t, "set X-Client rule-$header_x_client")...)
		s.Default.AnswerOps = answerOps(t, "remove X-Internal-*", "remove Server", "set X-From $member", "add Set-Cookie b=2", "set Via here")
	}
	eachPair(t, h, tune, func(t *testing.T, b *box, request func(method, path string, fields ...string) (*http.Response, string)) {
		for range 2 { // a second time on memory that was used
			resp, body := request("GET", "/p?q=1", "X-List", "a", "X-Private-Key", "1", "X-Here", "mine", "X-Client", "spoofed",
				"X-Forwarded-For", "6.6.6.6", "Cookie", "c=3")
			in := <-got
			for name, want := range map[string]string{
				"X-Client": "rule-spoofed", "X-All": "GET /p?q=1 c/pool/m", "X-List": "a, b", "X-Private-Key": "",
				"Via": "", "X-Here": "mine", "X-Spoof": "", "X-Forwarded-For": "127.0.0.1", "Cookie": "c=3; z=9",
			} {
				if v := strings.Join(in.Values(name), "|"); v != want {
					t.Errorf("member: %s = %q, want %q", name, v, want)
				}
			}
			if in.host != "inner.test" {
				t.Errorf("member: host %q, want inner.test", in.host)
			}
			if id := in.Get("X-Id"); len(id) != 32 || id != in.Get("X-Request-Id") {
				t.Errorf("member: X-Id %q, X-Request-Id %q, want the same", id, in.Get("X-Request-Id"))
			}
			if f := in.Get("Forwarded"); !strings.HasPrefix(f, `for="127.0.0.1:`) || !strings.Contains(f, "proto=http") {
				t.Errorf("member: Forwarded %q", f)
			}
			for name, want := range map[string][]string{
				"X-Internal-A": nil, "Server": nil, "X-From": {"m"}, "Set-Cookie": {"a=1", "b=2"}, "Via": {"here"}, "Content-Length": {"5"},
			} {
				if v := resp.Header.Values(name); !slices.Equal(v, want) {
					t.Errorf("client: %s = %q, want %q", name, v, want)
				}
			}
			if body != "hello" {
				t.Errorf("body %q", body)
			}
		}
	})
}

// fetchWith makes one request with fields, and returns its answer and content.
func fetchWith(t *testing.T, tr *http.Transport, method, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	return roundTrip(t, tr, req)
}

// A try at another member begins with the head as it came.
func TestOperationsAreUndoneAtARetry(t *testing.T) {
	want := "GET / HTTP/1.1\r\nHost: live\r\nX-Try: a, live\r\nCookie: c=1; m=live\r\n\r\n"
	o := newOrigin(t, []step{recv(want), send(okay), recv(want), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("dead", nobody(t)), member("live", o.ln.Addr())}, func(s *Service) {
		plain(s)
		s.Default.RequestOps = requestOps(t, "append X-Try $member", "append Cookie m=$member", "set Host $member")
	})
	c := b.dial()
	for range 2 {
		c.send(field("X-Try: a\r\nCookie: c=1"))
		c.expect(okay)
	}
	if n := b.slot().Retries.Value(); n == 0 {
		t.Error("no retry: the test proves nothing")
	}
}

// What is rewritten is the path that rules have seen; what cannot be sent is not.
func TestTargetsAreRewritten(t *testing.T) {
	prefix := func(s *Service) { s.Default.Rewrite = newURL(t, rewrite.URLConfig{Prefix: "/api", To: "/v2"}) }
	regex := func(s *Service) {
		s.Default.Rewrite = newURL(t, rewrite.URLConfig{Regex: `^/u/(\w+)$`, To: "/$1/"})
	}
	relative := func(s *Service) { s.Default.Rewrite = newURL(t, rewrite.URLConfig{Regex: "^/", To: "x"}) }
	host := func(s *Service) { s.Default.RequestOps = requestOps(t, "set Host $header_x_to") }
	own := strings.Replace(refusal(500), "Connection: close\r\n", "", 1)
	line := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	for _, r := range []row{
		{name: "prefix", in: line("/api/x?q=%2f"), fwd: line("/v2/x?q=%2f"), tune: prefix},
		{name: "prefix by another spelling", in: line("/%61pi/../api/x"), fwd: line("/v2/x"), tune: prefix},
		{name: "absolute form", in: "GET http://a/api HTTP/1.1\r\nHost: a\r\n\r\n", fwd: line("/v2"), tune: prefix},
		{name: "another path", in: line("/apix/./y"), fwd: line("/apix/./y"), tune: prefix},
		{name: "server as a whole", in: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", fwd: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", tune: prefix},
		{name: "regular expression", in: line("/u/ann?x"), fwd: line("/ann/?x"), tune: regex},
		{name: "no path comes out", in: line("/y"), out: own, own: true, tune: relative},
		{name: "no host comes out", in: field("X-To: a b"), out: own, own: true, tune: host},
	} {
		r.open = true
		if r.fwd != "" {
			r.reply, r.out, r.idle = okay, okay, true
		}
		t.Run(r.name, r.run)
	}
}

// Operations on answers are for those of the box itself too.
func TestOwnAnswersAreAltered(t *testing.T) {
	for _, mux := range []bool{false, true} {
		b := muxBox(t, nobody(t), mux, func(s *Service) {
			s.Retries = 0
			s.HSTS = "max-age=1"
			s.Default.AnswerOps = answerOps(t, "set X-Frame-Options DENY", "remove Date")
		})
		tr, url := &http.Transport{}, "http://"+b.addr
		if mux {
			tr, url = muxClient(t, b)
		}
		for _, tt := range []struct {
			method string
			status int
			body   string
		}{{"GET", 502, "502 Bad Gateway\n"}, {"HEAD", 502, ""}, {"TRACE", 405, "405 Method Not Allowed\n"}} {
			resp, body := fetchWith(t, tr, tt.method, url)
			if resp.StatusCode != tt.status || body != tt.body {
				t.Errorf("mux %v: %s = %d %q, want %d %q", mux, tt.method, resp.StatusCode, body, tt.status, tt.body)
			}
			hsts := map[bool]string{true: "max-age=1"}[mux] // in clear it must not be sent
			if h := resp.Header; h.Get("X-Frame-Options") != "DENY" || h.Get("Date") != "" || h.Get("Strict-Transport-Security") != hsts {
				t.Errorf("mux %v: %s: fields %v", mux, tt.method, resp.Header)
			}
		}
		tr.CloseIdleConnections()
		b.noneLeft()
	}
}

// A forwarding field that is not believed is not in a variable either; one of a
// trusted source is.
func TestVariablesKeepOutWhatIsNotTrusted(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		out := "GET / HTTP/1.1\r\nHost: a\r\n"
		if trusted {
			out += "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Request-ID: evil\r\nX-Seen: 6.6.6.6 evil evil\r\n\r\n"
		} else {
			out += "X-Seen: - -\r\n\r\n"
		}
		o := newOrigin(t, []step{recv(out), send(okay)})
		b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
			s.Via = false
			ops := []string{"set X-Seen $header_x_forwarded_for $header_x_request_id $request_id"}
			if trusted {
				s.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			} else {
				ops = []string{"remove X-Request-Id", "set X-Seen -$header_x_forwarded_for -$header_x_request_id"}
			}
			s.Default.RequestOps = requestOps(t, ops...)
		})
		c := b.dial()
		c.send(field("X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Request-ID: evil"))
		c.expect(okay)
	}
}

// Explain shows both targets and what operations make of the head.
func TestExplainShowsWhatIsRewritten(t *testing.T) {
	b := newBox(t, []pool.MemberConfig{member("m", nobody(t))}, func(s *Service) {
		plain(s)
		s.Default.Rewrite = newURL(t, rewrite.URLConfig{Prefix: "/api", To: "/v2"})
		s.Default.RequestOps = requestOps(t, "set X-To $member $header_x", "set Host $header_h")
	})
	explain := func(raw string) (e Explanation) {
		b.do(func() { e = b.w.Explain(b.svc, []byte(raw), netip.MustParseAddrPort("192.0.2.1:4"), "") })
		return e
	}
	e := explain("GET /api/x HTTP/1.1\r\nHost: a\r\nH: b\r\nX: y\r\n\r\n")
	want := "GET /v2/x HTTP/1.1\r\nHost: b\r\nH: b\r\nX: y\r\nX-To: m y\r\n\r\n"
	if e.RawPath != "/api/x" || e.Target != "/v2/x" || e.Forwarded != want || e.Status != 0 {
		t.Errorf("Explain = %q to %q, %d, %s, want %s", e.RawPath, e.Target, e.Status, quote(e.Forwarded), quote(want))
	}
	e = explain("GET / HTTP/1.1\r\nHost: a\r\nH: b c\r\n\r\n")
	if e.Status != 500 || e.Fault != rewrite.BadHost || e.Why != stats.Internal || e.Target != "" {
		t.Errorf("Explain of a bad host = %d, %v, %v, target %q", e.Status, e.Fault, e.Why, e.Target)
	}
	b.do(func() {
		svc := *b.svc
		svc.RedirectHTTPS = 308
		b.svc = &svc
	})
	if e = explain(get); !strings.Contains(e.Answer, "308 Permanent") || !strings.Contains(e.Answer, "Location: https://a/\r\n") {
		t.Errorf("Explain of a redirect = %s", quote(e.Answer))
	}
}

// Clients of a plain cluster are sent to the same place by https; what a
// certificate authority asks is answered all the same.
func TestRedirectToHTTPS(t *testing.T) {
	location := func(status int, url, rest string) string {
		return fmt.Sprintf("HTTP/1.1 %d %s\r\nLocation: %s\r\nContent-Length: 0\r\n%s\r\n", status, http1.StatusText(status), url, rest)
	}
	to := func(status int) func(*Service) {
		return func(s *Service) {
			s.RedirectHTTPS = status
			s.Challenge = func(host, path string) (string, bool) { return "proof", path == challengePath+"token" }
		}
	}
	line := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: shop.test:8080\r\n\r\n" }
	for _, r := range []row{
		{name: "301", in: line("/a%20b?c=d"), out: location(301, "https://shop.test/a%20b?c=d", ""), tune: to(301)},
		{name: "308 with content", in: "POST / HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 0\r\n\r\n", out: location(308, "https://[::1]/", ""), tune: to(308)},
		{name: "port", in: line("/a?b=c"), out: location(308, "https://shop.test:8443/a?b=c", ""),
			tune: func(s *Service) { s.RedirectHTTPS, s.RedirectPort = 308, 8443 }},
		{name: "port, of an address", in: "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", out: location(308, "https://[::1]:8443/", ""),
			tune: func(s *Service) { s.RedirectHTTPS, s.RedirectPort = 308, 8443 }},
		{name: "server as a whole", in: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", out: location(307, "https://a/", ""), tune: to(307)},
		{name: "other challenge", in: line(challengePath + "x"), out: location(302, "https://shop.test"+challengePath+"x", ""), tune: to(302)},
		{name: "challenge", in: line(challengePath + "token"), tune: to(301),
			out: "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\n\r\nproof"},
		{name: "no host", in: "GET / HTTP/1.0\r\n\r\n", out: refusal(400), tune: to(301)},
	} {
		r.own, r.open = true, r.name != "no host"
		t.Run(r.name, r.run)
	}
}

// Answers over TLS name this place with https, and promise it.
func TestAnswersOverTLS(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+r.Host+"/next?a=b")
		w.Header().Set("Content-Location", "http://elsewhere.test/")
		w.Header().Set("Refresh", "1; url=http://"+r.Host+"/")
		w.Header().Set("Strict-Transport-Security", "max-age=0")
		w.WriteHeader(302)
	}
	for _, rewritten := range []bool{false, true} {
		eachPair(t, h, func(s *Service) {
			s.SecureAnswers = rewritten
			if rewritten {
				s.HSTS = "max-age=60"
			}
		}, func(t *testing.T, b *box, request func(string, string, ...string) (*http.Response, string)) {
			scheme, hsts := "http://", "max-age=0"
			if rewritten && b.svc.TLS != nil {
				scheme, hsts = "https://", "max-age=60"
			}
			resp, _ := request("GET", "/")
			for name, want := range map[string]string{
				"Location": scheme + b.addr + "/next?a=b", "Content-Location": "http://elsewhere.test/",
				"Refresh": "1; url=" + scheme + b.addr + "/", "Strict-Transport-Security": hsts,
			} {
				if v := resp.Header.Values(name); len(v) != 1 || v[0] != want {
					t.Errorf("%s = %q, want %q", name, v, want)
				}
			}
		})
	}
}
