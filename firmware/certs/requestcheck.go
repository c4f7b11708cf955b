// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRequestNames bounds the names of a request: public CAs take 100.
const maxRequestNames = 100

// template checks cfg.
func (cfg *RequestConfig) template() (*x509.CertificateRequest, error) {
	t := &x509.CertificateRequest{}
	var errs []error
	if cfg.Key != "" && !slices.Contains(KeyTypes, cfg.Key) {
		errs = append(errs, fmt.Errorf("the key must be %s, not %q", listOr(KeyTypes), cfg.Key))
	}
	errs = append(errs, addNames(t, cfg.Names)...)
	switch n := len(t.DNSNames) + len(t.IPAddresses); {
	case n == 0 && len(errs) == 0:
		errs = append(errs, errors.New("at least one host name or address is needed: clients look at nothing else"))
	case n > maxRequestNames:
		errs = append(errs, fmt.Errorf("%d names; a request has at most %d", n, maxRequestNames))
	}
	s := cfg.Subject
	for _, f := range []struct {
		what, value string
		most        int // upper bounds of RFC 5280 appendix A.1, in characters
	}{
		{"common name", s.CommonName, 64}, {"organization", s.Organization, 64}, {"organizational unit", s.OrganizationalUnit, 64},
		{"locality", s.Locality, 128}, {"state or province", s.Province, 128},
	} {
		errs = append(errs, checkSubjectPart(f.what, f.value, f.most))
	}
	if s.Country != "" && !isCountry(s.Country) {
		errs = append(errs, fmt.Errorf("the country must be two letters such as CH, not %q", s.Country))
	}
	errs = append(errs, checkCommonName(s.CommonName, t))
	if s.CommonName == "" {
		s.CommonName = shortName(t)
	}
	t.Subject = s.name()
	return t, errors.Join(errs...)
}

// addNames puts names into t, each once.
func addNames(t *x509.CertificateRequest, names []string) (errs []error) {
	for _, n := range names {
		n = strings.TrimSpace(n)
		if a, err := netip.ParseAddr(n); err == nil {
			if a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
				errs = append(errs, fmt.Errorf("%s is no address that clients connect to", n))
				continue
			}
			ip := net.IP(a.Unmap().AsSlice())
			if !slices.ContainsFunc(t.IPAddresses, ip.Equal) {
				t.IPAddresses = append(t.IPAddresses, ip)
			}
			continue
		}
		host, err := CanonicalName(n)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !slices.Contains(t.DNSNames, host):
			t.DNSNames = append(t.DNSNames, host)
		}
	}
	return errs
}

func checkSubjectPart(what, value string, most int) error {
	switch {
	case utf8.RuneCountInString(value) > most:
		return fmt.Errorf("the %s has %d characters; at most %d are allowed", what, utf8.RuneCountInString(value), most)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("the %s must be text without control characters", what)
	case strings.TrimSpace(value) != value:
		return fmt.Errorf("the %s must not begin or end with a space", what)
	}
	return nil
}

// checkCommonName refuses a host name that is not among the names: who wrote it
// wants the certificate to be for it, and no client would look there.
func checkCommonName(cn string, t *x509.CertificateRequest) error {
	if !strings.Contains(cn, ".") {
		return nil
	}
	if a, err := netip.ParseAddr(cn); err == nil {
		if !slices.ContainsFunc(t.IPAddresses, net.IP(a.Unmap().AsSlice()).Equal) {
			return fmt.Errorf("the common name %q must be one of the names too: clients look at the names only", cn)
		}
		return nil
	}
	if host, err := CanonicalName(cn); err == nil && !slices.Contains(t.DNSNames, host) {
		return fmt.Errorf("the common name %q must be one of the names too: clients look at the names only", cn)
	}
	return nil
}

func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// shortName returns the first name that a common name may be, "" if none fits.
func shortName(t *x509.CertificateRequest) string {
	for _, n := range t.DNSNames {
		if len(n) <= 64 {
			return n
		}
	}
	if len(t.IPAddresses) > 0 {
		return t.IPAddresses[0].String()
	}
	return ""
}

func (s Subject) name() pkix.Name {
	one := func(v string) []string {
		if v == "" {
			return nil
		}
		return []string{v}
	}
	return pkix.Name{CommonName: s.CommonName, Organization: one(s.Organization), OrganizationalUnit: one(s.OrganizationalUnit),
		Locality: one(s.Locality), Province: one(s.Province), Country: one(s.Country)}
}

// ConfigLike returns what would ask for a certificate with the names, the subject and
// the kind of key that c has, for its successor. What a request cannot have is left out.
func ConfigLike(c *x509.Certificate) RequestConfig {
	first := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return list[0]
	}
	s := c.Subject
	cfg := RequestConfig{Key: keyTypeLike(c), Subject: Subject{CommonName: s.CommonName, Organization: first(s.Organization),
		OrganizationalUnit: first(s.OrganizationalUnit), Locality: first(s.Locality), Province: first(s.Province), Country: first(s.Country)}}
	for _, n := range c.DNSNames {
		if host, err := CanonicalName(n); err == nil && !slices.Contains(cfg.Names, host) {
			cfg.Names = append(cfg.Names, host)
		}
	}
	for _, ip := range c.IPAddresses {
		cfg.Names = append(cfg.Names, ip.String())
	}
	if host, err := CanonicalName(s.CommonName); len(cfg.Names) == 0 && err == nil {
		cfg.Names = []string{host}
	}
	return cfg
}

// keyTypeLike returns the type of key that comes next to that of c.
func keyTypeLike(c *x509.Certificate) string {
	switch keyName(c.PublicKey) {
	case "ECDSA P-384":
		return "ecdsa-p384"
	case "RSA 2048":
		return "rsa-2048"
	case "RSA 3072":
		return "rsa-3072"
	case "RSA 4096":
		return "rsa-4096"
	}
	return KeyTypes[0]
}

func listOr(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
