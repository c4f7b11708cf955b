// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/firmware/certs"
	"evener/firmware/manage"
)

// TestCommandsOfRequests takes a request to a CA, over a restart of the engine.
func TestCommandsOfRequests(t *testing.T) {
	origin, _ := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t)))
	_, foreign, _ := certificateFiles(t, "shop.example")
	b.outcomes([]wantedOutcome{
		{"certificate request", 2, "usage"},
		{"certificate request shop", 2, "at least one host name"},
		{"certificate request shop shop.example --key rsa-512", 2, "ecdsa-p256"},
		{"certificate request shop shop.example --like none", 3, "there is no certificate"},
		{"certificate requests list", 0, "REQUEST"},
	})
	text := b.must("certificate", "request", "shop", "shop.example", "--o", "Shop Inc.", "--c", "CH")
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) != 0 {
		t.Fatalf("it prints %q, want a request and nothing else", text)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.Subject.String() != "CN=shop.example,O=Shop Inc.,C=CH" {
		t.Fatalf("the subject is %v, %v", csr.Subject, err)
	}
	b.outcomes([]wantedOutcome{
		{"certificate request shop shop.example", 4, "is pending since"},
		{"certificate requests list", 0, "ECDSA P-256"},
		{"certificate import shop " + foreign, 1, "none of the 1 pending requests"},
		{"restart engine", 0, ""},
	})
	if again := b.must("certificate", "requests", "show", "shop"); again != text {
		t.Errorf("after a restart the request is %q", again)
	}
	signed := filepath.Join(t.TempDir(), "signed.pem")
	if err := os.WriteFile(signed, signedBy(t, csr), 0o600); err != nil {
		t.Fatal(err)
	}
	b.outcomes([]wantedOutcome{
		{"certificate import shop " + signed, 0, "its key is that of the request shop"},
		{"certificate requests show shop", 3, "there are none"},
		{"certificate requests remove shop", 3, "there are none"},
		{"certificate request next --like shop", 0, "BEGIN CERTIFICATE REQUEST"},
		{"certificate requests remove next", 0, "removed"},
		{"audit", 0, "request certificate shop for"},
	})
	if c := result[manage.Certificate](b, "certificate", "show", "shop"); c.Subject != "CN=shop.example,O=Shop Inc.,C=CH" {
		t.Errorf("kept is %+v", c)
	}
	keyStaysInTheVault(t, b)
}

// signedBy returns the certificate that a CA makes of a request.
func signedBy(t *testing.T, csr *x509.CertificateRequest) []byte {
	t.Helper()
	ca, err := certs.SelfSigned([]string{"ca.example"}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{Subject: csr.Subject, DNSNames: csr.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, ca.Leaf(), csr.PublicKey, ca.Certificate().PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// keyStaysInTheVault looks for private keys in all that the box has printed and written.
func keyStaysInTheVault(t *testing.T, b *liveBox) {
	t.Helper()
	if said := b.printed() + b.must("show", "log"); strings.Contains(said, "PRIVATE KEY") {
		t.Error("a key was printed")
	}
	kept := 0
	err := filepath.WalkDir(b.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "PRIVATE KEY") {
			kept++
			if filepath.Base(filepath.Dir(path)) != "vault" {
				t.Errorf("%s holds a key", path)
			}
		}
		return err
	})
	if err != nil || kept == 0 {
		t.Errorf("%d files hold a key, %v", kept, err)
	}
}
