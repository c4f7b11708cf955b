// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// newRequest makes a request, and reads it back from what the store has of it.
func newRequest(tb testing.TB, cfg RequestConfig) *Request {
	tb.Helper()
	r, err := NewRequest(cfg, "ann", now)
	if err != nil {
		tb.Fatal(err)
	}
	data, err := r.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	back, err := ParseRequest(data)
	if err != nil {
		tb.Fatal(err)
	}
	return back
}

func TestRequestAsksForWhatWasGiven(t *testing.T) {
	kinds := map[string]string{"": "ECDSA P-256", "ecdsa-p256": "ECDSA P-256", "ecdsa-p384": "ECDSA P-384", "rsa-2048": "RSA 2048", "rsa-3072": "RSA 3072", "rsa-4096": "RSA 4096"}
	if len(kinds) != len(KeyTypes)+1 {
		t.Fatalf("there are %d types of key, and %d are tried", len(KeyTypes), len(kinds)-1)
	}
	for key, want := range kinds {
		r := newRequest(t, RequestConfig{Key: key, Names: []string{"Shop.Example.", "shop.example", "*.shop.example", "192.0.2.1", "2001:db8::1"},
			Subject: Subject{Organization: "Läden, Inc.", OrganizationalUnit: "Web", Locality: "Zürich", Province: "ZH", Country: "CH"}})
		blocks, err := pemBlocks("", []byte(r.PEM()), maxPEM)
		if err != nil || len(blocks) != 1 || blocks[0].Type != "CERTIFICATE REQUEST" {
			t.Fatalf("the PEM has %v, %v", blocks, err)
		}
		csr, err := x509.ParseCertificateRequest(blocks[0].Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if err := csr.CheckSignature(); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if s := csr.Subject; s.CommonName != "shop.example" || fmt.Sprint(s.Organization, s.OrganizationalUnit, s.Locality, s.Province, s.Country) != "[Läden, Inc.] [Web] [Zürich] [ZH] [CH]" {
			t.Errorf("subject %v", s)
		}
		d := r.Describe()
		if wanted := []string{"shop.example", "*.shop.example", "192.0.2.1", "2001:db8::1"}; !slices.Equal(d.Names, wanted) || d.Key != want || d.By != "ann" || !d.Made.Equal(now.UTC()) {
			t.Errorf("%q: %+v, want %s for %v", key, d, want, wanted)
		}
	}
}

func TestRequestRefuses(t *testing.T) {
	shop := []string{"shop.example"}
	for _, tt := range []struct {
		cfg  RequestConfig
		want string
	}{
		{RequestConfig{}, "at least one host name or address"},
		{RequestConfig{Names: []string{"a b"}}, "is not a host name"},
		{RequestConfig{Names: []string{"https://shop.example/"}}, "is not a host name"},
		{RequestConfig{Names: []string{"0.0.0.0"}}, "no address that clients connect to"},
		{RequestConfig{Names: []string{"fe80::1%eth0"}}, "no address that clients connect to"},
		{RequestConfig{Names: shop, Key: "rsa-1024"}, `must be ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096, not "rsa-1024"`},
		{RequestConfig{Names: shop, Subject: Subject{Country: "Schweiz"}}, "two letters such as CH"},
		{RequestConfig{Names: shop, Subject: Subject{Country: "ch"}}, "two letters such as CH"},
		{RequestConfig{Names: shop, Subject: Subject{Organization: "a\nb"}}, "without control characters"},
		{RequestConfig{Names: shop, Subject: Subject{Organization: "a\xff"}}, "without control characters"},
		{RequestConfig{Names: shop, Subject: Subject{Locality: " Bern"}}, "must not begin or end"},
		{RequestConfig{Names: shop, Subject: Subject{CommonName: strings.Repeat("ä", 65)}}, "has 65 characters; at most 64"},
		{RequestConfig{Names: shop, Subject: Subject{CommonName: "www.shop.example"}}, "must be one of the names"},
		{RequestConfig{Names: shop, Subject: Subject{CommonName: "192.0.2.1"}}, "must be one of the names"},
		{RequestConfig{Names: slices.Repeat([]string{"x"}, 101)}, ""}, // the same name over and over
		{RequestConfig{Names: shop, Subject: Subject{CommonName: "The shop, Inc."}}, ""},
	} {
		_, err := NewRequest(tt.cfg, "ann", now)
		if tt.want == "" && err != nil {
			t.Errorf("NewRequest(%+v) = %v", tt.cfg, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("NewRequest(%+v) = %v, want %q", tt.cfg, err, tt.want)
		}
	}
	var many []string
	for i := range maxRequestNames + 1 {
		many = append(many, fmt.Sprintf("h%d.example", i))
	}
	if _, err := NewRequest(RequestConfig{Names: many}, "ann", now); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("101 names: %v", err)
	}
}

func TestAnswerTakesTheKeyOfItsRequest(t *testing.T) {
	ca := newCA(t, "ca", nil)
	one, two := newRequest(t, RequestConfig{Names: []string{"one.example"}}), newRequest(t, RequestConfig{Key: "rsa-2048", Names: []string{"two.example"}})
	pending := []*Request{one, two}
	leaf := sign(t, server("two.example"), two.key, ca)
	first := sign(t, server("one.example"), one.key, ca)
	foreign := sign(t, server("two.example"), p256(t), ca)

	p, used, err := ParseAnswer([]byte(certPEM(ca.cert, leaf)), pending, now)
	if err != nil || used != 1 || !p.Leaf().Equal(leaf) || !samePublic(p.cert.PrivateKey.(crypto.Signer).Public(), leaf.PublicKey) {
		t.Fatalf("ParseAnswer = %v, %d, %v, want the second request", p, used, err)
	}
	own := p256(t)
	ownLeaf := sign(t, server("own.example"), own, ca)
	if p, used, err = ParseAnswer([]byte(certPEM(ownLeaf)+keyPEM(t, own)), pending, now); err != nil || used != -1 || !p.Leaf().Equal(ownLeaf) {
		t.Errorf("with a key of its own: %v, %d, %v", p, used, err)
	}
	for _, tt := range []struct {
		name, text string
		pending    []*Request
		want       string
		noKey      bool
	}{
		{"another key", certPEM(foreign), pending, "none of the 2 pending requests", true},
		{"no request", certPEM(leaf), nil, "no request is pending", true},
		{"both", certPEM(leaf, first), pending, "fit two requests", false},
		{"the request itself", one.PEM(), pending, "import the certificate that the CA made of it", false},
		{"a key alone", keyPEM(t, own), pending, "the certificate is missing", false},
		{"a key that is not the certificate's", certPEM(leaf) + keyPEM(t, own), pending, "the key belongs to another certificate", false},
	} {
		_, _, err := ParseAnswer([]byte(tt.text), tt.pending, now)
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrNoKey) != tt.noKey {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestRequestHidesItsKey(t *testing.T) {
	r := newRequest(t, RequestConfig{Names: []string{"shop.example"}})
	data, err := r.Marshal()
	if err != nil || !strings.Contains(string(data), "PRIVATE KEY") {
		t.Fatalf("the store gets %s, %v", data, err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "request", r)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{fmt.Sprint(r), fmt.Sprintf("%+v %#v", r, r), log.String(), string(text), r.PEM(), fmt.Sprintf("%+v", r.Describe())} {
		if strings.Contains(said, "PRIVATE") || !strings.Contains(said, "shop.example") && said != r.PEM() {
			t.Errorf("it says %q", said)
		}
	}
}

func TestParseRequestRefusesDamage(t *testing.T) {
	a, b := newRequest(t, RequestConfig{Names: []string{"a.example"}}), newRequest(t, RequestConfig{Names: []string{"b.example"}})
	mixed, err := json.Marshal(storedRequest{now, "ann", a.PEM(), keyPEM(t, b.key)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ data, want string }{
		{"", "read request"}, {"{}", "no PEM block"}, {string(mixed), "for another key"}, {strings.Repeat(" ", maxPEM+1), "at most"},
	} {
		if _, err := ParseRequest([]byte(tt.data)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseRequest(%.20q) = %v, want %q", tt.data, err, tt.want)
		}
	}
}

func TestConfigLikeAsksForTheSame(t *testing.T) {
	ca := newCA(t, "ca", nil)
	c := server("shop.example", "www.shop.example")
	c.Subject.Organization, c.Subject.Country = []string{"Shops", "ignored"}, []string{"CH"}
	like := ConfigLike(sign(t, c, p256(t), ca))
	d := newRequest(t, like).Describe()
	if !slices.Equal(d.Names, []string{"shop.example", "www.shop.example"}) || d.Subject != "CN=shop.example,O=Shops,C=CH" || d.Key != "ECDSA P-256" {
		t.Errorf("%+v asks for %+v", like, d)
	}
}

func FuzzParseRequest(f *testing.F) {
	data, err := newRequest(f, RequestConfig{Names: []string{"shop.example"}}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"made":"2026-01-01T00:00:00Z","request":"-----BEGIN CERTIFICATE REQUEST-----\n","key":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRequest(data)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseRequest(again); err != nil || back.PEM() != r.PEM() {
			t.Errorf("round trip: %v, %v", back, err)
		}
	})
}
