// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestUpstreamVerifiesServers(t *testing.T) {
	w := newWorld(t)
	real := func(c *x509.Certificate) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		return c
	}
	tmpl := real(server("origin.example"))
	tmpl.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	pair := pairOf(t, tmpl, p256(t), w.root)
	clients, err := NewClients(ClientsConfig{Mode: ClientRequest, CAs: []byte(certPEM(w.root.cert))}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{pair}}), Clients: clients, ALPN: []string{"h2", "http/1.1"},
		Tickets: newTickets(t, 1, TicketConfig{})})
	own := pairOf(t, real(client("box")), p256(t), w.root)
	root, other := []byte(certPEM(w.root.cert)), []byte(certPEM(w.other.cert))
	alone := ownSigned(t)
	tests := []struct {
		name     string
		cfg      UpstreamConfig
		want     string // in the error
		protocol string
		client   Reason
	}{
		{"own CA", UpstreamConfig{ServerName: "Origin.Example", CAs: root}, "", "", NoCertificate},
		{"address", UpstreamConfig{ServerName: "192.0.2.1", CAs: root}, "", "", NoCertificate},
		{"client certificate", UpstreamConfig{ServerName: "origin.example", CAs: root, Client: own}, "", "", Verified},
		{"h2", UpstreamConfig{ServerName: "origin.example", CAs: root, ALPN: []string{"h2"}}, "", "h2", NoCertificate},
		{"CAs of the system", UpstreamConfig{ServerName: "origin.example"}, "x509: ", "", 0},
		{"another CA", UpstreamConfig{ServerName: "origin.example", CAs: other}, "certificate signed by unknown authority", "", 0},
		{"another name", UpstreamConfig{ServerName: "x.example", CAs: root}, "not x.example", "", 0},
		{"another address", UpstreamConfig{ServerName: "192.0.2.2", CAs: root}, "not 192.0.2.2", "", 0},
		{"its own signature", UpstreamConfig{ServerName: "origin.example", CAs: []byte(certPEM(alone.Leaf()))}, "certificate signed by unknown authority", "", 0},
		{"not verified", UpstreamConfig{ServerName: "x.example", Insecure: true}, "", "", NoCertificate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := NewUpstream(tt.cfg, now)
			if err != nil {
				t.Fatal(err)
			}
			if u.Verified() == tt.cfg.Insecure {
				t.Errorf("Verified() = %t", u.Verified())
			}
			got := handshake(s, u.Config())
			contains(t, "handshake", got.clientError, tt.want)
			if tt.want != "" {
				return
			}
			if got.client.NegotiatedProtocol != tt.protocol {
				t.Errorf("protocol = %q, want %q", got.client.NegotiatedProtocol, tt.protocol)
			}
			if r := clients.Check(got.server, time.Now()); r.Reason != tt.client {
				t.Errorf("the server judged %v, want %v", r.Reason, tt.client)
			}
			if again := handshake(s, u.Config()); !again.client.DidResume {
				t.Errorf("the second connection made a full handshake: %v", again.clientError)
			}
		})
	}
}

