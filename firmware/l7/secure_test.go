// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"evener/firmware/pool"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// testCertificate is what httptest shows: for 127.0.0.1 and example.com.
func testCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates[0]
}

// testSetup returns a set-up for a box's loop.
func testSetup(b *box, cfg *tls.Config) *TLS {
	tlsconn.Prepare(cfg)
	return &TLS{Setups: []*tlsconn.Setup{{
		Gate: tlsconn.NewGate(tlsconn.Config{}), TLS: cfg, Post: func(f func()) { b.loop.Post(f) },
	}}}
}

// secureBox is newBox with TLS on the clients' side, and on the members' too
// where they are secure.
func secureBox(t *testing.T, addr net.Addr, members bool, tune func(*Service)) *box {
	b := newBox(t, []pool.MemberConfig{member("m", addr)}, tune)
	cert := testCertificate(t)
	b.do(func() {
		svc := *b.svc
		svc.TLS = testSetup(b, &tls.Config{Certificates: []tls.Certificate{cert}})
		if members {
			b.pool.Upstreams[0].TLS = testSetup(b, &tls.Config{InsecureSkipVerify: true, ServerName: "example.com"})
		}
		b.svc = &svc
		b.use(&svc)
	})
	return b
}

func (b *box) dialTLS() *tls.Conn {
	b.t.Helper()
	c, err := tls.Dial("tcp", b.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		b.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	b.t.Cleanup(func() { c.Close() })
	return c
}

// echo answers with what it was sent, its length, and X-Forwarded-Proto.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Proto", r.Header.Get("X-Forwarded-Proto"))
	if r.URL.Path != "/chunked" {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	w.Write(body[:len(body)/2])
	if f, ok := w.(http.Flusher); ok && r.URL.Path == "/chunked" {
		f.Flush()
	}
	w.Write(body[len(body)/2:])
}

// Bodies of any size go both ways, with TLS on one side or on both, on one
// connection.
func TestSecureExchanges(t *testing.T) {
	for _, members := range []bool{false, true} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
		if members {
			s.StartTLS()
		} else {
			s.Start()
		}
		defer s.Close()
		b := secureBox(t, s.Listener.Addr(), members, func(s *Service) { s.Default.ClientIP = true })
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxConnsPerHost: 1}
		for round, size := range []int{0, 1, 5000, 16 << 10, 16<<10 + 1, 100_000, 5 << 20, 3} {
			for _, path := range []string{"/length", "/chunked"} {
				want := strings.Repeat("x", size)
				req, _ := http.NewRequest("POST", "https://"+b.addr+path, strings.NewReader(want))
				if round%2 == 0 {
					req.ContentLength = -1
				}
				resp, err := tr.RoundTrip(req)
				if err != nil {
					t.Fatalf("members %v, %s of %d: %v", members, path, size, err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(got) != want || err != nil || resp.Header.Get("X-Proto") != "https" {
					t.Fatalf("members %v, %s: got %d bytes, %v, proto %q, want %d, https", members, path, len(got), err, resp.Header.Get("X-Proto"), size)
				}
			}
		}
		tr.CloseIdleConnections()
		b.noneLeft()
		if n := b.svc.Stats.Slot(0).Accepted.Value(); n != 1 {
			t.Errorf("connections = %d, want 1", n)
		}
		if n := b.svc.Stats.Slot(0).Reused.Value(); n != 15 {
			t.Errorf("members %v: connections to the member used again = %d, want 15", members, n)
		}
	}
}

// A client that reads nothing holds its member back, and gets all of it then.
func TestSecureSlowReader(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, large) }))
	defer s.Close()
	b := secureBox(t, s.Listener.Addr(), false, nil)
	c := b.dialTLS()
	fmt.Fprint(c, field("Connection: close"))
	b.eventually("the box waits for the client", func() bool {
		x := b.w.clients.next.x
		return x != nil && x.c.unsent() && !x.c.writable
	})
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); string(got) != large || err != nil {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(large))
	}
	if _, err := r.ReadByte(); err != io.EOF { // not ErrUnexpectedEOF: close_notify came
		t.Errorf("at the end: %v, want a clean end", err)
	}
	b.noneLeft()
}

