// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/stats"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// A step is one thing that an origin does on a connection.
type step func(*originConn) error

// An originConn is a connection that the box made to an origin.
type originConn struct {
	*net.TCPConn
	n int // of the origin's connections, from 0
}

// An origin plays scripts: one for each connection, in the order in which they
// come. After its script a connection stays open until the box closes it.
type origin struct {
	t       testing.TB
	ln      *net.TCPListener
	scripts [][]step
	wg      sync.WaitGroup

	mu     sync.Mutex // guards what follows
	conns  []*originConn
	played int // connections whose script has come to its end
	closed int // connections that the box has closed after that
}

// newOrigin starts an origin. Connections beyond the scripts play the last one.
func newOrigin(t testing.TB, scripts ...[]step) *origin {
	t.Helper()
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{t: t, ln: ln, scripts: scripts}
	o.wg.Go(o.serve)
	t.Cleanup(o.stop)
	return o
}

// stop closes what the origin has open, when each script that was begun has come
// to its end.
func (o *origin) stop() {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		o.mu.Lock()
		left := len(o.conns) - o.played
		o.mu.Unlock()
		if left == 0 || o.t.Failed() {
			break
		}
		if time.Now().After(end) {
			o.t.Errorf("origin: %d scripts did not come to their end", left)
			break
		}
	}
	o.ln.Close()
	o.mu.Lock()
	for _, c := range o.conns {
		c.Close()
	}
	o.mu.Unlock()
	o.wg.Wait()
}

func (o *origin) serve() {
	for {
		c, err := o.ln.AcceptTCP()
		if err != nil {
			return
		}
		o.mu.Lock()
		oc := &originConn{TCPConn: c, n: len(o.conns)}
		o.conns = append(o.conns, oc)
		o.mu.Unlock()
		o.wg.Go(func() { o.play(oc) })
	}
}

func (o *origin) play(c *originConn) {
	defer c.Close()
	script := o.scripts[min(c.n, len(o.scripts)-1)]
	for i, s := range script {
		err := s(c)
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			o.t.Errorf("origin: connection %d, step %d: %v", c.n, i, err)
			break
		}
	}
	o.mu.Lock()
	o.played++
	o.mu.Unlock()
	n, err := io.Copy(io.Discard, c)
	if errors.Is(err, net.ErrClosed) {
		return
	}
	if n > 0 {
		o.t.Errorf("origin: connection %d: %d bytes behind the script", c.n, n)
	}
	o.mu.Lock()
	o.closed++
	o.mu.Unlock()
}

// taken returns how many connections the box has made and how many of these it
// has closed after their script.
func (o *origin) taken() (made, closed int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.conns), o.closed
}

// recv expects exactly these bytes.
func recv(want string) step {
	return func(c *originConn) error { return expectBytes(c.TCPConn, want) }
}

