// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// parseCAs reads a bundle of CA certificates. Each becomes an anchor of trust,
// also an intermediate: chains may end there.
func parseCAs(text []byte, now time.Time) (cas []*x509.Certificate, warnings []Warning, err error) {
	blocks, err := pemBlocks("the bundle of CAs", text, maxBundle)
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	for _, b := range blocks {
		c, err := parseCA(b)
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

func parseCA(b block) (*x509.Certificate, error) {
	if b.Type != "CERTIFICATE" && b.Type != "X509 CERTIFICATE" {
		return nil, fmt.Errorf("a block %q; a bundle of CAs has CERTIFICATE blocks only", b.Type)
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return nil, err
	}
	if !c.IsCA && c.Version >= 3 {
		return nil, fmt.Errorf("%s is not a CA", title(c))
	}
	if selfSignedName(c) {
		return c, nil // nobody checks the signature of a root
	}
	return c, checkStrength(c)
}

func pool(cas []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range cas {
		p.AddCert(c)
	}
	return p
}
