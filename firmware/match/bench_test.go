// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"strings"
	"testing"
)

// A shape of rules of which there may be many, with a request for each.
var manyTests = []struct {
	name string
	rule func(i int) string
	req  func(i int) req
}{
	{"host and path",
		func(i int) string { return fmt.Sprintf(`host("h%d.example.com") && path_prefix("/p%d/")`, i, i%100) },
		func(i int) req { return req{url: fmt.Sprintf("h%d.example.com/p%d/x", i, i%100)} }},
	{"grid of hosts and paths",
		func(i int) string {
			return fmt.Sprintf(`host("h%d.example.com") && path_prefix("/p%d/")`, i/100, i%100)
		},
		func(i int) req { return req{url: fmt.Sprintf("h%d.example.com/p%d/x", i/100, i%100)} }},
	{"one host, many paths",
		func(i int) string { return fmt.Sprintf(`host("www.example.com") && path_prefix("/p%d/")`, i) },
		func(i int) req { return req{url: fmt.Sprintf("www.example.com/p%d/x", i)} }},
	{"many hosts, one path",
		func(i int) string { return fmt.Sprintf(`host("h%d.example.com") && path_prefix("/p/")`, i) },
		func(i int) req { return req{url: fmt.Sprintf("h%d.example.com/p/x", i)} }},
	{"lists of hosts",
		func(i int) string {
			return fmt.Sprintf(`host("h%d.a.test", "h%d.b.test") || host("h%d.c.test") || host("h%d.d.test")`, i, i, i, i)
		},
		func(i int) req { return req{url: fmt.Sprintf("h%d.%c.test/", i, 'a'+i%4)} }},
	{"alternatives of pairs",
		func(i int) string {
			return fmt.Sprintf(`host("h%d.a.test") && pathname("/a") || host("h%d.b.test") && path_prefix("/b")`, i, i)
		},
		func(i int) req { return req{url: fmt.Sprintf("h%d.b.test/b", i)} }},
	{"wildcards",
		func(i int) string { return fmt.Sprintf(`host("*.h%d.example.com")`, i) },
		func(i int) req { return req{url: fmt.Sprintf("a.b.h%d.example.com/", i)} }},
	{"exact paths",
		func(i int) string { return fmt.Sprintf(`pathname("/p/%d.html")`, i) },
		func(i int) req { return req{url: fmt.Sprintf("a/p/%d.html", i)} }},
	{"byte prefixes",
		func(i int) string { return fmt.Sprintf(`pathname_prefix("/p/%d-") && filename_suffix(".png")`, i) },
		func(i int) req { return req{url: fmt.Sprintf("a/p/%d-x.png", i)} }},
	{"cookies",
		func(i int) string { return fmt.Sprintf(`cookie("group", "g%d") && path_prefix("/")`, i) },
		func(i int) req { return req{url: "a/", fields: []string{fmt.Sprintf("Cookie: x=1; group=g%d", i)}} }},
	{"header values",
		func(i int) string { return fmt.Sprintf(`header("X-Tenant", "t%d")`, i) },
		func(i int) req { return req{url: "a/", fields: []string{fmt.Sprintf("X-Tenant: t%d", i)}} }},
	{"server names",
		func(i int) string { return fmt.Sprintf(`sni("h%d.example.com") && path_prefix("/p%d/")`, i, i%100) },
		func(i int) req {
			return req{url: fmt.Sprintf("a/p%d/x", i%100), tls: &TLS{ServerName: fmt.Sprintf("H%d.example.com", i)}}
		}},
	{"client certificates",
		func(i int) string { return fmt.Sprintf(`client_cert_subject("CN=c%d") && client_cert()`, i) },
		func(i int) req { return req{url: "a/", tls: &TLS{Verified: true, Subject: fmt.Sprintf("CN=C%d", i)}} }},
	{"names of certificates",
		func(i int) string { return fmt.Sprintf(`client_cert_san("c%d@b")`, i) },
		func(i int) req {
			return req{url: "a/", tls: &TLS{Verified: true, Names: []string{"x", fmt.Sprintf("c%d@b", i)}}}
		}},
	{"fingerprints",
		func(i int) string { return fmt.Sprintf(`client_cert_fingerprint("%064x")`, i) },
		func(i int) req {
			return req{url: "a/", tls: &TLS{Verified: true, Fingerprint: fmt.Sprintf("%064x", i)}}
		}},
	{"networks",
		func(i int) string { return fmt.Sprintf(`client_ip("10.%d.%d.0/24")`, i/256, i%256) },
		func(i int) req { return req{url: "a/", client: fmt.Sprintf("10.%d.%d.7", i/256, i%256)} }},
}

