// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestParsePEMOrdersTheChain(t *testing.T) {
	root := newCA(t, "root", nil)
	upper := newCA(t, "upper", root)
	lower := newCA(t, "lower", upper)
	key, other := p256(t), newCA(t, "other", nil)
	leaf := sign(t, server("a.example"), key, lower)
	private := keyPEM(t, key)
	old := server("a.example")
	old.NotBefore, old.NotAfter = now.Add(-90*dayLong), now.Add(-dayLong)
	future := server("a.example")
	future.NotBefore, future.NotAfter = now.Add(dayLong), now.Add(90*dayLong)
	long := caTemplate("lower")
	long.NotBefore, long.NotAfter = now, now.Add(900*dayLong)
	longer := sign(t, long, lower.key, upper)
	shop := sign(t, server("shop.example"), key, root)
	cross := sign(t, caTemplate("root"), root.key, other)

	logged := server("logged.example")
	logged.ExtraExtensions = []pkix.Extension{{Id: oidSCTs, Value: []byte{4, 2, 0, 0}}}
	staple := server("staple")
	staple.ExtraExtensions = []pkix.Extension{{Id: oidTLSFeature, Value: []byte("\x30\x03\x02\x01\x05")}}

	tests := []struct {
		name     string
		text     string
		want     string // common names of the chain
		warnings string
	}{
		{"in order", certPEM(leaf, lower.cert, upper.cert) + private, "a.example lower upper", ""},
		{"key first, chain backwards, root", private + certPEM(root.cert, upper.cert, lower.cert, leaf), "a.example lower upper", "root_not_sent"},
		{"a certificate twice", certPEM(leaf, lower.cert, leaf, lower.cert) + private, "a.example lower", ""},
		{"text between", "subject=a\r\n" + certPEM(leaf) + "\nissuer\n" + private + certPEM(lower.cert) + "end", "a.example lower", ""},
		{"CRLF", strings.ReplaceAll(certPEM(leaf, lower.cert)+private, "\n", "\r\n"), "a.example lower", ""},
		{"no intermediate of a public CA", certPEM(sign(t, logged, key, lower)) + private, "logged.example", "chain_incomplete"},
		{"private CA without its root", certPEM(shop) + private, "shop.example", "issuer_absent"},
		{"private CA with its root", certPEM(shop, root.cert) + private, "shop.example", "root_not_sent"},
		{"one too many", certPEM(leaf, lower.cert, other.cert) + private, "a.example lower", "unused"},
		{"cross-signed before root", certPEM(shop, root.cert, cross, other.cert) + private, "shop.example root", "unused root_not_sent"},
		{"root after cross-signed", certPEM(shop, cross, root.cert, other.cert) + private, "shop.example root", "unused root_not_sent"},
		{"the one that lasts longer", certPEM(leaf, lower.cert, longer) + private, "a.example lower", "unused"},
		{"expired", certPEM(sign(t, old, key, lower), lower.cert) + private, "a.example lower", "expired"},
		{"not yet valid", certPEM(sign(t, future, key, lower), lower.cert) + private, "a.example lower", "not_yet_valid"},
		{"self-signed", certPEM(sign(t, server("self"), key, nil)) + private, "self", ""},
		{"CA as server", certPEM(sign(t, caTemplate("self"), key, nil)) + private, "self", "no_names is_ca"},
		{"must staple", certPEM(sign(t, staple, key, nil)) + private, "staple", "must_staple"},
		{"parameters of the curve", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" +
			private + certPEM(leaf, lower.cert), "a.example lower", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePEM([]byte(tt.text), now)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range p.chain {
				got = append(got, c.Subject.CommonName)
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("chain = %s, want %s", g, tt.want)
			}
			if g := codes(p.Warnings()); g != tt.warnings {
				t.Errorf("warnings = %q, want %q", g, tt.warnings)
			}
			if tt.name == "the one that lasts longer" && !p.chain[1].Equal(longer) {
				t.Errorf("the intermediate is %s, want the one until %v", titleUntil(p.chain[1]), long.NotAfter)
			}
			again, err := p.MarshalPEM()
			if err != nil {
				t.Fatal(err)
			}
			if q, err := ParsePEM(again, now); err != nil || q.String() != p.String() || len(q.chain) != len(p.chain) {
				t.Errorf("ParsePEM(MarshalPEM()) = %v, %v, want %v", q, err, p)
			}
		})
	}
}