// What is sent through a tunnel arrives, one side ending after the other.
func TestSecureTunnel(t *testing.T) {
	o := newOrigin(t, []step{recv(upgrade), send(switched + "early"), recv("ping"), send("pong"), drainAll(large + "end"), send("last"), endWrite})
	b := secureBox(t, o.ln.Addr(), false, plain)
	c := b.dialTLS()
	io.WriteString(c, upgrade)
	expect := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	expect(switched + "early")
	io.WriteString(c, "ping")
	expect("pong")
	io.WriteString(c, large)
	io.WriteString(c, "end")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect("last")
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read = %d, %v, want the end", n, err)
	}
	b.noneLeft()
}

// A body that ends with its connection is whole only if its sender said so: a
// cut one must not look complete.
func TestCutAnswerIsNotTakenForWhole(t *testing.T) {
	cert := testCertificate(t)
	for _, clean := range []bool{true, false} {
		ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			http.ReadRequest(bufio.NewReader(c))
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nhalf")
			if clean {
				c.Close()
				return
			}
			c.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c.(*tls.Conn).NetConn())
			c.(*tls.Conn).NetConn().Close()
		}()
		b := secureBox(t, ln.Addr(), true, plain)
		c := b.dialTLS()
		fmt.Fprint(c, get)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if string(got) != "half" || (err == nil) != clean {
			t.Errorf("clean %v: body %q, %v", clean, got, err)
		}
		c.Close()
		b.noneLeft()
		ln.Close()
	}
}

// Plain HTTP on a port of TLS is answered, in plain.
func TestPlainRequestToSecurePort(t *testing.T) {
	b := secureBox(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, false, plain)
	c := b.dial()
	c.send(get)
	if got, broken := c.rest(); broken || !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("got %q, reset %v", got, broken)
	}
	c.Close()
	b.noneLeft()
}

// Handshakes that do not come to an end are ended, wherever they are.
func TestUnfinishedHandshakes(t *testing.T) {
	for _, how := range []string{"timeout", "client leaves", "box closes"} {
		b := secureBox(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, false, func(s *Service) {
			plain(s)
			s.Timeouts.Handshake = soon
			if how != "timeout" {
				s.Timeouts.Handshake = 0
			}
		})
		var hello bytes.Buffer
		tls.Client(recorder{&hello}, &tls.Config{InsecureSkipVerify: true}).Handshake()
		for _, n := range []int{0, 3, hello.Len() / 2, hello.Len()} {
			c := b.dial()
			c.send(hello.String()[:n])
			if how != "timeout" { // which may come before anybody looks
				b.eventually("it is accepted", func() bool { return b.w.conns == 1 })
			}
			switch how {
			case "client leaves":
				c.Close()
			case "box closes":
				b.do(b.w.CloseAll)
			}
			if how != "client leaves" {
				c.rest()
			}
			c.Close()
			b.noneLeft()
		}
	}
}

// A recorder keeps what is written and reads nothing.
type recorder struct{ to *bytes.Buffer }

func (r recorder) Write(p []byte) (int, error)      { return r.to.Write(p) }
func (r recorder) Read([]byte) (int, error)         { return 0, io.EOF }
func (r recorder) Close() error                     { return nil }
func (r recorder) LocalAddr() net.Addr              { return nil }
func (r recorder) RemoteAddr() net.Addr             { return nil }
func (r recorder) SetDeadline(time.Time) error      { return nil }
func (r recorder) SetReadDeadline(time.Time) error  { return nil }
func (r recorder) SetWriteDeadline(time.Time) error { return nil }

// A member whose certificate is not trusted is one that cannot be connected to.
func TestUntrustedMember(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(echo))
	s.Config.ErrorLog = nil
	defer s.Close()
	b := secureBox(t, s.Listener.Addr(), false, plain)
	b.do(func() { b.pool.Upstreams[0].TLS = testSetup(b, &tls.Config{ServerName: "example.com"}) })
	c := b.dialTLS()
	fmt.Fprint(c, get)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 502 {
		t.Errorf("answer %v, %v, want 502", resp, err)
	}
	if n := b.slot().Aborts[stats.ConnectFailed].Value(); n != 1 {
		t.Errorf("ended by %v = %d, want 1", stats.ConnectFailed, n)
	}
	c.Close()
	b.noneLeft()
}
