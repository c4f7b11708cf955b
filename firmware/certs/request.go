// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// KeyTypes are the keys that [NewRequest] can make, the default first.
var KeyTypes = []string{"ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"}

// A Subject says in a request whose certificate it is to be. All of it may be
// empty: clients look at the names only.
type Subject struct {
	CommonName         string // the first name, where it is empty and that fits
	Organization       string
	OrganizationalUnit string
	Locality           string
	Province           string
	Country            string // two letters, ISO 3166-1
}

// A RequestConfig says what a CA is asked for.
type RequestConfig struct {
	Key     string // of KeyTypes; "" is the first
	Subject Subject
	Names   []string // host names, which may begin with "*.", and addresses; at least one
}

// A Request is a private key and the certificate signing request (RFC 2986) that
// asks a CA for its certificate. It waits for what the CA answers. It is
// immutable; the key leaves it for the store and for the [Pair] alone.
type Request struct {
	key  crypto.Signer
	csr  *x509.CertificateRequest
	made time.Time
	by   string
}

// NewRequest makes a key and asks for its certificate. by is who wants it. An
// error lists every mistake of cfg, one on a line.
func NewRequest(cfg RequestConfig, by string, now time.Time) (*Request, error) {
	t, err := cfg.template()
	if err != nil {
		return nil, err
	}
	key, err := newKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, t, key)
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("read own request: %w", err)
	}
	return &Request{key: key, csr: csr, made: now.UTC().Truncate(time.Second), by: by}, nil
}

func newKey(kind string) (crypto.Signer, error) {
	var key crypto.Signer
	var err error
	switch kind {
	case "", "ecdsa-p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "rsa-2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "rsa-3072":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	case "rsa-4096":
		key, err = rsa.GenerateKey(rand.Reader, 4096)
	}
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, nil
}

// A storedRequest is what the store keeps of a Request.
type storedRequest struct {
	Made    time.Time `json:"made"`
	By      string    `json:"by"`
	Request string    `json:"request"` // PEM
	Key     string    `json:"key"`     // PEM, PKCS#8
}

// Marshal returns r for the store, which must keep it secret.
func (r *Request) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(r.key)
	if err != nil {
		return nil, fmt.Errorf("marshal private key: %w", err)
	}
	return json.Marshal(storedRequest{r.made, r.by, r.PEM(), encodeKey(der)})
}

// ParseRequest reads what [Request.Marshal] has written.
func ParseRequest(data []byte) (*Request, error) {
	if err := checkSize("the request", len(data), maxPEM); err != nil {
		return nil, err
	}
	var s storedRequest
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	keys, err := pemBlocks("the key of the request", []byte(s.Key), maxPEM)
	if err != nil {
		return nil, err
	}
	texts, err := pemBlocks("the request", []byte(s.Request), maxPEM)
	if err != nil {
		return nil, err
	}
	r := &Request{made: s.Made, by: s.By}
	if r.key, err = parseKeyBlock(keys[0]); err != nil {
		return nil, err
	}
	if _, err := kindOf(r.key.Public()); err != nil {
		return nil, fmt.Errorf("the private key is refused: %w", err)
	}
	if r.csr, err = x509.ParseCertificateRequest(texts[0].Bytes); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if !samePublic(r.csr.PublicKey, r.key.Public()) {
		return nil, errors.New("the request is for another key")
	}
	return r, nil
}

// A RequestDescription is what people are shown of a Request. It holds nothing
// that is secret.
type RequestDescription struct {
	Names   []string  // DNS names and IP addresses
	Subject string    // RFC 4514
	Key     string    // such as "ECDSA P-256"
	Made    time.Time // by the clock of the box that made it
	By      string    // user
}

// Describe says what r asks for.
func (r *Request) Describe() RequestDescription {
	d := RequestDescription{Names: slices.Clone(r.csr.DNSNames), Subject: formatDN(r.csr.RawSubject),
		Key: keyName(r.csr.PublicKey), Made: r.made, By: r.by}
	for _, ip := range r.csr.IPAddresses {
		d.Names = append(d.Names, ip.String())
	}
	return d
}

// PEM returns the request as it is sent to a CA, without the key.
func (r *Request) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: r.csr.Raw}))
}

// String names the request, never the key.
func (r *Request) String() string {
	return fmt.Sprintf("request for %v (%s)", r.Describe().Names, keyName(r.csr.PublicKey))
}

// GoString is String, so that %#v does not print the key.
func (r *Request) GoString() string { return r.String() }

// LogValue is String, so that no log gets the key.
func (r *Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText is String, so that encoding/json does not write the key.
func (r *Request) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// ErrNoKey is in the error of [ParseAnswer] where neither the text nor a request
// has the key of the certificate.
var ErrNoKey = errors.New("no private key")

// ParseAnswer is [ParsePEM] for text that may lack the private key: it is then
// that of the request which one of the certificates fits. used is the index of that
// request, -1 where the text has a key of its own.
func ParseAnswer(text []byte, requests []*Request, now time.Time) (p *Pair, used int, err error) {
	certs, key, err := parseMaterial(text)
	if err != nil {
		return nil, -1, err
	}
	if key != nil || len(certs) == 0 {
		p, err = newPair(certs, key, now)
		return p, -1, err
	}
	used = -1
	for i, r := range requests {
		if !slices.ContainsFunc(certs, func(c *x509.Certificate) bool { return samePublic(c.PublicKey, r.key.Public()) }) {
			continue
		}
		if used >= 0 {
			return nil, -1, fmt.Errorf("the certificates fit two requests: import them one at a time")
		}
		used = i
	}
	if used < 0 {
		return nil, -1, lacksKey(certs, len(requests))
	}
	p, err = newPair(certs, requests[used].key, now)
	return p, used, err
}

// lacksKey says what would be right where certificates come without their key.
func lacksKey(certs []*x509.Certificate, pending int) error {
	if pending == 0 {
		return fmt.Errorf("%w: only certificates were found, and no request is pending on this box; give the private key too", ErrNoKey)
	}
	return fmt.Errorf("%w: only certificates were found, and the key of %s is that of none of the %d pending requests; "+
		"give the private key too, or the certificate that the CA made of a request of this box", ErrNoKey, title(certs[0]), pending)
}
