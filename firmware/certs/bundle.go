// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// parseServers reads what servers may be vouched for by: a bundle of CA certificates,
// in which a certificate that a server has signed itself stands for that server alone.
// x509 takes one that it finds among its roots, whatever it is, and lets none but CAs
// vouch for others.
func parseServers(text []byte, now time.Time) (cas []*x509.Certificate, warnings []Warning, err error) {
	return parseBundle(text, now, true)
}

// parseCAs reads a bundle of CA certificates. Each becomes an anchor of trust,
// also an intermediate: chains may end there.
func parseCAs(text []byte, now time.Time) (cas []*x509.Certificate, warnings []Warning, err error) {
	return parseBundle(text, now, false)
}

func parseBundle(text []byte, now time.Time, own bool) (cas []*x509.Certificate, warnings []Warning, err error) {
	blocks, err := pemBlocks("the bundle of CAs", text, maxBundle)
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	for _, b := range blocks {
		c, err := parseCA(b, own)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", b.line, err))
			continue
		}
		cas = append(cas, c)
		warnings = append(warnings, checkTime(c, now)...)
	}
	if len(cas) > maxCAs {
		errs = append(errs, fmt.Errorf("%d CAs; at most %d are taken", len(cas), maxCAs))
	}
	return cas, warnings, errors.Join(errs...)
}

func parseCA(b block, own bool) (*x509.Certificate, error) {
	if b.Type != "CERTIFICATE" && b.Type != "X509 CERTIFICATE" {
		return nil, fmt.Errorf("a block %q; a bundle of CAs has CERTIFICATE blocks only", b.Type)
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return nil, err
	}
	if !c.IsCA && c.Version >= 3 && !(own && OwnSigned(c)) {
		return nil, fmt.Errorf("%s is not a CA", title(c))
	}
	if selfSignedName(c) {
		return c, nil // nobody checks the signature of a root
	}
	return c, checkStrength(c)
}

// OwnSigned reports whether c names itself as its issuer, so that it can be trusted for
// the one who shows it, and for nobody else.
func OwnSigned(c *x509.Certificate) bool { return selfSignedName(c) }

func pool(cas []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range cas {
		p.AddCert(c)
	}
	return p
}
