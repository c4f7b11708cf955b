// SPDX-License-Identifier: Apache-2.0

package match

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

var update = flag.Bool("update", false, "write the golden files")

// problemCases are lists of rules, each with something wrong, separated by ";;".
var problemCases = []string{
	// Names and shapes.
	`hots("a")`, `path("/a")`, `snl("a")`, `ssl2()`, `client_cert_cn("a")`, `pathname_prefx("/a")`, `frobnicate()`,
	`host`, `hosts`, `whatever.x`, `host == "a"`, `1 + 2`, `true`, `"a"`, `"${a}"`,
	`any() ? any() : any()`, `["a"]`, `{}`, `-any()`, `host("a") && pathname`, `a::b("x")`,
	// Arguments.
	`host()`, `any("x")`, `header()`, `header_prefix("A")`, `debug_message("a", "b")`,
	`host(a)`, `host(1)`, `host("a${b}")`, `host("${b}")`, `host("a", true, "b/c")`, `host(["a"]...)`,
	`host("")`, `host("http://a")`, `host("a:80")`, `host("a*.b")`, `host("*")`, `host("*.*.a")`, `host("a..b")`,
	`host("bücher.example")`, `host_prefix("www.a")`, `host_suffix(".a.b")`, `host_substr("*.a")`,
	`pathname("index.html")`, `pathname("/a?b")`, `pathname("/a/../b")`, `pathname("/a/%2e")`, `pathname_suffix("/./x")`,
	`pathname_substr("x/../y")`, `path_prefix("v1")`, `path_prefix("")`, `dirname("/a")`, `dirname_suffix("a")`, `filename("a/b")`,
	`filename_suffix("")`, "pathname(\"/a\\nb\")", `query_substr("")`, `query_param("")`,
	`method("get")`, `method("G T")`, `client_ip("10.0.0")`, `client_ip("10.0.0.1/24")`, `client_ip("10/33")`,
	`client_ip("::ffff:10.0.0.1")`, `client_ip("fe80::1%eth0")`, `client_ip("10.0.0.0/024")`, `client_ip("host")`,
	`header("X A")`, `header("", "x")`, `header("X-A", " x")`, `header_prefix("X-A", " x")`, `cookie("a;b")`, `cookie("a", "x;y")`,
	`tls("x")`, `tls_version("1.1")`, `tls_version("TLSv1.3")`, `tls_version("3")`, `sni("a:443")`, `sni("192.0.2.1")`,
	`sni("[::1]")`, `sni_prefix("a.b")`, `sni_suffix(".a.b")`, `client_cert_subject("")`, `client_cert_subject("alice")`,
	`client_cert_subject("/C=CH/CN=a")`, `client_cert_issuer("CN=a, b")`, `client_cert_issuer_prefix("CN=a\\")`, `client_cert_subject("CN=#x")`,
	`client_cert_subject_substr("")`, `client_cert_fingerprint("ab:cd")`, `client_cert_fingerprint("xy")`,
	`client_cert_fingerprint("` + strings.Repeat("0b", 20) + `")`, `client_cert_san("")`, `client_cert_san("192.0.2.1")`,
	`client_cert_san("bücher.example")`, `client_cert_san_suffix("a b")`, `client_cert_san_regex("(")`,
	`pathname_regex("(")`, `pathname_regex("")`, `pathname_regex("(?=x)")`, `pathname_regex("` + strings.Repeat("a", 1001) + `")`,
	`pathname_regex("(a{1000}){1000}")`,
	// Several at once, in order.
	`hots("a") && (pathname("b") || method("get")) ;; any() ;; nope()`,
	// Case.
	`ignore_case() && observe_case() && host("a")`, `!ignore_case()`, `ignore_case() || pathname("/a")`,
	`observe_case()`, `observe_case() && ignore_case("x")`, `(observe_case()) && pathname("/a")`, `observe_case() && observe_case()`,
	// Rules that are never true or never reached.
	`http_09()`, `!any()`, `host("a") && !any()`,
	`any() ;; host("a")`, `host("a") || any() ;; host("a") ;; any()`, `debug_message("x") ;; host("a")`,
	`pathname_substr("x") && !host_regex("y") ;; pathname_substr("x") && !host_regex("y")`,
	`host("*.b") ;; host("a.b") ;; host("*.a.b") ;; host("b")`,
	`path_prefix("/v1") ;; pathname("/v1/x") && host("a") ;; path_prefix("/v1/x/") ;; path_prefix("/v10")`,
	`host("a") ;; host("b") ;; host("b", "a") && path_prefix("/x") ;; host("a", "c")`,
	`pathname_prefix("/V") ;; pathname("/v1") ;; observe_case() && pathname("/V1")`,
	`client_ip("10/8") ;; client_ip("10.1/16") ;; client_ip("10/7")`,
	`cookie("g") ;; cookie("g", "b") ;; header("g", "b") ;; header("g")`,
	`filename_suffix(".gif", ".jpg") ;; pathname("/a/x.jpg") ;; filename_suffix("x.gif") ;; filename("x.jpg")`,
	`tls() ;; sni("a") ;; client_cert() && host("a") ;; tls_version("1.3") ;; !tls()`,
	`client_cert() ;; client_cert_subject_suffix("O=a") ;; client_cert_san_regex("a") ;; !client_cert()`,
	`sni("*.b") ;; sni("a.b") ;; sni_prefix("a") ;; sni("a.c") ;; sni_suffix("b")`,
	`client_cert_subject_suffix("C=c") ;; client_cert_subject("CN=a,C=c") ;; client_cert_subject_suffix("O=b,C=c")`,
	`client_cert_issuer_prefix("CN=a") ;; client_cert_issuer_prefix("CN=a,O=b") ;; client_cert_subject("CN=a")`,
	`client_cert_san_suffix("@b") ;; client_cert_san("a@b") ;; http_2() ;; http_2() && tls()`,
	`client_cert_subject_substr("O=b") ;; client_cert_subject_suffix("O=b,C=c") ;; client_cert_subject("CN=a,O=b")`,
	`!host("a") ;; !host("a") && path_prefix("/x") ;; !host("b")`,
}

