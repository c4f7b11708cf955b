// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"evener/firmware/message"
)

// parseExpr parses the text of an expression that is known to be HCL.
func parseExpr(t testing.TB, text string) hcl.Expression {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(text), "box.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("parsing %s: %v", text, diags)
	}
	return e
}

// ruleList makes rules called r0, r1 and so on, which ignore case.
func ruleList(t testing.TB, texts ...string) []Rule {
	t.Helper()
	var rules []Rule
	for i, text := range texts {
		rules = append(rules, Rule{
			Name: fmt.Sprintf("r%d", i), When: parseExpr(t, text), IgnoreCase: true,
		})
	}
	return rules
}

// compile compiles rules that are known to have no errors.
func compile(t testing.TB, rules []Rule) *Set {
	t.Helper()
	s, problems := Compile(rules)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("rule %s: %s: %s", p.Rule, p.Range, p.Msg)
		}
	}
	return s
}

// req is a request in a form that is easy to write: a method, a target with a
// host in front, and fields.
type req struct {
	method string
	url    string // "host/path?query"; no host if it begins with a slash
	fields []string
	client string
	merge  bool
	http2  bool
	tls    *TLS
}

// load makes r describe q, with a head of its own.
func (q req) load(r *Request) *message.Head {
	w := &witness{}
	if q.method == "" {
		q.method = "GET"
	}
	w.head.Minor = 1
	w.head.Method, w.head.MethodID = w.span(q.method), message.MethodOf([]byte(q.method))
	target := q.url
	if i := strings.IndexByte(target, '/'); i >= 0 {
		w.head.Authority, target = w.span(target[:i]), target[i:]
	} else if target == "*" {
		w.head.Form = message.Asterisk
	} else {
		w.head.Authority, target = w.span(target), ""
	}
	path, query, has := strings.Cut(target, "?")
	w.head.Path, w.head.Query, w.head.HasQuery = w.span(path), w.span(query), has
	for _, f := range q.fields {
		name, value, _ := strings.Cut(f, ": ")
		w.head.Fields = append(w.head.Fields, message.Field{
			Name: w.span(name), Value: w.span(value), ID: message.FieldByName(name),
		})
	}
	client, err := netip.ParseAddr(q.client)
	if err != nil {
		client = netip.MustParseAddr("192.0.2.1")
	}
	w.head.HTTP2 = q.http2
	r.Reset(&w.head, client, Options{MergeSlashes: q.merge})
	r.SetTLS(q.tls)
	return &w.head
}

// traced returns the first rule that the slow evaluator says matches.
func traced(s *Set, r *Request) int {
	for _, t := range s.Trace(r) {
		if t.Matched {
			return t.Rule
		}
	}
	return -1
}

func TestFirstMatchWins(t *testing.T) {
	s := compile(t, ruleList(t,
		`host("a.example.com") && path_prefix("/v1/")`,
		`host("*.example.com")`,
		`path_prefix("/v1") || cookie("group", "b")`,
		`!method("GET")`,
		`any()`,
	))
	tests := []struct {
		req  req
		want int
	}{
		{req{url: "a.example.com/v1/x"}, 0},
		{req{url: "A.Example.com:8080/v1"}, 0},
		{req{url: "a.example.com/v2"}, 1},
		{req{url: "other.test/v1/x"}, 2},
		{req{url: "other.test/", fields: []string{"Cookie: a=1; group=b"}}, 2},
		{req{url: "other.test/", method: "POST"}, 3},
		{req{url: "other.test/"}, 4},
	}
	var r Request
	for _, tt := range tests {
		tt.req.load(&r)
		if got := s.Match(&r); got != tt.want {
			t.Errorf("Match(%+v) = %d, want %d", tt.req, got, tt.want)
		}
		if got := traced(s, &r); got != tt.want {
			t.Errorf("Trace(%+v) = %d, want %d", tt.req, got, tt.want)
		}
	}
}

