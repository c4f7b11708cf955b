// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SetConfig says which pairs a Set chooses from, and how.
type SetConfig struct {
	// Pairs may hold several for one name: of different kinds of keys, between
	// which the client's abilities decide, or of the same kind, of which the
	// one that is valid longest is used.
	Pairs []*Pair

	// Default is for clients that send no name or an unknown one; nil means the
	// first of Pairs. A pair with exactly the same names and another kind of key
	// stands in for clients that cannot use it.
	Default *Pair

	// Strict refuses clients that send no name or an unknown one, with the alert
	// unrecognized_name. The default is not used then.
	Strict bool

	// Challenges answers TLS-ALPN-01; nil answers none.
	Challenges *Challenges
}

// A Set chooses the certificate for a client by the name that it sends (SNI, RFC
// 6066 section 3). It is immutable: a reload makes another one.
type Set struct {
	exact      map[string]*choice
	wild       map[string]*choice // by what follows "*."
	fallback   *choice            // nil where unknown names are refused
	challenges *Challenges
}

// A choice is the certificates for one name, by kind of key; those that are
// missing are nil.
type choice [numKinds]*Pair

// NewSet builds a Set.
func NewSet(cfg SetConfig) (*Set, error) {
	if len(cfg.Pairs) == 0 {
		return nil, errors.New("at least one certificate is needed")
	}
	s := &Set{exact: map[string]*choice{}, wild: map[string]*choice{}, challenges: cfg.Challenges}
	for _, p := range cfg.Pairs {
		if !usableFor(p.Leaf(), x509.ExtKeyUsageServerAuth) {
			return nil, fmt.Errorf("%s is not for servers: its extended key usage lacks serverAuth", title(p.Leaf()))
		}
		for _, name := range p.names {
			if parent, ok := strings.CutPrefix(name, "*."); ok {
				add(s.wild, parent, p)
			} else {
				add(s.exact, name, p)
			}
		}
	}
	if !cfg.Strict {
		s.fallback = fallback(cfg)
	}
	return s, nil
}

func add(m map[string]*choice, name string, p *Pair) {
	c := m[name]
	if c == nil {
		c = new(choice)
		m[name] = c
	}
	if old := c[p.kind]; old == nil || p.Leaf().NotAfter.After(old.Leaf().NotAfter) {
		c[p.kind] = p
	}
}

func fallback(cfg SetConfig) *choice {
	first := cfg.Default
	if first == nil {
		first = cfg.Pairs[0]
	}
	c := new(choice)
	c[first.kind] = first
	names := slices.Sorted(slices.Values(first.names))
	for _, p := range cfg.Pairs {
		if p.kind != first.kind && slices.Equal(names, slices.Sorted(slices.Values(p.names))) {
			add(map[string]*choice{"": c}, "", p)
		}
	}
	return c
}

// usableFor reports whether a leaf may be used in the role that usage names. One
// without the extension may be used in any.
func usableFor(c *x509.Certificate, usage x509.ExtKeyUsage) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, usage) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// Has reports whether the set has a certificate for name, exact or by wildcard.
// The default does not count.
func (s *Set) Has(name string) bool { return s.find(name) != nil }

// Choose returns the certificate for a client of a server with the profile p,
// which decides which kinds of keys a TLS 1.2 client can use. It returns nil where
// the client must be refused. It allocates nothing.
//
// [NewServer] makes it the GetCertificate of a tls.Config, where nil makes
// crypto/tls send unrecognized_name.
func (s *Set) Choose(hello *tls.ClientHelloInfo, p Profile) *tls.Certificate {
	if isChallenge(hello) {
		return s.challenges.tlsALPN01(hello.ServerName)
	}
	c := s.find(hello.ServerName)
	if c == nil {
		c = s.fallback
	}
	if c == nil {
		return nil
	}
	return c.pick(hello, p)
}

// find returns the choice for a name that a client sent, or nil. A wildcard
// stands for one label (RFC 9525 section 6.3).
func (s *Set) find(name string) *choice {
	var buf [maxHostName]byte
	b := buf[:0]
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > len(buf) {
		return nil
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	// The compiler makes no string for an index of a map.
	if c := s.exact[string(b)]; c != nil {
		return c
	}
	for i, c := range b {
		if c == '.' {
			if i == 0 {
				return nil
			}
			return s.wild[string(b[i+1:])]
		}
	}
	return nil
}