func TestProblems(t *testing.T) {
	var b strings.Builder
	for _, text := range problemCases {
		b.WriteString("> " + abbreviate(text) + "\n")
		var rules []Rule
		for i, one := range strings.Split(text, " ;; ") {
			pos := hcl.InitialPos
			pos.Line = i + 1
			e, diags := hclsyntax.ParseExpression([]byte(one), "box.hcl", pos)
			if diags.HasErrors() {
				t.Fatalf("%s: %v", one, diags)
			}
			rules = append(rules, Rule{Name: fmt.Sprintf("r%d", i+1), When: e, IgnoreCase: true})
		}
		s, problems := Compile(rules)
		if len(problems) == 0 {
			t.Errorf("%s: no problem", text)
		}
		errors := 0
		for _, p := range problems {
			level := "warning"
			if !p.Warning {
				level = "error"
				errors++
			}
			fmt.Fprintf(&b, "%d:%d-%d %s: %s: %s\n", p.Range.Start.Line, p.Range.Start.Column,
				p.Range.End.Column, p.Rule, level, abbreviate(p.Msg))
		}
		if (s == nil) != (errors > 0) {
			t.Errorf("%s: set %v with %d errors", text, s != nil, errors)
		}
	}
	const golden = "testdata/problems.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("problems differ from %s; run with -update and read the change:\n%s", golden, firstDiff(b.String(), string(want)))
	}
}

// abbreviate shortens what is repeated for its length.
func abbreviate(s string) string {
	return strings.ReplaceAll(s, strings.Repeat("a", 1001), "aa...a")
}

func firstDiff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d: got %s\nwant %s", i+1, g[i], strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
		}
	}
	return "the golden file is longer"
}