func TestDisabledRuleIsCheckedAndNeverMatches(t *testing.T) {
	rules := ruleList(t, `any()`, `host("a")`)
	rules[0].Disabled = true
	s, problems := Compile(rules)
	if len(problems) != 0 {
		t.Errorf("problems: %v, want none: the rule that would hide the other is disabled", problems)
	}
	var r Request
	req{url: "a/"}.load(&r)
	if got := s.Match(&r); got != 1 {
		t.Errorf("Match = %d, want 1", got)
	}
	tr := s.Trace(&r)
	if !tr[0].Disabled || tr[0].Reached || tr[0].Conds[0].Verdict != NotEvaluated {
		t.Errorf("Trace of a disabled rule = %+v", tr[0])
	}
	rules[0].When = parseExpr(t, `nonsense()`)
	if s, problems := Compile(rules); s != nil || len(problems) != 1 {
		t.Errorf("Compile with a mistake in a disabled rule = %v, %v", s, problems)
	}
}

func TestRequestWithoutClientAddress(t *testing.T) {
	s := compile(t, ruleList(t, `client_ip("0/0", "::/0")`, `!client_ip("10/8")`))
	var r Request
	h := req{url: "a/"}.load(&r)
	r.Reset(h, netip.Addr{}, Options{})
	if got := s.Match(&r); got != 1 {
		t.Errorf("Match = %d, want 1: no address is in no network", got)
	}
}

func TestNoRules(t *testing.T) {
	s, problems := Compile(nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var r Request
	req{url: "a/"}.load(&r)
	if got := s.Match(&r); got != -1 {
		t.Errorf("Match = %d, want -1", got)
	}
}

func TestDebugMessagesComeInOrderOfEvaluation(t *testing.T) {
	s := compile(t, ruleList(t,
		`debug_message("one") && host("a") && debug_message("two")`,
		`!debug_message("three") || host("b")`,
		`host("x") || !debug_message("four") || host("d")`,
		`any() || debug_message("never")`,
	))
	var r Request
	for _, tt := range []struct{ host, want string }{
		{"a", "one two"}, {"b", "one three"}, {"c", "one three four"},
		{"d", "one three four"}, {"x", "one three"},
	} {
		req{url: tt.host + "/"}.load(&r)
		s.Match(&r)
		if got := strings.Join(r.Debug, " "); got != tt.want {
			t.Errorf("host %s: messages %q, want %q", tt.host, got, tt.want)
		}
	}
}

func TestTraceShowsWhatWasTested(t *testing.T) {
	s := compile(t, ruleList(t,
		`host("b") && header("X-A", "1")`,
		`(path_prefix("/A") || cookie("c", "$${x}")) && observe_case()`,
		`any()`,
	))
	var r Request
	req{url: "a/A//b"}.load(&r)
	want := []string{
		`r0 reached=true matched=false: host("b") [a] false; header("X-A", "1") [] not evaluated`,
		`r1 reached=true matched=true: path_prefix("/A") [/A//b] true; cookie("c", "$${x}") [] not evaluated; observe_case() [] true`,
		`r2 reached=false matched=false: any() [] not evaluated`,
	}
	for i, tr := range s.Trace(&r) {
		var conds []string
		for _, c := range tr.Conds {
			conds = append(conds, fmt.Sprintf("%s [%s] %s", c.Source, c.Value, c.Verdict))
		}
		got := fmt.Sprintf("%s reached=%v matched=%v: %s", tr.Name, tr.Reached, tr.Matched, strings.Join(conds, "; "))
		if got != want[i] {
			t.Errorf("Trace[%d] = %s\nwant %s", i, got, want[i])
		}
	}
	c := s.Trace(&r)[1].Conds[1]
	if c.Range.Start.Column != 23 || c.Range.End.Column != 43 {
		t.Errorf("range of %s = %v, want columns 23 to 43", c.Source, c.Range)
	}
}

func TestResetForgetsTLS(t *testing.T) {
	s := compile(t, ruleList(t, `sni("a")`, `sni("b")`, `!tls()`))
	var r Request
	h := req{url: "x/"}.load(&r)
	for _, tt := range []struct {
		tls  *TLS
		want int
	}{{&TLS{ServerName: "a"}, 0}, {&TLS{ServerName: "b"}, 1}, {nil, 2}, {&TLS{}, -1}} {
		r.SetTLS(tt.tls)
		if got := s.Match(&r); got != tt.want {
			t.Errorf("Match with %+v = %d, want %d", tt.tls, got, tt.want)
		}
	}
	r.Reset(h, netip.Addr{}, Options{})
	if got := s.Match(&r); got != 2 {
		t.Errorf("Match after Reset = %d, want 2", got)
	}
}
