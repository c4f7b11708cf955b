// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// SelfSignedLife is how long a self-signed certificate lasts. Apple's systems
// refuse certificates of more than 398 days, a day is left for rounding; and who
// replaces it within a year never sees it expire.
const SelfSignedLife = 397 * dayLong

// SelfSigned makes a certificate that nobody vouches for, so that a new box can
// be reached over TLS: people compare its [Fingerprint] with the one on the
// panel. The key is ECDSA P-256, the serial number random. It begins a day
// before now: the clock of a new box may be one of local time that it takes for UTC, up to
// 14 hours ahead, and those of clients differ. It cannot sign others.
func SelfSigned(names []string, addrs []netip.Addr, now time.Time) (*Pair, error) {
	if len(names)+len(addrs) == 0 {
		return nil, errors.New("a certificate needs at least one name or address")
	}
	t := &x509.Certificate{
		NotBefore:             now.Add(-dayLong).UTC().Truncate(time.Second),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	t.NotAfter = t.NotBefore.Add(SelfSignedLife)
	for _, n := range names {
		n, err := CanonicalName(n)
		if err != nil {
			return nil, err
		}
		t.DNSNames = append(t.DNSNames, n)
	}
	for _, a := range addrs {
		t.IPAddresses = append(t.IPAddresses, net.IP(a.AsSlice()))
	}
	t.Subject = pkix.Name{CommonName: firstName(t)}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	// Without a serial number in the template, x509 takes 159 random bits.
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read own certificate: %w", err)
	}
	return newPair([]*x509.Certificate{c}, key, now)
}

// firstName returns what a common name, of at most 64 characters, may be.
func firstName(t *x509.Certificate) string {
	for _, n := range t.DNSNames {
		if len(n) <= 64 {
			return n
		}
	}
	for _, a := range t.IPAddresses {
		return a.String()
	}
	return "evener"
}
