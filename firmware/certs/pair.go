// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// A Pair is a private key with the chain of certificates that says whose it is.
// It is immutable and checked: the key belongs to the leaf, each certificate of
// the chain signed the one before it, and none of them is too weak to be used.
type Pair struct {
	kind     kind
	cert     tls.Certificate
	chain    []*x509.Certificate // leaf first; a root only if it is the leaf
	root     *x509.Certificate   // that ends the chain and is not sent; nil if it was not given
	names    []string            // canonical, see CanonicalName
	warnings []Warning
}

// A Warning is something about a Pair that might not work, worded for a person.
type Warning struct {
	Code string // one of the Warn constants, for programs
	Text string
}

// The codes of warnings.
const (
	WarnExpired     = "expired"
	WarnNotYetValid = "not_yet_valid"
	WarnIncomplete  = "chain_incomplete" // an intermediate is missing
	WarnUnused      = "unused"           // a certificate is no part of the chain
	WarnNoNames     = "no_names"         // only a common name, or nothing
	WarnCA          = "is_ca"            // the leaf may sign others
	WarnMustStaple  = "must_staple"      // clients will want an OCSP answer

	InfoRoot   = "root_not_sent" // the root was given too
	InfoIssuer = "issuer_absent" // who signed the leaf was not given; a root need not be
)

// Info reports whether w is nothing to mend: many a certificate of a private CA
// has it all its life.
func (w Warning) Info() bool { return w.Code == InfoRoot || w.Code == InfoIssuer }

// Unfit reports whether w is about a certificate that clients refuse at once:
// its time is over or has not come, or it is for no name.
func (w Warning) Unfit() bool {
	return w.Code == WarnExpired || w.Code == WarnNotYetValid || w.Code == WarnNoNames
}

// newPair finds the certificate of key among certs, orders the others behind it,
// and checks them all.
func newPair(certs []*x509.Certificate, key crypto.Signer, now time.Time) (*Pair, error) {
	switch {
	case len(certs) == 0 && key == nil:
		return nil, fmt.Errorf("neither a certificate nor a private key was found")
	case len(certs) == 0:
		return nil, fmt.Errorf("the certificate is missing; only a private key was found")
	case key == nil:
		return nil, fmt.Errorf("the private key is missing; only certificates were found")
	case len(certs) > maxChain:
		return nil, fmt.Errorf("%d certificates were found; a chain has at most %d", len(certs), maxChain)
	}
	kind, err := kindOf(key.Public())
	if err != nil {
		return nil, fmt.Errorf("the private key is refused: %w", err)
	}
	leaf, rest, err := findLeaf(certs, key.Public())
	if err != nil {
		return nil, err
	}
	p := &Pair{kind: kind}
	if p.chain, p.root, p.warnings, err = orderChain(leaf, rest); err != nil {
		return nil, err
	}
	for _, c := range p.chain {
		if err := checkStrength(c); err != nil {
			return nil, err
		}
		p.warnings = append(p.warnings, checkTime(c, now)...)
	}
	p.names = certNames(leaf)
	p.warnings = append(p.warnings, checkLeaf(leaf)...)
	p.cert = tls.Certificate{PrivateKey: key, Leaf: leaf}
	for _, c := range p.chain {
		p.cert.Certificate = append(p.cert.Certificate, c.Raw)
	}
	return p, nil
}

// Certificate returns the pair as crypto/tls wants it. All callers share it and
// must not change it.
func (p *Pair) Certificate() *tls.Certificate { return &p.cert }

// Leaf returns the certificate of the key. It must not be changed.
func (p *Pair) Leaf() *x509.Certificate { return p.chain[0] }

// Names returns the host names that the certificate is for, in the form of
// [CanonicalName]; a wildcard is written *.example.com. If the certificate has
// no subject alternative names, this is its common name.
func (p *Pair) Names() []string { return slices.Clone(p.names) }

// Warnings returns what might not work, as it was found when p was made.
func (p *Pair) Warnings() []Warning { return slices.Clone(p.warnings) }

// MarshalPEM returns the chain, leaf first, the root if it was given, and then
// the private key in PKCS#8. It is what [ParsePEM] reads and what the store must keep secret.
func (p *Pair) MarshalPEM() ([]byte, error) {
	var b bytes.Buffer
	for _, der := range p.cert.Certificate {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes all
	}
	if p.root != nil {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: p.root.Raw})
	}
	der, err := x509.MarshalPKCS8PrivateKey(p.cert.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("marshal private key: %w", err)
	}
	b.WriteString(encodeKey(der))
	return b.Bytes(), nil
}

// encodeKey writes a private key in PKCS#8 as PEM.
func encodeKey(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// String names the certificate, never the key.
func (p *Pair) String() string {
	return fmt.Sprintf("%s (%s, %s)", title(p.Leaf()), keyName(p.Leaf().PublicKey), Fingerprint(p.Leaf()))
}

// GoString is String, so that %#v does not print the key.
func (p *Pair) GoString() string { return p.String() }

// LogValue is String, so that no log gets the key.
func (p *Pair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText is String, so that encoding/json does not write the key.
func (p *Pair) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
