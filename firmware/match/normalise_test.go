// SPDX-License-Identifier: Apache-2.0

package match

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func TestNormalise(t *testing.T) {
	tests := []struct{ path, want, merged string }{
		{"/", "/", "/"},
		{"", "/", "/"},
		{"*", "*", "*"},
		{"/*", "/*", "/*"},
		{"a/b", "/a/b", "/a/b"},
		{"/a/b.c", "/a/b.c", "/a/b.c"},
		{"/.hidden/..x/...", "/.hidden/..x/...", "/.hidden/..x/..."},
		{"/a/./b", "/a/b", "/a/b"},
		{"/a/.", "/a/", "/a/"},
		{"/a/b/..", "/a/", "/a/"},
		{"/a/b/../c", "/a/c", "/a/c"},
		{"/a/b/../../../../c", "/c", "/c"},
		{"/..", "/", "/"},
		{"/../", "/", "/"},
		{"/%2e%2E/a", "/a", "/a"},
		{"/a/.%2e/b", "/b", "/b"},
		{"/a//../b", "/a/b", "/b"},
		{"//a///b/", "//a///b/", "/a/b/"},
		{"/a/..//b", "//b", "/b"},
		{"/%7Euser/%41%2d", "/~user/A-", "/~user/A-"},
		{"/%2f..%2F", "/%2F..%2F", "/%2F..%2F"},
		{"/%c3%A9\xc3\xa9", "/%C3%A9%C3%A9", "/%C3%A9%C3%A9"},
		{"/%", "/%25", "/%25"},
		{"/%4/%zz/%2", "/%254/%25zz/%252", "/%254/%25zz/%252"},
		{"/%2%35", "/%2525", "/%2525"},
		{"/%00", "/%00", "/%00"},
		{"/a{b}|\"<>^`", "/a%7Bb%7D%7C%22%3C%3E%5E%60", "/a%7Bb%7D%7C%22%3C%3E%5E%60"},
		{"/!$&'()*+,;=:@", "/!$&'()*+,;=:@", "/!$&'()*+,;=:@"},
	}
	for _, tt := range tests {
		for _, merge := range []bool{false, true} {
			want := tt.want
			if merge {
				want = tt.merged
			}
			if got, _ := normalise(nil, []byte(tt.path), merge); string(got) != want {
				t.Errorf("normalise(%q, merge=%v) = %q, want %q", tt.path, merge, got, want)
			}
		}
	}
}

// plainNormalise is normalise by splitting and joining.
func plainNormalise(path string, merge bool) string {
	if path == "*" {
		return path
	}
	const kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var coded strings.Builder
	for path != "" {
		v, ok := unhex([]byte(path))
		switch c := path[0]; {
		case c == '%' && ok && strings.IndexByte(kept, v) >= 0:
			coded.WriteByte(v)
		case c == '%' && ok:
			coded.WriteString(strings.ToUpper(path[:3]))
		case c == '%':
			coded.WriteString("%25")
		case strings.IndexByte(kept+"/!$&'()*+,;=:@", c) >= 0:
			coded.WriteByte(c)
		default:
			const hex = "0123456789ABCDEF"
			coded.WriteString("%" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		}
		if path[0] == '%' && ok {
			path = path[2:]
		}
		path = path[1:]
	}
	segments := strings.Split(strings.TrimPrefix(coded.String(), "/"), "/")
	var out []string
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case s == ".." || s == ".":
			if s == ".." && len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		case merge && s == "" && !last:
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/")
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"/", "*", "/a/../..//b", "/%2e%2e/%", "/%41//./x", "//..//.."} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, path []byte, merge bool) {
		given := bytes.Clone(path)
		got, _ := normalise(make([]byte, 0, 8), path, merge)
		if !bytes.Equal(given, path) {
			t.Fatalf("normalise(%q) changed its argument to %q", given, path)
		}
		if want := plainNormalise(string(path), merge); string(got) != want {
			t.Fatalf("normalise(%q, %v) = %q, want %q", path, merge, got, want)
		}
		if again, _ := normalise(nil, got, merge); !bytes.Equal(again, got) {
			t.Fatalf("normalise(%q, %v) = %q, and of that %q", path, merge, got, again)
		}
		if string(got) == "*" {
			return
		}
		if got[0] != '/' {
			t.Fatalf("normalise(%q) = %q has no root", path, got)
		}
		for _, s := range bytes.Split(got[1:], []byte("/")) {
			if string(s) == "." || string(s) == ".." {
				t.Fatalf("normalise(%q) = %q has a dot segment", path, got)
			}
		}
	})
}

