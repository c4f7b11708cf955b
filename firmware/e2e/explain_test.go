// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"evener/firmware/manage"
)

// A question is a request to explain and to send.
type question struct {
	method, target string
	fields         []string // Host is one of them, or www.example.com
	from           string   // address of the client; 127.0.0.1
}

// manyRules has a rule, with a pool of its own, for every kind of condition.
const manyRules = `
  rule "off" {
    when = any()
    pool = "p1"
    disabled = true
  }
  rule "client" {
    when = client_ip("127.0.9.0/24")
    responder = "denied"
  }
  rule "api" {
    when = host("api.example.com") && path_prefix("/v1/")
    pool = "p1"
  }
  rule "write" {
    when = method("POST", "PUT", "DELETE")
    pool = "p2"
  }
  rule "picture" {
    when = filename_suffix(".png", ".jpg") && !dirname_prefix("/private/")
    pool = "p3"
  }
  rule "gold" {
    when = header("X-Tier", "gold") || cookie("tier", "gold")
    pool = "p1"
  }
  rule "german" {
    when = query_param("lang", "de") || header_prefix("Accept-Language", "de")
    pool = "p2"
  }
  rule "old" {
    when = path_prefix("/old/")
    responder = "moved"
  }
  rule "number" {
    when = pathname_regex("^/u/[0-9]+$")
    pool = "p3"
    policy = "uri_hash"
  }
`

// questions covers each rule from both sides, and paths that are easily taken for
// something else.
func questions() []question {
	var list []question
	for _, target := range []string{"/", "/v1/", "/v1", "/v1/orders?x=1", "/V1/ORDERS", "/old/tea?size=2", "/older",
		"/a.png", "/private/a.png", "/a.PNG?x", "/%61.png", "/x/../a.jpg", "/private/../a.jpg", "/x/%2e%2e/a.jpg",
		"//a.png", "/u/42", "/u/42a", "/u/7", "/?lang=de", "/?LANG=de", "/?lang=fr&lang=de", "/%zz", "/a b", "x",
		"/;a=b.png", "/%2fold/x", "/./old/x", "/old"} {
		list = append(list, question{"GET", target, nil, ""},
			question{"GET", target, []string{"Host: api.example.com"}, ""})
	}
	for _, m := range []string{"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "PATCH"} {
		list = append(list, question{m, "/", nil, ""}, question{m, "/v1/", []string{"Host: api.example.com:80"}, ""})
	}
	for _, f := range []string{"X-Tier: gold", "X-Tier: silver", "x-tier: GOLD", "Cookie: tier=gold", "Cookie: a=b; tier=gold",
		"Cookie: tier=\"gold\"", "Accept-Language: de-DE,en", "Accept-Language: en,de", "X_Tier: gold", "X Tier: gold", "X-Tier : gold"} {
		list = append(list, question{"GET", "/", []string{f}, ""})
	}
	return append(list, question{"GET", "/", nil, "127.0.9.9"}, question{"GET", "/", nil, "127.0.8.9"},
		question{"GET", "/", []string{"Host: a", "Host: b"}, ""}, question{"GET", "/", []string{"Host: a/b"}, ""})
}

