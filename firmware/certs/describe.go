// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Description is what people are shown of a certificate. It holds nothing
// that is secret.
type Description struct {
	Names       []string // DNS names and IP addresses, as the certificate has them
	Subject     string   // RFC 4514
	Issuer      string   // RFC 4514
	Serial      string   // hexadecimal
	NotBefore   time.Time
	NotAfter    time.Time
	Key         string // such as "ECDSA P-256"
	Signature   string // such as "SHA256-RSA"
	Fingerprint string // see Fingerprint
	SelfSigned  bool
	CA          bool
	Expiry      Expiry // at the time of the description
}

// Describe says what c is and, at the time now, how long it will last.
func Describe(c *x509.Certificate, now time.Time) Description {
	d := Description{
		Names:       slices.Clone(c.DNSNames),
		Subject:     SubjectDN(c),
		Issuer:      IssuerDN(c),
		Serial:      hex.EncodeToString(c.SerialNumber.Bytes()),
		NotBefore:   c.NotBefore.UTC(),
		NotAfter:    c.NotAfter.UTC(),
		Key:         keyName(c.PublicKey),
		Signature:   c.SignatureAlgorithm.String(),
		Fingerprint: Fingerprint(c),
		SelfSigned:  selfSigned(c),
		CA:          c.IsCA,
		Expiry:      ExpiryOf(c.NotBefore, c.NotAfter, now),
	}
	for _, ip := range c.IPAddresses {
		d.Names = append(d.Names, ip.String())
	}
	return d
}

// Describe describes the certificates of the chain, leaf first.
func (p *Pair) Describe(now time.Time) []Description {
	ds := make([]Description, len(p.chain))
	for i, c := range p.chain {
		ds[i] = Describe(c, now)
	}
	return ds
}

// Fingerprint returns the SHA-256 hash of a certificate in lower-case
// hexadecimal: 64 characters without separators.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// title names a certificate in an error, with quotes around what it says of
// itself.
func title(c *x509.Certificate) string {
	if c.Subject.CommonName == "" && len(c.DNSNames) > 0 {
		return "the certificate " + strconv.QuoteToASCII(c.DNSNames[0])
	}
	return "the certificate " + strconv.QuoteToASCII(name(c.Subject))
}

func titleUntil(c *x509.Certificate) string {
	return title(c) + " (until " + day(c.NotAfter) + ")"
}

func titles(certs []*x509.Certificate) string {
	all := make([]string, len(certs))
	for i, c := range certs {
		all[i] = title(c)
	}
	return strings.Join(all, ", ")
}

func name(n pkix.Name) string {
	if n.CommonName != "" {
		return n.CommonName
	}
	return n.String()
}
