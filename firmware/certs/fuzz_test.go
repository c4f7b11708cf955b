// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// FuzzParsePEM: whatever is taken comes back the same from its own PEM, has a
// key that fits, and can serve.
func FuzzParsePEM(f *testing.F) {
	root := newCA(f, "root", nil)
	inter := newCA(f, "inter", root)
	key := p256(f)
	leaf := sign(f, server("a.example", "*.b.example"), key, inter)
	f.Add([]byte(certPEM(leaf, inter.cert, root.cert) + keyPEM(f, key)))
	f.Add([]byte(keyPEM(f, key) + "text\n" + certPEM(leaf)))
	f.Add([]byte(certPEM(sign(f, server("self"), edKey(f), nil))))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN X-----\n"))
	f.Add(leaf.Raw)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePEM(text, now)
		if err != nil {
			return
		}
		again, err := p.MarshalPEM()
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParsePEM(again, now)
		if err != nil || q.String() != p.String() || len(q.chain) != len(p.chain) {
			t.Errorf("ParsePEM(MarshalPEM()) = %v, %v, want %v", q, err, p)
		}
		for _, d := range p.Describe(now) {
			if !headerSafe(d.Subject) || !headerSafe(d.Issuer) {
				t.Errorf("%q or %q cannot stand in a header", d.Subject, d.Issuer)
			}
		}
		if _, err := tls.X509KeyPair(again, again); err != nil {
			t.Errorf("crypto/tls does not take it: %v", err)
		}
	})
}

// FuzzParsePKCS12 bounds the work too: a file may not take long to be refused.
func FuzzParsePKCS12(f *testing.F) {
	key := p256(f)
	leaf := sign(f, server("a.example"), key, nil)
	for _, e := range []*pkcs12.Encoder{pkcs12.Modern, pkcs12.LegacyDES, pkcs12.LegacyRC2} {
		data, err := e.WithIterations(1).Encode(key, leaf, nil, "x")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "x")
	}
	f.Add([]byte(nested(20)), "")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		begin := time.Now()
		p, err := ParsePKCS12(data, password, now)
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("ParsePKCS12 took %v", took)
		}
		if err == nil && !samePublic(p.Leaf().PublicKey, p.cert.PrivateKey.(crypto.Signer).Public()) {
			t.Error("the key does not fit")
		}
	})
}

// FuzzChoose: the choice by name agrees with what x509 thinks of the name.
func FuzzChoose(f *testing.F) {
	pairs := []*Pair{pairOf(f, server("a.example", "*.b.example"), p256(f), nil), pairOf(f, server("*.example"), p256(f), nil)}
	s := newSet(f, SetConfig{Pairs: pairs, Strict: true})
	for _, n := range []string{"a.example", "X.B.Example.", "..", "", "*.b.example", "xn--a.example", "a_b.b.example", "\x00.example",
		strings.Repeat("a", 254), strings.Repeat("W", 64) + ".B.Example."} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c := s.Choose(any13(name), Intermediate())
		if c != nil && c.Leaf.VerifyHostname(strings.TrimSuffix(name, ".")) != nil && validHost(strings.ToLower(strings.TrimSuffix(name, "."))) {
			t.Errorf("Choose(%q) = %v, which is not for it", name, c.Leaf.DNSNames)
		}
		// x509 knows no limit of a label (RFC 1035, section 2.3.4).
		if plain := strings.ToLower(strings.TrimSuffix(name, ".")); c == nil && validHost(plain) && len(plain) <= maxHostName {
			for _, p := range pairs {
				if p.Leaf().VerifyHostname(name) == nil {
					t.Errorf("Choose(%q) = nil, but %v is for it", name, p)
				}
			}
		}
	})
}

// FuzzCanonicalName: what is canonical stays so and fits a certificate.
func FuzzCanonicalName(f *testing.F) {
	for _, n := range []string{"Example.COM.", "*.bücher.example", "a_b", "192.0.2.1", "xn--", "\u3002", "a\u2488com", "ß.example"} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := CanonicalName(name)
		if err != nil {
			return
		}
		if again, err := CanonicalName(got); err != nil || again != got {
			t.Errorf("CanonicalName(%q) = %q, and of that %q, %v", name, got, again, err)
		}
		if len(got) > maxHostName || !headerSafe(got) || got != strings.ToLower(got) {
			t.Errorf("CanonicalName(%q) = %q", name, got)
		}
	})
}

// FuzzParseCRL feeds lists that were signed, and whatever becomes of them.
func FuzzParseCRL(f *testing.F) {
	root := newCA(f, "root", nil)
	der := crlOf(f, root, now.Add(time.Hour), sign(f, client("a"), p256(f), root))
	f.Add(der)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
	f.Fuzz(func(t *testing.T, in []byte) {
		lists, _, err := parseCRLs([][]byte{in}, []*x509.Certificate{root.cert}, now)
		if err == nil && lists[issuerID(root.cert)] == nil {
			t.Error("a list was taken that the CA has not issued")
		}
	})
}

// FuzzFormatDN: no name of a certificate can end a header field.
func FuzzFormatDN(f *testing.F) {
	c := sign(f, server("a\r\nb"), p256(f), nil)
	f.Add(c.RawSubject)
	f.Add([]byte{0x30, 0x00})
	f.Fuzz(func(t *testing.T, der []byte) {
		if got := formatDN(der); !headerSafe(got) {
			t.Errorf("formatDN(%x) = %q, which cannot stand in a header", der, got)
		}
	})
}

func headerSafe(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