func TestParsePEMTakesKeysOfAllForms(t *testing.T) {
	ec, ed := p256(t).(*ecdsa.PrivateKey), edKey(t)
	p384 := ecKey(t, elliptic.P384())
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey().(*rsa.PrivateKey))
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	tests := []struct {
		name string
		key  crypto.Signer
		text string
		want string
	}{
		{"SEC 1", ec, block("EC PRIVATE KEY", sec1), "ECDSA P-256"},
		{"PKCS#8 of ECDSA", ec, keyPEM(t, ec), "ECDSA P-256"},
		{"PKCS#1", rsaKey(), block("RSA PRIVATE KEY", pkcs1), "RSA 2048"},
		{"PKCS#8 of RSA", rsaKey(), keyPEM(t, rsaKey()), "RSA 2048"},
		{"PKCS#1 with another label", rsaKey(), block("PRIVATE KEY", pkcs1), "RSA 2048"},
		{"Ed25519", ed, keyPEM(t, ed), "Ed25519"},
		{"P-384", p384, keyPEM(t, p384), "ECDSA P-384"},
	}
	for _, tt := range tests {
		p, err := ParsePEM([]byte(certPEM(sign(t, server("a"), tt.key, nil))+tt.text), now)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := p.Describe(now)[0].Key; got != tt.want {
			t.Errorf("%s: key = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestParsePEMSaysWhatWouldBeRight(t *testing.T) {
	root := newCA(t, "root", nil)
	inter := newCA(t, "inter", root)
	key, other := p256(t), p256(t)
	leaf := sign(t, server("a.example"), key, inter)
	renewed := sign(t, server("a.example"), key, inter)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p521, p224 := ecKey(t, elliptic.P521()), ecKey(t, elliptic.P224())
	sha1 := sign(t, server("old.example"), key, inter)
	sha1.SignatureAlgorithm = x509.ECDSAWithSHA1
	block := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("x")}))
	}
	tests := []struct{ name, text, want string }{
		{"empty", "", "has no PEM block"},
		{"text", "hello", "has no PEM block"},
		{"DER", string(leaf.Raw), "is binary (DER)"},
		{"large", strings.Repeat("x", maxPEM+1), "at most 262144"},
		{"no key", certPEM(leaf), "the private key is missing"},
		{"no certificate", keyPEM(t, key), "the certificate is missing"},
		{"two keys", certPEM(leaf) + keyPEM(t, key) + keyPEM(t, other), "a second private key"},
		{"key of another", certPEM(leaf, inter.cert) + keyPEM(t, other), `the key belongs to another certificate: it is ECDSA P-256 ` +
			`and fits none of the certificate "a.example", the certificate "inter"`},
		{"two leaves", certPEM(leaf, renewed) + keyPEM(t, key), "leave only the newer one"},
		{"gap", certPEM(leaf, root.cert) + keyPEM(t, key), `the chain has a gap: "inter", which signed`},
		{"weak RSA", certPEM(leaf) + keyPEM(t, weak), "an RSA key of 1024 bits is too weak"},
		{"P-521", certPEM(leaf) + keyPEM(t, p521), "on the curve P-521"},
		{"P-224", certPEM(leaf) + keyPEM(t, p224), "on the curve P-224"},
		{"damaged", "x\n-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n" + keyPEM(t, key), "line 2: the block that begins here is damaged"},
		{"not ended", certPEM(leaf) + "-----BEGIN PRIVATE KEY-----\nAAAA\n", "the block that begins here is damaged"},
		{"wrong DER", block("CERTIFICATE") + keyPEM(t, key), "line 1: x509:"},
		{"encrypted PKCS#8", certPEM(leaf) + block("ENCRYPTED PRIVATE KEY"), "decrypt it first"},
		{"encrypted PEM", certPEM(leaf) + "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "decrypt it first"},
		{"request", block("CERTIFICATE REQUEST") + keyPEM(t, key), "a certificate request; import the certificate"},
		{"OpenSSH", certPEM(leaf) + block("OPENSSH PRIVATE KEY"), "a key of OpenSSH"},
		{"unknown", certPEM(leaf) + block("SECRET"), `a block "SECRET"`},
		{"several mistakes", block("SECRET") + block("PKCS7"), "PKCS#7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePEM([]byte(tt.text), now)
			contains(t, "ParsePEM", err, tt.want)
			if p != nil {
				t.Errorf("ParsePEM = %v beside an error", p)
			}
		})
	}
	if err := checkStrength(sha1); err == nil || !strings.Contains(err.Error(), "can be forged") {
		t.Errorf("checkStrength(SHA-1) = %v, want a refusal", err)
	}
}

