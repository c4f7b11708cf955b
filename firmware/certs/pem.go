// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// A block is one PEM block with the line that it begins on.
type block struct {
	*pem.Block
	line int // from 1
}

var pemBegin = []byte("-----BEGIN ")

// pemBlocks cuts text into its PEM blocks (RFC 7468). Text between blocks is
// allowed, as OpenSSL writes it; a block that begins and cannot be read is an
// error, where encoding/pem would skip it silently.
func pemBlocks(what string, text []byte, limit int) ([]block, error) {
	if err := checkSize(what, len(text), limit); err != nil {
		return nil, err
	}
	if len(text) > 0 && text[0] == 0x30 && !bytes.Contains(text, pemBegin) {
		return nil, fmt.Errorf("%s is binary (DER), not PEM; convert it with "+
			"openssl x509 -inform der, or import it as PKCS#12 if it is a .p12 or .pfx file", what)
	}
	var blocks []block
	line := 1
	for len(text) > 0 {
		at := beginLine(text)
		if at < 0 {
			break
		}
		line += bytes.Count(text[:at], []byte("\n"))
		text = text[at:]
		// The block must end before the next one begins.
		end := len(text)
		if next := beginLine(text[1:]); next >= 0 {
			end = next + 1
		}
		b, _ := pem.Decode(text[:end])
		if b == nil {
			return nil, fmt.Errorf("%s, line %d: the block that begins here is damaged or has no END line; "+
				"copy it again with all its lines", what, line)
		}
		blocks = append(blocks, block{b, line})
		line += bytes.Count(text[:end], []byte("\n"))
		text = text[end:]
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s has no PEM block; it must have lines like -----BEGIN CERTIFICATE-----", what)
	}
	return blocks, nil
}

// beginLine returns where the first line of text begins that begins a block, or
// -1.
func beginLine(text []byte) int {
	for from := 0; ; {
		i := bytes.Index(text[from:], pemBegin)
		if i < 0 {
			return -1
		}
		if i += from; i == 0 || text[i-1] == '\n' || text[i-1] == '\r' {
			return i
		}
		from = i + 1
	}
}

// ParsePEM takes a certificate, the rest of its chain and its private key out of
// PEM text, in any order. The key may be PKCS#8, PKCS#1 or SEC 1, and must not be
// encrypted. now decides about the warnings of validity only.
//
// An error lists every mistake that was found, one on a line.
func ParsePEM(text []byte, now time.Time) (*Pair, error) {
	certs, key, err := parseMaterial(text)
	if err != nil {
		return nil, err
	}
	return newPair(certs, key, now)
}

// parseMaterial takes certificates and at most one private key out of PEM text.
func parseMaterial(text []byte) (certs []*x509.Certificate, key crypto.Signer, err error) {
	blocks, err := pemBlocks("the PEM text", text, maxPEM)
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	for _, b := range blocks {
		var err error
		switch b.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
			var c *x509.Certificate
			if c, err = x509.ParseCertificate(b.Bytes); err == nil {
				certs = append(certs, c)
			}
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			var k crypto.Signer
			if k, err = parseKeyBlock(b); err == nil && key != nil {
				err = errors.New("a second private key; leave only the one of the certificate")
			} else if err == nil {
				key = k
			}
		case "EC PARAMETERS", "DH PARAMETERS":
			// OpenSSL writes the first before an EC key; TLS 1.2 suites of ours need no DH.
		default:
			err = errors.New(wrongBlock(b.Type))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", b.line, err))
		}
	}
	return certs, key, errors.Join(errs...)
}

// wrongBlock says what to do about a block that is no part of a key pair.
func wrongBlock(kind string) string {
	switch kind {
	case "ENCRYPTED PRIVATE KEY":
		return encryptedKey
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return "a certificate request; import the certificate that the CA made of it"
	case "TRUSTED CERTIFICATE":
		return "a certificate with OpenSSL's trust settings; write it without: openssl x509 -in FILE"
	case "PKCS7", "CMS":
		return "a PKCS#7 bundle; take the certificates out: openssl pkcs7 -print_certs -in FILE"
	case "OPENSSH PRIVATE KEY":
		return "a key of OpenSSH; it serves no certificate of a web server"
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		return "a public key; the private key is needed"
	case "X509 CRL":
		return "a CRL; it belongs to the client certificates"
	}
	return fmt.Sprintf("a block %q; a key pair has CERTIFICATE and PRIVATE KEY blocks", kind)
}
