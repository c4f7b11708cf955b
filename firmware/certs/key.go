// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
)

const encryptedKey = "an encrypted private key; decrypt it first (openssl pkey -in FILE), " +
	"or import certificate and key as PKCS#12 with its password"

// A kind is what a client must support to use a certificate. Kinds are in the
// order in which they are preferred where a name has several: the cheapest
// signature first.
type kind uint8

const (
	kindP256 kind = iota
	kindEd25519
	kindP384
	kindRSA
	numKinds
)

// parseKeyBlock reads a private key in any of its three forms, whatever its
// label says.
func parseKeyBlock(b block) (crypto.Signer, error) {
	if b.Headers["Proc-Type"] != "" || b.Headers["DEK-Info"] != "" {
		return nil, errors.New(encryptedKey)
	}
	if k, err := x509.ParsePKCS8PrivateKey(b.Bytes); err == nil {
		return signer(k)
	}
	if k, err := x509.ParsePKCS1PrivateKey(b.Bytes); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(b.Bytes); err == nil {
		return k, nil
	}
	var err error
	switch b.Type {
	case "RSA PRIVATE KEY":
		_, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		_, err = x509.ParseECPrivateKey(b.Bytes)
	default:
		_, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	}
	return nil, fmt.Errorf("read private key: %w", err)
}

func signer(key any) (crypto.Signer, error) {
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a private key of type %T; RSA, ECDSA (P-256, P-384) and Ed25519 are taken", key)
	}
	return s, nil
}

// kindOf returns the kind of a public key, or why it may not be used.
func kindOf(pub crypto.PublicKey) (kind, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		switch n := k.N.BitLen(); {
		case n < minRSA:
			return 0, fmt.Errorf("an RSA key of %d bits is too weak; at least %d are needed", n, minRSA)
		case n > maxRSA:
			return 0, fmt.Errorf("an RSA key of %d bits is too slow for handshakes; at most %d are taken", n, maxRSA)
		}
		return kindRSA, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return kindP256, nil
		case elliptic.P384():
			return kindP384, nil
		}
		return 0, fmt.Errorf("an ECDSA key on the curve %s; clients know P-256 and P-384", k.Curve.Params().Name)
	case ed25519.PublicKey:
		return kindEd25519, nil
	}
	return 0, errors.New("a key that is not RSA, ECDSA or Ed25519")
}

// keyName says in words what a public key is, such as "RSA 2048".
func keyName(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return "unknown"
}

// samePublic reports whether two public keys are the same one.
func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
