// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// CanonicalName returns a host name as it is compared: ASCII (RFC 5891), lower
// case, without the dot at the end. A first label * is kept: "*.Example.com."
// becomes "*.example.com". Addresses are no host names.
func CanonicalName(name string) (string, error) {
	plain := strings.TrimSuffix(name, ".")
	star := strings.HasPrefix(plain, "*.")
	ascii, err := idna.Lookup.ToASCII(strings.TrimPrefix(plain, "*."))
	if err != nil {
		// The profile refuses the underscore, which some internal names have.
		ascii = strings.ToLower(strings.TrimPrefix(plain, "*."))
	}
	if !validHost(ascii) {
		return "", fmt.Errorf("%q is not a host name; write it like www.example.com or *.example.com", name)
	}
	if _, err := netip.ParseAddr(ascii); err == nil {
		return "", fmt.Errorf("%q is an address; a host name is needed", name)
	}
	if star {
		ascii = "*." + ascii
	}
	if len(ascii) > maxHostName {
		return "", fmt.Errorf("a host name of %d bytes is too long; at most %d are allowed", len(ascii), maxHostName)
	}
	return ascii, nil
}

// validHost reports whether s is made of labels of letters, digits, hyphens and
// underscores, in lower case.
func validHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxHostLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

// certNames returns the host names of c in canonical form. Those that are none
// could never be asked for and are left out.
func certNames(c *x509.Certificate) (names []string) {
	from := c.DNSNames
	if len(from)+len(c.IPAddresses) == 0 && c.Subject.CommonName != "" {
		from = []string{c.Subject.CommonName}
	}
	seen := map[string]bool{}
	for _, n := range from {
		if n, err := CanonicalName(n); err == nil && !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}
