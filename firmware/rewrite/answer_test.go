// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"testing"
	"time"

	"evener/firmware/message"
)

func TestSecureURLs(t *testing.T) {
	tests := []struct{ name, authority, url, want string }{
		{"this host", "www.example.com", "http://www.example.com/a?b#c", "https://www.example.com/a?b#c"},
		{"no path", "www.example.com", "HTTP://WWW.example.com", "https://www.example.com"},
		{"query at once", "a", "http://a?b", "https://a?b"},
		{"port of http", "a", "http://a:80/", "https://a/"},
		{"empty port", "a", "http://a:/", "https://a/"},
		{"port of the request", "a:9443", "http://a:9443/", "https://a:9443/"},
		{"port of the request is added", "a:9443", "http://a/", "https://a:9443/"},
		{"port of https is left out", "a:443", "http://a/", "https://a/"},
		{"port listened at", "a", "http://a:8443/x", "https://a/x"},
		{"address", "[2001:db8::1]:9443", "http://[2001:DB8::1]/", "https://[2001:db8::1]:9443/"},
		{"other port", "a", "http://a:8080/", ""},
		{"other host", "a", "http://b/", ""},
		{"host below", "a", "http://x.a/", ""},
		{"host that begins like it", "a", "http://a.evil/", ""},
		{"userinfo", "a", "http://a@evil/", ""},
		{"userinfo and this host", "a", "http://u@a/", ""},
		{"https already", "a", "https://a/", ""},
		{"relative", "a", "/x", ""},
		{"without scheme", "a", "//a/x", ""},
		{"other scheme", "a", "httpx://a/", ""},
		{"no host", "a", "http:///x", ""},
		{"request without host", "", "http://a/", ""},
		{"letter that folds to k", "k", "http://\u212a/", ""},
	}
	for _, tt := range tests {
		o := Own{Authority: []byte(tt.authority), Port: 8443}
		want := "x" + tt.want
		got, changed := o.AppendSecure([]byte("x"), []byte(tt.url))
		if string(got) != want || changed != (tt.want != "") {
			t.Errorf("%s: AppendSecure(%q) at %q = %q, %v, want %q", tt.name, tt.url, tt.authority, got, changed, want)
		}
	}
}

func TestSecureRefresh(t *testing.T) {
	tests := []struct{ in, want string }{
		{"5; url=http://a/x", "5; url=https://a/x"},
		{"0;URL = 'http://a/x' ; more", "0;URL = 'https://a/x' ; more"},
		{`0,url="http://a/x`, `0,url="https://a/x`},
		{`0,url="`, ""},
		{"5", ""},
		{"5; http://a/", ""},
		{"5; url=http://b/", ""},
		{"5; url=", ""},
		{"5; url", ""},
	}
	for _, tt := range tests {
		got, changed := Own{Authority: []byte("a")}.AppendSecureRefresh(nil, []byte(tt.in))
		if string(got) != tt.want || changed != (tt.want != "") {
			t.Errorf("AppendSecureRefresh(%q) = %q, %v, want %q", tt.in, got, changed, tt.want)
		}
	}
}

func TestSecureAnswers(t *testing.T) {
	fields := []string{
		"Location: http://a/x", "content-location: http://a/y", "Refresh: 1;url=http://a/z", "X-Location: http://a/",
		"Set-Cookie: a=1; secure", "Set-Cookie: b=secure", "Set-Cookie: b=2; Path=/; SECURE", "Set-Cookie: c=; Secure=x"}
	const places = "Location: https://a/x\ncontent-location: https://a/y\nRefresh: 1;url=https://a/z\n"
	tests := []struct {
		name    string
		cookies bool
		want    string
	}{
		{"places only", false, "X-Location: http://a/\nSet-Cookie: a=1; secure\nSet-Cookie: b=secure\n" +
			"Set-Cookie: b=2; Path=/; SECURE\nSet-Cookie: c=; Secure=x\n" + places},
		{"cookies too", true, "X-Location: http://a/\nSet-Cookie: a=1; secure\n" + places +
			"Set-Cookie: b=secure; Secure\nSet-Cookie: b=2; Path=/; SECURE\nSet-Cookie: c=; Secure=x\n"},
	}
	var c Changes
	own := Own{Authority: []byte("a")}
	for _, tt := range tests {
		h := request{fields: fields}.head()
		c.Reset()
		own.Secure(h, &c, tt.cookies)
		if got := sent(h, &c); got != tt.want {
			t.Errorf("%s: sent\n%swant\n%s", tt.name, got, tt.want)
		}
		if allocs := testing.AllocsPerRun(100, func() {
			c.Undo(h)
			own.Secure(h, &c, tt.cookies)
		}); allocs != 0 {
			t.Errorf("%s: %v allocations, want 0", tt.name, allocs)
		}
	}
}

func TestOperationsSeeSecureAnswers(t *testing.T) {
	h := request{fields: []string{"Location: http://a/x"}}.head()
	var c Changes
	Own{Authority: []byte("a")}.Secure(h, &c, false)
	compileOps(t, Answers, Op{SetIfAbsent, "Location", "/none"}, Op{Set, "X-A", "1"}).Apply(h, &c, source(h))
	if got, want := sent(h, &c), "Location: https://a/x\nX-A: 1\n"; got != want {
		t.Errorf("sent\n%swant\n%s", got, want)
	}
}

func TestHSTS(t *testing.T) {
	const year = 8760 * time.Hour
	tests := []struct {
		age              time.Duration
		subs, preload    bool
		want, wantErrors string
	}{
		{0, false, false, "max-age=0", ""},
		{year, false, false, "max-age=31536000", ""},
		{time.Hour, true, false, "max-age=3600; includeSubDomains", ""},
		{year, true, true, "max-age=31536000; includeSubDomains; preload", ""},
		{year - time.Second, true, true, "", "error"},
		{year, false, true, "", "error"},
		{-time.Second, false, false, "", "error"},
		{1500 * time.Millisecond, false, false, "", "error"},
	}
	for _, tt := range tests {
		got, err := HSTS(tt.age, tt.subs, tt.preload)
		if got != tt.want || (err != nil) != (tt.wantErrors != "") {
			t.Errorf("HSTS(%v, %v, %v) = %q, %v, want %q", tt.age, tt.subs, tt.preload, got, err, tt.want)
		}
	}
}

// FuzzSecure rewrites any value; what comes out names the host of the request
// and can end no field.
func FuzzSecure(f *testing.F) {
	f.Add("a:443", "http://a:80/x", uint16(80))
	f.Add("[::1]", "1; url='http://[::1]:9/'x", uint16(9))
	f.Fuzz(func(t *testing.T, authority, value string, port uint16) {
		_, fault := message.CheckHost([]byte(authority))
		if fault != message.HostSound || message.EndOfValue([]byte(value), 0) != len(value) {
			return
		}
		o := Own{Authority: []byte(authority), Port: port}
		for _, secure := range []func(dst, v []byte) ([]byte, bool){o.AppendSecure, o.AppendSecureRefresh} {
			out, changed := secure(nil, []byte(value))
			if changed != (len(out) > 0) || message.EndOfValue(out, 0) != len(out) {
				t.Fatalf("%q at %q = %q, %v", value, authority, out, changed)
			}
			if changed {
				if again, twice := secure(nil, out); twice {
					t.Fatalf("%q at %q = %q, and then %q", value, authority, out, again)
				}
			}
		}
	})
}
