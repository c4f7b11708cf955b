// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"
	"strings"
	"testing"

	"evener/firmware/message"
)

var urlTests = []struct {
	name   string
	c      URLConfig
	target string // of the request, its path normalised
	want   string // "" if it is not rewritten
}{
	{"prefix to the root", URLConfig{Prefix: "/api", To: "/"}, "/api/x/y", "/x/y"},
	{"prefix alone to the root", URLConfig{Prefix: "/api", To: "/"}, "/api", "/"},
	{"prefix with its slash to the root", URLConfig{Prefix: "/api/", To: "/"}, "/api/", "/"},
	{"prefix to another", URLConfig{Prefix: "/api", To: "/v2/"}, "/api/x", "/v2/x"},
	{"prefix alone to another", URLConfig{Prefix: "/api/", To: "/v2/"}, "/api", "/v2"},
	{"slash at the end stays", URLConfig{Prefix: "/api", To: "/v2"}, "/api/", "/v2/"},
	{"whole segments only", URLConfig{Prefix: "/api", To: "/"}, "/apix", ""},
	{"shorter path", URLConfig{Prefix: "/api", To: "/"}, "/ap", ""},
	{"before everything", URLConfig{Prefix: "/", To: "/v2"}, "/x", "/v2/x"},
	{"before the root", URLConfig{Prefix: "/", To: "/v2"}, "/", "/v2/"},
	{"query stays", URLConfig{Prefix: "/api", To: "/"}, "/api/x?a=/api?", "/x?a=/api?"},
	{"empty query stays", URLConfig{Prefix: "/api", To: "/"}, "/api?", "/?"},
	{"case counts", URLConfig{Prefix: "/api", To: "/"}, "/API/x", ""},
	{"case ignored", URLConfig{Prefix: "/api", To: "/", IgnoreCase: true}, "/API/X", "/X"},
	{"prefix is normalised", URLConfig{Prefix: "/caf\u00e9/%7eu%2f", To: "/"}, "/caf%C3%A9/~u%2F/x", "/x"},
	{"double slash behind", URLConfig{Prefix: "/api", To: "/"}, "/api//x", "//x"},
	{"the server as a whole", URLConfig{Prefix: "/", To: "/v2"}, "*", ""},
	{"variables", URLConfig{Prefix: "/", To: "/$hostname/$header_x_a"}, "/x", "/www.example.com/a%20b%3F%23%0Ac/x"},
	{"a dollar sign", URLConfig{Prefix: "/a", To: "/$$"}, "/a/x", "/$/x"},

	{"regex replaces what it matches", URLConfig{Regex: "/v[0-9]+/", To: "/"}, "/a/v1/v2/b?q", "/a/v2/b?q"},
	{"captures", URLConfig{Regex: `^/u/([^/]+)/(x)?(.*)$`, To: "/$3$2/$1$$"}, "/u/me/rest?q", "/rest/me$?q"},
	{"no match", URLConfig{Regex: `^/u/`, To: "/"}, "/x/u/", ""},
	{"regex ignores case", URLConfig{Regex: `^/u/`, To: "/", IgnoreCase: true}, "/U/x", "/x"},
	{"regex sees no query", URLConfig{Regex: `q$`, To: "r"}, "/a?q", ""},
	{"regex sees the query", URLConfig{Regex: `^/s\?q=([^&]*).*$`, To: "/find/$1", Query: true}, "/s?q=a%2Fb&x", "/find/a%2Fb"},
	{"regex makes a query", URLConfig{Regex: `^/p/(\d+)`, To: "/p?id=$1&", Query: true}, "/p/17?x=1", "/p?id=17&?x=1"},
	{"regex with an empty match", URLConfig{Regex: `$`, To: ".html"}, "/a?b", "/a.html?b"},
	{"a cut escape", URLConfig{Regex: `^/(%C)3(.*)$`, To: "/$1$2"}, "/%C3x", "/%25Cx"},
}

// headOf makes the head of tests that rewrite a target.
func headOf(target string) *message.Head {
	return request{host: "www.example.com:80", target: target, fields: []string{"X-A: a b?#\nc"}}.head()
}

