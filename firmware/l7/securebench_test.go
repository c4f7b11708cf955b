// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"
	"crypto/tls"
	"net"
	"runtime"
	"testing"

	"evener/firmware/pool"
	"evener/firmware/tlsconn"
)

const (
	secureRequest = "GET /x HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: raw\r\nAccept: */*\r\n\r\n"
	secureAnswer  = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\n"
)

// steadyTLS is steady with a client of crypto/tls, whose allocations count too.
func steadyTLS(t testing.TB) func() {
	a := rawOrigin(t, []byte(secureAnswer+large[:23]))
	m := pool.MemberConfig{Name: "m", Addr: a, Weight: 100, TCPMux: true}
	b := newBox(t, []pool.MemberConfig{m}, rich(a))
	cert := testCertificate(t)
	b.do(func() {
		svc := *b.svc
		svc.TLS = testSetup(b, &tls.Config{Certificates: []tls.Certificate{cert}})
		b.svc = &svc
		b.use(&svc)
	})
	return repeat(t, b.addr)
}

// bareTLS returns a function that plays the same on crypto/tls alone, one
// goroutine answering each record: what it allocates is crypto/tls's own.
func bareTLS(t testing.TB) func() {
	cfg := &tls.Config{Certificates: []tls.Certificate{testCertificate(t)}}
	tlsconn.Prepare(cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		s := tls.Server(c, cfg)
		buf, answer := make([]byte, 4096), []byte(secureAnswer+large[:23])
		for {
			if _, err := s.Read(buf); err != nil {
				return
			}
			if _, err := s.Write(answer); err != nil {
				return
			}
		}
	}()
	return repeat(t, ln.Addr().String())
}

// repeat connects by TLS and returns a function that makes one request and takes
// its answer.
func repeat(t testing.TB, addr string) func() {
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	request, body, buf := []byte(secureRequest), []byte(large[:23]), make([]byte, 4096)
	return func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(buf[:n], body); {
			k, err := c.Read(buf[n:])
			if err != nil {
				t.Fatalf("after %q: %v", buf[:n], err)
			}
			n += k
		}
	}
}

// mallocs returns how many allocations the whole process makes in n calls.
func mallocs(n int, once func()) int {
	var before, after runtime.MemStats
	for range 500 {
		once()
	}
	runtime.ReadMemStats(&before)
	for range n {
		once()
	}
	runtime.ReadMemStats(&after)
	return int(after.Mallocs - before.Mallocs)
}

// TestSecureExchangeAllocatesNothing: crypto/tls allocates 24 bytes for each
// record that it reads, here one at either end. Beyond these there is nothing.
func TestSecureExchangeAllocatesNothing(t *testing.T) {
	if raceEnabled {
		return // the race detector allocates: .ci/test runs this without it too
	}
	const requests = 5000
	bare, ours := mallocs(requests, bareTLS(t)), mallocs(requests, steadyTLS(t))
	if ours > bare+requests/50 {
		t.Errorf("%d allocations in %d requests, want crypto/tls's own: %d", ours, requests, bare)
	}
	if bare < 2*requests {
		t.Errorf("crypto/tls allocates %d times in %d exchanges, want 2 for each: say so in the documents", bare, requests)
	}
}

// BenchmarkSecureExchange is BenchmarkExchange over TLS, and beside it the same
// bytes by crypto/tls alone.
func BenchmarkSecureExchange(b *testing.B) {
	for _, end := range []struct {
		name   string
		steady func(testing.TB) func()
	}{{"box", steadyTLS}, {"crypto-tls", bareTLS}} {
		b.Run(end.name, func(b *testing.B) {
			once := end.steady(b)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}