// recvEnd expects that the box ends its sending side, or the connection.
func recvEnd(c *originConn) error {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	n, err := io.Copy(io.Discard, c)
	if n != 0 {
		return errors.New("bytes where the end was expected")
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// recvReset expects that the box resets the connection.
func recvReset(c *originConn) error {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if n, err := io.Copy(io.Discard, c); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("%d bytes and %v where a reset was expected", n, err)
	}
	return nil
}

func send(s string) step {
	return func(c *originConn) error {
		_, err := io.WriteString(c, s)
		return err
	}
}

// await lets the origin wait for the test.
func await(ch <-chan struct{}) step {
	return func(*originConn) error {
		select {
		case <-ch:
			return nil
		case <-time.After(patience):
			return errors.New("the test did not let go on")
		}
	}
}

// tell lets the test know that the origin has come so far.
func tell(ch chan<- struct{}) step {
	return func(*originConn) error { ch <- struct{}{}; return nil }
}

func endWrite(c *originConn) error { return c.CloseWrite() }
func hangUp(c *originConn) error   { c.Close(); return net.ErrClosed }
func reset(c *originConn) error {
	_ = c.SetLinger(0)
	c.Close()
	return net.ErrClosed
}

// expectBytes reads as many bytes as want has and compares.
func expectBytes(c *net.TCPConn, want string) error {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if string(got[:n]) != want[:n] || err != nil {
		// Show what else is there: it mostly tells what went wrong.
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		more, _ := io.ReadAll(io.LimitReader(c, 300))
		return errors.New("got " + quote(string(got[:n])+string(more)) + ", want " + quote(want) +
			" (" + errText(err) + ")")
	}
	return nil
}

func errText(err error) string {
	if err == nil {
		return "all read"
	}
	return err.Error()
}

func quote(s string) string {
	if len(s) > 600 {
		s = s[:300] + " … " + s[len(s)-300:]
	}
	return "\n" + strings.ReplaceAll(strings.ReplaceAll(s, "\r", "\\r"), "\n", "\\n\n")
}

// A client sends bytes and expects bytes.
type client struct {
	t testing.TB
	*net.TCPConn
}

func (b *box) dial() *client {
	b.t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return &client{b.t, c.(*net.TCPConn)}
}

// send sends each piece in a segment of its own.
func (c *client) send(pieces ...string) {
	c.t.Helper()
	for _, p := range pieces {
		if _, err := io.WriteString(c.TCPConn, p); err != nil {
			c.t.Fatalf("client: send: %v", err)
		}
	}
}

// sendLast sends s and the end of the sending side in one segment.
func (c *client) sendLast(s string) {
	c.t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1)
		})
	}
	if err != nil {
		c.t.Fatalf("client: cork: %v", err)
	}
	c.send(s)
	_ = c.CloseWrite()
}

// expect expects exactly these bytes.
func (c *client) expect(want string) {
	c.t.Helper()
	if err := expectBytes(c.TCPConn, want); err != nil {
		c.t.Fatalf("client: %v", err)
	}
}

// rest reads to the end of the stream, which the box must end within patience;
// broken says that it ended by a reset. Date fields are left out.
func (c *client) rest() (got string, broken bool) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(c.TCPConn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatalf("client: %q, then %v", b, err)
	}
	return date.ReplaceAllString(string(b), ""), err != nil
}

var date = regexp.MustCompile("Date: [^\r]*\r\n")

// head reads to the end of a head. Date fields are left out.
func (c *client) head() string {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	for b := make([]byte, 1); !bytes.HasSuffix(got, []byte("\r\n\r\n")); got = append(got, b[0]) {
		if _, err := c.Read(b); err != nil {
			c.t.Fatalf("client: %q, then %v", got, err)
		}
	}
	return date.ReplaceAllString(string(got), "")
}

// eventually waits until what holds on the loop.
func (b *box) eventually(what string, holds func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; {
		ok := false
		b.do(func() { ok = holds() })
		if ok {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("in vain: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// noneLeft checks that nothing is left of the test's exchanges once its clients
// are gone: no exchange, place on a member, queued request, pipe or buffer.
func (b *box) noneLeft() {
	b.t.Helper()
	b.eventually("client connections end", func() bool { return b.w.conns == 0 })
	b.eventually("exchanges end", func() bool {
		n := int64(0)
		for _, g := range b.gens {
			n += g.Exchanges()
		}
		return n == 0
	})
	b.do(func() {
		for _, m := range b.pool.Load().Members {
			if n := m.Live.Active(); n != 0 {
				b.t.Errorf("member %s: %d active, want 0", m.Name, n)
			}
		}
		slot := b.svc.Stats.Slot(0)
		gauges := []int64{slot.Active.Value(), slot.Waiting.Value(), slot.Connections.Value(),
			slot.TunnelsOpen.Value(), int64(len(b.w.queues)), int64(b.w.bufs.Lent())}
		if slices.ContainsFunc(gauges, func(n int64) bool { return n != 0 }) {
			b.t.Errorf("active, waiting, connections, tunnels, queues, buffers = %v, want 0", gauges)
		}
	})
}

// slot returns the cluster's counters once the loop has ended its turn, and so
// has counted what the test has seen of it.
func (b *box) slot() *stats.ClusterSlot {
	b.do(func() {})
	return b.svc.Stats.Slot(0)
}

// idle returns how many connections to member i wait for use.
func (b *box) idle(i int) (n int) {
	b.do(func() { n = len(b.pool.Upstreams[i].slots[0].idle) })
	return n
}

// descriptors returns how many files the process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}
