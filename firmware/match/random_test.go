// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A gen makes random rules and requests of a small world, so that they meet
// often.
type gen struct{ *rand.Rand }

func (g gen) of(list ...string) string { return list[g.IntN(len(list))] }

func (g gen) host() string {
	return g.of("a", "b", "www.a.b", "x.www.a.b", "a.b", "www.b", "WWW.A.b", "c.d.a.b")
}

func (g gen) path() string {
	var b strings.Builder
	for range g.IntN(4) {
		b.WriteString("/" + g.of("a", "b", "A", "v1", "v1x", "x.gif", "X.GIF", "img"))
	}
	if b.Len() == 0 || g.IntN(3) == 0 {
		b.WriteByte('/')
	}
	return b.String()
}

// args returns some strings, joined as arguments.
func (g gen) args(one func() string) string {
	list := make([]string, 1+g.IntN(3))
	for i := range list {
		list[i] = quote(one())
	}
	return strings.Join(list, ", ")
}

// call returns a random function call.
func (g gen) call() string {
	cut := func() string { p := g.path(); return p[:1+g.IntN(len(p))] }
	tail := func() string { p := g.path(); return p[g.IntN(len(p)):] }
	value := func() string { return g.of("1", "2", "gold", "Gold", "g") }
	switch n := g.IntN(29); n {
	case 0, 1:
		return "host(" + g.args(func() string { return g.of("", "", "*.") + g.host() }) + ")"
	case 2:
		return "host_prefix(" + g.args(func() string { return g.of("www", "a", "x") }) + ")"
	case 3:
		return "host_suffix(" + g.args(g.host) + ")"
	case 4:
		return "host_substr(" + g.args(func() string { return g.of("w.", "b", "a.b") }) + ")"
	case 5, 6:
		return "path_prefix(" + g.args(g.path) + ")"
	case 7:
		return "pathname(" + g.args(g.path) + ")"
	case 8:
		return "pathname_prefix(" + g.args(cut) + ")"
	case 9:
		return g.of("pathname_suffix(", "pathname_substr(") + g.args(tail) + ")"
	case 10:
		return "pathname_regex(" + g.args(func() string { return g.of("^/a", "gif$", "/v1/?", "B") }) + ")"
	case 11:
		return "dirname(" + g.args(func() string { return strings.TrimSuffix(g.path(), "/") + "/" }) + ")"
	case 12:
		return "dirname_prefix(" + g.args(cut) + ")"
	case 13:
		return g.of("filename(", "filename_suffix(", "filename_prefix(") + g.args(func() string { return g.of("a", "x.gif", "X.GIF", "if", "v1") }) + ")"
	case 14:
		return "query_param(\"q\"" + g.of("", `, "1"`, `, "gold", "2"`) + ")"
	case 15:
		return g.of("query(", "query_substr(") + g.args(func() string { return g.of("q=1", "q=Gold", "x") }) + ")"
	case 16:
		return "method(" + g.args(func() string { return g.of("GET", "POST") }) + ")"
	case 17:
		return "client_ip(" + g.args(func() string { return g.of("10/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32") }) + ")"
	case 18, 19:
		return "header(" + quote(g.of("X-A", "Accept", "host")) + g.of("", ", "+g.args(value)) + ")"
	case 20:
		return "header_" + g.of("prefix", "suffix", "substr", "regex") + `("X-A", ` + g.args(value) + ")"
	case 21, 22:
		return "cookie(" + quote(g.of("c", "d")) + g.of("", ", "+g.args(value)) + ")"
	case 23, 24, 25, 26:
		return g.tlsCall()
	}
	return g.of("any()", "http_09()", "http_2()", `cookie_prefix("c", "g")`, `cookie_regex("c", "^G")`)
}

// tlsCall returns a random call of a function that looks at TLS.
func (g gen) tlsCall() string {
	dn := func() string {
		return g.of("CN=a,O=b,C=c", "CN=a", "O=b,C=c", "C=c", "CN=A,o=b,C=c", `CN=a\\,C=c`, "C=d,C=c")
	}
	san := func() string { return g.of("a@b", "A@b", "spiffe://a/b", "a.b") }
	switch g.IntN(12) {
	case 0:
		return g.of("tls()", "client_cert()", `tls_version("1.3")`, `tls_version("1.2", "1.3")`)
	case 1, 2:
		return "sni(" + g.args(func() string { return g.of("", "", "*.") + g.host() }) + ")"
	case 3:
		return "sni_prefix(" + g.args(func() string { return g.of("www", "a", "x") }) + ")"
	case 4:
		return "sni_suffix(" + g.args(g.host) + ")"
	case 5:
		return g.of(`sni_substr("w.")`, `sni_regex("B$")`)
	case 6, 7:
		return "client_cert_" + g.of("subject", "subject", "issuer") + g.of("", "_prefix", "_suffix") + "(" + g.args(dn) + ")"
	case 8:
		return "client_cert_" + g.of("subject", "issuer") + g.of(`_substr("b,C")`, `_regex("^cn=A")`, `_substr("C=", "O=")`)
	case 9:
		return "client_cert_fingerprint(" + g.args(func() string { return strings.Repeat(g.of("0a", "0B"), 32) }) + ")"
	case 10:
		return "client_cert_san(" + g.args(san) + ")"
	}
	return "client_cert_san_" + g.of("prefix", "suffix", "substr", "regex") + "(" + g.args(func() string { return g.of("a", "b", "@B", "spiffe://") }) + ")"
}

