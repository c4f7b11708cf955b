// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"time"

	"evener/firmware/lb"
)

// An authority makes certificates of one play.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority " + name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}, nil
}

// certificate returns a certificate for a host name or a person. Its key is ECDSA,
// or RSA.
func (ca *authority) certificate(name string, old bool) (tls.Certificate, error) {
	key, err := newKey(old)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, ca.cert, key.Public(), ca.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// rsaKey is made once: it takes long.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newKey(old bool) (crypto.Signer, error) {
	if old {
		return rsaKey()
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// A vault is what the box of a play has of certificates and authorities: what
// the play has made, and otherwise one for each name that is asked for.
type vault struct {
	mu          sync.Mutex // guards what follows
	authorities map[string]*authority
	items       map[string][]byte
}

func newVault() *vault {
	return &vault{authorities: map[string]*authority{}, items: map[string][]byte{}}
}

// authority returns the one of that name. Without a name it is the one that all
// certificates of hosts come from.
func (v *vault) authority(name string) (*authority, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.find(name)
}

func (v *vault) find(name string) (ca *authority, err error) {
	if name == "" {
		name = "play"
	}
	if ca = v.authorities[name]; ca == nil {
		ca, err = newAuthority(name)
		v.authorities[name] = ca
	}
	return ca, err
}

// Load returns an item of the box.
func (v *vault) Load(item string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if data := v.items[item]; data != nil {
		return data, nil
	}
	if name, ok := strings.CutPrefix(item, lb.TrustItems); ok {
		ca, err := v.find(name)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), nil
	}
	if name, ok := strings.CutPrefix(item, lb.ImportedItems); ok {
		if !strings.Contains(name, ".") {
			name = defaultHost
		}
		return v.make(item, name, false)
	}
	return nil, nil
}

// make makes a certificate for a host, with its key.
func (v *vault) make(item, host string, old bool) ([]byte, error) {
	ca, err := v.find("")
	if err != nil {
		return nil, err
	}
	c, err := ca.certificate(host, old)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	_ = pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	v.items[item] = out.Bytes()
	return out.Bytes(), nil
}

// Save keeps an item.
func (v *vault) Save(item string, data []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.items[item] = data
	return nil
}

// importCertificate makes what n describes:
//
//	certificate NAME for=HOST [rsa]
func (p *play) importCertificate(n *node) error {
	opts, err := parseOptions(n.words[1:][min(1, len(n.words)-1):], "for=", "rsa")
	if err != nil || n.word(1) == "" || opts["for"] == "" {
		return n.errorf("want: certificate NAME for=HOST [rsa]")
	}
	p.vault.mu.Lock()
	defer p.vault.mu.Unlock()
	_, err = p.vault.make(lb.ImportedItems+n.word(1), opts["for"], opts.has("rsa"))
	return err
}
