// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// A Fingerprint is the SHA-256 hash of a certificate's DER form. Boxes know each
// other by it: who signed a certificate and what it says does not matter.
type Fingerprint [sha256.Size]byte

// IsZero reports whether f names no certificate.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// String returns f as 64 hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText returns String.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what String writes.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	var got Fingerprint
	if len(text) != hex.EncodedLen(len(got)) {
		return fmt.Errorf("a fingerprint has %d hexadecimal digits, not %d characters",
			hex.EncodedLen(len(got)), len(text))
	}
	if _, err := hex.Decode(got[:], text); err != nil {
		return fmt.Errorf("read the fingerprint: %w", err)
	}
	*f = got
	return nil
}

// An Identity is a box's certificate, which it has signed itself, and its key.
// It is made once; a new one must be paired again.
type Identity struct {
	cert tls.Certificate
	pem  []byte
}

// The kinds of PEM blocks of an Identity.
const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
)

// NewIdentity makes an identity with a new ECDSA key (P-256). The name is in the
// certificate for people; nothing depends on it. It does not expire: peers pin
// it, and a box whose clock is wrong must reach its peer too.
func NewIdentity(node string) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: node},
		NotBefore:    time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280 section 4.1.2.5: no end
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: pkcs8})...)
	return ParseIdentity(text)
}

// ParseIdentity reads what PEM returns.
func ParseIdentity(text []byte) (*Identity, error) {
	cert, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("read the box's certificate and key: %w", err)
	}
	if len(cert.Certificate) != 1 {
		return nil, errors.New("a box has one certificate, signed by itself; this is a chain")
	}
	return &Identity{cert: cert, pem: append([]byte(nil), text...)}, nil
}

// PEM returns the certificate and the private key, which is a secret.
func (id *Identity) PEM() []byte { return append([]byte(nil), id.pem...) }

// Fingerprint returns the certificate's.
func (id *Identity) Fingerprint() Fingerprint { return sha256.Sum256(id.cert.Certificate[0]) }
