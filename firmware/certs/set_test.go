// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
)

// any13 is the hello of a client that takes everything.
func any13(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13, tls.VersionTLS12},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.Ed25519, tls.PSSWithSHA256},
		SupportedCurves:  []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}, CipherSuites: allSuites()}
}

func newSet(tb testing.TB, cfg SetConfig) *Set {
	tb.Helper()
	s, err := NewSet(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// chosen names what a client gets, or is "refused".
func chosen(s *Set, hello *tls.ClientHelloInfo) string { return chosenBy(s, hello, Intermediate()) }

func chosenBy(s *Set, hello *tls.ClientHelloInfo, p Profile) string {
	c := s.Choose(hello, p)
	if c == nil {
		return "refused"
	}
	return c.Leaf.Subject.CommonName + " " + keyName(c.Leaf.PublicKey)
}

func TestSetChoosesByName(t *testing.T) {
	first := pairOf(t, server("first.example"), p256(t), nil)
	exact := pairOf(t, server("www.shop.example", "shop.example"), p256(t), nil)
	wild := pairOf(t, server("*.shop.example"), p256(t), nil)
	idn := pairOf(t, server("xn--bcher-kva.example"), p256(t), nil)
	under := pairOf(t, server("a_b.example"), p256(t), nil)
	common := server("x")
	common.DNSNames, common.Subject.CommonName = nil, "Common.Example"
	cn := pairOf(t, common, p256(t), nil)
	pairs := []*Pair{first, exact, wild, idn, under, cn}
	tests := []struct{ name, want string }{
		{"first.example", "first.example"},
		{"www.shop.example", "www.shop.example"},
		{"shop.example", "www.shop.example"},
		{"img.shop.example", "*.shop.example"},
		{"IMG.Shop.Example", "*.shop.example"},
		{"WWW.SHOP.EXAMPLE", "www.shop.example"},
		{"www.shop.example.", "www.shop.example"},
		{"a.b.shop.example", ""},      // a wildcard is one label
		{".shop.example", ""},         // and not none
		{"*.shop.example", "literal"}, // the star of a client is a label like any other
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"a_b.example", "a_b.example"},
		{"common.example", "Common.Example"},
		{"other.example", ""}, {"", ""}, {".", ""}, {"192.0.2.1", ""}, {strings.Repeat("a", 300), ""}, {"b\xffcher.example", ""},
	}
	open, strict := newSet(t, SetConfig{Pairs: pairs}), newSet(t, SetConfig{Pairs: pairs, Strict: true})
	other := newSet(t, SetConfig{Pairs: pairs, Default: wild})
	for _, tt := range tests {
		want := tt.want
		if want == "literal" {
			want = "*.shop.example"
		}
		if got := open.Has(tt.name); got != (want != "") {
			t.Errorf("Has(%q) = %t", tt.name, got)
		}
		for set, fallback := range map[*Set]string{open: "first.example ECDSA P-256", strict: "refused", other: "*.shop.example ECDSA P-256"} {
			w := fallback
			if want != "" {
				w = want + " ECDSA P-256"
			}
			if got := chosen(set, any13(tt.name)); got != w {
				t.Errorf("Choose(%q) = %s, want %s", tt.name, got, w)
			}
		}
	}
}

func TestSetTakesTheLongerOfTwoAlike(t *testing.T) {
	long := server("a.example")
	long.Subject.CommonName = "renewed"
	long.NotBefore, long.NotAfter = now, now.Add(90*dayLong)
	old, renewed := pairOf(t, server("a.example"), p256(t), nil), pairOf(t, long, p256(t), nil)
	for _, pairs := range [][]*Pair{{old, renewed}, {renewed, old}} {
		if got := chosen(newSet(t, SetConfig{Pairs: pairs}), any13("a.example")); got != "renewed ECDSA P-256" {
			t.Errorf("Choose = %s, want the one that lasts longer", got)
		}
	}
}

func TestSetChoosesByWhatTheClientCanUse(t *testing.T) {
	pairs := []*Pair{
		pairOf(t, server("a.example"), rsaKey(), nil),
		pairOf(t, server("a.example"), ecKey(t, elliptic.P384()), nil),
		pairOf(t, server("a.example"), edKey(t), nil),
		pairOf(t, server("a.example"), p256(t), nil),
	}
	hello := func(change func(*tls.ClientHelloInfo)) *tls.ClientHelloInfo {
		h := any13("a.example")
		change(h)
		return h
	}
	only := func(s ...tls.SignatureScheme) func(*tls.ClientHelloInfo) {
		return func(h *tls.ClientHelloInfo) { h.SignatureSchemes = s }
	}
	old := func(suites []uint16, curves []tls.CurveID, s ...tls.SignatureScheme) func(*tls.ClientHelloInfo) {
		return func(h *tls.ClientHelloInfo) {
			h.SupportedVersions, h.CipherSuites, h.SupportedCurves, h.SignatureSchemes = []uint16{tls.VersionTLS12}, suites, curves, s
		}
	}
	rsaSuites := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	all := []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}
	ecdsa := []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PKCS1WithSHA256}
	tests := []struct {
		name  string
		hello *tls.ClientHelloInfo
		want  string
	}{
		{"all", any13("a.example"), "ECDSA P-256"},
		{"P-384 only", hello(only(tls.ECDSAWithP384AndSHA384, tls.PSSWithSHA256)), "ECDSA P-384"},
		{"Ed25519 first of two", hello(only(tls.ECDSAWithP384AndSHA384, tls.Ed25519)), "Ed25519"},
		{"RSA only", hello(only(tls.PSSWithSHA384)), "RSA 2048"},
		{"PKCS#1 is not for 1.3", hello(only(tls.PKCS1WithSHA256)), "RSA 2048"},
		{"nothing known", hello(only(0xeeee)), "RSA 2048"},
		{"1.2 all", hello(old(allSuites(), all, ecdsa...)), "ECDSA P-256"},
		{"1.2 without P-256", hello(old(allSuites(), []tls.CurveID{tls.X25519, tls.CurveP384}, ecdsa...)), "ECDSA P-384"},
		{"1.2 with RSA suites only", hello(old(rsaSuites, all, ecdsa...)), "RSA 2048"},
		{"1.2 with RSA signatures only", hello(old(allSuites(), all, tls.PKCS1WithSHA256)), "RSA 2048"},
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}} {
		var mixed []*Pair
		for _, i := range order {
			mixed = append(mixed, pairs[i])
		}
		s := newSet(t, SetConfig{Pairs: mixed})
		for _, tt := range tests {
			if got := chosen(s, tt.hello); got != "a.example "+tt.want {
				t.Errorf("%s: Choose = %s, want %s", tt.name, got, tt.want)
			}
			// The default has the same names, so its siblings stand in for it.
			tt.hello.ServerName = "unknown.example"
			if got := chosen(s, tt.hello); got != "a.example "+tt.want {
				t.Errorf("%s: default = %s, want %s", tt.name, got, tt.want)
			}
			tt.hello.ServerName = "a.example"
		}
	}
	// A profile that ends at 1.2 looks at suites, whatever the client could in 1.3.
	p, err := ParseProfile(ProfileConfig{Name: "custom", MaxVersion: "1.2", Suites: []string{"ECDHE-RSA-AES128-GCM-SHA256"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := chosenBy(newSet(t, SetConfig{Pairs: pairs}), any13("a.example"), p); got != "a.example RSA 2048" {
		t.Errorf("Choose with RSA suites only = %s, want RSA", got)
	}
}

func TestNewSetRefuses(t *testing.T) {
	forClients := pairOf(t, client("c"), p256(t), nil)
	_, err := NewSet(SetConfig{})
	contains(t, "NewSet()", err, "at least one certificate")
	_, err = NewSet(SetConfig{Pairs: []*Pair{forClients}})
	contains(t, "NewSet(client)", err, "lacks serverAuth")
}

func TestSetLookupAllocatesNothing(t *testing.T) {
	var pairs []*Pair
	key := p256(t)
	for i := range 50 {
		pairs = append(pairs, pairOf(t, server(fmt.Sprintf("w%d.example", i), fmt.Sprintf("*.w%d.example", i)), key, nil))
	}
	s, p := newSet(t, SetConfig{Pairs: pairs, Challenges: new(Challenges)}), Intermediate()
	for _, name := range []string{"w7.example", "Www.W8.example.", "unknown.example", ""} {
		hello := any13(name)
		if n := testing.AllocsPerRun(100, func() {
			if s.Choose(hello, p) == nil {
				t.Fatal("no certificate")
			}
		}); n != 0 {
			t.Errorf("Choose(%q) allocates %v times, want 0", name, n)
		}
	}
	c := new(Challenges)
	c.change(func(t *challengeTables) { t.http["t"] = httpChallenge{"a.example", "body"} })
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := c.HTTP01("A.example:80", httpChallengePath+"t"); !ok {
			t.Fatal("no challenge")
		}
	}); n != 0 {
		t.Errorf("HTTP01 allocates %v times, want 0", n)
	}
}

