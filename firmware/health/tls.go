// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"
)

// A tlsProber wants a TLS handshake to succeed, and the certificate to be valid
// unless SkipVerify is set.
type tlsProber struct{ question }

func (p tlsProber) probe(ctx context.Context, t *transcript) Result {
	conn, err := p.dial(ctx, t)
	if err != nil {
		return p.unconnected(ctx, err)
	}
	defer conn.Close()
	_, r := p.shake(ctx, t, conn.Conn)
	return r
}

// A shakeError is a handshake that failed.
type shakeError struct{ result Result }

// Error says why.
func (e *shakeError) Error() string { return e.result.Detail }

// shake speaks TLS on conn. The connection is nil, and the Result says why, if
// that failed.
func (q question) shake(ctx context.Context, t *transcript, conn net.Conn) (*tls.Conn, Result) {
	var expires time.Time
	var refused error
	cfg := q.tlsConfig()
	// The certificate is checked here, so that its end is known even if it is not
	// accepted.
	cfg.InsecureSkipVerify = true
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		expires = s.PeerCertificates[0].NotAfter
		t.notef("certificate of %q, issued by %q, valid until %s",
			s.PeerCertificates[0].Subject, s.PeerCertificates[0].Issuer,
			expires.UTC().Format(time.RFC3339))
		if !q.SkipVerify {
			refused = verify(s, cfg.ServerName, cfg.RootCAs)
		}
		return refused
	}
	client := tls.Client(conn, cfg)
	err := client.HandshakeContext(ctx)
	r := q.judged(ctx, err, refused)
	r.Expires = expires
	if err != nil {
		return nil, r
	}
	s := client.ConnectionState()
	t.notef("%s, %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite))
	r.Detail = tls.VersionName(s.Version) + " handshake, certificate valid until " +
		expires.UTC().Format(time.DateOnly)
	return client, r
}

// tlsConfig returns a configuration of the probe's own. It resumes no session:
// each probe sees the certificate.
func (q question) tlsConfig() *tls.Config {
	cfg := &tls.Config{RootCAs: q.roots, MinVersion: tls.VersionTLS12}
	if q.TLS != nil {
		cfg = q.TLS.Clone()
		cfg.ClientSessionCache = nil
		cfg.NextProtos = nil
	}
	if q.speaksHTTP2() {
		cfg.NextProtos = []string{"h2"}
	}
	cfg.ServerName = q.ServerName
	if q.ServerName == "" {
		cfg.ServerName = q.to.Addr().WithZone("").String() // an address is not sent as SNI
	}
	return cfg
}

// judged is the Result of a handshake that ended with err; refused is what was
// wrong with the certificate.
func (q question) judged(ctx context.Context, err, refused error) Result {
	switch {
	case err == nil:
		return good("handshake")
	case refused != nil:
		return bad(Certificate, "certificate: %v", refused)
	}
	r := q.unanswered(ctx, "TLS handshake", err)
	if r.Reason == Failed {
		r.Reason = Handshake
	}
	return r
}

// verify checks the server's certificate as crypto/tls does by default.
func verify(s tls.ConnectionState, name string, roots *x509.CertPool) error {
	opts := x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(opts)
	return err
}
