// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"strings"
	"testing"
)

// answer reads a status, a length and field lines.
func answer(status int, length int64, fields ...string) *Answer {
	a := &Answer{Status: status, Length: length}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		a.Field([]byte(name), []byte(value))
	}
	return a
}

func newPolicy(t *testing.T, cfg PolicyConfig) *Policy {
	t.Helper()
	p, err := NewPolicy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEligible(t *testing.T) {
	const html = "Content-Type: text/html; charset=utf-8"
	p := newPolicy(t, PolicyConfig{})
	for _, tc := range []struct {
		name string
		a    *Answer
		want bool
	}{
		{"a page", answer(200, 1024, html), true},
		{"a byte less", answer(200, 1023, html), false},
		{"empty", answer(200, 0, html), false},
		{"length unknown", answer(200, -1, html), true},
		{"events", answer(200, -1, "content-type: text/event-stream"), true},
		{"created", answer(201, 2000, html), true},
		{"error page", answer(404, 2000, html), true},
		{"error of ours", answer(503, 2000, html), true},
		{"switching protocols", answer(101, -1, html), false},
		{"no content", answer(204, -1, html), false},
		{"reset content", answer(205, -1, html), false},
		{"part", answer(206, 2000, html, "Content-Range: bytes 0-1999/9999"), false},
		{"difference", answer(226, 2000, html), false},
		{"redirect", answer(302, 2000, html), false},
		{"not modified", answer(304, 2000, html), false},
		{"no status", answer(0, 2000, html), false},
		{"beyond", answer(600, 2000, html), false},
		{"range in 200", answer(200, 2000, html, "Content-Range: bytes 0-1999/9999"), false},
		{"gzipped", answer(200, 2000, html, "content-encoding: gzip"), false},
		{"said to be plain", answer(200, 2000, html, "Content-Encoding: identity"), false},
		{"not to be changed", answer(200, 2000, html, "Cache-Control: public, No-Transform"), false},
		{"in a second line", answer(200, 2000, html, "Cache-Control: public", "Cache-Control: no-transform"), false},
		{"other directives", answer(200, 2000, html, "Cache-Control: max-age=1, no-transformer, no-store"), true},
		{"in a string", answer(200, 2000, html, `Cache-Control: x="a, no-transform, b"`), true},
		{"behind a string", answer(200, 2000, html, `Cache-Control: x="a\", b",no-transform`), false},
		{"no type", answer(200, 2000), false},
		{"two types", answer(200, 2000, html, html), false},
		{"an image", answer(200, 2000, "Content-Type: image/png"), false},
		{"the type comes first", answer(200, 2000, "Content-Encoding: br", html), false},
	} {
		if got := p.Eligible(tc.a); got != tc.want {
			t.Errorf("%s: Eligible(%+v) = %v, want %v", tc.name, *tc.a, got, tc.want)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, tc := range []struct {
		types []string // nil: the default
		value string
		want  bool
	}{
		{nil, "text/plain", true}, {nil, "TEXT/CSS", true}, {nil, " text/html ;charset=x", true},
		{nil, "application/json", true}, {nil, "application/problem+json", true}, {nil, "application/ld+JSON; a=b", true},
		{nil, "image/svg+xml", true}, {nil, "application/javascript", true}, {nil, "application/wasm", true},
		{nil, "image/png", false}, {nil, "application/octet-stream", false}, {nil, "video/mp4", false},
		{nil, "application/zip", false}, {nil, "font/woff2", false}, {nil, "application/grpc", false},
		{nil, "", false}, {nil, ";", false}, {nil, "text", false}, {nil, "text/", false}, {nil, "/html", false}, {nil, "+json", false},
		{nil, "application/x+jsonx", false}, {nil, "a+json/b", false},
		{nil, "text/" + strings.Repeat("x", maxType-5), true}, {nil, "text/" + strings.Repeat("x", maxType-4), false},
		{[]string{"image/*"}, "image/png", true}, {[]string{"image/*"}, "text/html", false},
		{[]string{"Text/HTML"}, "text/html", true}, {[]string{"text/html"}, "text/htmlx", false},
		{[]string{"*+cbor"}, "application/a+b+cbor", true}, {[]string{"*+cbor"}, "application/cbor", false},
		{[]string{"*/*"}, "x/y", true}, {[]string{"*/*"}, "nonsense", false},
		{[]string{"*/*"}, "application/grpc", false}, {[]string{"*/*"}, "application/grpc+proto", false},
		{[]string{"*/*"}, "application/grpc-web", false}, {[]string{"*/*"}, "application/grpcx", true},
		{[]string{}, "text/html", false},
	} {
		p := newPolicy(t, PolicyConfig{Types: tc.types, MinLength: 1})
		if got := p.Eligible(answer(200, 1, "Content-Type: "+tc.value)); got != tc.want {
			t.Errorf("types %q: %q is eligible: %v, want %v", tc.types, tc.value, got, tc.want)
		}
	}
}

func TestNewPolicyRefusesWhatIsNoType(t *testing.T) {
	for _, bad := range []string{"", "text", "text/", "/html", "*", "te*t/html", "text/h*", "*/html", "*+", "text/html; a=b", "a/b/c",
		"text /html", strings.Repeat("x", maxType) + "/y"} {
		if _, err := NewPolicy(PolicyConfig{Types: []string{"text/html", bad}}); err == nil {
			t.Errorf("NewPolicy took the type %q", bad)
		}
	}
}

func TestNeedsVary(t *testing.T) {
	for _, tc := range []struct {
		fields []string
		want   bool
	}{
		{nil, true},
		{[]string{"Vary: Origin"}, true},
		{[]string{"Vary: accept-encoding"}, false},
		{[]string{"Vary: Origin, Accept-Encoding"}, false},
		{[]string{"vary: Origin", "VARY: Accept-Encoding"}, false},
		{[]string{"Vary: *"}, false},
		{[]string{"Vary: Accept-Encoding-X, X-Accept-Encoding"}, true},
	} {
		if got := answer(200, -1, tc.fields...).NeedsVary(); got != tc.want {
			t.Errorf("%q: NeedsVary() = %v, want %v", tc.fields, got, tc.want)
		}
	}
}

func TestStale(t *testing.T) {
	for name, want := range map[string]bool{
		"Content-Length": true, "content-md5": true, "Digest": true, "Content-Digest": true, "Repr-Digest": true, "ACCEPT-RANGES": true,
		"Content-Type": false, "ETag": false, "Last-Modified": false, "Expires": false, "": false, "Content-Lengtn": false,
		"Want-Content-Digest": false, "Date": false, "Server": false, "Content-Range": false,
	} {
		if got := Stale([]byte(name)); got != want {
			t.Errorf("Stale(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestWeakETag(t *testing.T) {
	for _, tc := range []struct {
		value, want string // "" if it is no entity tag
	}{
		{`"abc"`, `W/"abc"`}, {`W/"abc"`, `W/"abc"`}, {`""`, `W/""`}, {`"!#~` + "\xff" + `"`, `W/"!#~` + "\xff" + `"`},
		{``, ``}, {`abc`, ``}, {`"abc`, ``}, {`abc"`, ``}, {`"`, ``}, {`w/"abc"`, ``}, {`W/abc`, ``}, {`W/`, ``},
		{`"a"b"`, ``}, {`"a b"`, ``}, {`"a", "b"`, ``}, {"\"a\x7f\"", ``},
	} {
		got, ok := WeakETag([]byte("ETag: "), []byte(tc.value))
		if string(got) != "ETag: "+tc.want || ok != (tc.want != "") {
			t.Errorf("WeakETag(%q) = %q, %v, want %q", tc.value, got, ok, tc.want)
		}
	}
}

func TestAllocNothingToDecide(t *testing.T) {
	p := newPolicy(t, PolicyConfig{})
	fields := [][2][]byte{}
	for _, f := range []string{"Content-Type: Application/Vnd.Api+JSON; charset=utf-8", "Cache-Control: private, max-age=3", "Vary: Origin", "ETag: \"x\""} {
		name, value, _ := strings.Cut(f, ": ")
		fields = append(fields, [2][]byte{[]byte(name), []byte(value)})
	}
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		a := Answer{Status: 200, Length: -1}
		for _, f := range fields {
			a.Field(f[0], f[1])
		}
		if !p.Eligible(&a) || !a.NeedsVary() {
			t.Error("the answer must be eligible and need Vary")
		}
		WeakETag(buf, fields[3][1])
	}); n != 0 {
		t.Errorf("deciding allocates %v times, want 0", n)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("Cache-Control", `a="b,c", no-transform`)
	f.Add("Content-Type", "text/html;charset=utf-8")
	f.Add("Vary", "*, accept-encoding")
	f.Add("ETag", `W/"x"`)
	p, err := NewPolicy(PolicyConfig{MinLength: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		a := answer(200, 5, "Content-Type: text/html")
		a.Field([]byte(name), []byte(value))
		switch lower := strings.ToLower(name); {
		case lower == "content-type", lower == "content-encoding", lower == "content-range":
			if p.Eligible(a) {
				t.Errorf("%q: %q leaves an answer eligible", name, value)
			}
		case lower != "cache-control" && !p.Eligible(a):
			t.Errorf("%q: %q makes an answer not eligible", name, value)
		case lower == "cache-control" && !p.Eligible(a) && !strings.Contains(strings.ToLower(value), "no-transform"):
			t.Errorf("Cache-Control: %q is read as no-transform", value)
		}
		weak, ok := WeakETag(nil, []byte(value))
		if again, ok2 := WeakETag(nil, weak); ok && (!ok2 || string(again) != string(weak)) {
			t.Errorf("WeakETag(%q) = %q, which is no weak tag", value, weak)
		}
	})
}
