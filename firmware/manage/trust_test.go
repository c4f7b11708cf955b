// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// authority returns a CA's certificate, and a revocation list of one entry, in DER.
func authority(t testing.TB) (ca, list []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCRLSign, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), SubjectKeyId: []byte{1}}
	if ca, err = x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key); err != nil {
		t.Fatal(err)
	}
	if list, err = x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(),
		NextUpdate:                time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: time.Now()}}}, c, key); err != nil {
		t.Fatal(err)
	}
	return ca, list
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestTrustText(t *testing.T) {
	ca, list := authority(t)
	caPEM, listPEM := block("CERTIFICATE", ca), block("X509 CRL", list)
	for _, tt := range []struct {
		name string
		in   []byte
		want []byte
		err  string
	}{
		{"CA", caPEM, caPEM, ""},
		{"CA in DER", ca, caPEM, ""},
		{"list in DER", list, listPEM, ""},
		{"both, with text around", append(append([]byte("# ours\n"), caPEM...), listPEM...), append(bytes.Clone(caPEM), listPEM...), ""},
		{"old name of a certificate", block("X509 CERTIFICATE", ca), caPEM, ""},
		{"private key", append(bytes.Clone(caPEM), block("PRIVATE KEY", []byte{1})...), nil, `block 2: it is "PRIVATE KEY"`},
		{"broken list", block("X509 CRL", ca), nil, "block 1"},
		{"cut", caPEM[:len(caPEM)-20], nil, "no whole PEM block"},
		{"text", []byte("hello"), nil, "neither PEM"},
	} {
		got, err := trustText(tt.in)
		if !bytes.Equal(got, tt.want) || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: trustText = %q, %v, want %q, %s", tt.name, got, err, tt.want, tt.err)
		}
	}
	var described Trust
	described.describe(append(bytes.Clone(caPEM), listPEM...))
	if len(described.CAs) != 1 || described.CAs[0].Subject != "CN=CA" || len(described.CRLs) != 1 || described.CRLs[0].Entries != 1 {
		t.Errorf("described as %+v", described)
	}
}

// FuzzTrustText: what is taken is taken again, and says what it is.
func FuzzTrustText(f *testing.F) {
	ca, list := authority(f)
	for _, seed := range [][]byte{ca, list, block("CERTIFICATE", ca), append(block("X509 CRL", list), block("CERTIFICATE", ca)...),
		[]byte("-----BEGIN X-----\n"), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := trustText(data)
		if err != nil {
			return
		}
		again, err := trustText(text)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("trustText(its own text) = %q, %v, want %q", again, err, text)
		}
		var d Trust
		if d.describe(text); len(d.CAs)+len(d.CRLs) != bytes.Count(text, []byte("-----BEGIN ")) {
			t.Fatalf("%d CAs and %d lists in %q", len(d.CAs), len(d.CRLs), text)
		}
	})
}
