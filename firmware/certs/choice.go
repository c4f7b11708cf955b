// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"slices"
)

// pick returns the first certificate in the order of kinds that the client can
// use. If it seems to support none it gets the last: that is RSA where there is
// one, which all clients know, and else crypto/tls refuses it with the right
// alert.
func (c *choice) pick(hello *tls.ClientHelloInfo, p Profile) *tls.Certificate {
	var last *Pair
	for k, pair := range c {
		if pair == nil {
			continue
		}
		if last = pair; kind(k) != kindRSA && supports(hello, kind(k), p) {
			break
		}
	}
	return last.Certificate()
}

// supports reports whether the client can use a certificate of a kind other than
// RSA.
//
// [tls.ClientHelloInfo.SupportsCertificate] would do, but it allocates, and says
// no to every certificate whose names do not fit, as those of a default do not.
func supports(hello *tls.ClientHelloInfo, k kind, p Profile) bool {
	if p.max >= tls.VersionTLS13 && slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
		// RFC 8446 section 4.2.3: the scheme names the curve.
		return anyOf(schemes13[k], hello.SignatureSchemes)
	}
	if !anyOf(schemes12[k], hello.SignatureSchemes) {
		return false
	}
	// RFC 8422 section 5.1: in TLS 1.2 the curve of the key is a supported group.
	if k == kindP256 && !slices.Contains(hello.SupportedCurves, tls.CurveP256) ||
		k == kindP384 && !slices.Contains(hello.SupportedCurves, tls.CurveP384) {
		return false
	}
	for _, suite := range p.suites {
		if isECDSA(suite) && slices.Contains(hello.CipherSuites, suite) {
			return true
		}
	}
	return false
}

func anyOf[T comparable](of, in []T) bool {
	for _, x := range of {
		if slices.Contains(in, x) {
			return true
		}
	}
	return false
}

// schemes13 and schemes12 are the signature schemes that a key of each kind can
// make, in TLS 1.3 and 1.2.
var (
	schemes13 = [kindRSA][]tls.SignatureScheme{
		kindP256:    {tls.ECDSAWithP256AndSHA256},
		kindEd25519: {tls.Ed25519},
		kindP384:    {tls.ECDSAWithP384AndSHA384},
	}
	ecdsa12   = []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512}
	schemes12 = [kindRSA][]tls.SignatureScheme{
		kindP256:    ecdsa12,
		kindEd25519: {tls.Ed25519},
		kindP384:    ecdsa12,
	}
)
