// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/pool"
	"evener/firmware/reactor"
)

// chunked frames s as chunks of at most n bytes.
func chunked(s string, n int) string {
	var b strings.Builder
	for len(s) > 0 {
		k := min(n, len(s))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", k, s[:k])
		s = s[k:]
	}
	return b.String() + "0\r\n\r\n"
}

// content reads a chunked body without trailers to its end.
func content(r io.Reader) (string, error) {
	var b strings.Builder
	br := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := br.ReadString('\n')
		var n int64
		if _, scan := fmt.Sscanf(line, "%x\r\n", &n); err != nil || scan != nil {
			return "", fmt.Errorf("chunk head %q: %v, %v", line, err, scan)
		}
		if _, err = io.CopyN(&b, br, n); err != nil {
			return "", err
		}
		if end, err := br.ReadString('\n'); end != "\r\n" || n == 0 {
			return b.String(), err
		}
	}
}

// A slow reader stops the other side: what the box holds meanwhile is bounded,
// and nothing is lost. Each body goes up or down, spliced or recoded.
func TestSlowReaderHoldsTheOtherSideBack(t *testing.T) {
	closing := "Connection: close\r\n"
	withLength := fmt.Sprintf("Content-Length: %d\r\n", len(large))
	for _, coded := range []bool{false, true} {
		framing, body := withLength+"\r\n", large
		if coded {
			framing, body = chunk, chunked(large, 100_000)
		}
		t.Run(fmt.Sprintf("down, coded %v", coded), func(t *testing.T) {
			o := newOrigin(t, []step{recv(get), send("HTTP/1.1 200 OK\r\n" + framing + body)})
			b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
			c := b.dial()
			c.send(field(strings.TrimSuffix(closing, "\r\n")))
			b.stalled(func(c *clientConn) bool { return !c.writable })
			_ = c.SetReadDeadline(time.Now().Add(patience))
			got := c.head()
			if coded {
				s, err := content(c)
				same(t, s, err)
			} else {
				s, err := io.ReadAll(c)
				same(t, string(s), err)
			}
			if !strings.Contains(got, "200 OK") {
				t.Errorf("head %q", got)
			}
			c.Close()
			b.noneLeft()
		})
		t.Run(fmt.Sprintf("up, coded %v", coded), func(t *testing.T) {
			read := make(chan struct{})
			take := func(c *originConn) error {
				if !coded {
					return expectBytes(c.TCPConn, large)
				}
				_ = c.SetReadDeadline(time.Now().Add(patience))
				s, err := content(c)
				if s != large {
					return fmt.Errorf("body of %d bytes differs, %v", len(s), err)
				}
				return nil
			}
			o := newOrigin(t, []step{recv(post + framing), await(read), take, send(okay)})
			b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
			c := b.dial()
			go c.quietly(post + framing + body)
			b.stalled(func(c *clientConn) bool { return c.x != nil && c.x.s != nil && !c.x.s.writable })
			close(read)
			c.expect(okay)
			c.Close()
			b.noneLeft()
		})
	}
}

func same(t *testing.T, got string, err error) {
	t.Helper()
	if err != nil || got != large {
		t.Errorf("got %d bytes, %v, want the %d that were sent", len(got), err, len(large))
	}
}

// stalled waits until the box waits for a reader, and looks at what it holds.
func (b *box) stalled(reader func(*clientConn) bool) {
	b.t.Helper()
	still := 0 // looks in a row at which nothing moved
	b.eventually("a reader holds the box back", func() bool {
		if still++; b.w.conns != 1 || !reader(b.w.clients.next) {
			still = 0
		}
		return still == 50
	})
	b.do(func() {
		c := b.w.clients.next
		if n := b.w.bufs.Lent(); n > 5 {
			b.t.Errorf("buffers held = %d, want at most 5", n)
		}
		if n := cap(c.out); n > 2*reactor.BufferSize {
			b.t.Errorf("unsent bytes' buffer = %d, want at most two", n)
		}
	})
}

