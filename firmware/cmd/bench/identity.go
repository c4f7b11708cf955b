// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// An identity is what every proxy shows to clients: one certificate, self-signed,
// with an ECDSA P-256 key.
type identity struct {
	der     []byte
	file    string // PEM of certificate and key
	openssl string // settings of OpenSSL for programs that cannot make them
}

// openSSLSettings switch off the session tickets that OpenSSL sends under TLS 1.3
// even to a program that has switched tickets off.
const openSSLSettings = "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n[all]\nNumTickets = 0\n"

func newIdentity(dir string) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "bench"},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.AddDate(0, 1, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	id := &identity{der, filepath.Join(dir, "identity.pem"), filepath.Join(dir, "openssl.cnf")}
	return id, errors.Join(os.WriteFile(id.file, text, 0o600), os.WriteFile(id.openssl, []byte(openSSLSettings), 0o644))
}

// client returns how our clients speak TLS: one key share, the cheap one, and no
// resumption. Records are as large as they can be, which is the most that a
// server must make room for.
func (id *identity) client(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		CurvePreferences:            []tls.CurveID{tls.X25519},
		NextProtos:                  protocols,
		InsecureSkipVerify:          true, // checkTLS compares the certificate
		DynamicRecordSizingDisabled: true,
	}
}

// ticketCounter counts the sessions that a server offers to resume.
type ticketCounter int

func (*ticketCounter) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (n *ticketCounter) Put(_ string, s *tls.ClientSessionState) {
	if s != nil {
		*n++
	}
}

// checkTLS returns when a proxy serves what the origin has, on the terms that are
// equal for all: our certificate, TLS 1.3 with AES-128-GCM and X25519 though the
// client could do better, no tickets, and the protocol.
func checkTLS(id *identity, protocol string) func(addr string) error {
	return func(addr string) error {
		var tickets ticketCounter
		cfg := id.client(protocol)
		cfg.CurvePreferences, cfg.ClientSessionCache = nil, &tickets
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", addr, cfg)
		if err != nil {
			return err
		}
		v, err := newVisitor(c, addr)
		if err != nil {
			return errors.Join(err, c.Close())
		}
		defer v.Close()
		if err := v.get(); err != nil {
			return err
		}
		st := c.ConnectionState()
		got := fmt.Sprintf("%s, %s, %s, %s, %d tickets", tls.VersionName(st.Version),
			tls.CipherSuiteName(st.CipherSuite), st.CurveID, st.NegotiatedProtocol, tickets)
		want := fmt.Sprintf("TLS 1.3, TLS_AES_128_GCM_SHA256, X25519, %s, 0 tickets", protocol)
		if got != want {
			return fmt.Errorf("TLS with %s: %s; want %s", addr, got, want)
		}
		if !bytes.Equal(st.PeerCertificates[0].Raw, id.der) {
			return fmt.Errorf("TLS with %s: the certificate is another", addr)
		}
		return nil
	}
}
