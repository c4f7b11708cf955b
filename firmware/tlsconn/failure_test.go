// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func unixDup(c net.Conn) (int, error) {
	f, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return -1, err
	}
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	return fd, err
}

var errRevoked = errors.New("the certificate is revoked")

// Each failure has its reason, and the peer gets its alert.
func TestServerRefuses(t *testing.T) {
	tests := []struct {
		name           string
		server, client func(*lab, *tls.Config)
		want           Reason
		alert          string // what the client hears
	}{
		{"no shared version",
			func(_ *lab, c *tls.Config) { c.MinVersion = tls.VersionTLS13 },
			func(_ *lab, c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			NoSharedVersion, "protocol version not supported"},
		{"no shared group",
			func(_ *lab, c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} },
			func(_ *lab, c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
			NoSharedCipher, "handshake failure"},
		{"no shared suite",
			func(_ *lab, c *tls.Config) {
				c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
			},
			func(_ *lab, c *tls.Config) {
				c.MaxVersion = tls.VersionTLS12
				c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
			},
			NoSharedCipher, "handshake failure"},
		{"no shared protocol",
			func(_ *lab, c *tls.Config) { c.NextProtos = []string{"h2"} },
			func(_ *lab, c *tls.Config) { c.NextProtos = []string{"imap"} },
			NoSharedProtocol, "no application protocol"},
		{"unknown name",
			func(_ *lab, c *tls.Config) {
				c.Certificates = nil
				c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
			}, nil, UnknownName, "unrecognized name"},
		{"callback fails",
			func(_ *lab, c *tls.Config) {
				c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
					return nil, errors.New("no disk")
				}
			}, nil, Internal, "internal error"},
		{"certificate missing", demand, nil, CertMissing, "certificate required"},
		{"certificate missing 1.2", demand,
			func(_ *lab, c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			CertMissing, "handshake failure"},
		{"certificate of a stranger", demand,
			func(l *lab, c *tls.Config) {
				eve := newAuthority(l.tb, "Stranger").leaf("eve")
				c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &eve, nil // although the server did not name its authority
				}
			}, CertUnknownCA, "unknown certificate authority"},
		{"certificate expired", demand,
			func(l *lab, c *tls.Config) {
				c.Certificates = []tls.Certificate{l.ca.sign(&x509.Certificate{
					Subject: pkix.Name{CommonName: "bob"}, NotBefore: time.Unix(1, 0), NotAfter: time.Unix(2, 0),
					ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})}
			}, CertExpired, "expired certificate"},
		{"certificate for something else", demand,
			func(l *lab, c *tls.Config) {
				c.Certificates = []tls.Certificate{l.ca.sign(&x509.Certificate{
					Subject:     pkix.Name{CommonName: "bob"},
					ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})}
			}, CertInvalid, "bad certificate"},
		{"certificate revoked",
			func(l *lab, c *tls.Config) {
				demand(l, c)
				c.VerifyConnection = func(tls.ConnectionState) error { return errRevoked }
			},
			func(l *lab, c *tls.Config) { c.Certificates = []tls.Certificate{l.ca.leaf("bob")} },
			CertRevoked, "bad certificate"},
		{"refused by the client", nil,
			func(_ *lab, c *tls.Config) { c.RootCAs = x509.NewCertPool() },
			RefusedByPeer, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, Config{})
			server, client := l.serverTLS(), l.clientTLS()
			if tt.server != nil {
				tt.server(l, server)
			}
			if tt.client != nil {
				tt.client(l, client)
			}
			setup := l.setup(server)
			setup.Reason = func(err error) (Reason, bool) { return CertRevoked, errors.Is(err, errRevoked) }
			fd, peer := socketPair(t)
			e := l.server(fd, setup, nil)
			c := tls.Client(peer, client)
			heard := c.Handshake()
			if heard == nil {
				_, heard = c.Read(make([]byte, 1)) // in TLS 1.3 the client is done first
			}
			wantReason(t, e.result(), tt.want)
			if tt.alert != "" && (heard == nil || !strings.Contains(heard.Error(), "remote error: tls: "+tt.alert)) {
				t.Errorf("the client heard %v, want alert %q", heard, tt.alert)
			}
			if n := l.gate.Stats().Results[Server].Failed[tt.want].Load(); n != 1 {
				t.Errorf("Failed[%v] = %d, want 1", tt.want, n)
			}
			l.end(e)
		})
	}
}

func demand(l *lab, c *tls.Config) {
	c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, l.ca.pool
}

func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Reason != want {
		t.Errorf("Shaken(%v), want reason %v", err, want)
		return
	}
	if want == RefusedByPeer && e.Alert != 48 && e.Alert != 42 {
		t.Errorf("Alert = %d, want 42 or 48", e.Alert)
	}
}

