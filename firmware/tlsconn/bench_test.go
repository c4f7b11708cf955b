// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU adds the processor time of an operation, both ends included.
func reportCPU(b *testing.B, run func()) {
	b.Helper()
	before := cpu()
	b.ResetTimer()
	run()
	b.StopTimer()
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// handshakes makes b.N connections from a few clients of crypto/tls.
func handshakes(b *testing.B, addr string, cfg *tls.Config) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					b.Error(err)
					return
				}
				_ = c.(*net.TCPConn).SetLinger(0)
				if err := tls.Client(c, cfg).Handshake(); err != nil {
					b.Error(err)
				}
				var one [1]byte
				_, _ = c.Read(one[:]) // the server has seen our last flight
				c.Close()
			}
		})
	}
	wg.Wait()
}

func (l *lab) quick() (server, client *tls.Config) {
	server, client = l.serverTLS(), l.clientTLS()
	client.InsecureSkipVerify = true
	client.CurvePreferences = []tls.CurveID{tls.X25519}
	return server, client
}

// acceptor serves a listener on the lab's loop.
type acceptor struct {
	l     *lab
	fd    int
	setup *Setup
}

func (a *acceptor) Ready(reactor.Events) {
	for {
		fd, _, errno := reactor.Accept(a.fd)
		if errno != 0 {
			return
		}
		e := &end{l: a.l, fd: fd, shaken: make(chan error, 1), closed: make(chan struct{})}
		e.serve = func(e *end) {
			var b [1]byte
			if n, errno := e.c.Read(b[:]); errno == unix.EAGAIN || n > 0 {
				if e.calls == 1 {
					e.calls = 2
					_, _ = e.c.Write([]byte("x"), false)
				}
				return
			}
			e.close()
		}
		e.c = NewServer(a.setup, fd, e, nil)
		e.ref, _ = a.l.loop.Add(fd, e)
	}
}

// BenchmarkHandshake makes new TLS 1.3 connections (ECDSA P-256, X25519): by this
// package, and beside it by a goroutine for each connection.
func BenchmarkHandshake(b *testing.B) {
	b.Run("loop", func(b *testing.B) {
		l := newLab(b, Config{})
		server, client := l.quick()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		f, _ := ln.(*net.TCPListener).File()
		defer f.Close()
		a := &acceptor{l, int(f.Fd()), l.setup(server)}
		_ = unix.SetNonblock(a.fd, true)
		l.do(func() { _, _ = l.loop.AddListener(a.fd, a) })
		b.ReportAllocs()
		reportCPU(b, func() { handshakes(b, ln.Addr().String(), client) })
	})
	b.Run("goroutines", func(b *testing.B) {
		l := newLab(b, Config{})
		server, client := l.quick()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer ln.Close()
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					t := tls.Server(c, server)
					_, _ = t.Write([]byte("x"))
					_, _ = t.Read(make([]byte, 1))
				}()
			}
		}()
		b.ReportAllocs()
		reportCPU(b, func() { handshakes(b, ln.Addr().String(), client) })
	})
}

// BenchmarkExchange is a small request and its answer, records and system calls
// of both ends included.
func BenchmarkExchange(b *testing.B) {
	l, e, other := pairOfOurs(b)
	var req, answer [1024]byte
	b.ReportAllocs()
	reportCPU(b, func() {
		l.do(func() {
			for range b.N {
				exchange(b, other.c, e.c, req[:80], answer[:])
				exchange(b, e.c, other.c, answer[:200], req[:])
			}
		})
	})
	l.end(e)
	l.end(other)
}

// exchange sends p from one end to the other and reads until there is nothing.
func exchange(tb testing.TB, from, to *Conn, p, buf []byte) {
	if n, errno := from.Write(p, false); n != len(p) {
		tb.Fatalf("Write = %d, %v", n, errno)
	}
	to.Ready(reactor.Readable)
	if n, errno := to.Read(buf); n != len(p) {
		tb.Fatalf("Read = %d, %v", n, errno)
	}
	if _, errno := to.Read(buf); errno != unix.EAGAIN {
		tb.Fatalf("Read = %v", errno)
	}
}

