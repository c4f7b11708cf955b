// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// established returns a server's end after the handshake, and its client.
func established(tb testing.TB, serve func(*end), change func(server, client *tls.Config)) (*lab, *end, *tls.Conn, net.Conn) {
	tb.Helper()
	l := newLab(tb, Config{Computing: 1})
	server, client := l.serverTLS(), l.clientTLS()
	if change != nil {
		change(server, client)
	}
	fd, peer := tcpPair(tb)
	e := l.server(fd, l.setup(server), serve)
	c := tls.Client(peer, client)
	if err := c.Handshake(); err != nil {
		tb.Fatal(err)
	}
	if err := e.result(); err != nil {
		tb.Fatal(err)
	}
	return l, e, c, peer
}

// A reading is what an end has read.
type reading struct {
	bytes.Buffer
	errno unix.Errno
	over  bool
}

// collect reads until EAGAIN or the end, into a small buffer.
func collect(r *reading) func(*end) {
	return func(e *end) {
		var buf [100]byte
		for !r.over {
			n, errno := e.c.Read(buf[:])
			if errno == unix.EAGAIN {
				if e.c.Buffered() {
					e.l.tb.Error("Buffered after EAGAIN")
				}
				return
			}
			r.Write(buf[:n])
			r.errno, r.over = errno, errno != 0 || n == 0
		}
		if !e.c.Buffered() {
			e.l.tb.Error("not Buffered at the end, which Read tells again")
		}
	}
}

