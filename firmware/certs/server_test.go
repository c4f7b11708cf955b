// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// trusting returns a client that takes any certificate.
func trusting(name string) *tls.Config {
	return &tls.Config{ServerName: name, InsecureSkipVerify: true}
}

func newServer(tb testing.TB, cfg ServerConfig) *tls.Config {
	tb.Helper()
	c, err := NewServer(cfg, now)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestServerHandshakes(t *testing.T) {
	set := newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a.example"), p256(t), nil),
		pairOf(t, server("a.example"), rsaKey(), nil)}, Strict: true})
	custom, err := ParseProfile(ProfileConfig{Name: "custom", MaxVersion: "1.2", Suites: []string{"ECDHE-RSA-AES256-GCM-SHA384"}})
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*tls.Config)) *tls.Config {
		c := trusting("a.example")
		change(c)
		return c
	}
	versions := func(min, max uint16) *tls.Config {
		return with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = min, max })
	}
	suites := func(s ...uint16) *tls.Config {
		return with(func(c *tls.Config) { c.MaxVersion, c.CipherSuites = tls.VersionTLS12, s })
	}
	const protocolVersion, handshakeFailure, unrecognizedName, noProtocol = 70, 40, 112, 120
	tests := []struct {
		name    string
		profile Profile
		client  *tls.Config
		version uint16
		alert   tls.AlertError
	}{
		{"intermediate, 1.3", Profile{}, trusting("a.example"), tls.VersionTLS13, 0},
		{"intermediate, 1.2", Profile{}, versions(tls.VersionTLS12, tls.VersionTLS12), tls.VersionTLS12, 0},
		{"modern, 1.3", Modern(), trusting("a.example"), tls.VersionTLS13, 0},
		{"custom, 1.2", custom, trusting("a.example"), tls.VersionTLS12, 0},
		{"modern, 1.2", Modern(), versions(tls.VersionTLS12, tls.VersionTLS12), 0, protocolVersion},
		{"intermediate, 1.1", Profile{}, versions(tls.VersionTLS10, tls.VersionTLS11), 0, protocolVersion},
		{"CBC", Profile{}, suites(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256), 0, handshakeFailure},
		{"RSA key exchange", Profile{}, suites(tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384), 0, handshakeFailure},
		{"RC4 and 3DES", Profile{}, suites(tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA), 0, handshakeFailure},
		{"P-521 only", Profile{}, with(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} }), 0, handshakeFailure},
		{"unknown name", Profile{}, trusting("b.example"), 0, unrecognizedName},
		{"unknown name, 1.2", Profile{}, with(func(c *tls.Config) { c.ServerName, c.MaxVersion = "b.example", tls.VersionTLS12 }), 0, unrecognizedName},
		{"no name", Profile{}, trusting(""), 0, unrecognizedName},
		{"no protocol in common", Profile{}, with(func(c *tls.Config) { c.NextProtos = []string{"x"} }), 0, noProtocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, ServerConfig{Set: set, Profile: tt.profile, ALPN: []string{"h2", "http/1.1"}})
			got := handshake(s, tt.client)
			if tt.alert != 0 {
				if a := alert(got.clientError); a != tt.alert {
					t.Errorf("the client got alert %d (%v), want %d", a, got.clientError, tt.alert)
				}
				return
			}
			if got.clientError != nil || got.client.Version != tt.version {
				t.Errorf("handshake = version %x, %v, want %x", got.client.Version, got.clientError, tt.version)
			}
			if tt.version == tls.VersionTLS12 && !slices.Contains(allSuites(), got.client.CipherSuite) {
				t.Errorf("suite %x is not strong", got.client.CipherSuite)
			}
		})
	}
}

func TestServerPrefersTheHybridKeyExchange(t *testing.T) {
	s := newServer(t, ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a.example"), p256(t), nil)}})})
	if got := handshake(s, trusting("a.example")); got.client.CurveID != tls.X25519MLKEM768 {
		t.Errorf("key exchange = %v, %v, want X25519MLKEM768", got.client.CurveID, got.clientError)
	}
}

func TestSwappingAServerDropsNoConnection(t *testing.T) {
	one := newServer(t, ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("one.example"), p256(t), nil)}})})
	two := newServer(t, ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("two.example"), p256(t), nil)}})})
	var current atomic.Pointer[tls.Config]
	current.Store(one)
	hook := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return current.Load(), nil }}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				current.Store([]*tls.Config{one, two}[i%2])
			}
		}
	}()
	for range 50 {
		if got := handshake(hook, trusting("x.example")); got.clientError != nil || got.serverErr != nil {
			t.Fatalf("handshake during a swap: %v, %v", got.clientError, got.serverErr)
		}
	}
	close(stop)
	<-done
}

