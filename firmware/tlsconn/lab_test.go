// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

const patience = 20 * time.Second

// A lab is a running loop, a gate and an authority.
type lab struct {
	tb   testing.TB
	loop *reactor.Loop
	gate *Gate
	ca   *authority
}

func newLab(tb testing.TB, cfg Config) *lab {
	tb.Helper()
	l, err := reactor.NewLoop(0)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.Run(ctx); err != nil {
			tb.Error(err)
		}
	})
	lab := &lab{tb: tb, loop: l, gate: NewGate(cfg), ca: newAuthority(tb, "Lab CA")}
	tb.Cleanup(func() {
		lab.gate.Close() // no handshake may be left: the test's own time-out tells
		cancel()
		wg.Wait()
	})
	return lab
}

// do runs f on the loop and waits for it.
func (l *lab) do(f func()) {
	l.tb.Helper()
	done := make(chan struct{})
	l.loop.Post(func() { f(); close(done) })
	l.wait(done)
}

func (l *lab) wait(done <-chan struct{}) {
	l.tb.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		l.tb.Fatal("waited in vain")
	}
}

func (l *lab) setup(cfg *tls.Config) *Setup {
	Prepare(cfg)
	return &Setup{Gate: l.gate, TLS: cfg, Post: l.loop.Post}
}

// An end is our end of a connection: it registers it, as l7 does, and calls
// serve when the handshake is done and at each event from then on.
type end struct {
	l      *lab
	fd     int
	ref    reactor.Ref
	c      *Conn
	serve  func(*end)
	shaken chan error // the result; closed when it came
	calls  int
	closed chan struct{}
}

func (e *end) Ready(ev reactor.Events) {
	e.c.Ready(ev)
	if !e.c.Shaking() && e.serve != nil {
		e.serve(e)
	}
}

func (e *end) Shaken(err error) {
	if e.calls++; e.calls > 1 {
		e.l.tb.Errorf("told %d times", e.calls)
		return
	}
	e.shaken <- err
	close(e.shaken)
	if err == nil && e.serve != nil {
		e.serve(e)
	}
}

func (e *end) close() {
	e.c.Release()
	e.l.loop.Close(e.ref, e.fd)
	close(e.closed)
}

// result waits for the end of the handshake.
func (e *end) result() error {
	e.l.tb.Helper()
	select {
	case err := <-e.shaken:
		return err
	case <-time.After(patience):
		e.l.tb.Fatal("the handshake does not end")
		return nil
	}
}

func (l *lab) add(fd int, serve func(*end), begin func(*end) *Conn) *end {
	l.tb.Helper()
	e := &end{l: l, fd: fd, serve: serve, shaken: make(chan error, 1), closed: make(chan struct{})}
	l.do(func() {
		e.c = begin(e)
		ref, err := l.loop.Add(fd, e)
		if err != nil {
			l.tb.Error(err)
		}
		e.ref = ref
	})
	return e
}

func (l *lab) server(fd int, s *Setup, serve func(*end)) *end {
	return l.add(fd, serve, func(e *end) *Conn { return NewServer(s, fd, e, nil) })
}

func (l *lab) client(fd int, s *Setup, serve func(*end)) *end {
	return l.add(fd, serve, func(e *end) *Conn { return NewClient(s, fd, e) })
}

// end closes our end once the handshake is over.
func (l *lab) end(e *end) {
	l.do(func() {
		select {
		case <-e.closed:
		default:
			e.close()
		}
	})
}

// socketPair returns our end, non-blocking, and the peer's.
func socketPair(tb testing.TB) (fd int, peer net.Conn) {
	tb.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return fds[0], connOf(tb, fds[1])
}

func connOf(tb testing.TB, fd int) net.Conn {
	tb.Helper()
	f := os.NewFile(uintptr(fd), "peer")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		tb.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	tb.Cleanup(func() { c.Close() })
	return c
}

// tcpPair is socketPair over TCP.
func tcpPair(tb testing.TB) (fd int, peer net.Conn) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	fd, _, err = reactor.Dial(addr)
	if err != nil {
		tb.Fatal(err)
	}
	peer, err = ln.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	_ = peer.SetDeadline(time.Now().Add(patience))
	tb.Cleanup(func() { peer.Close() })
	return fd, peer
}

// An authority signs certificates.
type authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(tb testing.TB, name string) *authority {
	a := &authority{tb: tb, pool: x509.NewCertPool()}
	pair := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	a.pool.AddCert(a.cert)
	return a
}

// sign completes and signs a certificate; the first one is its own.
func (a *authority) sign(template *x509.Certificate) tls.Certificate {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// leaf is a certificate for a server and client of the given name.
func (a *authority) leaf(name string) tls.Certificate {
	return a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
}

func (l *lab) serverTLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{l.ca.leaf("shop.example")}}
}

func (l *lab) clientTLS() *tls.Config {
	return &tls.Config{RootCAs: l.ca.pool, ServerName: "shop.example"}
}

// echo sends back what comes and closes at the end of the stream.
func echo(e *end) {
	var buf [4096]byte
	for {
		if done, errno := e.c.Flush(); errno != 0 {
			e.close()
			return
		} else if !done {
			return
		}
		n, errno := e.c.Read(buf[:])
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			e.c.CloseNotify()
			_, _ = e.c.Flush()
			e.close()
			return
		}
		for p := buf[:n]; len(p) > 0; {
			m, errno := e.c.Write(p, false)
			if errno != 0 && errno != unix.EAGAIN {
				e.close()
				return
			}
			p = p[m:]
			if m == 0 {
				e.l.tb.Error("a record smaller than the buffer was not taken whole")
				return
			}
		}
	}
}