func TestAPairNeverPrintsItsKey(t *testing.T) {
	key := edKey(t)
	p := pairOf(t, server("a.example"), key, nil)
	js, err := json.Marshal(map[string]any{"pair": p, "description": p.Describe(now)})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pair", p)
	// A key of Ed25519 is a slice of bytes, which fmt would write out.
	secret := fmt.Sprint(key.(ed25519.PrivateKey).Seed()[:4])
	secret = strings.Trim(secret, "[]")
	hex := fmt.Sprintf("%#v", key.(ed25519.PrivateKey).Seed()[:4])
	hex = strings.TrimSuffix(strings.TrimPrefix(hex, "[]byte{"), "}")
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", p, p, p, p), string(js), log.String()} {
		if strings.Contains(text, secret) || strings.Contains(text, hex) || strings.Contains(text, "PRIVATE") {
			t.Errorf("the key is in %s", text)
		}
		if !strings.Contains(text, Fingerprint(p.Leaf())) {
			t.Errorf("the fingerprint is not in %s", text)
		}
	}
}

func TestDescribe(t *testing.T) {
	root := newCA(t, "root", nil)
	tmpl := server("a.example", "*.b.example")
	tmpl.Subject = pkix.Name{Organization: []string{"A, B"}, CommonName: "a.example"}
	p := pairOf(t, tmpl, p256(t), newCA(t, "inter", root))
	ds := p.Describe(now)
	if len(ds) != 2 {
		t.Fatalf("Describe() has %d certificates, want 2", len(ds))
	}
	d := ds[0]
	if d.Subject != `CN=a.example,O=A\, B` || d.Issuer != "CN=inter" || d.Key != "ECDSA P-256" || d.Signature != "ECDSA-SHA256" ||
		strings.Join(d.Names, " ") != "a.example *.b.example" || d.SelfSigned || d.CA || d.Expiry != Valid ||
		!d.NotAfter.Equal(now.Add(60*dayLong)) || len(d.Fingerprint) != 64 || len(d.Serial) < 16 {
		t.Errorf("Describe() = %+v", d)
	}
	if d := ds[1]; !d.CA || d.SelfSigned || d.Subject != "CN=inter" {
		t.Errorf("Describe() of the intermediate = %+v", d)
	}
	if d := Describe(root.cert, now); !d.SelfSigned {
		t.Errorf("Describe(root) = %+v, want it self-signed", d)
	}
}

