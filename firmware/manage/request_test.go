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
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/backup"
	"evener/firmware/lb"
)

// A signer is a CA that signs requests.
type signer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour)}
	s := &signer{t: t, key: key}
	s.cert = s.issue(c, c, &key.PublicKey)
	return s
}

func (s *signer) issue(c, parent *x509.Certificate, pub any) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// sign returns what the CA sends back for a request: the certificate and its own.
func (s *signer) sign(request string) string {
	s.t.Helper()
	block, _ := pem.Decode([]byte(request))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	if err != nil {
		s.t.Fatal(err)
	}
	c := s.issue(&x509.Certificate{SerialNumber: serial, Subject: csr.Subject, DNSNames: csr.DNSNames, IPAddresses: csr.IPAddresses, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(500 * time.Hour)}, s.cert, csr.PublicKey)
	return certText(s.cert) + certText(c) // the wrong way round, as some send it
}

func certText(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

const requestText = "engine { loops = 1 }\n"

func TestRequestBecomesACertificate(t *testing.T) {
	d, ca := newDesk(t, requestText), newSigner(t)
	ann := api.Call{Author: "ann", Role: api.Editor}
	r := must[CertificateRequest](d, ann, "certificate.request", args{"name": "shop", "names": []string{"shop.example", "192.0.2.1"}, "organization": "Shop"})
	if !strings.HasPrefix(r.PEM, "-----BEGIN CERTIFICATE REQUEST-----") || strings.Contains(r.PEM, "PRIVATE") || r.By != "ann" || r.Key != "ECDSA P-256" || r.Subject != "CN=shop.example,O=Shop" {
		t.Errorf("the request is %+v", r)
	}
	refused(d, ann, "certificate.request", args{"name": "shop", "names": []string{"other.example"}}, "request.exists")
	refused(d, api.Call{Author: "ann", Role: api.Operator}, "certificate.request", args{"name": "b", "names": []string{"b.example"}}, "auth.role")
	refused(d, api.Call{Author: "ann", Role: api.Editor, Scope: map[string]string{"team": "a"}}, "certificate.request", args{"name": "b", "names": []string{"b.example"}}, "auth.scope")
	refused(d, ann, "certificate.request", args{"name": "b", "names": []string{}}, "request.invalid")
	refused(d, ann, "certificate.request", args{"name": "a/b", "names": []string{"b.example"}}, "params.name")
	other := must[CertificateRequest](d, ann, "certificate.request", args{"name": "other", "names": []string{"other.example"}, "key": "ecdsa-p384"})
	list := must[CertificateRequests](d, by("eve"), "certificate.request_list", args{}).Requests
	if len(list) != 2 || list[0].Name != "other" || list[1].PEM != r.PEM {
		t.Errorf("pending are %+v", list)
	}

	signed := ca.sign(r.PEM)
	found := must[Certificate](d, ann, "certificate.check", args{"name": "shop", "pem": signed})
	if found.Request != "shop" || len(found.Warnings) != 0 {
		t.Errorf("check found %+v", found)
	}
	refused(d, ann, "certificate.import", args{"name": "shop", "pem": certText(ca.cert)}, "certificate.no_key")
	kept := must[Certificate](d, ann, "certificate.import", args{"name": "shop-2026", "pem": signed})
	if kept.Request != "shop" || kept.Name != "shop-2026" || !slices.Equal(kept.Names, []string{"shop.example", "192.0.2.1"}) {
		t.Errorf("import has kept %+v", kept)
	}
	pair, err := d.stored("shop-2026")
	if err != nil || len(pair.Certificate().Certificate) != 1 {
		t.Fatalf("stored is %v, %v, want the certificate with its key and without the root", pair, err)
	}
	if list = must[CertificateRequests](d, ann, "certificate.request_list", args{}).Requests; len(list) != 1 || list[0].Name != "other" {
		t.Errorf("pending are %+v, want the one whose certificate was not imported", list)
	}
	refused(d, ann, "certificate.import", args{"name": "again", "pem": signed}, "certificate.no_key")

	like := must[RequestForm](d, ann, "certificate.request_like", args{"name": "shop-2026"})
	if like.Name != "shop-2026" || !slices.Equal(like.Names, kept.Names) || like.Organization != "Shop" || like.Key != "ecdsa-p256" {
		t.Errorf("its successor is %+v", like)
	}
	must[struct{}](d, ann, "certificate.request_remove", args{"name": "other"})
	refused(d, ann, "certificate.request_remove", args{"name": "other"}, "not_found")
	refused(d, ann, "certificate.request_show", args{"name": "other"}, "not_found")
	refused(d, ann, "certificate.import", args{"name": "other", "pem": ca.sign(other.PEM)}, "certificate.no_key")
}

// A key that the mirror or a backup does not carry would be lost with the box that
// made it, while a CA signs.
func TestRequestsGoWithTheBox(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	ca := newSigner(t)
	told := left.tellItems(nil)
	ann := api.Call{Author: "ann", Role: api.Admin, Sudo: true}
	r := must[CertificateRequest](left, ann, "certificate.request", args{"name": "shop", "names": []string{"shop.example"}})
	told = left.tellItems(told)
	there := must[CertificateRequest](right, ann, "certificate.request_show", args{"name": "shop"})
	if there.PEM != r.PEM || !there.Since.Equal(r.Since) || there.By != "ann" {
		t.Errorf("right has %+v, want %+v", there, r)
	}
	made := must[Backup](left, ann, "backup.export", args{"passphrase": backupPassphrase})
	must[Certificate](right, ann, "certificate.import", args{"name": "shop", "pem": ca.sign(r.PEM)})
	must[Certificate](left, ann, "certificate.import", args{"name": "shop", "pem": ca.sign(r.PEM)})
	left.tellItems(told)
	if list := must[CertificateRequests](right, ann, "certificate.request_list", args{}).Requests; len(list) != 0 {
		t.Errorf("right still has %+v", list)
	}

	fresh := newDesk(t, requestText)
	must[Restored](fresh, ann, "backup.import", args{"data": made.Data, "passphrase": backupPassphrase})
	if back := must[CertificateRequest](fresh, ann, "certificate.request_show", args{"name": "shop"}); back.PEM != r.PEM {
		t.Errorf("the backup has brought %+v", back)
	}
	if err := checkBackupItem(backup.Item{Name: requestItems + "x", Data: []byte("{}")}); err == nil {
		t.Error("a backup with a damaged request is taken")
	}
}

func TestDamagedRequestIsNamed(t *testing.T) {
	d, ca := newDesk(t, requestText), newSigner(t)
	ann := by("ann")
	r := must[CertificateRequest](d, ann, "certificate.request", args{"name": "shop", "names": []string{"shop.example"}})
	if err := d.cfg.Store.Vault().Save(requestItems+"bad", []byte("{")); err != nil {
		t.Fatal(err)
	}
	list := must[CertificateRequests](d, ann, "certificate.request_list", args{}).Requests
	if len(list) != 2 || list[0].Lacks == "" || list[1].Lacks != "" {
		t.Errorf("pending are %+v", list)
	}
	_, e := ask[Certificate](d, ann, "certificate.import", args{"name": "x", "pem": certText(ca.cert)})
	if e == nil || !strings.Contains(e.Message, "request bad cannot be read") {
		t.Errorf("import = %v, want what might be the reason", e)
	}
	must[Certificate](d, ann, "certificate.import", args{"name": "shop", "pem": ca.sign(r.PEM)})
	if data, err := d.cfg.Store.Vault().Load(lb.ImportedItems + "shop"); err != nil || !bytes.Contains(data, []byte("PRIVATE KEY")) {
		t.Errorf("the good one is not used: %v", err)
	}
	must[struct{}](d, ann, "certificate.request_remove", args{"name": "bad"})
}
