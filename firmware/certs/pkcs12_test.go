// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

func TestParsePKCS12(t *testing.T) {
	root := newCA(t, "root", nil)
	inter := newCA(t, "inter", root)
	key := p256(t)
	leaf := sign(t, server("a.example"), key, inter)
	encode := func(e *pkcs12.Encoder, key any, password string) []byte {
		t.Helper()
		b, err := e.Encode(key, leaf, []*x509.Certificate{root.cert, inter.cert}, password)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	modern := encode(pkcs12.Modern, key, "Zoë 1")
	tests := []struct {
		name     string
		data     []byte
		password string
		want     string
	}{
		{"modern", modern, "Zoë 1", ""},
		{"of old Windows", encode(pkcs12.LegacyDES, key, "x"), "x", ""},
		{"of older Windows", encode(pkcs12.LegacyRC2, key, "x"), "x", ""},
		{"without password", encode(pkcs12.Passwordless, key, ""), "", ""},
		{"many rounds", encode(pkcs12.Modern.WithIterations(20000), key, "x"), "x", ""},
		{"wrong password", modern, "x", "the password of the PKCS#12 file is wrong"},
		{"no password", modern, "", "the password of the PKCS#12 file is wrong"},
		{"key of another", encode(pkcs12.Modern, p256(t), "x"), "x", "the key belongs to another certificate"},
		{"PEM", []byte(certPEM(leaf)), "", "import it as PEM"},
		{"empty", nil, "", "read PKCS#12 file"},
		{"cut", modern[:len(modern)-9], "Zoë 1", "read PKCS#12 file"},
		{"large", make([]byte, maxPKCS12+1), "", "at most 262144"},
		{"deep", []byte(strings.Repeat("\x30\x80", 30)), "", "read PKCS#12 file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePKCS12(tt.data, tt.password, now)
			contains(t, "ParsePKCS12", err, tt.want)
			if err == nil && len(p.chain) != 2 {
				t.Errorf("ParsePKCS12 = a chain of %d, want 2", len(p.chain))
			}
		})
	}
}

// TestPKCS12RoundsAreBoundedBeforeWork raises the number of rounds in each
// place where a file has one, without paying for it.
func TestPKCS12RoundsAreBoundedBeforeWork(t *testing.T) {
	key := p256(t)
	leaf := sign(t, server("a.example"), key, nil)
	for name, e := range map[string]*pkcs12.Encoder{"modern": pkcs12.Modern, "legacy": pkcs12.LegacyDES} {
		// 0x123456 rounds would be allowed; the number is easy to find.
		data, err := e.WithIterations(0x1234).Encode(key, leaf, nil, "x")
		if err != nil {
			t.Fatal(err)
		}
		rounds, many := "\x02\x02\x12\x34", 0
		for i := range data {
			if !strings.HasPrefix(string(data[i:]), rounds) {
				continue
			}
			many++
			// Longer by two bytes inside: instead of mending all lengths, a negative number.
			bad := append([]byte{}, data...)
			bad[i+2] = 0x80
			_, err := ParsePKCS12(bad, "x", now)
			contains(t, name, err, "export it again")
		}
		if many < 2 {
			t.Errorf("%s: %d numbers of rounds were found; does the test still look for the right bytes?", name, many)
		}
	}
	total := 0
	salted := "\x04\x01s\x02\x03\x1e\x84\x80" // 2 000 000 rounds
	if err := checkRounds([]byte(salted+salted), 0, &total); err != nil {
		t.Errorf("checkRounds(4 000 000 in all) = %v, want no error", err)
	}
	contains(t, "a sixth million", checkRounds([]byte(salted), 0, &total), "in all")
	contains(t, "one derivation", checkRounds([]byte("\x04\x01s\x02\x03\x1e\x84\x81"), 0, new(int)), "more than 2000000")
	contains(t, "depth", checkRounds([]byte(nested(30)), 0, new(int)), "nested too deeply")
}

// nested returns n sequences around each other.
func nested(n int) string {
	s := ""
	for range n {
		s = "\x30" + string(rune(len(s))) + s
	}
	return s
}