func TestChallengesOfTLSALPN01(t *testing.T) {
	challenges, ca := new(Challenges), newCA(t, "clients", nil)
	clients, err := NewClients(ClientsConfig{Mode: ClientRequire, CAs: []byte(certPEM(ca.cert))}, now)
	if err != nil {
		t.Fatal(err)
	}
	set := newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a.example"), p256(t), nil)}, Challenges: challenges})
	// Neither a profile without 1.2 nor required client certificates stop a CA.
	s := newServer(t, ServerConfig{Set: set, Profile: Modern(), Clients: clients, ALPN: []string{"h2"}})
	asCA := trusting("A.example")
	asCA.NextProtos, asCA.MaxVersion = []string{ALPNChallenge}, tls.VersionTLS12

	if got := handshake(s, asCA); alert(got.clientError) != 112 {
		t.Errorf("without a challenge: %v, want unrecognized_name", got.clientError)
	}
	ch := acme.Challenge{Type: methodALPN, Token: "t", KeyAuthorization: "t.k",
		Identifier: acme.Identifier{Type: "dns", Value: "a.example"}}
	if err := (solver{challenges}).Present(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	got := handshake(s, asCA)
	if got.clientError != nil || got.client.NegotiatedProtocol != ALPNChallenge {
		t.Fatalf("with a challenge: %q, %v, want %s", got.client.NegotiatedProtocol, got.clientError, ALPNChallenge)
	}
	if c := got.client.PeerCertificates[0]; c.Subject.CommonName != "ACME challenge" {
		t.Errorf("the CA saw %v, want the challenge", c.Subject)
	}
	if got := handshake(s, trusting("a.example")); got.client.PeerCertificates != nil && got.client.PeerCertificates[0].Subject.CommonName != "a.example" {
		t.Errorf("another client saw %v", got.client.PeerCertificates[0].Subject)
	}
	if err := (solver{challenges}).CleanUp(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	if got := handshake(s, asCA); alert(got.clientError) != 112 {
		t.Errorf("after the challenge: %v, want unrecognized_name", got.clientError)
	}
}

func TestChallengesOfHTTP01(t *testing.T) {
	c := new(Challenges)
	ch := acme.Challenge{Type: methodHTTP, Token: "tok", KeyAuthorization: "tok.key",
		Identifier: acme.Identifier{Type: "dns", Value: "a.example"}}
	if _, ok := (*Challenges)(nil).HTTP01("a.example", httpChallengePath+"tok"); ok {
		t.Error("HTTP01 of nil answered")
	}
	if err := (solver{c}).Present(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		host, path string
		want       bool
	}{
		{"a.example", httpChallengePath + "tok", true},
		{"A.Example:8080", httpChallengePath + "tok", true},
		{"a.example.", httpChallengePath + "tok", true},
		{"b.example", httpChallengePath + "tok", false},
		{"a.example", httpChallengePath + "tok2", false},
		{"a.example", httpChallengePath, false},
		{"a.example", "/tok", false},
		{"", httpChallengePath + "tok", false},
	}
	for _, tt := range tests {
		if body, ok := c.HTTP01(tt.host, tt.path); ok != tt.want || ok && body != "tok.key" {
			t.Errorf("HTTP01(%q, %q) = %q, %t, want %t", tt.host, tt.path, body, ok, tt.want)
		}
	}
	if err := (solver{c}).CleanUp(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.HTTP01("a.example", httpChallengePath+"tok"); ok || c.load() != nil {
		t.Error("the challenge is still there after CleanUp")
	}
}

func TestNewServerRefuses(t *testing.T) {
	_, err := NewServer(ServerConfig{}, time.Time{})
	contains(t, "NewServer()", err, "needs certificates")
	set := newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a"), p256(t), nil)}})
	_, err = NewServer(ServerConfig{Set: set, ALPN: []string{ALPNChallenge}}, now)
	contains(t, "NewServer(acme-tls/1)", err, "is for CAs")
}
