// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// upstreamSessions is how many sessions to servers a configuration remembers:
// one for each name, or address where no name is set.
const upstreamSessions = 256

// UpstreamConfig says how the box speaks TLS to servers. The zero value verifies
// them against the CAs of the system.
type UpstreamConfig struct {
	// ServerName is what the certificate must be for, and what is sent as SNI
	// unless it is an address. Empty: the caller sets it for each connection.
	ServerName string

	CAs     []byte   // PEM, also what servers have signed themselves; nil means the CAs of the system
	Client  *Pair    // the box's own certificate; nil sends none
	Profile Profile  // the zero one is intermediate
	ALPN    []string // such as "h2"

	// Insecure takes any certificate, so whoever is between the box and the
	// server can read and change everything. CAs must be nil.
	Insecure bool
}

// An Upstream is how the box speaks TLS to the servers of a pool.
type Upstream struct {
	config   *tls.Config
	warnings []Warning
	verified bool
}

// NewUpstream checks cfg. now decides about warnings only.
func NewUpstream(cfg UpstreamConfig, now time.Time) (*Upstream, error) {
	u := &Upstream{verified: !cfg.Insecure}
	c := &tls.Config{
		NextProtos:         slices.Clone(cfg.ALPN),
		InsecureSkipVerify: cfg.Insecure,
		ClientSessionCache: tls.NewLRUClientSessionCache(upstreamSessions),
	}
	cfg.Profile.orIntermediate().apply(c)
	if cfg.ServerName != "" {
		var err error
		if c.ServerName, err = serverName(cfg.ServerName); err != nil {
			return nil, err
		}
	}
	switch {
	case cfg.Insecure && cfg.CAs != nil:
		return nil, errors.New("own CAs and no verification contradict each other; leave one of them out")
	case cfg.CAs != nil:
		cas, warnings, err := parseServers(cfg.CAs, now)
		if err != nil {
			return nil, err
		}
		c.RootCAs, u.warnings = pool(cas), warnings
	}
	if cfg.Client != nil {
		if !usableFor(cfg.Client.Leaf(), x509.ExtKeyUsageClientAuth) {
			return nil, fmt.Errorf("%s is not for clients: its extended key usage lacks clientAuth", title(cfg.Client.Leaf()))
		}
		c.Certificates = []tls.Certificate{*cfg.Client.Certificate()}
	}
	u.config = c
	return u, nil
}

// serverName takes a host name or an address. A wildcard is no name of a server.
func serverName(s string) (string, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String(), nil
	}
	n, err := CanonicalName(s)
	if err != nil {
		return "", err
	}
	if n[0] == '*' {
		return "", fmt.Errorf("%q is a wildcard; a server has a name", s)
	}
	return n, nil
}

// Config returns the configuration for crypto/tls. All callers share it and its
// memory of sessions, and must not change it.
func (u *Upstream) Config() *tls.Config { return u.config }

// For returns the configuration for a server without ServerName in its
// [UpstreamConfig]: a copy with the name, or address, that its certificate must
// be for.
func (u *Upstream) For(name string) *tls.Config {
	c := u.config.Clone()
	c.ServerName = name
	return c
}

// Verified reports whether certificates of servers are verified. Where they are
// not, people must be shown that.
func (u *Upstream) Verified() bool { return u.verified }

// Warnings returns what might not work about the CAs.
func (u *Upstream) Warnings() []Warning { return slices.Clone(u.warnings) }