func TestExpiryIsRelativeToLife(t *testing.T) {
	const d = dayLong
	tests := []struct {
		life, left time.Duration
		want       Expiry
	}{
		{90 * d, 91 * d, NotYetValid},
		{90 * d, 31 * d, Valid}, {90 * d, 30*d - 1, Expiring}, {90 * d, 9 * d, Expiring}, {90 * d, 9*d - 1, Critical},
		{90 * d, 3*d - 1, Imminent}, {90 * d, 0, Imminent}, {90 * d, -1, Expired},
		{47 * d, 16 * d, Valid}, {47 * d, 15 * d, Expiring}, {47 * d, 4 * d, Critical}, {47 * d, 1 * d, Imminent},
		{6 * d, 3 * d, Valid}, {6 * d, 47 * time.Hour, Expiring}, {6 * d, 14 * time.Hour, Critical}, {6 * d, time.Hour, Imminent},
		{398 * d, 31 * d, Valid}, {398 * d, 29 * d, Expiring}, {398 * d, 9 * d, Critical}, {398 * d, 2 * d, Imminent},
		{3650 * d, 300 * d, Valid}, {3650 * d, 2 * d, Imminent},
	}
	for _, tt := range tests {
		if got := ExpiryOf(now, now.Add(tt.life), now.Add(tt.life-tt.left)); got != tt.want {
			t.Errorf("ExpiryOf(life %v, left %v) = %v, want %v", tt.life, tt.left, got, tt.want)
		}
	}
}

func TestDNIsRFC4514AndFitsAHeader(t *testing.T) {
	rdn := func(oid []int, v any) []pkix.AttributeTypeAndValue {
		return []pkix.AttributeTypeAndValue{{Type: oid, Value: v}}
	}
	cn, o, dc := []int{2, 5, 4, 3}, []int{2, 5, 4, 10}, []int{0, 9, 2342, 19200300, 100, 1, 25}
	tests := []struct {
		name string
		in   [][]pkix.AttributeTypeAndValue
		want string
	}{
		{"most specific first", [][]pkix.AttributeTypeAndValue{rdn(dc, "net"), rdn(dc, "example"), rdn(cn, "a")}, "CN=a,DC=example,DC=net"},
		{"special characters", [][]pkix.AttributeTypeAndValue{rdn(o, ` #a,b+c"d\e<f>g;h=i `)}, `O=\ #a\,b\+c\"d\\e\<f\>g\;h\=i\ `},
		{"hash first", [][]pkix.AttributeTypeAndValue{rdn(o, "#a")}, `O=\#a`},
		{"a header that ends", [][]pkix.AttributeTypeAndValue{rdn(cn, "a\r\nX-Admin: 1\x00")}, `CN=a\0D\0AX-Admin: 1\00`},
		{"UTF-8", [][]pkix.AttributeTypeAndValue{rdn(cn, "Zoë")}, `CN=Zo\C3\AB`},
		{"two in one", [][]pkix.AttributeTypeAndValue{append(rdn(cn, "a"), rdn(o, "b")...)}, "CN=a+O=b"},
		{"unknown type", [][]pkix.AttributeTypeAndValue{rdn([]int{1, 2, 3}, "a")}, "1.2.3=#130161"},
		{"empty", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			der, err := asn1.Marshal(rdnSequence(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := formatDN(der); got != tt.want {
				t.Errorf("formatDN() = %s, want %s", got, tt.want)
			}
		})
	}
}

func rdnSequence(in [][]pkix.AttributeTypeAndValue) (seq pkix.RDNSequence) {
	for _, r := range in {
		seq = append(seq, r)
	}
	return seq
}

func TestEscapedPEMIsOneLine(t *testing.T) {
	c := sign(t, server("a.example"), p256(t), nil)
	got := EscapedPEM(c)
	if strings.ContainsAny(got, " \r\n+/=") {
		t.Errorf("EscapedPEM() = %s, want one line of URL-safe characters", got)
	}
	text, err := url.PathUnescape(got)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := pem.Decode([]byte(text))
	if b == nil {
		t.Fatalf("EscapedPEM() unescaped is no PEM: %s", text)
	}
	back, err := x509.ParseCertificate(b.Bytes)
	if err != nil || !back.Equal(c) {
		t.Errorf("EscapedPEM() does not lead back to the certificate: %v", err)
	}
}
