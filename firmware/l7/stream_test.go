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
	b.eventually("a reader holds the box back", func() bool {
		return b.w.conns == 1 && reader(b.w.clients.next)
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
	for range 20 {
		c := b.dial()
		sent := make(chan struct{})
		go func() {
			c.quietly(post + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(large)) + large[:1<<20])
			close(sent)
		}()
		<-sent
		_ = c.CloseWrite()
		if got, broken := c.rest(); got != refusal(502) || broken {
			t.Fatalf("answer %q, reset %v, want %q", got, broken, refusal(502))
		}
		c.Close()
	}
	b.noneLeft()
}

// A client that ends its sending side and goes on reading gets its answer; so
// does a member whose client has gone, unless abort_server says otherwise.
func TestClientThatEndsItsSide(t *testing.T) {
	for _, abort := range []bool{false, true} {
		got, done := make(chan struct{}), make(chan struct{})
		after := []step{recv(get), tell(got), await(done), send(okay)}
		if abort {
			after = []step{recv(get), tell(got), recvEnd}
		}
		o := newOrigin(t, append([]step{recv(get), send("HTTP/1.1 200 OK\r\n" + chunk + chunked(large, 50_000))}, after...))
		b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
			plain(s)
			s.Default.AbortServer = abort
		})
		c := b.dial()
		c.send(field("Connection: close"))
		if !abort {
			_ = c.CloseWrite() // with abort_server, nobody can tell that from having left
		}
		if s, err := content(skipHead(c)); err != nil || s != large {
			t.Errorf("half-closed client got %d bytes, %v, want %d", len(s), err, len(large))
		}
		c = b.dial()
		c.send(get)
		<-got
		c.Close()
		if !abort {
			b.do(func() {})
			close(done)
		}
		b.noneLeft()
		if got, want := b.idle(0) == 1, !abort; got != want {
			t.Errorf("abort_server %v: member's connection kept = %v, want %v", abort, got, want)
		}
	}
}

func skipHead(c *client) io.Reader { c.head(); return c }