// tls returns a connection's TLS; a third have none.
func (g gen) tls() *TLS {
	if g.IntN(3) == 0 {
		return nil
	}
	dn := func() string { return g.of("CN=a,O=b,C=c", "CN=a", "O=b,C=c", "CN=A,O=b,C=c", `CN=a\,C=c`, "") }
	t := &TLS{
		Version: g.of("1.2", "1.3"), ServerName: g.of("", g.host(), g.host()+"."), Verified: g.IntN(3) > 0,
		Subject: dn(), Issuer: dn(), Fingerprint: strings.Repeat(g.of("0a", "0b"), 32),
	}
	for range g.IntN(3) {
		t.Names = append(t.Names, g.of("a@b", "spiffe://a/b", "a.b"))
	}
	return t
}

// expr returns a random expression.
func (g gen) expr(depth int, debug bool) string {
	if debug && g.IntN(8) == 0 {
		return fmt.Sprintf("debug_message(%q)", g.of("m1", "m2", "m3"))
	}
	if depth == 0 || g.IntN(4) == 0 {
		return g.call()
	}
	list := make([]string, 2+g.IntN(3))
	for i := range list {
		list[i] = g.expr(depth-1, debug)
	}
	text := strings.Join(list, g.of(" && ", " || "))
	if g.IntN(6) == 0 {
		text = g.of("ignore_case", "observe_case") + "() && (" + text + ")"
	}
	return g.of("(", "(", "(", "!(") + text + ")"
}

func (g gen) request() req {
	q := req{
		method: g.of("GET", "POST", "PUT"), merge: g.IntN(2) == 0,
		url:    g.of("", g.host()+g.of("", ".", ":80")) + g.of("", "/", "/./", "/b/..") + g.path() + g.of("", "?q=1", "?q=gold&x", "?x&q=Gold"),
		client: g.of("10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::7"),
		http2:  g.IntN(4) == 0, tls: g.tls(),
	}
	if g.IntN(20) == 0 {
		q.url = "*"
	}
	for range g.IntN(4) {
		q.fields = append(q.fields, g.of("X-A: 1", "x-a: Gold", "Accept: gold", "Cookie: c=1; d=2", "Cookie: c=gold", "Cookie: d"))
	}
	return q
}

// TestMatchEqualsTrace compares the compiled rules with the slow evaluator: the
// rule found and the messages emitted.
func TestMatchEqualsTrace(t *testing.T) {
	seed := rand.Uint64()
	g := gen{rand.New(rand.NewPCG(seed, 1))}
	rounds, hits := 100, 0
	if testing.Short() {
		rounds = 60
	}
	var r Request
	for round := range rounds {
		rules := make([]Rule, 1+g.IntN(30))
		for i := range rules {
			rules[i] = Rule{
				Name: fmt.Sprint(i), When: parseExpr(t, g.expr(g.IntN(4), round%4 == 0)),
				IgnoreCase: g.IntN(2) == 0, Disabled: g.IntN(10) == 0,
			}
		}
		s := compile(t, rules)
		for range 60 {
			q := g.request()
			q.load(&r)
			got := s.Match(&r)
			want, messages := -1, []string(nil)
			for _, tr := range s.Trace(&r) {
				for _, c := range tr.Conds {
					if m, ok := strings.CutPrefix(c.Source, "debug_message("); ok && c.Verdict == True {
						messages = append(messages, m[1:3])
					}
				}
				if tr.Matched {
					want = tr.Rule
				}
			}
			if got != want || fmt.Sprint(r.Debug) != fmt.Sprint(messages) {
				t.Errorf("seed %d: Match(%+v) = %d, messages %v; want %d, %v", seed, q, got, r.Debug, want, messages)
				for i := range rules {
					t.Logf("%d: %v", i, s.Trace(&r)[i])
				}
				return
			}
			if got >= 0 {
				hits++
			}
		}
	}
	if hits < rounds*10 {
		t.Errorf("only %d of %d requests met a rule: the test is too weak", hits, rounds*60)
	}
}

// TestUnreachableIsTrue compares the warnings with what random requests do: a
// rule that is said to be unreachable is never the answer.
func TestUnreachableIsTrue(t *testing.T) {
	seed := rand.Uint64()
	g := gen{rand.New(rand.NewPCG(seed, 2))}
	warned := 0
	var r Request
	for range 300 {
		rules := make([]Rule, 12)
		for i := range rules {
			rules[i] = Rule{Name: fmt.Sprint(i), When: parseExpr(t, g.call()), IgnoreCase: g.IntN(2) == 0}
			if g.IntN(3) == 0 {
				rules[i].When = parseExpr(t, g.call()+" && "+g.of("", "!")+g.call())
			}
		}
		s, problems := Compile(rules)
		dead := map[string]string{}
		for _, p := range problems {
			if strings.Contains(p.Msg, "never reached") {
				dead[p.Rule] = p.Msg
				warned++
			}
		}
		for range 100 {
			g.request().load(&r)
			if got := s.Match(&r); got >= 0 && dead[fmt.Sprint(got)] != "" {
				t.Fatalf("seed %d: rule %d was met; %s\n%+v", seed, got, dead[fmt.Sprint(got)], s.Trace(&r))
			}
		}
	}
	if warned < 100 {
		t.Errorf("only %d warnings: the test is too weak", warned)
	}
}
