// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"
)

// A tlsProber wants a TLS handshake to succeed, and the certificate to be valid
// unless SkipVerify is set.
type tlsProber struct {
	question
	roots *x509.CertPool
}

func (p tlsProber) probe(ctx context.Context, t *transcript) Result {
	conn, err := p.dial(ctx, t)
	if err != nil {
		return p.unconnected(ctx, err)
	}
	defer conn.Close()
	name := p.ServerName
	if name == "" {
		name = p.to.Addr().WithZone("").String()
	}
	var expires time.Time
	var refused error
	client := tls.Client(conn.Conn, &tls.Config{
		ServerName: name, // an address is not sent as SNI
		RootCAs:    p.roots,
		MinVersion: tls.VersionTLS12,
		// The certificate is checked below, so that its end is known even if it
		// is not accepted.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			expires = s.PeerCertificates[0].NotAfter
			t.notef("certificate of %q, issued by %q, valid until %s",
				s.PeerCertificates[0].Subject, s.PeerCertificates[0].Issuer,
				expires.UTC().Format(time.RFC3339))
			if !p.SkipVerify {
				refused = verify(s, name, p.roots)
			}
			return refused
		},
	})
	err = client.HandshakeContext(ctx)
	r := p.judged(ctx, err, refused)
	if err == nil {
		s := client.ConnectionState()
		t.notef("%s, %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite))
		r.Detail = tls.VersionName(s.Version) + " handshake, certificate valid until " +
			expires.UTC().Format(time.DateOnly)
	}
	r.Expires = expires
	return r
}

// judged is the Result of a handshake that ended with err; refused is what was
// wrong with the certificate.
func (p tlsProber) judged(ctx context.Context, err, refused error) Result {
	switch {
	case err == nil:
		return good("handshake")
	case refused != nil:
		return bad(Certificate, "certificate: %v", refused)
	}
	r := p.unanswered(ctx, "TLS handshake", err)
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