func TestHowStreamsEnd(t *testing.T) {
	tests := []struct {
		name      string
		act       func(*tls.Conn, net.Conn)
		errno     unix.Errno
		truncated bool
	}{
		{"close_notify", func(c *tls.Conn, _ net.Conn) { _ = c.CloseWrite() }, 0, false},
		{"close_notify and FIN", func(c *tls.Conn, _ net.Conn) { _ = c.Close() }, 0, false},
		{"FIN alone", func(_ *tls.Conn, p net.Conn) { p.Close() }, 0, true},
		{"FIN within a record", func(_ *tls.Conn, p net.Conn) {
			_, _ = p.Write([]byte("\x17\x03\x03\x40\x00half"))
			p.Close()
		}, 0, true},
		{"FIN within a header", func(_ *tls.Conn, p net.Conn) { _, _ = p.Write([]byte("\x17\x03")); p.Close() }, 0, true},
		{"reset", func(_ *tls.Conn, p net.Conn) {
			_ = p.(*net.TCPConn).SetLinger(0)
			p.Close()
		}, unix.ECONNRESET, false},
		{"forged record", func(_ *tls.Conn, p net.Conn) {
			_, _ = p.Write([]byte("\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)))
		}, unix.EPROTO, false},
		{"no record", func(_ *tls.Conn, p net.Conn) { _, _ = p.Write([]byte("GET / HTTP/1.1\r\n\r\n")) }, unix.EPROTO, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got reading
			l, e, c, peer := established(t, collect(&got), nil)
			want := strings.Repeat("0123456789", 33) // more than one buffer: the rest is kept
			_, _ = c.Write([]byte(want))
			l.until("the bytes", func() bool { return got.Len() == len(want) })
			tt.act(c, peer)
			l.until("the end", func() bool { return got.over })
			l.do(func() {
				if got.String() != want || got.errno != tt.errno || e.c.Truncated() != tt.truncated {
					t.Errorf("read %d bytes, %v, truncated %v; want %d, %v, %v", got.Len(), got.errno,
						e.c.Truncated(), len(want), tt.errno, tt.truncated)
				}
				if n, errno := e.c.Read(make([]byte, 1)); n != 0 || errno != tt.errno {
					t.Errorf("Read once more = %d, %v", n, errno)
				}
				if (e.c.Err() != nil) != (tt.errno != 0) {
					t.Errorf("Err() = %v", e.c.Err())
				}
			})
			if tt.errno == unix.EPROTO {
				_, err := c.Read(make([]byte, 1))
				if err == nil || !strings.Contains(err.Error(), "remote error") {
					t.Errorf("the client heard %v, want an alert", err)
				}
			}
			l.end(e)
		})
	}
}

// A fatal alert of the peer is told as such.
func TestPeerSendsAnAlert(t *testing.T) {
	var got reading
	l, e, c, _ := established(t, collect(&got), nil)
	l.do(func() { // break what the client reads: it answers with bad_record_mac
		_, _ = reactor.Write(e.fd, []byte("\x17\x03\x03\x00\x20"+strings.Repeat("x", 32)), false)
	})
	_, _ = c.Read(make([]byte, 1))
	l.until("the alert", func() bool { return got.over })
	err, _ := errors.AsType[*Error](e.c.Err())
	if got.errno != unix.EPROTO || err == nil || err.Reason != RefusedByPeer || err.Alert != 20 {
		t.Errorf("errno %v, Err %+v; want EPROTO, alert 20", got.errno, err)
	}
	l.end(e)
}

// CloseNotify tells the peer the end, and Write fails from then on.
func TestCloseNotify(t *testing.T) {
	l, e, c, _ := established(t, func(*end) {}, nil)
	l.do(func() {
		_, _ = e.c.Write([]byte("bye"), false)
		e.c.CloseNotify()
		if n, errno := e.c.Write([]byte("x"), false); n != 0 || errno == 0 {
			t.Errorf("Write after CloseNotify = %d, %v", n, errno)
		}
	})
	if got, err := io.ReadAll(c); string(got) != "bye" || err != nil {
		t.Errorf("the client read %q, %v", got, err)
	}
	l.end(e)
}

// Ten MiB each way at once, in pieces of any size, arrive as they were sent.
func TestTransferBothWays(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		const size = 10 << 20
		want := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{1}).Read(want)
		rng := rand.New(rand.NewPCG(1, uint64(version)))
		sent, pieces := 0, 0
		var got reading
		buf := make([]byte, 40_000)
		serve := func(e *end) {
			for !got.over {
				n, errno := e.c.Read(buf[:1+rng.IntN(len(buf))])
				if errno == unix.EAGAIN {
					break
				}
				got.Write(buf[:n])
				got.errno, got.over = errno, errno != 0 || n == 0
			}
			for sent < size {
				p := want[sent:min(size, sent+1+rng.IntN(len(buf)))]
				head := rng.IntN(len(p))
				n, errno := e.c.Writev(p[:head], p[head:])
				if errno != 0 {
					if errno != unix.EAGAIN {
						t.Errorf("Write = %v", errno)
					}
					return
				}
				if n > MaxPlaintext || n == 0 {
					t.Errorf("Write took %d of %d", n, len(p))
				}
				sent += n
				pieces++
			}
			if done, _ := e.c.Flush(); done && got.over {
				e.c.CloseNotify()
			}
		}
		l, e, c, _ := established(t, serve, func(_, client *tls.Config) { client.MaxVersion = version })
		go func() {
			rng := rand.New(rand.NewPCG(2, 2))
			for rest := want; len(rest) > 0; {
				n, err := c.Write(rest[:min(len(rest), 1+rng.IntN(50_000))])
				if err != nil {
					t.Error(err)
					return
				}
				rest = rest[n:]
			}
			_ = c.CloseWrite()
		}()
		back, err := io.ReadAll(io.LimitReader(c, size))
		if err != nil || !bytes.Equal(back, want) {
			t.Errorf("%s: the client got %d bytes, %v", tls.VersionName(version), len(back), err)
		}
		l.until("the end", func() bool { return got.over })
		if !bytes.Equal(got.Bytes(), want) || got.errno != 0 || e.c.Truncated() {
			t.Errorf("%s: got %d bytes, %v", tls.VersionName(version), got.Len(), got.errno)
		}
		l.end(e)
	}
}

