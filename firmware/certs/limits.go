// SPDX-License-Identifier: Apache-2.0

package certs

import "fmt"

// Bounds on what is parsed. Real inputs stay far below: a chain of four with
// RSA keys of 4096 bits is 10 KiB of PEM, the list of CAs that browsers trust is
// 220 KiB.
const (
	maxPEM       = 256 << 10 // bytes of a certificate with chain and key
	maxPKCS12    = 256 << 10 // bytes of a PKCS#12 file
	maxBundle    = 1 << 20   // bytes of a bundle of CAs
	maxCRL       = 16 << 20  // bytes of one input with CRLs
	maxChain     = 16        // certificates beside a key
	maxCAs       = 500       // certificates in a bundle
	maxCRLs      = 100       // CRLs in all
	minRSA       = 2048      // bits
	maxRSA       = 8192      // bits; crypto/tls refuses more
	maxHostName  = 253       // bytes of a host name, RFC 1035 section 2.3.4
	maxHostLabel = 63        // bytes of one of its labels
)

func checkSize(what string, size, limit int) error {
	if size > limit {
		return fmt.Errorf("%s has %d bytes; at most %d are taken", what, size, limit)
	}
	return nil
}
