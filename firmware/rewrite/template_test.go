// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"evener/firmware/message"
)

func TestTemplates(t *testing.T) {
	h := request{method: "POST", host: "www.example.com:8443", target: "/a/b?c=d", fields: []string{
		"User-Agent: curl/8", "X_Tenant: t1", "X-Multi: 1", "X-Multi: 2", "X-Bad: a\tb\"c"}}.head()
	src := &stub{h, map[Kind]string{ClientIP: "192.0.2.7", Rule: "ev\r\nil\x00", ClientCertSubject: "CN=a,O=b c"}}
	tests := []struct{ name, text, field, url string }{
		{"no variable", "plain", "plain", "plain"},
		{"dollar sign", "a$$b$$", "a$b$", "a$b$"},
		{"variables side by side", "$client_ip$method", "192.0.2.7POST", "192.0.2.7POST"},
		{"name ends at a sign", "$host/x", "www.example.com:8443/x", "www.example.com:8443/x"},
		{"name in parentheses", "$(client_ip)x", "192.0.2.7x", "192.0.2.7x"},
		{"as a redirect", "https://$hostname$path$query", "https://www.example.com/a/b?c=d", "https://www.example.com/a/b?c=d"},
		{"protocol", "$protocol", "HTTP/1.1", "HTTP/1.1"},
		{"field", "$header_user_agent", "curl/8", "curl/8"},
		{"first field of several", "$header_x_multi", "1", "1"},
		{"field with an underscore", "<$(header:X_Tenant)$header_x_tenant>", "<t1>", "<t1>"},
		{"field in any case", "$(header:x-mULTI)", "1", "1"},
		{"Host is the authority", "$header_host", "www.example.com:8443", "www.example.com:8443"},
		{"field that is not there", "<$header_none>", "<>", "<>"},
		{"unknown value", "<$member>", "<>", "<>"},
		{"line break in a value", "$rule", "ev  il ", "ev%0D%0Ail%00"},
		{"other bytes in a value", "$header_x_bad", "a\tb\"c", "a%09b%22c"},
		{"blank", "$client_cert_subject", "CN=a,O=b c", "CN=a,O=b%20c"},
	}
	for _, tt := range tests {
		v, err := NewValue(tt.text)
		if err != nil {
			t.Errorf("%s: NewValue(%q): %v", tt.name, tt.text, err)
			continue
		}
		if got := string(v.Append([]byte("x"), src)); got != "x"+tt.field {
			t.Errorf("%s: value %q = %q, want %q", tt.name, tt.text, got, "x"+tt.field)
		}
		u, err := NewLocation(tt.text, 0)
		if err != nil {
			t.Errorf("%s: NewLocation(%q): %v", tt.name, tt.text, err)
			continue
		}
		if got := string(u.Append([]byte("x"), src)); got != "x"+tt.url {
			t.Errorf("%s: URL %q = %q, want %q", tt.name, tt.text, got, "x"+tt.url)
		}
	}
}

func TestCaptures(t *testing.T) {
	re := regexp.MustCompile(`^http://([^/]*)/(x)?(.*)$`)
	text := []byte("http://a/b c%41?")
	loc, err := NewLocation("https://$1/$10/$2$3$$", 4)
	if err != nil {
		t.Fatal(err)
	}
	got := string(loc.AppendMatch(nil, nil, Match{text, re.FindSubmatchIndex(text)}))
	if want := "https://a/a0/b%20c%41?$"; got != want {
		t.Errorf("AppendMatch = %q, want %q", got, want)
	}
}