func TestUpstreamForSetsTheName(t *testing.T) {
	u, err := NewUpstream(UpstreamConfig{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if c := u.For("a.example"); c.ServerName != "a.example" || u.Config().ServerName != "" || c.ClientSessionCache != u.Config().ClientSessionCache {
		t.Errorf("For() = name %q, shared %q", c.ServerName, u.Config().ServerName)
	}
	if c := u.Config(); c.InsecureSkipVerify || c.MinVersion != tls.VersionTLS12 || c.RootCAs != nil {
		t.Errorf("the zero configuration is %+v", c)
	}
}

func TestNewUpstreamRefuses(t *testing.T) {
	forServers := pairOf(t, server("a"), p256(t), nil)
	root := []byte(certPEM(newCA(t, "root", nil).cert))
	tests := []struct {
		name string
		cfg  UpstreamConfig
		want string
	}{
		{"wildcard", UpstreamConfig{ServerName: "*.example"}, "is a wildcard"},
		{"no name", UpstreamConfig{ServerName: "a b"}, "is not a host name"},
		{"CAs and insecure", UpstreamConfig{CAs: root, Insecure: true}, "contradict each other"},
		{"no CA", UpstreamConfig{CAs: []byte("x")}, "has no PEM block"},
		{"for servers", UpstreamConfig{Client: forServers}, "lacks clientAuth"},
	}
	for _, tt := range tests {
		_, err := NewUpstream(tt.cfg, now)
		contains(t, tt.name, err, tt.want)
	}
}

func TestSelfSigned(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.2"), netip.MustParseAddr("fe80::1%eth0")}
	p, err := SelfSigned([]string{"Box.Example", "bücher.example"}, addrs, now)
	if err != nil {
		t.Fatal(err)
	}
	c := p.Leaf()
	d := p.Describe(now)[0]
	if c.NotAfter.Sub(c.NotBefore) != SelfSignedLife || SelfSignedLife > 398*dayLong || d.Expiry != Valid || d.Key != "ECDSA P-256" ||
		c.IsCA || c.SerialNumber.BitLen() < 64 || len(p.Warnings()) != 0 {
		t.Errorf("SelfSigned() = %+v, warnings %v", d, p.Warnings())
	}
	// A client that pins it as its root accepts it for each name, also one whose clock is
	// right where that of the box was local time, as far ahead as that can be.
	roots := pool([]*x509.Certificate{c})
	if _, err := c.Verify(x509.VerifyOptions{DNSName: "box.example", Roots: roots, CurrentTime: now.Add(-14 * time.Hour)}); err != nil {
		t.Errorf("14 hours before it was made: %v", err)
	}
	for _, name := range []string{"box.example", "xn--bcher-kva.example", "192.0.2.1", "192.0.2.2", "fe80::1"} {
		if _, err := c.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			t.Errorf("Verify(%s): %v", name, err)
		}
	}
	q, err := SelfSigned([]string{"box.example"}, nil, now)
	if err != nil || q.Leaf().SerialNumber.Cmp(c.SerialNumber) == 0 || samePublic(q.Leaf().PublicKey, c.PublicKey) {
		t.Errorf("a second one has the same serial number or key: %v", err)
	}
	if _, err := SelfSigned(nil, addrs, now); err != nil {
		t.Errorf("SelfSigned(addresses only): %v", err)
	}
	_, err = SelfSigned(nil, nil, now)
	contains(t, "SelfSigned()", err, "at least one name or address")
	_, err = SelfSigned([]string{"a b"}, nil, now)
	contains(t, "SelfSigned(a b)", err, "is not a host name")
}

func TestHandshakeErrorsAreTyped(t *testing.T) {
	var e *ClientError
	if !errors.As(ClientResult{Reason: Revoked}.Err(), &e) || e.Reason != Revoked {
		t.Error("Err() is no *ClientError")
	}
}

// ownSigned is a certificate for origin.example that nobody else has signed.
func ownSigned(t *testing.T) *Pair {
	t.Helper()
	p, err := SelfSigned([]string{"origin.example"}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A server's own signature is good for that certificate alone, and for its names.
func TestUpstreamTakesAServersOwnSignature(t *testing.T) {
	own, another := ownSigned(t), ownSigned(t)
	s := newServer(t, ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{own}})})
	for _, tt := range []struct {
		name, server string
		trusted      *Pair
		want         string
	}{
		{"it", "origin.example", own, ""},
		{"another of its name", "origin.example", another, "certificate signed by unknown authority"},
		{"another name", "x.example", own, "not x.example"},
	} {
		u, err := NewUpstream(UpstreamConfig{ServerName: tt.server, CAs: []byte(certPEM(tt.trusted.Leaf()))}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		contains(t, tt.name, handshake(s, u.Config()).clientError, tt.want)
	}
}