// TestRulesThatAreReachableAreNotWarnedOf has pairs that look alike.
func TestRulesThatAreReachableAreNotWarnedOf(t *testing.T) {
	for _, text := range []string{
		`observe_case() && pathname("/V1") ;; pathname("/V1")`,
		`pathname("/v1") ;; path_prefix("/v1")`,
		`path_prefix("/v1") ;; pathname_prefix("/v1")`,
		`path_prefix("/v1") ;; path_prefix("/v10")`,
		`host("*.b") ;; host("b")`,
		`host_suffix("b") ;; host("*.b")`,
		`host("a") && path_prefix("/x") ;; host("a")`,
		`host("a") ;; host("a", "b")`,
		`!host("a") ;; host("a")`,
		`host("a") ;; !host("a")`,
		`host("a") ;; debug_message("a") && host("b")`,
		`header("x", "1") ;; header("y", "1")`,
		`header_prefix("x", "1") ;; header_substr("x", "1")`,
		`filename_suffix("x") ;; filename_substr("x")`,
		`dirname("/a/") ;; dirname_prefix("/a/")`,
		`client_ip("10/9") ;; client_ip("10/8")`,
		`method("GET") ;; method("HEAD", "GET")`,
		`pathname_regex("(?-i)/a") ;; pathname("/a")`,
		`sni("a") ;; tls()`,
		`client_cert() ;; tls()`,
		`!client_cert() ;; tls()`,
		`sni("a") ;; host("a")`,
		`client_cert_subject_suffix("CN=a,C=c") ;; client_cert_subject_suffix("C=c")`,
		`client_cert_subject_suffix("C=c") ;; client_cert_subject_prefix("C=c")`,
		`client_cert_subject_suffix("C=c") ;; client_cert_subject("CN=a\\,C=c")`,
		`client_cert_subject("CN=a") ;; client_cert_issuer("CN=a")`,
		`client_cert_san("a") && client_cert_san("b") ;; client_cert_san("a")`,
		`http_2() ;; tls()`,
		`cookie("a", "b") && cookie("a", "c") ;; cookie("a", "b")`,
	} {
		if _, problems := Compile(ruleList(t, strings.Split(text, " ;; ")...)); len(problems) != 0 {
			t.Errorf("%s: %v, want no problem", text, problems)
		}
	}
}

func TestExpressionsThatAreNotHCL(t *testing.T) {
	rules := []Rule{{Name: "none"}, {Name: "json", When: hcl.StaticExpr(cty.True, hcl.Range{Filename: "x"})}}
	s, problems := Compile(rules)
	if s != nil || len(problems) != 2 {
		t.Fatalf("Compile = %v, %v, want two errors", s, problems)
	}
}

func TestNestingIsBounded(t *testing.T) {
	for _, tt := range []struct {
		depth int
		ok    bool
	}{{62, true}, {63, true}, {64, false}, {500, false}} {
		text := strings.Repeat("(", tt.depth) + `any()` + strings.Repeat(")", tt.depth)
		s, problems := Compile(ruleList(t, text))
		if (s != nil) != tt.ok {
			t.Errorf("depth %d: %v, want ok=%v", tt.depth, problems, tt.ok)
		}
	}
	flat := strings.Repeat(`host("a") && `, 5000) + `any()`
	if s, problems := Compile(ruleList(t, flat)); s == nil {
		t.Errorf("5000 terms in a row: %v", problems)
	}
}

func TestRegularExpressionsAreCounted(t *testing.T) {
	var texts []string
	for i := range maxRegexes {
		texts = append(texts, fmt.Sprintf(`host("h%d") && pathname_regex("^/%d/[0-9]+$")`, i, i))
	}
	texts = append(texts, texts[0]+` && any()`) // used before, counted once
	s, problems := Compile(ruleList(t, texts...))
	if s == nil {
		t.Fatalf("%d regular expressions: %v", maxRegexes, problems)
	}
	var r Request
	for _, i := range []int{0, 63, 64, 255} { // every word of the memory of results
		req{url: fmt.Sprintf("h%d/%d/1", i, i)}.load(&r)
		if got := s.Match(&r); got != i {
			t.Errorf("Match of request %d = %d", i, got)
		}
	}
	if s, _ := Compile(ruleList(t, append(texts, `pathname_regex("one more")`)...)); s != nil {
		t.Errorf("%d regular expressions were accepted", maxRegexes+1)
	}
}