func TestClientRefuses(t *testing.T) {
	tests := []struct {
		name   string
		client func(*lab, *tls.Config)
		want   Reason
	}{
		{"unknown authority", func(_ *lab, c *tls.Config) { c.RootCAs = x509.NewCertPool() }, CertUnknownCA},
		{"wrong name", func(_ *lab, c *tls.Config) { c.ServerName = "other.example" }, CertWrongName},
		{"expired", func(_ *lab, c *tls.Config) {
			c.Time = func() time.Time { return time.Now().Add(48 * time.Hour) }
		}, CertExpired},
		{"version", func(_ *lab, c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, RefusedByPeer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, Config{})
			server, client := l.serverTLS(), l.clientTLS()
			server.MinVersion = tls.VersionTLS13
			tt.client(l, client)
			fd, peer := socketPair(t)
			e := l.client(fd, l.setup(client), nil)
			_ = tls.Server(peer, server).Handshake()
			err := e.result()
			if got, ok := errors.AsType[*Error](err); !ok || got.Reason != tt.want {
				t.Errorf("Shaken(%v), want reason %v", err, tt.want)
			}
			l.end(e)
		})
	}
}

func TestWhatIsNoHandshake(t *testing.T) {
	tests := []struct {
		name, sent string
		want       Reason
	}{
		{"plain http", "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", PlainHTTP},
		{"plain http, long method", "PROPFIND / HTTP/1.1\r\n", PlainHTTP},
		{"ssh", "SSH-2.0-OpenSSH_9.2\r\n", NotTLS},
		{"noise", "\x00\x01\x02\x03\x04\x05\x06", NotTLS},
		{"sslv2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", NoSharedVersion},
		{"application data", "\x17\x03\x03\x00\x01x", Protocol},
		{"huge record", "\x16\x03\x01\xff\xff", Protocol},
		{"silence, then the end", "", PeerLeft},
		{"half a header", "\x16\x03", PeerLeft},
		{"half a hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", PeerLeft},
	}
	for _, tt := range tests {
		for _, bytewise := range []bool{false, true} {
			l := newLab(t, Config{})
			fd, peer := socketPair(t)
			e := l.server(fd, l.setup(l.serverTLS()), nil)
			if bytewise {
				_, _ = slowly{peer}.Write([]byte(tt.sent))
			} else {
				_, _ = peer.Write([]byte(tt.sent))
			}
			_ = peer.(*net.UnixConn).CloseWrite()
			err := e.result()
			got, ok := errors.AsType[*Error](err)
			if !ok || got.Reason != tt.want {
				t.Errorf("%s: Shaken(%v), want reason %v", tt.name, err, tt.want)
			} else if tt.want == PlainHTTP || tt.want == NotTLS {
				if len(got.First) < recordHeader || !strings.HasPrefix(tt.sent, string(got.First)) {
					t.Errorf("%s: First = %q, want the beginning of %q", tt.name, got.First, tt.sent)
				}
			}
			l.end(e)
		}
	}
}

func TestPeerLeavesInTheMiddle(t *testing.T) {
	l := newLab(t, Config{Computing: 1})
	setup := l.setup(l.serverTLS())
	for _, reset := range []bool{false, true} {
		fd, peer := tcpPair(t)
		e := l.server(fd, setup, nil)
		hello := captureHello(t, l.clientTLS())
		_, _ = peer.Write(hello)
		var b [1]byte
		_, _ = peer.Read(b[:]) // the server's flight has come: it waits for ours
		if reset {
			_ = peer.(*net.TCPConn).SetLinger(0)
		}
		peer.Close()
		wantReason(t, e.result(), PeerLeft)
		l.end(e)
	}
}

// captureHello returns the first flight of a client.
func captureHello(tb testing.TB, cfg *tls.Config) []byte {
	tb.Helper()
	hello := make(chan []byte, 1)
	a, b := net.Pipe()
	b.Close()
	go func() { _ = tls.Client(&holdBack{Conn: a, hello: hello}, cfg).Handshake(); a.Close() }()
	return <-hello
}

// A peer may not send for ever within one handshake.
func TestHandshakeIsBoundedInBytes(t *testing.T) {
	l := newLab(t, Config{PeerBytes: 100})
	fd, peer := socketPair(t)
	e := l.server(fd, l.setup(l.serverTLS()), nil)
	_, _ = peer.Write(captureHello(t, l.clientTLS()))
	wantReason(t, e.result(), TooLong)
	l.end(e)
}

func TestLooksLikeHTTP(t *testing.T) {
	for in, want := range map[string]bool{
		"GET /": true, "POST ": true, "OPTIO": true, "M-SEARCH *": true, "get /": false, "": false,
		"GE": false, "\x16\x03\x01": false, strings.Repeat("A", 21): false,
	} {
		if got := looksLikeHTTP([]byte(in)); got != want {
			t.Errorf("looksLikeHTTP(%q) = %v, want %v", in, got, want)
		}
	}
}
