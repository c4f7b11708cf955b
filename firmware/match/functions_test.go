// SPDX-License-Identifier: Apache-2.0

package match

import (
	"strings"
	"testing"
)

// Two clients with certificates; that of mallory was not verified.
var (
	alice = &TLS{
		Version: "1.3", ServerName: "www.example.com", Verified: true,
		Subject: `CN=alice\, x,O=Ex\C3\A4,C=CH`, Issuer: "CN=CA,O=Y", Fingerprint: strings.Repeat("ab", 32),
		Names: []string{"alice@example.com", "spiffe://ex/ns/b"},
	}
	mallory = &TLS{
		Version: "1.3", Subject: "CN=mallory", Issuer: "CN=CA,O=Y", Names: []string{"alice@example.com"},
	}
)

// Each function, true and false, by both evaluators. ic and oc are the same
// expression with the rule's flag set and not set.
var functionTests = []struct {
	expr   string
	req    req
	ic, oc bool
}{
	{`any()`, req{url: "a/"}, true, true},
	{`!any()`, req{url: "a/"}, false, false},
	{`http_09()`, req{url: "a/"}, false, false},
	{`debug_message("x")`, req{url: "a/"}, true, true},
	{`ignore_case()`, req{url: "a/"}, true, true},
	{`observe_case() && !(ignore_case() && any())`, req{url: "a/"}, false, false},

	{`host("www.example.com")`, req{url: "WWW.Example.COM:80/"}, true, true},
	{`host("WWW.example.com.")`, req{url: "www.example.com./"}, true, true},
	{`host("www.example.com")`, req{url: "www.example.com.evil.test/"}, false, false},
	{`host("a", "b", "c")`, req{url: "b/"}, true, true},
	{`host("[2001:db8::1]")`, req{url: "[2001:DB8::1]:8080/"}, true, true},
	{`host("*.example.com")`, req{url: "a.b.example.com/"}, true, true},
	{`host("*.example.com")`, req{url: "example.com/"}, false, false},
	{`host("*.example.com")`, req{url: "badexample.com/"}, false, false},
	{`host("x")`, req{url: "/"}, false, false},
	{`!host("x")`, req{url: "/"}, true, true},
	{`host_prefix("www")`, req{url: "WWW.example.com/"}, true, true},
	{`host_prefix("ww")`, req{url: "www.example.com/"}, false, false},
	{`host_prefix("localhost")`, req{url: "localhost/"}, true, true},
	{`host_suffix("example.com")`, req{url: "www.example.com/"}, true, true},
	{`host_suffix("com")`, req{url: "www.example.com/"}, false, false},
	{`host_suffix("example.com")`, req{url: "a.www.example.com/"}, false, false},
	{`host_suffix("localhost")`, req{url: "localhost/"}, false, false},
	{`host_substr("EXAM")`, req{url: "www.example.com/"}, true, true},
	{`host_regex("^www[0-9]+\\.EXAMPLE\\.com$")`, req{url: "www12.example.com/"}, true, true},
	{`host_regex("^www[0-9]+$")`, req{url: "www12.example.com/"}, false, false},
	{`host_regex("^$")`, req{url: "/"}, false, false},

	{`path_prefix("/v1/")`, req{url: "a/v1"}, true, true},
	{`path_prefix("/v1")`, req{url: "a/v1/x"}, true, true},
	{`path_prefix("/v1")`, req{url: "a/v1x"}, false, false},
	{`path_prefix("/V1")`, req{url: "a/v1/"}, true, false},
	{`path_prefix("/")`, req{url: "a/anything"}, true, true},
	{`path_prefix("/")`, req{url: "*", method: "OPTIONS"}, false, false},
	{`path_prefix("/admin")`, req{url: "a/x/%2e%2E/%61dmin"}, true, true},
	{`path_prefix("/admin")`, req{url: "a//admin"}, false, false},
	{`path_prefix("/admin")`, req{url: "a//admin", merge: true}, true, true},
	{`pathname("/a%2db")`, req{url: "a/a-b"}, true, true},
	{`pathname("/caf%c3%a9")`, req{url: "a/café"}, true, true},
	{`pathname("/café")`, req{url: "a/caf%C3%A9"}, true, true},
	{`pathname("/a/b")`, req{url: "a/a%2Fb"}, false, false},
	{`pathname("/Index.html")`, req{url: "a/index.HTML"}, true, false},
	{`pathname("/")`, req{url: "a"}, true, true},
	{`pathname("*")`, req{url: "*", method: "OPTIONS"}, true, true},
	{`pathname_prefix("/IMG")`, req{url: "a/images/"}, false, false},
	{`pathname_prefix("/IM")`, req{url: "a/images/"}, true, false},
	{`pathname_suffix(".JPG", ".gif")`, req{url: "a/x.jpg"}, true, false},
	{`pathname_suffix("x.jpgs")`, req{url: "a/x.jpg"}, false, false},
	{`pathname_substr("/Img/")`, req{url: "a/x/img/y"}, true, false},
	{`pathname_regex("^/U/[0-9]+$")`, req{url: "a/u/17"}, true, false},

	{`dirname("/img/")`, req{url: "a/img/x.gif"}, true, true},
	{`dirname("/img/")`, req{url: "a/img/"}, true, true},
	{`dirname("/img/")`, req{url: "a/img/y/x.gif"}, false, false},
	{`dirname("/")`, req{url: "a/x"}, true, true},
	{`dirname("/")`, req{url: "*", method: "OPTIONS"}, false, false},
	{`dirname_prefix("/IMG/")`, req{url: "a/img/y/x.gif"}, true, false},
	{`dirname_prefix("/img/x")`, req{url: "a/img/x.gif"}, false, false},
	{`dirname_suffix("/y/")`, req{url: "a/img/y/x.gif"}, true, true},
	{`dirname_substr("mg/Y")`, req{url: "a/img/y/x.gif"}, true, false},
	{`dirname_substr("gif")`, req{url: "a/img/y/x.gif"}, false, false},
	{`dirname_regex("^/img/[xy]/$")`, req{url: "a/img/y/x.gif"}, true, true},

	{`filename("Robots.txt")`, req{url: "a/b/robots.txt"}, true, false},
	{`filename("")`, req{url: "a/b/"}, true, true},
	{`filename("")`, req{url: "a/b"}, false, false},
	{`!filename("")`, req{url: "*", method: "OPTIONS"}, true, true},
	{`filename("*")`, req{url: "*", method: "OPTIONS"}, false, false},
	{`dirname_regex("^$")`, req{url: "*", method: "OPTIONS"}, false, false},
	{`filename_prefix("rob")`, req{url: "a/b/robots.txt"}, true, true},
	{`filename_suffix(".png", ".TXT")`, req{url: "a/b/robots.txt"}, true, false},
	{`filename_substr("bot")`, req{url: "a/b/robots.txt"}, true, true},
	{`filename_substr("bot")`, req{url: "a/robots/x"}, false, false},
	{`filename_regex("^[a-z]+\\.txt$")`, req{url: "a/b/robots.txt"}, true, true},

	{`query("A=1")`, req{url: "a/?a=1"}, true, false},
	{`query("")`, req{url: "a/?"}, true, true},
	{`query("")`, req{url: "a/"}, false, false},
	{`query_prefix("a=")`, req{url: "a/?a=1"}, true, true},
	{`query_suffix("=1")`, req{url: "a/?a=1"}, true, true},
	{`query_substr("=")`, req{url: "a/=b"}, false, false},
	{`query_substr("A=1&B")`, req{url: "a/?a=1&b=2"}, true, false},
	{`query_regex("(^|&)b=[0-9](&|$)")`, req{url: "a/?a=1&b=2"}, true, true},
	{`query_regex("^$")`, req{url: "a/"}, false, false},
	{`query_param("lang")`, req{url: "a/?x=1&lang"}, true, true},
	{`query_param("lang")`, req{url: "a/?x=lang"}, false, false},
	{`query_param("Lang")`, req{url: "a/?lang=1"}, false, false},
	{`query_param("a b", "C+d")`, req{url: "a/?a+b=x&a%20b=c%2Bd"}, true, false},
	{`query_param("a", "")`, req{url: "a/?a"}, true, true},
	{`query_param("a", "100%")`, req{url: "a/?a=100%"}, true, true},

	{`method("GET", "HEAD")`, req{url: "a/", method: "HEAD"}, true, true},
	{`method("GET")`, req{url: "a/", method: "get"}, false, false},
	{`method("PURGE")`, req{url: "a/", method: "PURGE"}, true, true},

	{`client_ip("192.0.2.7")`, req{url: "a/", client: "192.0.2.7"}, true, true},
	{`client_ip("192.0.2.7")`, req{url: "a/", client: "::ffff:192.0.2.7"}, true, true},
	{`client_ip("10.10.10/24")`, req{url: "a/", client: "10.10.10.255"}, true, true},
	{`client_ip("10.10.10/24")`, req{url: "a/", client: "10.10.11.1"}, false, false},
	{`client_ip("10/8", "2001:db8::/32")`, req{url: "a/", client: "2001:db8:1::1"}, true, true},
	{`client_ip("0/0")`, req{url: "a/", client: "2001:db8:1::1"}, false, false},
	{`client_ip("fe80::/10")`, req{url: "a/", client: "fe80::1%eth0"}, true, true},

	{`header("x-tier")`, req{url: "a/", fields: []string{"X-Tier: "}}, true, true},
	{`header("x-tier")`, req{url: "a/"}, false, false},
	{`header("X-Tier", "Gold")`, req{url: "a/", fields: []string{"x-tier: gold"}}, true, false},
	{`header("X-Tier", "gold")`, req{url: "a/", fields: []string{"X-Tier: tin", "X-Tier: gold"}}, false, false},
	{`!header("X-Tier", "gold")`, req{url: "a/"}, true, true},
	{`header("Accept", "a", "b")`, req{url: "a/", fields: []string{"Accept: b"}}, true, true},
	{`header_prefix("Accept", "text/")`, req{url: "a/", fields: []string{"Accept: Text/html"}}, true, false},
	{`header_suffix("Accept", "html")`, req{url: "a/", fields: []string{"Accept: text/html"}}, true, true},
	{`header_substr("User-Agent", "CURL/")`, req{url: "a/", fields: []string{"User-Agent: x curl/8"}}, true, false},
	{`header_substr("User-Agent", "curl")`, req{url: "a/"}, false, false},
	{`header_regex("X-Id", "^[a-f]+$")`, req{url: "a/", fields: []string{"X-ID: ABC"}}, true, false},
	{`header("Host", "a:80")`, req{url: "a:80/", fields: []string{"Host: other"}}, true, true},

	{`cookie("group")`, req{url: "a/", fields: []string{"Cookie: x=1;group=b"}}, true, true},
	{`cookie("Group")`, req{url: "a/", fields: []string{"Cookie: group=b"}}, false, false},
	{`cookie("group")`, req{url: "a/", fields: []string{"Cookie: group"}}, false, false},
	{`cookie("group", "B")`, req{url: "a/", fields: []string{"Cookie: x=1", "Cookie: group=a; group=b"}}, true, false},
	{`cookie("g", "a=b")`, req{url: "a/", fields: []string{"Cookie: g = a=b "}}, true, true},
	{`cookie("g", "")`, req{url: "a/", fields: []string{"Cookie: g="}}, true, true},
	{`cookie_prefix("g", "eu-")`, req{url: "a/", fields: []string{"Cookie: g=us-1; g=EU-2"}}, true, false},
	{`cookie_suffix("g", "-1")`, req{url: "a/", fields: []string{"Cookie: g=us-1"}}, true, true},
	{`cookie_substr("g", "S-")`, req{url: "a/", fields: []string{"Cookie: g=us-1"}}, true, false},
	{`cookie_regex("g", "^u.-[0-9]$")`, req{url: "a/", fields: []string{"Cookie: g=us-1"}}, true, true},

	{`http_2()`, req{url: "a/", http2: true}, true, true},
	{`http_2()`, req{url: "a/"}, false, false},
	{`http_09()`, req{url: "a/", http2: true}, false, false},

	{`tls()`, req{url: "a/"}, false, false},
	{`tls()`, req{url: "a/", tls: &TLS{}}, true, true},
	{`tls_version("1.2", "1.3")`, req{url: "a/", tls: &TLS{Version: "1.3"}}, true, true},
	{`tls_version("1.2")`, req{url: "a/", tls: &TLS{Version: "1.3"}}, false, false},
	{`!tls_version("1.2")`, req{url: "a/"}, true, true},
	{`sni("WWW.example.com.", "*.b")`, req{url: "other/", tls: &TLS{ServerName: "www.Example.com"}}, true, true},
	{`sni("WWW.example.com.", "*.b")`, req{url: "other/", tls: &TLS{ServerName: "x.a.B."}}, true, true},
	{`sni("*.b")`, req{url: "x.b/", tls: &TLS{ServerName: "b"}}, false, false},
	{`sni("a")`, req{url: "a/"}, false, false},
	{`sni("a")`, req{url: "a/", tls: &TLS{}}, false, false},
	{`sni_prefix("WWW")`, req{url: "a/", tls: &TLS{ServerName: "www.b"}}, true, true},
	{`sni_prefix("b")`, req{url: "a/", tls: &TLS{ServerName: "www.b"}}, false, false},
	{`sni_suffix("b.c")`, req{url: "a/", tls: &TLS{ServerName: "www.B.c"}}, true, true},
	{`sni_suffix("c")`, req{url: "a/", tls: &TLS{ServerName: "www.b.c"}}, false, false},
	{`sni_substr("W.B")`, req{url: "a/", tls: &TLS{ServerName: "www.b.c"}}, true, true},
	{`sni_regex("^W+\\.[bc]\\.c$")`, req{url: "a/", tls: &TLS{ServerName: "www.B.c"}}, true, true},
	{`sni_regex("^$")`, req{url: "a/", tls: &TLS{}}, false, false},

	{`client_cert()`, req{url: "a/", tls: alice}, true, true},
	{`client_cert()`, req{url: "a/", tls: mallory}, false, false},
	{`client_cert()`, req{url: "a/"}, false, false},
	{`client_cert_subject("CN=alice\\, x,O=Ex\\C3\\A4,C=CH")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_subject("CN = alice\\2c x, O=Exä , C=CH")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_subject("CN=Alice\\, x,O=Ex\\C3\\A4,C=CH")`, req{url: "a/", tls: alice}, true, false},
	{`client_cert_subject("CN=mallory")`, req{url: "a/", tls: mallory}, false, false},
	{`!client_cert_subject("CN=mallory")`, req{url: "a/", tls: mallory}, true, true},
	{`client_cert_subject_prefix("CN=alice\\, x")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_subject_prefix("CN=alice\\, x,O=Ex\\C3\\A4,C=CH")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_subject_prefix("CN=alice")`, req{url: "a/", tls: alice}, false, false},
	{`client_cert_subject_prefix("CN=alice\\, x,O=Ex")`, req{url: "a/", tls: alice}, false, false},
	{`client_cert_subject_suffix("C=CH", "C=DE")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_subject_suffix("o=exä,C=CH")`, req{url: "a/", tls: alice}, true, false},
	{`client_cert_subject_suffix("O=Good")`, req{url: "a/", tls: &TLS{Verified: true, Subject: `CN=x\,O=Good`}}, false, false},
	{`client_cert_subject_substr("Exä,c=")`, req{url: "a/", tls: alice}, true, false},
	{`client_cert_subject_regex("^CN=[a-z]+\\\\, X,")`, req{url: "a/", tls: alice}, true, false},
	{`client_cert_issuer("CN=Ca,O=Y")`, req{url: "a/", tls: alice}, true, false},
	{`client_cert_issuer_prefix("CN=CA")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_issuer_suffix("O=Y")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_issuer_suffix("CN=CA")`, req{url: "a/", tls: alice}, false, false},
	{`client_cert_issuer_substr("A,O")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_issuer_regex("O=[XY]$")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_fingerprint("` + strings.Repeat("AB:", 31) + `AB")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_fingerprint("` + strings.Repeat("00", 32) + `")`, req{url: "a/", tls: alice}, false, false},
	{`client_cert_san("x", "Alice@example.com")`, req{url: "a/", tls: alice}, true, false},
	{`client_cert_san("alice@example.com")`, req{url: "a/", tls: mallory}, false, false},
	{`client_cert_san_prefix("spiffe://ex/")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_san_suffix("@EXAMPLE.com")`, req{url: "a/", tls: alice}, true, false},
	{`client_cert_san_substr("/ns/")`, req{url: "a/", tls: alice}, true, true},
	{`client_cert_san_regex("^spiffe://[^/]+/ns/B$")`, req{url: "a/", tls: alice}, true, false},

	// The scope of ignore_case and observe_case.
	{`observe_case() && pathname("/A")`, req{url: "a/a"}, false, false},
	{`pathname("/A") && ignore_case()`, req{url: "a/a"}, true, true},
	{`ignore_case() && (pathname("/x") || pathname("/A"))`, req{url: "a/a"}, true, true},
	{`(ignore_case() && pathname("/x")) || pathname("/A")`, req{url: "a/a"}, true, false},
	{`ignore_case() && (observe_case() && pathname("/A") || filename("X"))`, req{url: "a/a"}, false, false},
	{`ignore_case() && !(observe_case() && pathname("/A"))`, req{url: "a/a"}, true, true},
}

func TestFunctions(t *testing.T) {
	used := map[string]bool{}
	var r Request
	for _, tt := range functionTests {
		for _, fold := range []bool{true, false} {
			want := tt.oc
			if fold {
				want = tt.ic
			}
			s := compile(t, []Rule{{Name: "r", When: parseExpr(t, tt.expr), IgnoreCase: fold}})
			tt.req.load(&r)
			if got := s.Match(&r) == 0; got != want {
				t.Errorf("%s with IgnoreCase=%v, %+v: Match = %v, want %v", tt.expr, fold, tt.req, got, want)
			}
			tr := s.Trace(&r)[0]
			if tr.Matched != want {
				t.Errorf("%s with IgnoreCase=%v, %+v: Trace = %+v, want %v", tt.expr, fold, tt.req, tr, want)
			}
			for _, c := range tr.Conds {
				for name := range byName {
					used[name] = used[name] || len(c.Source) > len(name) && c.Source[:len(name)+1] == name+"("
				}
			}
		}
	}
	for name := range byName {
		if !used[name] {
			t.Errorf("%s has no test", name)
		}
	}
}