func TestCanonicalName(t *testing.T) {
	long := strings.Repeat("a.", 130)
	tests := []struct{ in, want string }{
		{"Example.COM.", "example.com"}, {"*.Example.com", "*.example.com"}, {"Bücher.example", "xn--bcher-kva.example"},
		{"*.bücher.example", "*.xn--bcher-kva.example"}, {"a_b.example", "a_b.example"}, {"localhost", "localhost"},
		{"", ""}, {".", ""}, {"*", ""}, {"a..b", ""}, {"192.0.2.1", ""}, {"2001:db8::1", ""}, {"a b", ""}, {"a.*.b", ""},
		{"-a.example", ""}, {"a/b", ""}, {"a\nb", ""}, {long, ""}, {strings.Repeat("a", 64), ""},
	}
	for _, tt := range tests {
		got, err := CanonicalName(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("CanonicalName(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestUsableFor(t *testing.T) {
	tests := []struct {
		name string
		eku  []x509.ExtKeyUsage
		want bool
	}{
		{"none", nil, true}, {"any", []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, true},
		{"server", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, true},
		{"other", []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, false},
	}
	for _, tt := range tests {
		if got := usableFor(&x509.Certificate{ExtKeyUsage: tt.eku}, x509.ExtKeyUsageServerAuth); got != tt.want {
			t.Errorf("%s: usableFor = %t, want %t", tt.name, got, tt.want)
		}
	}
}
