// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

// serve makes the connection of a server speak as its options say.
func (o options) serve(a *actor) (speech, error) {
	if !o.has("tls") {
		return plain{}, nil
	}
	ca, err := a.p.certs()
	if err != nil {
		return nil, err
	}
	cert, err := ca.certificate(o["name"])
	if err != nil {
		return nil, err
	}
	return plain{}, a.secure(tls.Server(a.Conn, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: o.protocols()}), o)
}

// connect makes the connection of a client speak as its options say.
func (o options) connect(a *actor) (speech, error) {
	if o.has("udp") {
		return &packets{c: a.Conn.(net.PacketConn), connected: true}, nil
	}
	if !o.has("tls") {
		return plain{}, nil
	}
	ca, err := a.p.certs()
	if err != nil {
		return nil, err
	}
	return plain{}, a.secure(tls.Client(a.Conn, &tls.Config{RootCAs: ca.pool, ServerName: o.host(), NextProtos: o.protocols()}), o)
}

// host is the name of a server's certificate, or that a client asks for.
func (o options) host() string {
	if o["name"] == "" {
		return "play.test"
	}
	return o["name"]
}

func (o options) protocols() []string {
	if o["alpn"] == "" {
		return nil
	}
	return strings.Split(o["alpn"], ",")
}

// secure shakes hands. Where ALPN is used, both must agree on the first protocol
// of the list.
func (a *actor) secure(c *tls.Conn, o options) error {
	if err := c.HandshakeContext(a.p.ctx); err != nil {
		return err
	}
	if want := o.protocols(); want != nil && c.ConnectionState().NegotiatedProtocol != want[0] {
		return fmt.Errorf("ALPN gave %q, want %q", c.ConnectionState().NegotiatedProtocol, want[0])
	}
	a.over(c)
	return nil
}

// An authority makes the certificates of one play.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a play"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}, nil
}

// certificate returns a certificate for a host name; "" is play.test.
func (ca *authority) certificate(host string) (tls.Certificate, error) {
	host = options{"name": host}.host()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, ca.cert, key.Public(), ca.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// packets is the speech of datagrams: each step sends or expects one.
type packets struct {
	c         net.PacketConn
	connected bool
	from      net.Addr // who sent the last one
}

func (s *packets) step(word string) step {
	switch word {
	case "send":
		return s.send
	case "expect":
		return s.expect
	}
	return nil
}

func (s *packets) send(a *actor, n *node) error {
	data, err := a.p.dataOf(n, 1)
	if err != nil {
		return err
	}
	if s.connected {
		_, err = s.c.(net.Conn).Write([]byte(data))
		return err
	}
	if s.from == nil {
		return errors.New("nobody has sent anything yet")
	}
	_, err = s.c.WriteTo([]byte(data), s.from)
	return err
}

func (s *packets) expect(a *actor, n *node) error {
	want, err := a.p.dataOf(n, 1)
	if err != nil {
		return err
	}
	b := make([]byte, 65536)
	k, from, err := s.c.ReadFrom(b)
	if err != nil {
		return err
	}
	s.from = from
	if string(b[:k]) != want {
		return fmt.Errorf("got %s", shorten(b[:k]))
	}
	return nil
}
