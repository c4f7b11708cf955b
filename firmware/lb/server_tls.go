// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/http2"
	"evener/firmware/l7"
	"evener/firmware/match"
	"evener/firmware/tlsconn"
)

// A ticketed is a configuration of crypto/tls whose keys of session tickets
// change with time.
type ticketed struct {
	keys   *certs.TicketKeys
	config *tls.Config
	next   time.Time
}

// renewTickets gives the configurations whose time has come their next keys.
// Those of older generations are not used for handshakes any more.
func (g *generation) renewTickets(now time.Time) {
	for _, t := range g.tickets {
		if !now.Before(t.next) || t.next.Sub(now) > 48*time.Hour { // or the clock was set back
			t.keys.Apply(t.config, now)
			t.next = t.keys.Next(now)
		}
	}
}

// profileOf translates what a cluster says of versions and ciphers.
func profileOf(t *config.ClusterTLS) (certs.Profile, error) {
	return certs.ParseProfile(certs.ProfileConfig{Name: t.Profile, MinVersion: t.MinVersion, MaxVersion: t.MaxVersion,
		Suites: append([]string(nil), t.Ciphers...), Curves: append([]string(nil), t.Curves...)}) // nil where there are none
}

// secure makes s an https service.
func (u *builder) secure(c *config.Cluster, s *l7.Service) error {
	t := &c.TLS
	profile, err := profileOf(t)
	if err != nil {
		return err
	}
	set, err := u.certificates(c)
	if err != nil {
		return err
	}
	clients, err := u.clients(t)
	if err != nil {
		return err
	}
	server := certs.ServerConfig{Set: set, Profile: profile, Clients: clients, ALPN: []string{"http/1.1"}}
	if t.HTTP2 {
		s.HTTP2 = http2Profile(c)
		server.ALPN = []string{"h2", "http/1.1"}
	}
	if t.SessionTickets && len(u.b.cfg.TicketSecret) > 0 {
		if server.Tickets, err = certs.NewTicketKeys(u.b.cfg.TicketSecret, certs.TicketConfig{Scope: u.ticketScope(c)}); err != nil {
			return err
		}
	}
	cfg, err := certs.NewServer(server, u.keys.now)
	if err != nil {
		return err
	}
	tlsconn.Prepare(cfg)
	if server.Tickets != nil {
		u.gen.tickets = append(u.gen.tickets, &ticketed{server.Tickets, cfg, server.Tickets.Next(u.keys.now)})
	}
	s.TLS = &l7.TLS{Setups: u.b.setups(cfg), Describe: describer(t), Named: set.Has}
	if s.TLS.Terms, s.TLS.Clients, err = u.terms(t); err != nil {
		return err
	}
	if clients != nil {
		for _, setup := range s.TLS.Setups {
			setup.Check = func(state tls.ConnectionState) error { return clients.Check(state, time.Now()).Err() }
			setup.Reason = clientReason
		}
	}
	s.Timeouts.Handshake = c.Timeouts.Handshake.D()
	for _, name := range []string{t.VerifiedHeader, t.SubjectHeader, t.FingerprintHeader, t.CertificateHeader} {
		if name != "" {
			s.Own = append(s.Own, strings.ToLower(name))
		}
	}
	return nil
}

// http2Profile gives connections that speak HTTP/2 the cluster's limits.
func http2Profile(c *config.Cluster) *http2.Profile {
	under := map[string]http2.Underscore{"keep": http2.Keep, "reject": http2.Reject}
	return http2.Prepare(http2.Config{
		MaxHead: int(c.Limits.Head), MaxFields: c.Limits.Fields, MaxField: int(c.Limits.Field),
		MaxTarget: int(c.Limits.URI), Extended: c.HTTP.AllowExtendedChars, Underscore: under[c.HTTP.Underscore],
		RejectGetBody: c.HTTP.RejectGetBody, RejectEncodedSlash: c.HTTP.RejectEncodedSlash,
		ExtendedConnect: c.HTTP.Upgrade,
	})
}

// setups returns a set-up for each loop.
func (b *Balancer) setups(cfg *tls.Config) []*tlsconn.Setup {
	out := make([]*tlsconn.Setup, len(b.loops))
	for i, u := range b.loops {
		out[i] = &tlsconn.Setup{Gate: b.gate, TLS: cfg, Post: u.loop.Post}
	}
	return out
}

// certificates returns what the cluster's clients may be shown. Where the vault
// lacks all of it, that is the certificate of the box: the others are missed, and
// noted.
func (u *builder) certificates(c *config.Cluster) (*certs.Set, error) {
	var cfg certs.SetConfig
	names := c.CertificateNames()
	for i, name := range names {
		p, err := u.pair(name)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		cfg.Pairs = append(cfg.Pairs, p)
		if i == 0 {
			cfg.Default = p
		}
	}
	if len(cfg.Pairs) == 0 {
		p, err := u.selfSigned(&config.Certificate{Name: config.BoxCertificate})
		if err != nil {
			return nil, err
		}
		cfg.Pairs = []*certs.Pair{p}
	}
	cfg.Strict = c.TLS.StrictSNI
	if len(u.cfg.ACME) > 0 {
		cfg.Challenges = &u.b.challenges
	}
	return certs.NewSet(cfg)
}