// While a record waits for a full socket nothing more is taken, and no more than
// that record is kept.
func TestSlowReader(t *testing.T) {
	l, e, c, _ := established(t, func(e *end) { _, _ = e.c.Flush() }, nil)
	piece := bytes.Repeat([]byte("x"), 20_000)
	taken := 0
	l.do(func() {
		for {
			n, errno := e.c.Write(piece, false)
			if errno == unix.EAGAIN {
				break
			}
			if errno != 0 || n != MaxPlaintext {
				t.Errorf("Write = %d, %v, want %d", n, errno, MaxPlaintext)
				return
			}
			taken += n
		}
		if !e.c.Pending() {
			t.Error("EAGAIN and nothing pending")
		}
		if done, errno := e.c.Flush(); done || errno != 0 {
			t.Errorf("Flush = %v, %v of a full socket", done, errno)
		}
		if n, errno := e.c.Writev([]byte("a"), []byte("b")); n != 0 || errno != unix.EAGAIN {
			t.Errorf("Writev = %d, %v", n, errno)
		}
		e.c.CloseNotify() // queued behind it
	})
	got, err := io.ReadAll(c)
	if err != nil || len(got) != taken {
		t.Errorf("the client got %d bytes, %v; want %d", len(got), err, taken)
	}
	l.do(func() {
		if e.c.Pending() {
			t.Error("still pending")
		}
	})
	l.end(e)
}

// onSeqPackets puts a socket that keeps the borders of messages below e, so
// that the other end sees each system call.
func onSeqPackets(t *testing.T, l *lab, e *end) (peer int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	l.do(func() {
		l.loop.Remove(e.ref, e.fd)
		unix.Close(e.fd)
		e.fd, e.c.fd = fds[0], fds[0]
		ref, err := l.loop.Add(e.fd, e)
		if err != nil {
			t.Error(err)
		}
		e.ref = ref
	})
	return fds[1]
}

// A record is one system call, also the first ones of a connection.
func TestOneSendForEachWrite(t *testing.T) {
	l, e, _, _ := established(t, nil, nil)
	peer := onSeqPackets(t, l, e)
	var want, got []int
	l.do(func() {
		for _, n := range []int{1, 200, 5000, MaxPlaintext, MaxPlaintext, 1} {
			if m, errno := e.c.Write(make([]byte, n), false); m != n || errno != 0 {
				t.Errorf("Write = %d, %v, want %d", m, errno, n)
			}
			want = append(want, n+recordHeader+1+16)
		}
		_, _ = e.c.Writev([]byte("5\r\n"), make([]byte, 5000))
		want = append(want, 5003+recordHeader+1+16)
	})
	buf := make([]byte, 1<<16)
	for range want {
		n, _ := unix.Read(peer, buf)
		got = append(got, n)
	}
	if !slices.Equal(got, want) {
		t.Errorf("sends of %v bytes, want %v", got, want)
	}
	l.end(e)
}

// After a read that emptied the socket no other is made until an event comes;
// what is left of a record is read without any.
func TestNoNeedlessRead(t *testing.T) {
	l, e, c, peer := established(t, nil, nil)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	var b [2]byte
	l.until("bytes", func() bool { n, _ := e.c.Read(b[:]); return n == 2 })
	l.do(func() { // which hears of no event meanwhile
		e.c.drained = true
		_, _ = peer.Write([]byte("GET / HTTP/1.1")) // which a read would find, and choke on
		for _, want := range []int{2, 1} {
			if n, errno := e.c.Read(b[:]); n != want || errno != 0 {
				t.Errorf("Read = %d, %v, want %d", n, errno, want)
			}
		}
		if n, errno := e.c.Read(b[:]); n != 0 || errno != unix.EAGAIN || e.c.Buffered() {
			t.Errorf("Read = %d, %v, want EAGAIN", n, errno)
		}
		e.c.Ready(reactor.Readable)
		if !e.c.Buffered() {
			t.Error("an event does not count")
		}
	})
	l.end(e)
}