// send sends q as it is written, however wrong that be.
func (q question) send(t *testing.T, listen string) *http.Response {
	t.Helper()
	d := net.Dialer{}
	if q.from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(q.from)}
	}
	c, err := d.Dial("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\n%s\r\n\r\n", q.method, q.target, strings.Join(q.withHost(), "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: q.method})
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	resp.Body.Close()
	return resp
}

func (q question) withHost() []string {
	for _, f := range q.fields {
		if strings.HasPrefix(f, "Host:") {
			return q.fields
		}
	}
	return append([]string{"Host: www.example.com"}, q.fields...)
}

func (q question) explain(b *box) manage.Explained {
	b.t.Helper()
	client := q.from
	if client == "" {
		client = "127.0.0.1"
	}
	return ask[manage.Explained](b, "explain.request", map[string]any{
		"method": q.method, "url": q.target, "fields": q.withHost(), "client": client})
}

// explainBox has four pools: shop of three members, and p1 to p3 of one each. One
// loop makes the member that comes next certain.
func explainBox(t *testing.T) (*box, site) {
	s := newSite(t, newOrigins(t, "web1", "web2", "web3")...)
	s.cluster = manyRules
	s.rest = "engine { loops = 1 }\n" +
		"responder \"denied\" { status = 403 }\n" +
		"responder \"moved\" {\n  status = 301\n  match = \"/old/(.*)$\"\n  redirect = \"/$1\"\n}\n"
	for _, name := range []string{"p1", "p2", "p3"} {
		o := newOrigin(t, "only-"+name)
		s.rest += fmt.Sprintf("server %q { address = %q }\npool %q {\n  member %[1]q {}\n}\n", o.name, o.addr, name)
	}
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	return b, s
}

func TestExplainAgreesWithWhatHappens(t *testing.T) {
	b, s := explainBox(t)
	decided := map[string]int{}
	for _, q := range questions() {
		e := q.explain(b)
		hits := b.hits()
		resp := q.send(t, s.listen)
		origin := resp.Header.Get("X-Origin")
		switch {
		case e.Refused != "":
			decided["refused"]++
			if resp.StatusCode != e.Status || origin != "" {
				t.Errorf("%+v: explain refuses it with %d (%s); it got %d from %q", q, e.Status, e.Refused, resp.StatusCode, origin)
			}
			continue
		case e.Answer != "":
			var status int
			fmt.Sscanf(e.Answer, "HTTP/1.1 %d", &status)
			if resp.StatusCode != status || origin != "" {
				t.Errorf("%+v: explain answers %q; it got %d from %q", q, e.Answer, resp.StatusCode, origin)
			}
		case resp.StatusCode != 200 || origin != e.Member:
			t.Errorf("%+v: explain sends it to %q of pool %s; it got %d from %q", q, e.Member, e.Pool, resp.StatusCode, origin)
		}
		decided[e.Rule]++
		for rule, n := range b.hits() {
			if want := hits[rule] + map[bool]uint64{true: 1}[rule == e.Rule]; n != want {
				t.Errorf("%+v: explain says rule %q decides; rule %q now has %d hits, want %d", q, e.Rule, rule, n, want)
			}
		}
	}
	t.Log("decided by:", decided)
	for _, rule := range []string{"client", "api", "write", "picture", "gold", "german", "old", "number", "", "refused"} {
		if decided[rule] == 0 {
			t.Errorf("no question was decided by %q", rule)
		}
	}
}

// hits returns how often each rule decided.
func (b *box) hits() map[string]uint64 {
	b.t.Helper()
	out := map[string]uint64{}
	for _, r := range ask[manage.Rules](b, "rule.list", nil).Rules {
		out[r.Name] = r.Hits
	}
	return out
}

func TestExplainDoesNotAdvanceTheRotation(t *testing.T) {
	b, s := explainBox(t)
	q := question{method: "GET", target: "/"}
	next := map[string]string{}
	for last := ""; len(next) < 3; {
		name := q.send(t, s.listen).Header.Get("X-Origin")
		if last != "" {
			next[last] = name
		}
		last = name
	}
	last := q.send(t, s.listen).Header.Get("X-Origin")
	for range 100 {
		if got := q.explain(b).Member; got != next[last] {
			t.Fatalf("after %s explain chooses %s, want %s each time", last, got, next[last])
		}
	}
	if got := q.send(t, s.listen).Header.Get("X-Origin"); got != next[last] {
		t.Errorf("after %s and 100 questions the request came to %s, want %s", last, got, next[last])
	}
}

// TestExplainTakesWholeURLs: the host of a URL is the Host of the request.
func TestExplainTakesWholeURLs(t *testing.T) {
	b, s := explainBox(t)
	for url, rule := range map[string]string{
		"http://api.example.com/v1/x": "api", "http://www.example.com/v1/x": "", "http://" + s.listen + "/u/1": "number",
		"http://www.example.com?lang=de": "german", "/?u=http://api.example.com/v1/": "",
	} {
		e := ask[manage.Explained](b, "explain.request", map[string]any{"url": url})
		if e.Refused != "" || e.Rule != rule {
			t.Errorf("explain %s: rule %q, refused %q; want rule %q", url, e.Rule, e.Refused, rule)
		}
	}
}

func TestExplainAnswersForTheCandidate(t *testing.T) {
	b, s := explainBox(t)
	before := b.must("metrics")
	s.cluster = "  rule \"all\" {\n    when = any()\n    responder = \"denied\"\n  }\n"
	b.candidate(s.text())
	out := b.must("explain", "--candidate", "GET", "/")
	if !strings.Contains(out, "the candidate") || !strings.Contains(out, "answered by responder denied") {
		t.Errorf("explain --candidate:\n%s", out)
	}
	if got := (question{method: "GET", target: "/"}).send(t, s.listen).StatusCode; got != 200 {
		t.Errorf("status %d: the question about the candidate changed what is served", got)
	}
	if strings.Contains(b.must("metrics"), `rule="all"`) || strings.Contains(before, `rule="all"`) {
		t.Error("a rule of the candidate shows in the metrics")
	}
}
