// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// now is the time of tests that need no clock of their own.
var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// A ca signs certificates in tests.
type ca struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// rsaKey is made once: it takes long.
var rsaKey = sync.OnceValue(func() crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func ecKey(tb testing.TB, c elliptic.Curve) crypto.Signer {
	tb.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func p256(tb testing.TB) crypto.Signer { return ecKey(tb, elliptic.P256()) }

func edKey(tb testing.TB) crypto.Signer {
	tb.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// sign issues t for key; a nil parent signs itself.
func sign(tb testing.TB, t *x509.Certificate, key crypto.Signer, parent *ca) *x509.Certificate {
	tb.Helper()
	if parent == nil {
		parent = &ca{t, key}
	}
	if t.NotBefore.IsZero() {
		t.NotBefore, t.NotAfter = now.Add(-30*dayLong), now.Add(60*dayLong)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent.cert, key.Public(), parent.key)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func newCA(tb testing.TB, name string, parent *ca) *ca {
	tb.Helper()
	key := p256(tb)
	return &ca{sign(tb, caTemplate(name), key, parent), key}
}

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
}

// server returns the template of a server's certificate.
func server(names ...string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
}

// client returns the template of a client's certificate.
func client(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, SerialNumber: big.NewInt(time.Now().UnixNano()),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
}

func certPEM(certs ...*x509.Certificate) string {
	var b strings.Builder
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.String()
}

func keyPEM(tb testing.TB, key crypto.Signer) string {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return encodeKey(der)
}

// pairOf makes a pair of a template, signed by root with nothing between, or by
// itself.
func pairOf(tb testing.TB, t *x509.Certificate, key crypto.Signer, parent *ca) *Pair {
	tb.Helper()
	chain := []*x509.Certificate{sign(tb, t, key, parent)}
	if parent != nil {
		chain = append(chain, parent.cert)
	}
	p, err := newPair(chain, key, now)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// A shake is how a handshake in memory went, and one byte after it.
type shake struct {
	server, client         tls.ConnectionState
	serverErr, clientError error
}

// handshake makes one, with one byte from the server afterwards so that tickets
// and late alerts arrive.
func handshake(server, client *tls.Config) (s shake) {
	a, b := pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer a.Close()
		conn := tls.Server(a, server)
		if s.serverErr = conn.Handshake(); s.serverErr == nil {
			s.server = conn.ConnectionState()
			_, s.serverErr = conn.Write([]byte("x"))
		}
	}()
	conn := tls.Client(b, client)
	if s.clientError = conn.Handshake(); s.clientError == nil {
		s.client = conn.ConnectionState()
		_, s.clientError = conn.Read(make([]byte, 1))
	}
	b.Close()
	<-done
	return s
}

// alert returns the alert that an error is about, or 255.
func alert(err error) tls.AlertError {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
		if a, ok := errors.AsType[tls.AlertError](err); ok {
			return a
		}
		for i := range tls.AlertError(255) {
			if err.Error() == i.Error() {
				return i
			}
		}
	}
	return 255
}

func codes(ws []Warning) string {
	var b []string
	for _, w := range ws {
		b = append(b, w.Code)
	}
	return strings.Join(b, " ")
}

func contains(tb testing.TB, call string, err error, want string) {
	tb.Helper()
	switch {
	case want == "" && err != nil:
		tb.Errorf("%s: %v, want no error", call, err)
	case want != "" && err == nil:
		tb.Errorf("%s: no error, want one with %q", call, want)
	case want != "" && !strings.Contains(err.Error(), want):
		tb.Errorf("%s: %v, want %q in it", call, err, want)
	}
}