// manyRules compiles n rules of a shape and a last one that matches all.
func manyRules(t testing.TB, rule func(int) string, n int) *Set {
	texts := make([]string, n+1)
	for i := range n {
		texts[i] = rule(i)
	}
	texts[n] = "any()"
	return compile(t, ruleList(t, texts...))
}

// TestManyRulesLeaveFewCandidates is the promise of the index: of a thousand
// rules no more than a handful are looked at, and nothing is allocated.
func TestManyRulesLeaveFewCandidates(t *testing.T) {
	const n = 1000
	var r Request
	for _, tt := range manyTests {
		s := manyRules(t, tt.rule, n)
		for _, i := range []int{0, 7, n / 2, n - 1} {
			tt.req(i).load(&r)
			if got := s.Match(&r); got != i {
				t.Errorf("%s: Match of request %d = %d", tt.name, i, got)
			}
			count := 0
			for s.index.candidates(&r); len(r.cursors) > 0; count++ {
				s.index.next(&r)
			}
			if count > 3 {
				t.Errorf("%s: request %d has %d candidates, want at most 3", tt.name, i, count)
			}
		}
		head := tt.req(3).load(&r)
		client, tls := r.client, r.tls
		allocs := testing.AllocsPerRun(100, func() {
			r.Reset(head, client, Options{MergeSlashes: true})
			r.SetTLS(tls)
			s.Match(&r)
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations per match, want 0", tt.name, allocs)
		}
	}
}

// TestOneRuleWithManyAlternatives is the same promise for one long rule.
func TestOneRuleWithManyAlternatives(t *testing.T) {
	var alts []string
	for i := range 2000 {
		alts = append(alts, fmt.Sprintf(`host("h%d.test") && path_prefix("/p%d")`, i, i))
	}
	s := compile(t, ruleList(t, strings.Join(alts, " || "), "any()"))
	var r Request
	for _, tt := range []struct {
		url  string
		want int
	}{{"h1999.test/p1999/x", 0}, {"h1.test/p2", 1}} {
		req{url: tt.url}.load(&r)
		if got := s.Match(&r); got != tt.want {
			t.Errorf("Match(%s) = %d, want %d", tt.url, got, tt.want)
		}
		s.index.candidates(&r)
		if len(r.cursors) > 2 {
			t.Errorf("%s: %d lists of candidates, want at most 2", tt.url, len(r.cursors))
		}
	}
}

// TestDearFunctionsDoNotAllocate covers what the index does not;
// regular expressions have a test of their own.
func TestDearFunctionsDoNotAllocate(t *testing.T) {
	s := compile(t, ruleList(t,
		`query_param("A b", "none") || query_substr("an unusually long string that is nowhere in the query")`,
		`header_substr("User-Agent", "none") || header_prefix("X-Other", "none") || filename_prefix("q")`,
		`debug_message("m") && client_ip("10/8") && method("PUT")`,
		`cookie_suffix("c", "none") || dirname_substr("none") || host_substr("none")`,
		`tls() && (client_cert_subject_suffix("O=none") || client_cert_san_prefix("none") || sni_substr("none"))`,
		`observe_case() && client_cert_issuer_substr("none") || tls_version("1.2") || http_2()`,
	))
	var r Request
	head := req{
		url:    "WWW.Example.com:80/a/%7ex/../Y.html?a+b=Q",
		fields: []string{"User-Agent: Someone", "X-Other: Value", "Cookie: c=d; e=f"}, client: "10.0.0.1",
		tls: alice,
	}.load(&r)
	client := r.client
	if allocs := testing.AllocsPerRun(100, func() {
		r.Reset(head, client, Options{MergeSlashes: true})
		r.SetTLS(alice)
		if got := s.Match(&r); got != -1 {
			t.Fatalf("Match = %d, want -1", got)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations per match, want 0", allocs)
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, tt := range manyTests {
		for _, n := range []int{10, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(tt.name, " ", "_"), n), func(b *testing.B) {
				s := manyRules(b, tt.rule, n)
				reqs := make([]Request, 16)
				for i := range reqs {
					tt.req(i * n / len(reqs)).load(&reqs[i])
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					r := &reqs[i%len(reqs)]
					tls := r.tls
					r.Reset(r.head, r.client, Options{})
					r.SetTLS(tls)
					if s.Match(r) == n {
						b.Fatal("no rule but the last was met")
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	texts := make([]string, 10_000)
	for i := range texts {
		texts[i] = manyTests[0].rule(i)
	}
	rules := ruleList(b, texts...)
	for b.Loop() {
		compile(b, rules)
	}
}
