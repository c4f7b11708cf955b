// SPDX-License-Identifier: Apache-2.0

package reactor

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listening returns a listening socket, non-blocking.
func listening(t *testing.T, host string) (fd int, addr netip.AddrPort) {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Skip(err) // no IPv6 here
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err = unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.SetNonblock(fd, true)
	t.Cleanup(func() { unix.Close(fd) })
	return fd, LocalAddr(fd)
}

func TestDialAndAccept(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			ln, addr := listening(t, host)
			if _, _, errno := Accept(ln); errno != unix.EAGAIN {
				t.Fatalf("Accept of nobody = %v, want EAGAIN", errno)
			}
			fd, _, err := Dial(addr)
			if err != nil {
				t.Fatal(err)
			}
			defer CloseFD(fd)
			got, peer := acceptOne(t, ln)
			defer CloseFD(got)
			if peer != LocalAddr(fd) {
				t.Errorf("peer = %v, want %v", peer, LocalAddr(fd))
			}
			if errno := ConnectError(fd); errno != 0 {
				t.Errorf("ConnectError = %v", errno)
			}
			if fl, _ := unix.FcntlInt(uintptr(got), unix.F_GETFL, 0); fl&unix.O_NONBLOCK == 0 {
				t.Error("an accepted socket blocks")
			}
		})
	}
}

func acceptOne(t *testing.T, ln int) (int, netip.AddrPort) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		fd, peer, errno := Accept(ln)
		if errno == 0 {
			return fd, peer
		}
		if time.Now().After(end) {
			t.Fatal(errno)
		}
	}
}

func TestDialRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	ln.Close()
	l := started(t)
	result := make(chan unix.Errno, 1)
	do(t, l, func() {
		fd, established, err := Dial(addr)
		if err != nil || established {
			result <- unix.ECONNREFUSED // told at once
			return
		}
		var ref Ref
		ref, _ = l.Add(fd, handler(func(ev Events) {
			result <- ConnectError(fd)
			l.Close(ref, fd)
		}))
	})
	select {
	case errno := <-result:
		if errno != unix.ECONNREFUSED {
			t.Errorf("ConnectError = %v, want ECONNREFUSED", errno)
		}
	case <-time.After(patience):
		t.Error("the refusal is not told")
	}
}

// tcpPair returns two ends of a TCP connection, non-blocking.
func tcpPair(t *testing.T) (a, b int) {
	t.Helper()
	ln, addr := listening(t, "127.0.0.1")
	a, _, err := Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	b, _ = acceptOne(t, ln)
	t.Cleanup(func() { CloseFD(a); CloseFD(b) })
	return a, b
}

func TestReadAndWrite(t *testing.T) {
	a, b := tcpPair(t)
	buf := make([]byte, 64)
	if n, errno := Read(b, buf); n != 0 || errno != unix.EAGAIN {
		t.Errorf("Read of nothing = %d, %v", n, errno)
	}
	if n, errno := Writev(a, []byte("head"), []byte("body")); n != 8 || errno != 0 {
		t.Fatalf("Writev = %d, %v", n, errno)
	}
	if n, errno := Writev(a, nil, []byte("!")); n != 1 || errno != 0 {
		t.Fatalf("Writev = %d, %v", n, errno)
	}
	if got := readAll(t, b, 9); string(got) != "headbody!" {
		t.Errorf("got %q", got)
	}
	CloseWrite(a)
	for end := time.Now().Add(patience); !Ended(b); {
		if time.Now().After(end) {
			t.Fatal("the end does not come")
		}
	}
	if n, errno := Read(b, buf); n != 0 || errno != 0 {
		t.Errorf("Read at the end = %d, %v, want 0, 0", n, errno)
	}
	ResetOnClose(b)
	CloseFD(b)
	for end := time.Now().Add(patience); ; {
		if _, errno := Write(a, []byte("x"), false); errno == unix.EPIPE || errno == unix.ECONNRESET {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a write after the reset does not fail")
		}
	}
}

