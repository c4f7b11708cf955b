// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"errors"
	"slices"
	"time"
)

// ServerConfig is what a listener's handshakes follow.
type ServerConfig struct {
	Set     *Set
	Profile Profile     // the zero one is intermediate
	Clients *Clients    // nil asks for no client certificate
	Tickets *TicketKeys // nil gives out no tickets, so no session is resumed
	ALPN    []string    // such as "h2", "http/1.1", best first
}

// NewServer returns the configuration of a listener for crypto/tls. Nobody
// changes it any more, but for the keys of tickets, which [TicketKeys.Apply]
// renews while it is in use.
//
// Renegotiation does not exist: crypto/tls never does it as a server. A CA that
// validates a name by TLS-ALPN-01 gets a handshake of its own, without client
// certificates.
func NewServer(cfg ServerConfig, now time.Time) (*tls.Config, error) {
	if cfg.Set == nil {
		return nil, errors.New("a TLS server needs certificates")
	}
	if slices.Contains(cfg.ALPN, ALPNChallenge) {
		return nil, errors.New("the protocol " + ALPNChallenge + " is for CAs and added by itself")
	}
	profile := cfg.Profile.orIntermediate()
	choose := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return cfg.Set.Choose(hello, profile), nil
	}
	c := &tls.Config{GetCertificate: choose, NextProtos: slices.Clone(cfg.ALPN)}
	profile.apply(c)
	if cfg.Tickets == nil {
		c.SessionTicketsDisabled = true
	} else {
		cfg.Tickets.Apply(c, now)
	}
	if cfg.Clients != nil {
		cfg.Clients.apply(c)
	}
	if cfg.Set.challenges != nil {
		challenge := &tls.Config{
			GetCertificate:         choose,
			NextProtos:             []string{ALPNChallenge},
			MinVersion:             tls.VersionTLS12, // RFC 8737 section 3
			SessionTicketsDisabled: true,
		}
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if isChallenge(hello) {
				return challenge, nil
			}
			return nil, nil // the listener's own
		}
	}
	return c, nil
}
