// SPDX-License-Identifier: Apache-2.0

package health

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// certificate returns one that signs itself, for name, valid until expires.
func certificate(t *testing.T, name string, expires time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             expires.Add(-1000 * time.Hour),
		NotAfter:              expires,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestTLS(t *testing.T) {
	later := time.Now().Add(100 * time.Hour).Truncate(time.Second)
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	for _, tt := range []struct {
		name    string
		cert    string
		expires time.Time
		trusted bool
		probe   ProbeConfig
		want    Outcome
		text    string
	}{
		{"valid name", "shop.example", later, true, ProbeConfig{ServerName: "shop.example"}, Good, "TLS 1.3"},
		{"valid address", "127.0.0.1", later, true, ProbeConfig{}, Good, "valid until"},
		{"wrong name", "shop.example", later, true, ProbeConfig{ServerName: "other.example"}, Bad, "other.example"},
		{"wrong address", "shop.example", later, true, ProbeConfig{}, Bad, "127.0.0.1"},
		{"unknown authority", "127.0.0.1", later, false, ProbeConfig{}, Bad, "unknown authority"},
		{"expired", "127.0.0.1", past, true, ProbeConfig{}, Bad, "expired"},
		{"anything goes", "x.example", past, false, ProbeConfig{SkipVerify: true}, Good, "handshake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cert, roots := certificate(t, tt.cert, tt.expires)
			if !tt.trusted {
				roots = x509.NewCertPool()
			}
			var sni string
			addr := serve(t, func(c net.Conn) {
				tls.Server(c, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
					sni = h.ServerName
					return &cert, nil
				}}).Handshake()
			})
			r := askTLS(t, tt.probe, addr, roots)
			why := OK
			if tt.want == Bad {
				why = Certificate
			}
			if r.Outcome != tt.want || r.Reason != why || !strings.Contains(r.Detail, tt.text) {
				t.Errorf("got %v, %s: %s; want %v, ...%s...", r.Outcome, r.Reason, r.Detail, tt.want, tt.text)
			}
			if !r.Expires.Equal(tt.expires) {
				t.Errorf("expires %v, want %v", r.Expires, tt.expires)
			}
			if sni != tt.probe.ServerName {
				t.Errorf("SNI %q, want %q", sni, tt.probe.ServerName)
			}
		})
	}
}

func askTLS(t *testing.T, p ProbeConfig, addr netip.AddrPort, roots *x509.CertPool) Result {
	t.Helper()
	p.Type, p.DataTimeout, p.Timeout = TLS, 20*time.Second, 30*time.Second
	p = p.withDefaults()
	return ask(t.Context(), newProber(p, addr, roots), p, newTranscript())
}

func TestTLSOfServersThatDoNot(t *testing.T) {
	runCases(t, TLS, []probeCase{
		{"plain text", ProbeConfig{}, thenHalfCloses(says("HTTP/1.1 400 Bad Request\r\n\r\n")), Bad, Handshake, "TLS handshake"},
		{"closes", ProbeConfig{}, thenHalfCloses(silent), Bad, Closed, ""},
		{"never answers", ProbeConfig{DataTimeout: brief}, thenHangs(silent), Bad, DataTimeout, "50ms"},
		{"endless", ProbeConfig{}, endless("\x16\x03\x03\x01\x00"), Bad, Handshake, ""},
		{"slow", ProbeConfig{DataTimeout: brief}, slowly("\x16\x03\x03\x40\x00"+strings.Repeat("\x02", 1000), 10*time.Millisecond), Bad, DataTimeout, ""},
	})
}