func readAll(t *testing.T, fd, n int) []byte {
	t.Helper()
	var got []byte
	buf := make([]byte, 1<<16)
	for end := time.Now().Add(patience); len(got) < n; {
		k, errno := Read(fd, buf[:min(len(buf), n-len(got))])
		got = append(got, buf[:k]...)
		if errno != 0 && errno != unix.EAGAIN || time.Now().After(end) {
			t.Fatalf("read %d of %d bytes: %v", len(got), n, errno)
		}
	}
	return got
}

// A pipe carries a stream without loss, whatever either side takes at a time,
// and tells the end of the stream from there being nothing just now.
func TestPipeCarriesAStream(t *testing.T) {
	a, b := tcpPair(t)
	c, d := tcpPair(t)
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	go func() {
		for rest := want; len(rest) > 0; {
			n, _ := Write(a, rest, false)
			rest = rest[n:]
		}
		CloseWrite(a)
	}()
	got := make(chan []byte, 1)
	go func() { got <- readAll(t, d, len(want)) }()
	var pipes Pipes
	p, err := pipes.Get()
	if err != nil {
		t.Fatal(err)
	}
	if n, errno := p.Fill(c, 100); n != 0 || errno != unix.EAGAIN {
		t.Errorf("Fill from a silent socket = %d, %v, want EAGAIN", n, errno)
	}
	for moved := 0; ; {
		if p.Held() == 0 {
			n, errno := p.Fill(b, 1<<30)
			if errno == 0 && n == 0 {
				if moved != len(want) {
					t.Errorf("the end after %d of %d bytes", moved, len(want))
				}
				break
			}
			if errno != 0 && errno != unix.EAGAIN {
				t.Fatal(errno)
			}
		}
		if p.Held() > 0 {
			n, errno := p.Drain(c, false)
			if errno != 0 && errno != unix.EAGAIN {
				t.Fatal(errno)
			}
			moved += n
		}
	}
	if !bytes.Equal(<-got, want) {
		t.Error("the stream was changed on its way")
	}
	pipes.Put(p)
	if q, _ := pipes.Get(); q != p {
		t.Error("an empty pipe is not used again")
	}
	_, _ = Write(d, []byte("xyz"), false)
	for end := time.Now().Add(patience); p.Held() == 0 && time.Now().Before(end); {
		_, _ = p.Fill(c, 100)
	}
	pipes.Put(p)
	if len(pipes.idle) != 0 {
		t.Error("a pipe that holds bytes is kept for others")
	}
	pipes.Close()
}

func TestLargeBuffersAreKeptApart(t *testing.T) {
	var b Buffers
	small, large := b.Get(), b.GetLarge()
	if len(small) != BufferSize || len(large) != LargeSize {
		t.Fatalf("lengths = %d, %d, want %d, %d", len(small), len(large), BufferSize, LargeSize)
	}
	b.Put(small)
	b.Put(large)
	if got := b.GetLarge(); &got[0] != &large[0] {
		t.Error("a large buffer was not used again")
	}
	if got := b.Get(); &got[0] != &small[0] {
		t.Error("a buffer was not used again")
	}
	for range maxFreeLarge + 10 {
		b.Put(make([]byte, LargeSize))
	}
	if len(b.large) != maxFreeLarge {
		t.Errorf("large buffers kept = %d, want %d", len(b.large), maxFreeLarge)
	}
}

func TestBuffersAreCountedAndBounded(t *testing.T) {
	var b Buffers
	var all [][]byte
	for range maxFreeBuffers + 10 {
		all = append(all, b.Get())
	}
	big := b.Grow(append(b.Get()[:0], all[0]...))
	if len(big) != 2*BufferSize || b.Lent() != len(all)+1 {
		t.Errorf("grown to %d, lent %d", len(big), b.Lent())
	}
	b.Put(big)
	b.Put(nil)
	for _, p := range all {
		b.Put(p)
	}
	if b.Lent() != 0 || len(b.free) != maxFreeBuffers {
		t.Errorf("lent %d, free %d, want 0, %d", b.Lent(), len(b.free), maxFreeBuffers)
	}
	if n := len(b.GetSize(BufferSize + 1)); n < BufferSize+1 {
		t.Errorf("GetSize = %d bytes", n)
	}
}
