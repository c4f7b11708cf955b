// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A ClientMode says whether clients show certificates.
type ClientMode uint8

// The modes of client certificates.
const (
	// ClientRequest asks for one. The handshake goes on without, or with one that
	// is not good; what [Clients.Check] says of it travels with the exchange, and
	// rules and headers decide what follows.
	ClientRequest ClientMode = iota + 1

	// ClientRequire ends the handshake, with the alert that fits the reason, if
	// the client has none or one that is not good.
	ClientRequire
)

// A CRLPolicy says what an expired or missing CRL means.
type CRLPolicy uint8

// The policies of CRLs. They say nothing about certificates that a CRL lists:
// those are always revoked.
const (
	// CRLFail refuses certificates of a CA whose CRL has expired, or that has
	// none while other CRLs are given: who was revoked since cannot be known.
	CRLFail CRLPolicy = iota

	// CRLIgnore goes on with the last CRL, and with none.
	CRLIgnore
)

// DefaultDepth is enough for a root, an intermediate and the client.
const DefaultDepth = 2

// ClientsConfig says which client certificates are good.
type ClientsConfig struct {
	Mode ClientMode // required
	CAs  []byte     // PEM; required. Each is an anchor, intermediates too

	// Depth is how many CA certificates may stand above the client's own, the
	// anchor included; 0 means DefaultDepth. At 1 an anchor signs clients itself.
	Depth int

	CRLs      [][]byte // PEM or DER, one or more in each
	CRLPolicy CRLPolicy
}

// Clients judges the certificates of clients.
type Clients struct {
	mode     ClientMode
	anchors  *x509.CertPool
	depth    int
	crls     crls
	warnings []Warning
}

// NewClients checks cfg. now decides about warnings only. Each CRL must be signed
// by one of the CAs.
func NewClients(cfg ClientsConfig, now time.Time) (*Clients, error) {
	if cfg.Mode != ClientRequest && cfg.Mode != ClientRequire {
		return nil, errors.New("client certificates are either requested or required")
	}
	if cfg.Depth == 0 {
		cfg.Depth = DefaultDepth
	}
	if cfg.Depth < 0 || cfg.Depth > maxChain {
		return nil, fmt.Errorf("the depth of client certificates must be 1 to %d, not %d", maxChain, cfg.Depth)
	}
	cas, warnings, err := parseCAs(cfg.CAs, now)
	if err != nil {
		return nil, err
	}
	lists, crlWarnings, err := parseCRLs(cfg.CRLs, cas, now)
	if err != nil {
		return nil, err
	}
	return &Clients{
		mode:     cfg.Mode,
		anchors:  pool(cas),
		depth:    cfg.Depth,
		crls:     crls{lists: lists, policy: cfg.CRLPolicy},
		warnings: append(warnings, crlWarnings...),
	}, nil
}

// Warnings returns what might not work about CAs and CRLs.
func (c *Clients) Warnings() []Warning { return slices.Clone(c.warnings) }

// apply writes the rules into a configuration of crypto/tls. Where certificates
// are required crypto/tls verifies the chain itself, since it knows the alert for
// each reason; it does so at a resumption too. What it does not know, depth and
// revocation, is added.
func (c *Clients) apply(to *tls.Config) {
	to.ClientCAs = c.anchors // also the hint to clients which certificate to take
	if c.mode == ClientRequest {
		to.ClientAuth = tls.RequestClientCert
		return
	}
	to.ClientAuth = tls.RequireAndVerifyClientCert
	to.VerifyConnection = func(state tls.ConnectionState) error {
		if r := c.Check(state, time.Now()); !r.Verified() {
			return r.Err()
		}
		return nil
	}
}

// Check judges the certificate that a client has shown. It is called once, when
// the handshake has ended, also after a resumption, whose ticket carries the
// certificate. In the mode request it verifies signatures, so it belongs where
// the handshake was computed.
func (c *Clients) Check(state tls.ConnectionState, now time.Time) ClientResult {
	if len(state.PeerCertificates) == 0 {
		return ClientResult{Reason: NoCertificate}
	}
	r := ClientResult{Cert: state.PeerCertificates[0]}
	chains := state.VerifiedChains
	if len(chains) == 0 {
		if chains, r.cause = c.verify(state.PeerCertificates, now); r.cause != nil {
			r.Reason = reasonOf(r.cause, r.Cert, now)
			return r
		}
	}
	// One good chain is enough. If there is none, the first says why.
	for i, chain := range chains {
		reason := c.checkChain(chain, now)
		if i == 0 || reason == Verified {
			r.Reason = reason
		}
		if reason == Verified {
			break
		}
	}
	return r
}

func (c *Clients) verify(certs []*x509.Certificate, now time.Time) ([][]*x509.Certificate, error) {
	return certs[0].Verify(x509.VerifyOptions{
		Roots:         c.anchors,
		Intermediates: pool(certs[1:]),
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func (c *Clients) checkChain(chain []*x509.Certificate, now time.Time) Reason {
	if len(chain)-1 > c.depth {
		return TooDeep
	}
	return c.crls.check(chain, now)
}