// FuzzCompile compiles any text that is an expression; what compiles must do
// the same as the slow evaluator.
func FuzzCompile(f *testing.F) {
	for _, text := range problemCases {
		f.Add(text)
	}
	for _, s := range functions {
		f.Add(`ignore_case() && !(` + s.example + ` || any())`)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || strings.Count(text, "(")+strings.Count(text, "[")+strings.Count(text, "{") > 200 {
			return // the configuration bounds size and nesting before it parses
		}
		var rules []Rule
		for _, one := range strings.Split(text, ";;") {
			e, diags := hclsyntax.ParseExpression([]byte(one), "f", hcl.InitialPos)
			if diags.HasErrors() {
				return
			}
			rules = append(rules, Rule{Name: "r", When: e})
		}
		s, problems := Compile(rules)
		if s == nil {
			if len(problems) == 0 {
				t.Fatal("no set and no problem")
			}
			return
		}
		var r Request
		for _, q := range []req{
			{url: "www.example.com/a/x.jpg?a=1", fields: []string{"Cookie: a=b; g=b", "X-A: x"}},
			{url: "a.b/v1/x", client: "10.1.2.3", method: "POST"}, {url: "*"},
			{url: "www.example.com/", tls: alice, http2: true},
		} {
			q.load(&r)
			if got, want := s.Match(&r), traced(s, &r); got != want {
				t.Fatalf("Match(%+v) = %d, Trace says %d", q, got, want)
			}
		}
	})
}

// TestTrieFindsWhatComparingFinds compares both directions with comparing every
// string.
func TestTrieFindsWhatComparingFinds(t *testing.T) {
	g := gen{rand.New(rand.NewPCG(rand.Uint64(), 3))}
	word := func() string {
		b := make([]byte, g.IntN(7))
		for i := range b {
			b[i] = "ab/"[g.IntN(3)]
		}
		return string(b)
	}
	for range 500 {
		var begins, ends trie
		set := map[string]fact{}
		for i := range g.IntN(30) {
			w := word()
			if set[w] == 0 {
				set[w] = fact(2 * (i + 1))
				begins.add(w, set[w], false)
				begins.add(w, set[w]+1, true)
				ends.add(reversed(w), set[w], false)
			}
		}
		for range 20 {
			text := word() + word()
			var wantBegins, wantEnds []fact
			for w, f := range set {
				if strings.HasPrefix(text, w) {
					wantBegins = append(wantBegins, f)
				}
				if text == w || strings.HasPrefix(text, w+"/") {
					wantBegins = append(wantBegins, f+1)
				}
				if strings.HasSuffix(text, w) {
					wantEnds = append(wantEnds, f)
				}
			}
			gotBegins := begins.appendBeginnings(nil, []byte(text))
			gotEnds := ends.appendEndings(nil, []byte(text))
			for _, l := range [][]fact{wantBegins, wantEnds, gotBegins, gotEnds} {
				slices.Sort(l)
			}
			if !slices.Equal(gotBegins, wantBegins) || !slices.Equal(gotEnds, wantEnds) {
				t.Fatalf("of %v in %q: begins %v, want %v; ends %v, want %v",
					set, text, gotBegins, wantBegins, gotEnds, wantEnds)
			}
		}
	}
}