func pathOf(target string) []byte {
	path, _, _ := strings.Cut(target, "?")
	return []byte(path)
}

func TestTargets(t *testing.T) {
	for _, tt := range urlTests {
		u, err := NewURL(tt.c)
		if err != nil {
			t.Errorf("%s: NewURL(%+v): %v", tt.name, tt.c, err)
			continue
		}
		h := headOf(tt.target)
		got, f := u.Target(nil, h, pathOf(tt.target))
		if string(got) != tt.want || f != Sound {
			t.Errorf("%s: Target(%q) = %q, %v, want %q", tt.name, tt.target, got, f, tt.want)
		}
		if left := string(h.Bytes(h.Target)); left != tt.target {
			t.Errorf("%s: the request's own target became %q", tt.name, left)
		}
	}
	if got, f := (*URL)(nil).Target(nil, headOf("/a"), []byte("/a")); got != nil || f != Sound {
		t.Errorf("Target without rewriting = %q, %v, want none", got, f)
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	long := "/" + strings.Repeat("a", 2000)
	tests := []struct {
		name   string
		c      URLConfig
		target string
		want   Fault
	}{
		{"no root", URLConfig{Regex: "^/", To: ""}, "/a", BadTarget},
		{"dot segment", URLConfig{Regex: "x", To: "."}, "/a/x/b", BadTarget},
		{"encoded dot segment", URLConfig{Regex: "x", To: "%2e%2E"}, "/a/x", BadTarget},
		{"dot segment of a variable", URLConfig{Prefix: "/", To: "/$header_x_dots"}, "/a", BadTarget},
		{"dot segment at the end", URLConfig{Regex: "x$", To: ""}, "/a/..x", BadTarget},
		{"a broken escape", URLConfig{Regex: "C3$", To: ""}, "/a%C3", BadTarget},
		{"too large", URLConfig{Regex: "^.*$", To: strings.Repeat("$0", 20)}, long, TooLarge},
	}
	for _, tt := range tests {
		u, err := NewURL(tt.c)
		if err != nil {
			t.Errorf("%s: NewURL(%+v): %v", tt.name, tt.c, err)
			continue
		}
		h := request{host: "a", target: tt.target, fields: []string{"X-Dots: %2e./x"}}.head()
		if got, f := u.Target(nil, h, pathOf(tt.target)); got != nil || f != tt.want {
			t.Errorf("%s: Target(%q) = %q, %v, want none, %v", tt.name, tt.target, got, f, tt.want)
		}
	}
}

func TestURLErrors(t *testing.T) {
	tests := []struct {
		name string
		c    URLConfig
		want string
	}{
		{"nothing", URLConfig{To: "/"}, "write one of them"},
		{"both", URLConfig{Prefix: "/a", Regex: "a", To: "/"}, "write one of them"},
		{"prefix without root", URLConfig{Prefix: "a", To: "/"}, `write "/a"`},
		{"new prefix without root", URLConfig{Prefix: "/a", To: "b"}, `write "/b"`},
		{"new prefix is empty", URLConfig{Prefix: "/a"}, `write "/"`},
		{"prefix with a query", URLConfig{Prefix: "/a?b", To: "/"}, `a path ends before "?"`},
		{"prefix sees the query", URLConfig{Prefix: "/a", To: "/", Query: true}, "only a regular expression"},
		{"prefix with dots", URLConfig{Prefix: "/a/%2E./b", To: "/"}, "dot segment"},
		{"new prefix with dots", URLConfig{Prefix: "/a", To: "/.."}, "dot segment"},
		{"new query", URLConfig{Regex: "a", To: "/?b"}, "the query stays"},
		{"query variable", URLConfig{Regex: "a", To: "/$query"}, "$query: the query stays"},
		{"later variable", URLConfig{Prefix: "/a", To: "/$member"}, "$member is not known"},
		{"capture of a prefix", URLConfig{Prefix: "/a", To: "/$1"}, "no regular expression"},
		{"capture too high", URLConfig{Regex: "(a)", To: "/$2"}, "only $0 to $1"},
		{"bad regex", URLConfig{Regex: "(", To: "/"}, "missing closing )"},
		{"long regex", URLConfig{Regex: strings.Repeat("a", maxRegex+1), To: "/"}, "the most is 1000"},
		{"fragment", URLConfig{Regex: "a", To: "/#b"}, "as %23"},
		{"backslash", URLConfig{Prefix: "/a", To: `/\$host`}, "as %5C"},
		{"blank", URLConfig{Regex: "a", To: "/ b"}, "as %20"},
		{"bad escape", URLConfig{Regex: "a", To: "/%4"}, "as %25"},
	}
	for _, tt := range tests {
		if u, err := NewURL(tt.c); u != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: NewURL(%+v) = %v, want an error with %q", tt.name, tt.c, err, tt.want)
		}
	}
}

