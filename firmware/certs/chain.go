// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"
)

// findLeaf returns the certificate that key belongs to, and the others. Copies
// of one certificate count once.
func findLeaf(certs []*x509.Certificate, key crypto.PublicKey) (leaf *x509.Certificate, rest []*x509.Certificate, err error) {
	seen := map[string]bool{}
	for _, c := range certs {
		if seen[string(c.Raw)] {
			continue
		}
		seen[string(c.Raw)] = true
		switch {
		case !samePublic(key, c.PublicKey):
			rest = append(rest, c)
		case leaf != nil:
			return nil, nil, fmt.Errorf("two certificates have the same key: %s and %s; leave only the newer one",
				titleUntil(leaf), titleUntil(c))
		default:
			leaf = c
		}
	}
	if leaf == nil {
		return nil, nil, fmt.Errorf("the key belongs to another certificate: it is %s and fits none of %s",
			keyName(key), titles(certs))
	}
	return leaf, rest, nil
}

// orderChain puts behind leaf who signed it, and so on. A root is left out and
// returned apart: a client either has it or does not trust it (RFC 8446 section
// 4.4.2). It is nil if it is not among rest, and if leaf is its own root.
func orderChain(leaf *x509.Certificate, rest []*x509.Certificate) (chain []*x509.Certificate, root *x509.Certificate, warnings []Warning, err error) {
	chain = []*x509.Certificate{leaf}
	rooted := selfSigned(leaf)
	for last := leaf; !rooted; {
		i := issuerOf(last, rest)
		if i < 0 {
			break
		}
		last = rest[i]
		rest = slices.Delete(slices.Clone(rest), i, i+1)
		if rooted = selfSigned(last); rooted {
			root = last
		} else {
			chain = append(chain, last)
		}
	}
	if len(chain) == 1 && !rooted && len(rest) > 0 {
		return nil, nil, nil, fmt.Errorf("the chain has a gap: %q, which signed %s, is missing, and %s did not sign it; "+
			"add the intermediate certificate that the CA offers", name(leaf.Issuer), title(leaf), titles(rest))
	}
	for _, c := range rest {
		warnings = append(warnings, Warning{WarnUnused, fmt.Sprintf(
			"%s is no part of the chain of %s and was left out", title(c), title(leaf))})
	}
	switch {
	case root != nil:
		warnings = append(warnings, Warning{InfoRoot, fmt.Sprintf(
			"the root certificate %q is kept and not sent: clients must have it already", name(root.Subject))})
	case len(chain) == 1 && !rooted:
		warnings = append(warnings, lacksIssuer(leaf))
	}
	return chain, root, warnings, nil
}

// lacksIssuer says that leaf came without the certificate that signed it. Nothing
// in leaf tells whether that is an intermediate, which must be sent, or a root,
// which need not. But a CA that browsers trust never signs with its root (Baseline
// Requirements section 6.1.7), and its certificates have timestamps of CT logs;
// those of a private CA, which often has no intermediate, have none.
func lacksIssuer(leaf *x509.Certificate) Warning {
	for _, e := range leaf.Extensions {
		if e.Id.Equal(oidSCTs) {
			return Warning{WarnIncomplete, fmt.Sprintf(
				"the intermediate certificate %q, which signed %s, is missing; clients that do not have it "+
					"will not trust the server", name(leaf.Issuer), title(leaf))}
		}
	}
	return Warning{InfoIssuer, fmt.Sprintf("%q, which signed %s, was not in the file; "+
		"if it is not a root that clients have, but an intermediate certificate, import both together", name(leaf.Issuer), title(leaf))}
}

// issuerOf returns the index of the certificate that signed c, or -1. Among
// several of one CA it takes an intermediate before a root, since whoever adds
// a cross-signed one wants it sent, and then the one that lasts longest.
func issuerOf(c *x509.Certificate, candidates []*x509.Certificate) int {
	best := -1
	for i, ca := range candidates {
		if !bytes.Equal(c.RawIssuer, ca.RawSubject) || !signed(c.CheckSignatureFrom(ca)) {
			continue
		}
		if best >= 0 {
			b := candidates[best]
			if r, br := selfSigned(ca), selfSigned(b); r && !br || r == br && !ca.NotAfter.After(b.NotAfter) {
				continue
			}
		}
		best = i
	}
	return best
}

func selfSigned(c *x509.Certificate) bool {
	return selfSignedName(c) && signed(c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature))
}

// signed reads the result of a check of a signature. One by an algorithm that is
// not safe counts here, so that checkStrength can say what is wrong with it; on a
// root it does no harm.
func signed(err error) bool {
	var weak x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &weak)
}

// checkStrength refuses what clients refuse too, or ought to.
func checkStrength(c *x509.Certificate) error {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return fmt.Errorf("%s is signed with %s, which can be forged and no client accepts; "+
			"have it issued again with SHA-256", title(c), c.SignatureAlgorithm)
	case x509.UnknownSignatureAlgorithm:
		return fmt.Errorf("%s is signed with an algorithm that is not known here", title(c))
	}
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < minRSA {
		return fmt.Errorf("%s has an RSA key of %d bits, which is too weak; at least %d are needed",
			title(c), k.N.BitLen(), minRSA)
	}
	return nil
}

func checkTime(c *x509.Certificate, now time.Time) []Warning {
	switch {
	case now.After(c.NotAfter):
		return []Warning{{WarnExpired, fmt.Sprintf("%s has expired on %s", title(c), day(c.NotAfter))}}
	case now.Before(c.NotBefore):
		return []Warning{{WarnNotYetValid, fmt.Sprintf("%s is not valid before %s", title(c), day(c.NotBefore))}}
	}
	return nil
}

func checkLeaf(c *x509.Certificate) (warnings []Warning) {
	if len(c.DNSNames)+len(c.IPAddresses) == 0 {
		warnings = append(warnings, Warning{WarnNoNames, fmt.Sprintf(
			"%s has no subject alternative name; browsers refuse a certificate that has only a common name", title(c))})
	}
	if c.IsCA {
		warnings = append(warnings, Warning{WarnCA, fmt.Sprintf(
			"%s may sign other certificates; whoever takes its key can forge any name for those who trust it", title(c))})
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidTLSFeature) {
			warnings = append(warnings, Warning{WarnMustStaple, fmt.Sprintf(
				"%s demands an OCSP answer in each handshake, which this box does not give; Firefox will refuse it", title(c))})
		}
	}
	return warnings
}

var (
	oidTLSFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}       // RFC 7633
	oidSCTs       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2} // RFC 6962 section 3.3
)

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

func selfSignedName(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }
