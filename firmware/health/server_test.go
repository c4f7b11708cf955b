// SPDX-License-Identifier: Apache-2.0

package health

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// A behaviour is what a server does with one connection. The server closes it
// afterwards.
type behaviour func(conn net.Conn)

// serve accepts connections on loopback until the test ends.
func serve(t *testing.T, do behaviour) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				done := make(chan struct{})
				go func() { // a hanging behaviour ends with the test
					select {
					case <-stop:
						conn.Close()
					case <-done:
					}
				}()
				do(conn)
				close(done)
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(stop)
		wg.Wait()
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// says writes text.
func says(text string) behaviour { return func(c net.Conn) { io.WriteString(c, text) } }

// hears reads a line before it goes on.
func hears(next behaviour) behaviour {
	return func(c net.Conn) {
		for b := make([]byte, 1); b[0] != '\n'; {
			if _, err := c.Read(b); err != nil {
				return
			}
		}
		next(c)
	}
}

// thenHangs keeps the connection open afterwards.
func thenHangs(first behaviour) behaviour {
	return func(c net.Conn) {
		first(c)
		io.Copy(io.Discard, c)
	}
}

// thenHalfCloses ends its own direction and keeps the other open.
func thenHalfCloses(first behaviour) behaviour {
	return thenHangs(func(c net.Conn) {
		first(c)
		c.(*net.TCPConn).CloseWrite()
	})
}

func silent(net.Conn) {}

// resets answers with RST.
func resets(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }

// endless writes text until nobody reads it any more.
func endless(text string) behaviour {
	return func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// slowly writes text one byte at a time, in segments of their own.
func slowly(text string, pause time.Duration) behaviour {
	return func(c net.Conn) {
		for i := range len(text) {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// closedPort returns an address where nobody listens.
func closedPort(t *testing.T) netip.AddrPort {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

// put asks p's question of the server at addr, once.
func put(t *testing.T, p ProbeConfig, addr netip.AddrPort) (Result, Exchange) {
	t.Helper()
	if p.DataTimeout == 0 {
		p.DataTimeout = 20 * time.Second // nothing waits for it unless the test fails
		p.Timeout = 30 * time.Second
	}
	if err := p.Check(); err != nil {
		t.Fatalf("Check(%+v): %v", p, err)
	}
	p = p.withDefaults()
	var x Exchange
	script := newTranscript()
	r := ask(t.Context(), newProber(p, addr, nil), p, script)
	script.fill(&x)
	return r, x
}

const (
	brief = 50 * time.Millisecond // where nothing has to come in time
	ample = time.Second           // where something has
)
