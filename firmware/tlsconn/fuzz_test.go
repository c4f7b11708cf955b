// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"testing"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// FuzzHello gives arbitrary first bytes to a server: its handshake ends, with a
// reason, and leaves nothing behind.
func FuzzHello(f *testing.F) {
	l := newLab(f, Config{Computing: 1})
	cfg := l.serverTLS()
	cfg.NextProtos = []string{"h2", "http/1.1"}
	setup := l.setup(cfg)
	client := l.clientTLS()
	f.Add(captureHello(f, client), 0)
	client.NextProtos, client.ServerName = []string{"h2"}, "xn--bcher-kva.example"
	f.Add(captureHello(f, client), 100)
	f.Add([]byte("GET / HTTP/1.1\r\n"), 3)
	f.Add([]byte("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"), 1)
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\x00\xff\xff"), 5)
	f.Fuzz(func(t *testing.T, hello []byte, cut int) {
		if len(hello) > 16<<10 {
			hello = hello[:16<<10]
		}
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fds[1])
		l := *l
		l.tb = t
		at := min(max(cut, 0), len(hello))
		e := l.add(fds[0], nil, func(e *end) *Conn { return NewServer(setup, fds[0], e, hello[:at]) })
		_, _ = reactor.Write(fds[1], hello[at:], false)
		reactor.CloseWrite(fds[1])
		err = e.result()
		if err == nil {
			t.Error("a client without a last word was let in")
		}
		if looksLikeHTTP(hello) && len(hello) > recordHeader && err.(*Error).Reason != PlainHTTP {
			t.Errorf("Shaken(%v), want plain http", err)
		}
		l.end(e)
		if n := l.gate.Stats().Waiting[Server].Load(); n != 0 {
			t.Errorf("%d handshakes are left", n)
		}
	})
}