func TestTargetByPrefixDoesNotAllocate(t *testing.T) {
	u, err := NewURL(URLConfig{Prefix: "/api", To: "/$hostname/$header_x_a"})
	if err != nil {
		t.Fatal(err)
	}
	h, path := headOf("/api/x?y"), []byte("/api/x")
	mem := make([]byte, 0, 256)
	if allocs := testing.AllocsPerRun(100, func() {
		if got, _ := u.Target(mem, h, path); len(got) == 0 {
			t.Fatal("not rewritten")
		}
	}); allocs != 0 {
		t.Errorf("%v allocations per Target, want 0", allocs)
	}
}

// FuzzTarget rewrites any path; what comes out is a target that the codecs
// would accept from a client.
func FuzzTarget(f *testing.F) {
	for _, tt := range urlTests {
		f.Add(tt.c.Prefix, tt.c.Regex, tt.c.To, tt.c.Query, tt.target, "v")
	}
	f.Add("", "(.)(.*)$", "$2$1..$header_x_a", true, "/a%2e?./#", "\r\n../%2")
	f.Fuzz(func(t *testing.T, prefix, regex, to string, query bool, target, field string) {
		u, err := NewURL(URLConfig{Prefix: prefix, Regex: regex, To: to, Query: query})
		path := pathOf(target)
		_, q, _ := strings.Cut(target, "?")
		if err != nil || !soundPath(path) || strings.ContainsFunc(q, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' || r == '\\' }) {
			return
		}
		h := request{host: field, target: target, fields: []string{"X-A: " + field}}.head()
		got, fault := u.Target(nil, h, path)
		if got == nil {
			return
		}
		if fault != Sound || len(got) > MaxTarget || got[0] != '/' ||
			bytes.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' || r == '\\' }) {
			t.Fatalf("Target(%q) with %q to %q = %q, %v", target, prefix+regex, to, got, fault)
		}
		for _, s := range strings.Split(string(pathOf(string(got))), "/") {
			s = strings.ReplaceAll(strings.ToLower(s), "%2e", ".")
			if s == "." || s == ".." {
				t.Fatalf("Target(%q) with %q to %q = %q has a dot segment", target, prefix+regex, to, got)
			}
		}
	})
}

func TestTargetLeavesThePathAlone(t *testing.T) {
	u, err := NewURL(URLConfig{Regex: "^/a", To: "/b", Query: true})
	if err != nil {
		t.Fatal(err)
	}
	mem := []byte("/a/x and what lies behind it")
	if got, _ := u.Target(nil, headOf("/a/x?query"), mem[:4]); string(got) != "/b/x?query" {
		t.Errorf("Target = %q, want /b/x?query", got)
	}
	if want := "/a/x and what lies behind it"; string(mem) != want {
		t.Errorf("the path's memory became %q, want %q", mem, want)
	}
}

// TestQueryIsCheckedAgain has heads as no codec makes them.
func TestQueryIsCheckedAgain(t *testing.T) {
	u, err := NewURL(URLConfig{Prefix: "/a", To: "/b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"a b", "a\r\nb", "a#b", `a\b`, "\x7f"} {
		if got, f := u.Target(nil, headOf("/a?"+query), []byte("/a")); got != nil || f != BadTarget {
			t.Errorf("Target with the query %q = %q, %v, want none, %v", query, got, f, BadTarget)
		}
	}
}