// Interim answers without end do not pile up before a client that does not read.
func TestInterimAnswersAreHeldBackToo(t *testing.T) {
	const hint = "HTTP/1.1 103 Early Hints\r\nX: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n"
	n := len(large) / len(hint)
	o := newOrigin(t, []step{recv(get), send(strings.Repeat(hint, n) + okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(get)
	b.stalled(func(c *clientConn) bool { return !c.writable })
	c.expect(strings.Repeat(hint, n) + okay)
	c.Close()
	b.noneLeft()
}

// A client that is slow to read its answer does not keep the member.
func TestMemberIsFreeOnceItsAnswerIsHeld(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Long: "+strings.Repeat("l", 15000)+"\r\n", 20) +
		"Content-Length: 2\r\n\r\nok"
	o := newOrigin(t, []step{recv(get), send(answer)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
		plain(s)
		s.Answers.MaxHead = 1 << 20
	})
	c := b.dial()
	b.eventually("the client is accepted", func() bool { return b.w.conns == 1 })
	b.do(func() { _ = unix.SetsockoptInt(b.w.clients.next.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4096) })
	c.send(get)
	b.eventually("the member is free", func() bool {
		x := b.w.clients.next.x
		return x != nil && x.own && b.pool.Load().Members[0].Live.Active() == 0
	})
	b.do(func() { _ = unix.SetsockoptInt(b.w.clients.next.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20) })
	c.expect(answer)
	c.Close()
	b.noneLeft()
}

// A client that is still sending when it is refused gets the refusal, not a
// reset.
func TestRefusedUploadGetsItsAnswer(t *testing.T) {
	b := newBox(t, []pool.MemberConfig{member("m", nobody(t))}, plain)
	b.do(func() {
		for fd := range b.w.listeners {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
		}
	})
	c := b.dial()
	b.eventually("the client is accepted", func() bool { return b.w.conns == 1 })
	// All of it is there before the box looks.
	b.do(func() { c.send(post + "Content-Length: 16777216\r\n\r\n" + large[:1<<20]) })
	if got := c.head(); !strings.HasPrefix(refusal(502), got) {
		t.Fatalf("answer %q, want %q", got, refusal(502))
	}
	c.expect("502 Bad Gateway\n")
	c.send(large[:1<<20])
	_ = c.CloseWrite()
	if got, broken := c.rest(); got != "" || broken {
		t.Errorf("then %q, reset %v, want a clean end", got, broken)
	}
	c.Close()
	b.noneLeft()
}

// The same for one that pauses until it has been answered.
func TestRefusedUploadMayGoOn(t *testing.T) {
	b := newBox(t, []pool.MemberConfig{member("m", nobody(t))}, plain)
	c := b.dial()
	c.send(post + "Content-Length: 9\r\n\r\n")
	c.expectOwn(refusal(502))
	b.do(func() {})
	c.send("abc", "def")
	_ = c.CloseWrite()
	if got, broken := c.rest(); got != "" || broken {
		t.Errorf("then %q, reset %v, want a clean end", got, broken)
	}
	c.Close()
	b.noneLeft()
}

// A client that ends its sending side with its request gets its answer. One that
// ends it later has left: its member is free at once, and with abort_server is
// told by a reset.
func TestClientThatEndsItsSide(t *testing.T) {
	for _, how := range []struct{ abort, reset bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
		abort := how.abort
		got := make(chan struct{})
		after := []step{recv(get), tell(got), recvEnd}
		if abort {
			after = []step{recv(get), tell(got), recvReset}
		}
		o := newOrigin(t, append([]step{recv(get), send("HTTP/1.1 200 OK\r\n" + chunk + chunked(large, 50_000))}, after...))
		b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
			plain(s)
			s.Default.AbortServer = abort
		})
		c := b.dial()
		c.sendLast(field("Connection: close"))
		if s, err := content(skipHead(c)); err != nil || s != large {
			t.Errorf("half-closed client got %d bytes, %v, want %d", len(s), err, len(large))
		}
		c = b.dial()
		c.send(get)
		<-got
		b.eventually("it is too late for an end that came with the request", func() bool {
			c := b.w.clients.next
			return c.watched && b.w.loop.Now()-c.x.begun > int64(watchDelay)
		})
		if how.reset {
			_ = c.SetLinger(0)
		}
		c.Close()
		b.noneLeft()
		if n := b.idle(0); n != 0 {
			t.Errorf("%+v: the member's connection was kept", how)
		}
	}
}

func skipHead(c *client) io.Reader { c.head(); return c }

// An exchange that waits for the rest of a chunk's size line holds the request's
// head, and no buffer for an answer that it has not.
func TestWaitingExchangeHoldsOneBuffer(t *testing.T) {
	rest := make(chan struct{})
	o := newOrigin(t, []step{recv(get), send("HTTP/1.1 200 OK\r\n" + chunk + "1"), await(rest), send("\r\nx\r\n0\r\n\r\n")})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(get)
	c.expect("HTTP/1.1 200 OK\r\n" + chunk)
	b.eventually("one buffer is held", func() bool { return b.w.bufs.Lent() == 1 })
	close(rest)
	c.expect("1\r\nx\r\n0\r\n\r\n")
	c.Close()
	b.noneLeft()
}

// Bytes behind a body whose end was spliced are not seen by reading. They must
// not become the answer to the next request.
func TestBytesBehindASplicedBodyPoisonTheConnection(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + large[:40_000]
	got, all := make(chan struct{}), make(chan struct{})
	o := newOrigin(t, []step{recv(get), tell(got), await(all), send(answer + okay)}, []step{recv(get), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(get)
	<-got
	b.do(func() { // all of it is there before the box looks
		close(all)
		fd := b.w.clients.next.x.s.fd
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if n, _ := unix.IoctlGetInt(fd, unix.TIOCINQ); n == len(answer+okay) {
				return
			}
		}
		t.Error("the answer does not fit")
	})
	c.expect(answer)
	if n := b.idle(0); n != 0 {
		t.Errorf("idle connections = %d, want 0", n)
	}
	c.send(get)
	c.expect(okay)
	c.Close()
	b.noneLeft()
}
