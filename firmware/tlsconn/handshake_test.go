// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"testing"
)

// talk sends a word through c, which is connected with echo.
func talk(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Errorf("write: %v", err)
		return
	}
	var b [5]byte
	if _, err := io.ReadFull(c, b[:]); err != nil || string(b[:]) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestServerShakesHands(t *testing.T) {
	tests := []struct {
		name           string
		server, client func(*lab, *tls.Config)
		again          bool // a second connection, which resumes
		want           func(*lab, *testing.T, State)
	}{
		{name: "tls 1.3", want: func(_ *lab, t *testing.T, s State) {
			if s.Version != tls.VersionTLS13 || s.ServerName != "shop.example" || s.Resumed || s.Peer != nil {
				t.Errorf("State = %+v", s)
			}
		}},
		{name: "tls 1.2",
			client: func(_ *lab, c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			want: func(_ *lab, t *testing.T, s State) {
				if s.Version != tls.VersionTLS12 || s.Suite != tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 {
					t.Errorf("State = %+v", s)
				}
			}},
		{name: "hello retry request",
			server: func(_ *lab, c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} },
			want: func(_ *lab, t *testing.T, s State) {
				if s.Group != tls.CurveP384 {
					t.Errorf("Group = %v, want P-384", s.Group)
				}
			}},
		{name: "alpn",
			server: func(_ *lab, c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} },
			client: func(_ *lab, c *tls.Config) { c.NextProtos = []string{"http/1.1"} },
			want: func(_ *lab, t *testing.T, s State) {
				if s.Protocol != "http/1.1" {
					t.Errorf("Protocol = %q, want http/1.1", s.Protocol)
				}
			}},
		{name: "client certificate",
			server: func(l *lab, c *tls.Config) {
				c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, l.ca.pool
			},
			client: func(l *lab, c *tls.Config) { c.Certificates = []tls.Certificate{l.ca.leaf("ann")} },
			want: func(_ *lab, t *testing.T, s State) {
				if len(s.Peer) != 1 || s.Peer[0].Subject.CommonName != "ann" || !s.Verified {
					t.Errorf("State = %+v", s)
				}
			}},
		{name: "resumption 1.3", again: true, want: wantResumed},
		{name: "resumption 1.2", again: true,
			client: func(_ *lab, c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			want:   wantResumed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, Config{Computing: 1})
			server, client := l.serverTLS(), l.clientTLS()
			if tt.server != nil {
				tt.server(l, server)
			}
			if tt.client != nil {
				tt.client(l, client)
			}
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			setup := l.setup(server)
			rounds := 1
			if tt.again {
				rounds = 2
			}
			var state State
			for range rounds {
				fd, peer := socketPair(t)
				e := l.server(fd, setup, echo)
				c := tls.Client(peer, client)
				talk(t, c)
				if err := e.result(); err != nil {
					t.Fatalf("Shaken(%v)", err)
				}
				l.do(func() { state = e.c.State() })
				c.Close()
				l.wait(e.closed)
			}
			tt.want(l, t, state)
			if n := l.gate.Stats().Results[Server].Done.Load(); n != uint64(rounds) {
				t.Errorf("Done = %d, want %d", n, rounds)
			}
			if n := l.gate.Stats().Results[Server].Resumed.Load(); n != uint64(rounds-1) {
				t.Errorf("Resumed = %d, want %d", n, rounds-1)
			}
		})
	}
}

func wantResumed(_ *lab, t *testing.T, s State) {
	if !s.Resumed {
		t.Error("not resumed")
	}
}

func TestClientShakesHands(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			l := newLab(t, Config{})
			server, client := l.serverTLS(), l.clientTLS()
			server.NextProtos, client.NextProtos = []string{"h2"}, []string{"h2", "http/1.1"}
			client.MaxVersion = version
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			setup := l.setup(client)
			for round := range 2 {
				fd, peer := socketPair(t)
				e := l.client(fd, setup, echo)
				c := tls.Server(peer, server)
				talk(t, c)
				if err := e.result(); err != nil {
					t.Fatalf("Shaken(%v)", err)
				}
				l.do(func() {
					s := e.c.State()
					if s.Version != version || s.Protocol != "h2" || len(s.Peer) != 1 || s.Resumed != (round == 1) {
						t.Errorf("round %d: State = %+v", round, s)
					}
				})
				c.Close()
				l.wait(e.closed)
			}
		})
	}
}

// Two of our own ends, on one loop and with one slot.
func TestBothEndsAreOurs(t *testing.T) {
	l := newLab(t, Config{Computing: 1})
	fd, peer := socketPair(t)
	other, err := unixDup(peer)
	if err != nil {
		t.Fatal(err)
	}
	peer.Close()
	server := l.server(fd, l.setup(l.serverTLS()), nil)
	client := l.client(other, l.setup(l.clientTLS()), nil)
	if err := errors.Join(server.result(), client.result()); err != nil {
		t.Error(err)
	}
	l.end(client)
	l.end(server)
}

// Check runs after the handshake and does not make it fail.
func TestCheckLeavesAVerdict(t *testing.T) {
	l := newLab(t, Config{})
	cfg := l.serverTLS()
	cfg.ClientAuth = tls.RequestClientCert
	setup := l.setup(cfg)
	setup.Check = func(s tls.ConnectionState) error {
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: l.ca.pool})
		return err
	}
	client := l.clientTLS()
	client.Certificates = []tls.Certificate{newAuthority(t, "Stranger").leaf("eve")}
	fd, peer := socketPair(t)
	e := l.server(fd, setup, echo)
	talk(t, tls.Client(peer, client))
	if err := e.result(); err != nil {
		t.Fatalf("Shaken(%v)", err)
	}
	l.do(func() {
		var unknown x509.UnknownAuthorityError
		if s := e.c.State(); s.Verified || !errors.As(s.Verdict, &unknown) {
			t.Errorf("Verdict = %v, Verified = %v", s.Verdict, s.Verified)
		}
	})
	l.end(e)
}

// A peer that sends one byte at a time is understood, in both phases.
func TestPeerSendsByteByByte(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		l := newLab(t, Config{Computing: 1})
		fd, peer := socketPair(t)
		e := l.server(fd, l.setup(l.serverTLS()), echo)
		cfg := l.clientTLS()
		cfg.MaxVersion = version
		c := tls.Client(slowly{peer}, cfg)
		talk(t, c)
		talk(t, c)
		if err := e.result(); err != nil {
			t.Errorf("Shaken(%v)", err)
		}
		c.Close()
		l.wait(e.closed)
	}
}

type slowly struct{ net.Conn }

func (s slowly) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := s.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// Bytes that were read before, such as those behind a PROXY header, count.
func TestFirstBytesAreUsed(t *testing.T) {
	l := newLab(t, Config{})
	setup := l.setup(l.serverTLS())
	fd, peer := socketPair(t)
	hello := make(chan []byte, 1)
	c := tls.Client(&holdBack{Conn: peer, hello: hello}, l.clientTLS())
	go func() { _ = c.Handshake() }()
	first := <-hello
	e := l.add(fd, echo, func(e *end) *Conn { return NewServer(setup, fd, e, first) })
	talk(t, c)
	if err := e.result(); err != nil {
		t.Errorf("Shaken(%v)", err)
	}
	l.end(e)
}

// holdBack takes the first flight aside.
type holdBack struct {
	net.Conn
	hello chan []byte
	done  bool
}

func (h *holdBack) Write(p []byte) (int, error) {
	if !h.done {
		h.done = true
		h.hello <- append([]byte(nil), p...)
		return len(p), nil
	}
	return h.Conn.Write(p)
}
