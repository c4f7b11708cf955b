// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"log/slog"
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"evener/firmware/accesslog"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/rewrite"
)

// A rawOrigin answers each read with the same bytes, and allocates nothing.
func rawOrigin(t testing.TB, answer []byte) netip.AddrPort {
	t.Helper()
	fd, addr := listenTest(t)
	_ = unix.SetNonblock(fd, false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, _, err := unix.Accept(fd)
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			for {
				if n, err := unix.Read(c, buf); n <= 0 || err != nil {
					break
				}
				if _, err := unix.Write(c, answer); err != nil {
					break
				}
			}
			unix.Close(c)
		}
	}()
	t.Cleanup(func() {
		_ = unix.Shutdown(fd, unix.SHUT_RDWR)
		<-done
		unix.Close(fd)
	})
	return netip.MustParseAddrPort(addr)
}

// rawClient connects, blocking.
func rawClient(t testing.TB, addr string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddrPort(addr)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// asked sends the request and reads n bytes of answer.
func asked(t testing.TB, fd int, request, buf []byte, n int) {
	if _, err := unix.Write(fd, request); err != nil {
		t.Fatal(err)
	}
	for got := 0; got < n; {
		k, err := unix.Read(fd, buf)
		if err != nil || k <= 0 {
			t.Fatalf("read %d of %d bytes: %v", got, n, err)
		}
		got += k
	}
}

// rich makes the box do per request what a usual configuration asks for: a
// cookie, forwarding fields, a request id, an access log record.
func rich(a netip.AddrPort) func(*Service) {
	return func(s *Service) {
		s.Default.ClientIP = true
		cookies := persist.NewCookies(persist.CookieConfig{Pool: "pool", Always: true,
			Members: []persist.Ref{{Name: "m", Addr: a}}}, []persist.Key{{ID: 1}})
		s.Default.Persist = []Persist{{Cookies: cookies}}
	}
}

// changing adds what a rich configuration makes of heads.
func changing(t testing.TB) func(*Service) {
	return func(s *Service) {
		s.Forwarded = true
		s.Default.Rewrite = newURL(t, rewrite.URLConfig{Prefix: "/", To: "/v1"})
		s.Default.RequestOps = requestOps(t, "set X-Client $client_ip:$client_port", "remove Accept", "set Host $hostname", "append X-Path $path$query")
		s.Default.AnswerOps = answerOps(t, "set X-Frame-Options DENY", "set X-From $member $pool", "remove Server")
	}
}

// A steady returns a function that plays one request on a keep-alive connection.
func steady(t testing.TB, more func(*Service)) func() {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\n" + large[:23])
	a := rawOrigin(t, answer)
	m := pool.MemberConfig{Name: "m", Addr: a, Weight: 100, TCPMux: true}
	b := newBox(t, []pool.MemberConfig{m}, func(s *Service) { rich(a)(s); more(s) })
	// Nobody runs the log: the loop's part is to put records into a ring.
	log, err := accesslog.Open(accesslog.Config{Loops: 1, Path: t.TempDir() + "/log"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.do(func() { b.w.UseAccess(log) })
	fd := rawClient(t, b.addr)
	t.Cleanup(func() { unix.Close(fd) })
	request := []byte("GET /x HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: raw\r\nAccept: */*\r\n\r\n")
	buf := make([]byte, reactor.BufferSize)
	if _, err := unix.Write(fd, request); err != nil {
		t.Fatal(err)
	}
	n, err := unix.Read(fd, buf)
	if err != nil || n < len(answer) {
		t.Fatalf("first answer %q, %v", buf[:max(n, 0)], err)
	}
	return func() { asked(t, fd, request, buf, n) }
}

// TestExchangeAllocatesNothing counts what the whole process allocates over
// thousands of requests; the Go runtime itself makes up for the few.
func TestExchangeAllocatesNothing(t *testing.T) {
	if raceEnabled {
		return // the race detector allocates: .ci/test runs this without it too
	}
	for name, more := range map[string]func(*Service){"plain": func(*Service) {}, "changing": changing(t)} {
		t.Run(name, func(t *testing.T) { allocatesNothing(t, steady(t, more)) })
	}
}

func allocatesNothing(t *testing.T, one func()) {
	for range 500 {
		one()
	}
	const requests = 5000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		one()
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > requests/50 {
		t.Errorf("%d allocations in %d requests, want none for any", n, requests)
	}
}

// BenchmarkExchange measures a small request on connections that are kept on
// both sides, client and origin included.
func BenchmarkExchange(b *testing.B) {
	for _, more := range []struct {
		name string
		tune func(*Service)
	}{{"plain", func(*Service) {}}, {"changing", changing(b)}} {
		b.Run(more.name, func(b *testing.B) {
			one := steady(b, more.tune)
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
		})
	}
}
