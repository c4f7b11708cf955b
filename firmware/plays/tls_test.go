// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
)

// tlsOptions are the options that both ends of a connection have.
var tlsOptions = []string{"tls", "tls=", "name=", "alpn=", "rsa", "h2"}

// defaultHost is the host of all who say nothing else.
const defaultHost = "play.test"

// serve makes the connection of a server speak as its options say.
func (o options) serve(a *actor) (speech, error) {
	if !o.has("tls") {
		return o.speech(a, true)
	}
	ca, err := a.p.vault.authority("")
	if err != nil {
		return nil, err
	}
	cert, err := ca.certificate(o.host(), o.has("rsa"))
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: o.protocols()}
	if o.has("ask") {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool
	}
	if err := o.version(cfg); err != nil {
		return nil, err
	}
	if err := a.secure(tls.Server(a.Conn, cfg), o); err != nil {
		return nil, err
	}
	return o.speech(a, true)
}

// connect makes the connection of a client speak as its options say.
func (o options) connect(a *actor) (speech, error) {
	if o.has("udp") {
		return &packets{c: a.Conn.(net.PacketConn), connected: true}, nil
	}
	if !o.has("tls") {
		return o.speech(a, false)
	}
	cfg, err := o.client(a.p)
	if err != nil {
		return nil, err
	}
	if err := a.secure(tls.Client(a.Conn, cfg), o); err != nil {
		return nil, err
	}
	return o.speech(a, false)
}

// speech returns what is spoken once the connection stands.
func (o options) speech(a *actor, server bool) (speech, error) {
	c, ok := a.Conn.(*tls.Conn)
	if o.has("h2") || ok && c.ConnectionState().NegotiatedProtocol == "h2" {
		return newStreams(a, server), nil
	}
	return plain{}, nil
}

// client returns how a client speaks TLS. It checks the certificate that it is
// shown against the name that it asks for, or against the one that is to be shown.
func (o options) client(p *play) (*tls.Config, error) {
	ca, err := p.vault.authority("")
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{ServerName: o.host(), NextProtos: o.protocols(), InsecureSkipVerify: true}
	shown := cfg.ServerName
	if o["name"] == "none" {
		cfg.ServerName, shown = "", defaultHost
	}
	if o.has("shown") {
		shown = o["shown"]
	}
	cfg.VerifyConnection = func(st tls.ConnectionState) error {
		_, err := st.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: ca.pool, DNSName: shown})
		return err
	}
	if o.has("rsa") {
		cfg.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	}
	if name := o["cert"]; name != "" {
		by, err := p.vault.authority(o["by"])
		if err != nil {
			return nil, err
		}
		cert, err := by.certificate(name, false)
		if err != nil {
			return nil, err
		}
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	if o.has("resume") {
		cfg.ClientSessionCache = p.sessions
	}
	return cfg, o.version(cfg)
}

// host is the name of a server's certificate, or that a client asks for.
func (o options) host() string {
	if o["name"] == "" {
		return defaultHost
	}
	return o["name"]
}

// version bounds the version to that of the option, if it has one.
func (o options) version(cfg *tls.Config) error {
	switch o["tls"] {
	case "":
	case "1.1":
		cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	case "1.2":
		cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	case "1.3":
		cfg.MinVersion = tls.VersionTLS13
	default:
		return fmt.Errorf("want: tls, tls=1.1, tls=1.2 or tls=1.3")
	}
	return nil
}

func (o options) protocols() []string {
	if o["alpn"] == "" {
		return nil
	}
	return strings.Split(o["alpn"], ",")
}

// secure shakes hands. Where ALPN is used, both must agree on the first protocol
// of the list. With an alert= the handshake must fail, and the other end say so.
func (a *actor) secure(c *tls.Conn, o options) error {
	err := c.HandshakeContext(a.p.ctx)
	if want := o["alert"]; want != "" {
		if err == nil { // in TLS 1.3 a client does not wait for the server's verdict
			_, err = c.Read(make([]byte, 1))
		}
		if err == nil || err.Error() != "remote error: tls: "+strings.ReplaceAll(want, "_", " ") {
			return fmt.Errorf("the handshake ended with %w, want the alert %s", err, want)
		}
		a.done = true
		return nil
	}
	if err != nil {
		return err
	}
	if want := o.protocols(); want != nil && c.ConnectionState().NegotiatedProtocol != want[0] {
		return fmt.Errorf("ALPN gave %q, want %q", c.ConnectionState().NegotiatedProtocol, want[0])
	}
	a.over(c)
	return nil
}

// checkSession checks what a handshake has led to:
//
//	session version 1.3
//	session new, session resumed
//	session name HOST               that the client has asked for
//	session certificate NAME        that the other end has shown
//	session protocol h2
func checkSession(a *actor, n *node) error {
	c, ok := a.Conn.(*tls.Conn)
	if !ok {
		return n.errorf("the connection is not by TLS")
	}
	st := c.ConnectionState()
	resumed := map[bool]string{true: "resumed", false: "new"}[st.DidResume]
	got, want := "", n.word(2)
	switch n.word(1) {
	case "version":
		got = strings.TrimPrefix(tls.VersionName(st.Version), "TLS ")
	case "new", "resumed":
		got, want = resumed, n.word(1)
	case "name":
		got = st.ServerName
	case "protocol":
		got = st.NegotiatedProtocol
	case "certificate":
		if len(st.PeerCertificates) > 0 {
			got = st.PeerCertificates[0].Subject.CommonName
		}
	case "key":
		got = st.PeerCertificates[0].PublicKeyAlgorithm.String()
	default:
		return n.errorf("want: session version, new, resumed, name, protocol, certificate or key")
	}
	if got != want {
		return fmt.Errorf("it is %q", got)
	}
	return nil
}

// packets is the speech of datagrams: each step sends or expects one.
type packets struct {
	plain
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