// clients returns who judges the certificates of clients, nil if nobody asks for
// them.
func (u *builder) clients(t *config.ClusterTLS) (*certs.Clients, error) {
	if t.ClientAuth == "none" {
		return nil, nil
	}
	cas, err := u.trusted(t.ClientCA, false)
	if err != nil {
		return nil, err
	}
	crls, err := u.trusted(t.CRL, true)
	if err != nil {
		return nil, err
	}
	cfg := certs.ClientsConfig{Mode: certs.ClientRequest, CAs: cas, Depth: t.ClientDepth}
	if t.ClientAuth == "require" {
		cfg.Mode = certs.ClientRequire
	}
	if len(crls) > 0 {
		cfg.CRLs = [][]byte{crls}
	}
	if t.ExpiredCRL == "ignore" {
		cfg.CRLPolicy = certs.CRLIgnore
	}
	return certs.NewClients(cfg, u.keys.now)
}

// ticketScope keeps a session from going on under other rules for the client's
// certificate than it began with.
func (u *builder) ticketScope(c *config.Cluster) string {
	t := &c.TLS
	if t.ClientAuth == "none" {
		return c.Name
	}
	cas, err := u.trusted(t.ClientCA, false)
	if err != nil {
		return c.Name // clients has failed already
	}
	return c.Name + " " + digest([]byte(t.ClientAuth), []byte(fmt.Sprint(t.ClientDepth)), cas)
}

// terms names what the clients of a cluster agree on, and by which rules their
// certificates are judged. Another certificate of the box is nothing that they would
// have to agree on again, and a revocation list may come every hour: it sends them to
// a new handshake, and fails no request.
func (u *builder) terms(t *config.ClusterTLS) (terms, clients string, err error) {
	said := fmt.Appendf(nil, "%s %s %s %q %q %v %v", t.Profile, t.MinVersion, t.MaxVersion, t.Ciphers, t.Curves, t.HTTP2, t.StrictSNI)
	if t.ClientAuth == "none" {
		return digest(said), "", nil
	}
	crls, err := u.trusted(t.CRL, true)
	if err != nil {
		return "", "", err
	}
	cas, err := u.trusted(t.ClientCA, false)
	if err != nil {
		return "", "", err
	}
	return digest(said, crls), digest(fmt.Appendf(nil, "%s %d %s", t.ClientAuth, t.ClientDepth, t.ExpiredCRL), cas), nil
}

// clientReason translates why a client's certificate was refused.
func clientReason(err error) (tlsconn.Reason, bool) {
	r, ok := certs.ReasonOf(err, time.Now())
	if !ok {
		return 0, false
	}
	switch r {
	case certs.NoCertificate:
		return tlsconn.CertMissing, true
	case certs.UnknownCA:
		return tlsconn.CertUnknownCA, true
	case certs.TimeExpired, certs.TimeNotYet:
		return tlsconn.CertExpired, true
	case certs.Revoked:
		return tlsconn.CertRevoked, true
	}
	return tlsconn.CertInvalid, true
}

// describer says what rules, and the request fields of t, tell of a connection.
func describer(t *config.ClusterTLS) func(tlsconn.State) *l7.Secured {
	return func(st tlsconn.State) *l7.Secured {
		s := &l7.Secured{TLS: match.TLS{Version: "1.3", ServerName: st.ServerName}, Cipher: tls.CipherSuiteName(st.Suite),
			ALPN: st.Protocol, Shown: len(st.Peer) > 0, Resumed: st.Resumed}
		if st.Version == tls.VersionTLS12 {
			s.Version = "1.2"
		}
		s.Verify = certs.ClientResult{Reason: verdictOf(st)}.Header()
		add := func(name, value string) {
			if name != "" {
				s.Fields = append(s.Fields, l7.SecuredField{Name: name, Value: value})
			}
		}
		add(t.VerifiedHeader, s.Verify)
		if len(st.Peer) == 0 {
			return s
		}
		s.CN = st.Peer[0].Subject.CommonName
		leaf := certs.Describe(st.Peer[0], time.Time{})
		s.Verified = s.Verify == "SUCCESS"
		s.Subject, s.Issuer, s.Serial, s.Fingerprint = leaf.Subject, leaf.Issuer, leaf.Serial, leaf.Fingerprint
		s.Names = append(append([]string{}, st.Peer[0].DNSNames...), st.Peer[0].EmailAddresses...)
		for _, uri := range st.Peer[0].URIs {
			s.Names = append(s.Names, uri.String())
		}
		if t.CertificateHeader != "" {
			s.PEM = certs.EscapedPEM(st.Peer[0])
		}
		add(t.SubjectHeader, s.Subject)
		add(t.FingerprintHeader, s.Fingerprint)
		add(t.CertificateHeader, s.PEM)
		return s
	}
}

// verdictOf says what is known of the client's certificate.
func verdictOf(st tlsconn.State) certs.Reason {
	switch e, bad := errors.AsType[*certs.ClientError](st.Verdict); {
	case len(st.Peer) == 0:
		return certs.NoCertificate
	case bad:
		return e.Reason
	case st.Verdict != nil:
		return certs.BadCertificate
	}
	return certs.Verified
}
