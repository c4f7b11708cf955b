// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// issuedFile writes a certificate for names by a private CA, until end, with its
// key and, if withRoot, the CA's own certificate.
func issuedFile(t *testing.T, names []string, end time.Time, withRoot bool) string {
	t.Helper()
	make1 := func(c, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) []byte {
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), end.AddDate(-2, 0, 0), end
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "myca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootDER := make1(root, root, keys[0], keys[0])
	leaf := make1(&x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names}, root, keys[1], keys[0])
	key, err := x509.MarshalPKCS8PrivateKey(keys[1])
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})
	if withRoot {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})...)
	}
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	file := filepath.Join(t.TempDir(), "issued.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestImportTakesNothingFromClients imports what clients would refuse.
func TestImportTakesNothingFromClients(t *testing.T) {
	origin, _ := silentOrigin(t)
	addr := loopback(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t)))
	good, _, _ := certificateFiles(t, "good.example")
	year := time.Now().AddDate(1, 0, 0)
	expired := issuedFile(t, []string{"old.example"}, time.Now().Add(-time.Hour), true)
	nameless := issuedFile(t, nil, year, true)
	b.must("certificate", "import", "shop", good)
	text := b.must("config", "show") + fmt.Sprintf(`
certificate "shop" {}
cluster "s" {
  protocol  = "https"
  listen    = [%q]
  responder = "r"
  tls { certificates = ["shop"] }
}
`, addr)
	file := filepath.Join(t.TempDir(), "secure.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.must("config", "set", file)
	b.must("config", "commit")
	b.outcomes([]wantedOutcome{
		{"certificate import shop " + expired, 5, `certificate shop is used by cluster "s" and was not replaced: the certificate "leaf" has expired`},
		{"certificate import shop " + expired, 5, "--force"},
		{"certificate import shop " + nameless, 5, "no subject alternative name"},
		{"certificate import spare " + expired, 0, "has expired"},
	})
	if got := nameShown(t, addr); got != "good.example" {
		t.Errorf("after refused imports clients get the certificate of %s", got)
	}
	b.outcomes([]wantedOutcome{
		{"certificate import shop --force " + expired, 0, "new connections get it"},
		{"certificate list", 0, "has expired"},
		{"certificate import shop --force " + nameless, 0, "new connections get it"},
		{"certificate list", 0, "no subject alternative name"},
	})
}

// TestImportFromPrivateCA: its certificates have no fault that a person could mend.
func TestImportFromPrivateCA(t *testing.T) {
	origin, _ := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t)))
	for _, tt := range []struct {
		withRoot bool
		want     string
	}{
		{true, `note: the root certificate "myca" is kept and not sent`},
		{false, `note: "myca", which signed the certificate "leaf", was not in the file`},
	} {
		out := b.must("certificate", "import", "shop", issuedFile(t, []string{"a.example"}, time.Now().AddDate(0, 6, 0), tt.withRoot))
		if !strings.Contains(out, tt.want) || strings.Contains(out, "warning") {
			t.Errorf("import, root %v, says %s; want %q and no warning", tt.withRoot, out, tt.want)
		}
		if out := b.must("certificate", "show", "shop"); strings.Contains(out, "warning") {
			t.Errorf("show, root %v, says %s; want no warning", tt.withRoot, out)
		}
	}
}