func TestTemplateErrors(t *testing.T) {
	tests := []struct {
		name, text string
		parse      func(string) (*Template, error)
		want       string
	}{
		{"end", "a$", NewValue, `the text ends with "$"`},
		{"braces", "${host}", NewValue, "write a variable as $name"},
		{"no name", "$-", NewValue, `after "$" comes`},
		{"open", "$(host", NewValue, `the ")" is missing`},
		{"empty", "$()", NewValue, `after "$" comes`},
		{"unknown", "$frobnicate", NewValue, "unknown variable $frobnicate"},
		{"near", "$client_iq", NewValue, "did you mean $client_ip?"},
		{"capitals", "$Host", NewValue, "did you mean $host?"},
		{"no separation", "$hostname2", NewValue, "did you mean $hostname?"},
		{"text behind", "$pathinfo.html", NewValue, "did you mean $(path)info?"},
		{"elsewhere", "$remote_addr", NewValue, "did you mean $client_ip?"},
		{"nginx's fields", "$http_user_agent", NewValue, "did you mean $header_user_agent?"},
		{"field without name", "$header_", NewValue, `"" is not the name of a field`},
		{"field with a bad name", "$(header:a b)", NewValue, `"a b" is not the name of a field`},
		{"capture in a value", "$1", NewValue, "there is no regular expression here"},
		{"line break", "a\r\nb", NewValue, "control character 0x0d"},
		{"long", strings.Repeat("a", maxText+1), NewValue, "the most is 4096"},
		{"many", strings.Repeat("$host", maxVars+1), NewValue, "more than 32 variables"},
		{"blank in a URL", "/a b", func(s string) (*Template, error) { return NewLocation(s, 0) }, "as %20"},
		{"percent in a URL", "/100%/", func(s string) (*Template, error) { return NewLocation(s, 0) }, "as %25"},
		{"capture too high", "$2", func(s string) (*Template, error) { return NewLocation(s, 2) }, "captures only $0 to $1"},
	}
	for _, tt := range tests {
		if _, err := tt.parse(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestEveryVariableIsKnownByItsName(t *testing.T) {
	seen := map[string]bool{}
	for k := range numKinds {
		v := Var{Kind: k}
		if k == Header {
			v.Name, v.Field = "user-agent", message.UserAgent
		}
		tmpl, err := NewValue(v.String())
		if err != nil || len(tmpl.parts) != 1 || tmpl.parts[0].v != v || seen[v.String()] {
			t.Errorf("NewValue(%q) = %+v, %v, want the variable %d", v, tmpl, err, k)
		}
		seen[v.String()] = true
	}
}

// FuzzTemplate checks that whatever is compiled and whatever a source says,
// nothing gets out of a field or a URL.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"$client_ip $(rule)x$$", "$header_a/$(header:A_b)", "${x}", "$9$0", "a%41%zz", "$"} {
		f.Add(s, "v\r\nSet-Cookie: a\x00%4", "http://a/b?c")
	}
	re := regexp.MustCompile(`^(h?)(.)(.*)$`)
	f.Fuzz(func(t *testing.T, text, value, match string) {
		src := everywhere(value)
		if v, err := NewValue(text); err == nil {
			if out := v.Append(nil, src); message.EndOfValue(out, 0) != len(out) {
				t.Fatalf("the value %q with %q is %q", text, value, out)
			}
		}
		for _, fm := range []form{inPlace, inTarget} {
			u, err := parse(text, fm, 4)
			if err != nil {
				continue
			}
			m := Match{Text: []byte(match), Groups: re.FindSubmatchIndex([]byte(match))}
			if m.Groups == nil {
				continue
			}
			out := u.AppendMatch(nil, src, m)
			if i := bytes.IndexFunc(out, func(r rune) bool { return r <= ' ' || r >= 0x7f }); i >= 0 {
				t.Fatalf("the URL %q with %q, %q is %q", text, value, match, out)
			}
		}
	})
}

// FuzzEscape compares escape with writing into new memory.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a b", "%41%4%%2", "%%%", "é%C3", "%\x00a", "a%", "%a"} {
		f.Add("x%4", s)
	}
	f.Fuzz(func(t *testing.T, before, s string) {
		for _, allowed := range []uint8{inPath, inURL} {
			want := before
			for i := 0; i < len(s); i++ {
				if class[s[i]]&allowed != 0 || escaped([]byte(s[i:])) {
					want += s[i : i+1]
				} else {
					want += "%" + strings.ToUpper(string("0123456789abcdef"[s[i]>>4])+string("0123456789abcdef"[s[i]&15]))
				}
			}
			if got := escape([]byte(before+s), len(before), allowed); string(got) != want {
				t.Fatalf("escape(%q, %d) = %q, want %q", before+s, len(before), got, want)
			}
		}
	})
}