// pairOfOurs returns two of our ends, connected.
func pairOfOurs(tb testing.TB) (*lab, *end, *end) {
	l := newLab(tb, Config{})
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	server, client := l.quick()
	server.SessionTicketsDisabled = true
	e := l.server(fds[0], l.setup(server), nil)
	other := l.client(fds[1], l.setup(client), nil)
	if err := other.result(); err != nil {
		tb.Fatal(err)
	}
	if err := e.result(); err != nil {
		tb.Fatal(err)
	}
	return l, e, other
}

// Beyond crypto/tls's own 24 bytes for each record that is read (an
// atLeastReader), an exchange allocates nothing.
func TestExchangeAllocations(t *testing.T) {
	l, e, other := pairOfOurs(t)
	var req, answer [1024]byte
	l.do(func() {
		got := testing.AllocsPerRun(1000, func() {
			exchange(t, other.c, e.c, req[:80], answer[:])
			exchange(t, e.c, other.c, answer[:200], req[:])
		})
		if got > 2 && !raceEnabled {
			t.Errorf("%v allocations for two records, want 2", got)
		}
	})
	l.end(e)
	l.end(other)
}

// BenchmarkIdle reports the memory of idle connections, servers' ends, after an
// upload of 16 KiB and Shrink.
func BenchmarkIdle(b *testing.B) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		b.Run(tls.VersionName(version), func(b *testing.B) { benchIdle(b, version) })
	}
}

func benchIdle(b *testing.B, version uint16) {
	const n = 500
	for range b.N {
		l := newLab(b, Config{})
		server, client := l.quick()
		client.MaxVersion = version
		client.DynamicRecordSizingDisabled = true
		setup := l.setup(server)
		var ends [n]*end
		for i := range ends {
			ends[i] = &end{}
		}
		before := heap()
		for i := range ends {
			fd, peer := socketPair(b)
			var got reading
			ends[i] = l.server(fd, setup, collect(&got))
			c := tls.Client(peer, client)
			_, _ = c.Write(make([]byte, 16<<10))
			l.until("the upload", func() bool { return got.Len() == 16<<10 })
			got = reading{}
			peer.Close()
			ends[i].serve = nil
		}
		full := heap() - before
		l.do(func() {
			for _, e := range ends {
				e.c.Shrink()
			}
		})
		small := heap() - before
		kept := small
		l.do(func() {
			for _, e := range ends {
				e.c.tls = nil
			}
		})
		without := heap() - before
		b.ReportMetric(float64(full)/n, "B-before-Shrink")
		b.ReportMetric(float64(kept)/n, "B-after")
		b.ReportMetric(float64(small-without)/n, "B-of-crypto/tls")
		l.do(func() {
			for _, e := range ends {
				l.loop.Close(e.ref, e.fd)
			}
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkWrite sends 1 MiB on a new connection, with the record sizes that
// Prepare chooses and with those of crypto/tls.
func BenchmarkWrite(b *testing.B) {
	for _, dynamic := range []bool{false, true} {
		b.Run(map[bool]string{false: "16 KiB", true: "dynamic"}[dynamic], func(b *testing.B) {
			benchWrite(b, dynamic)
		})
	}
}

func benchWrite(b *testing.B, dynamic bool) {
	l := newLab(b, Config{})
	server, client := l.quick()
	setup := l.setup(server)
	server.DynamicRecordSizingDisabled = !dynamic
	piece := make([]byte, MaxPlaintext)
	b.SetBytes(1 << 20)
	reportCPU(b, func() {
		for range b.N {
			left := 1 << 20
			fd, peer := tcpPair(b)
			e := l.server(fd, setup, func(e *end) {
				for left > 0 {
					n, errno := e.c.Write(piece, false)
					if errno != 0 {
						return
					}
					left -= n
				}
				if done, _ := e.c.Flush(); done {
					e.c.CloseNotify()
				}
			})
			if n, err := io.Copy(io.Discard, tls.Client(peer, client)); n != 1<<20 {
				b.Fatal(n, err)
			}
			l.end(e)
			peer.Close()
		}
	})
}
