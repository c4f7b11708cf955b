// SPDX-License-Identifier: Apache-2.0

package match

import (
	"slices"
	"testing"
)

func TestNamesHaveOneForm(t *testing.T) {
	s := byName["client_cert_subject"]
	tests := []struct{ name, in, want string }{
		{"as it is shown", `CN=a,O=b\, c,C=CH`, `CN=a,O=b\, c,C=CH`},
		{"blanks", ` CN = a , O=b `, `CN=a,O=b`},
		{"blank that counts", `CN=\ a\ `, `CN=\ a\ `},
		{"hexadecimal for what needs none", `CN=\61\2C`, `CN=a\,`},
		{"hexadecimal in lower case", `CN=\c3\a4`, `CN=\C3\A4`},
		{"letters of other alphabets", `CN=ä`, `CN=\C3\A4`},
		{"equals sign in a value", `CN=a=b`, `CN=a\=b`},
		{"several attributes in a part", `OU=x+CN=a,C=b`, `OU=x+CN=a,C=b`},
		{"number sign", `CN=\#1`, `CN=\#1`},
		{"encoded value", `1.2.3=#0C01AB`, `1.2.3=#0c01ab`},
		{"empty value", `CN=,C=b`, `CN=,C=b`},
	}
	for _, tt := range tests {
		got, msg := checkDN(s, tt.in)
		if got != tt.want || msg != "" {
			t.Errorf("%s: checkDN(%q) = %q, %q, want %q", tt.name, tt.in, got, msg, tt.want)
		}
	}
}

// FuzzDN checks that the form of a name is stable, printable, and has the parts
// of what was written.
func FuzzDN(f *testing.F) {
	for _, v := range []string{`CN=a,O=b\, c,C=CH`, `CN=\c3\a4\2c`, `OU=x+CN==`, `CN=\`, ` CN= \  , C=`, `1.2=#0C`, "0=#\x9a"} {
		f.Add(v)
	}
	s := byName["client_cert_subject"]
	f.Fuzz(func(t *testing.T, v string) {
		got, msg := checkDN(s, v)
		if msg != "" {
			return
		}
		again, msg := checkDN(s, got)
		if again != got || msg != "" {
			t.Fatalf("checkDN(%q) = %q, of which it makes %q, %q", v, got, again, msg)
		}
		if i := slices.IndexFunc([]byte(got), func(c byte) bool { return c < ' ' || c > '~' }); i >= 0 {
			t.Fatalf("checkDN(%q) = %q has the byte %#x", v, got, got[i])
		}
		if n, want := len(cutDN(got, ',')), len(cutDN(v, ',')); n != want {
			t.Fatalf("checkDN(%q) = %q has %d parts, want %d", v, got, n, want)
		}
	})
}
