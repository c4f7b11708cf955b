// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"evener/firmware/balance"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

// noise returns n bytes that differ from seed to seed.
func noise(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	b := make([]byte, n)
	r.Read(b)
	return b
}

func TestRelayCarriesEveryByteBothWays(t *testing.T) {
	sizes := []int{0, 1, 100, 16383, 16384, 16385, 200_000, 12 << 20}
	var mu sync.Mutex
	sums := map[[32]byte]bool{}
	origin := serve(t, func(c *net.TCPConn) {
		// It reads to the end and only then answers, as much again.
		b, err := io.ReadAll(c)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		sums[sha256.Sum256(b)] = true
		mu.Unlock()
		for part := bytes.Clone(b); len(part) > 0; {
			n := min(len(part), 1+len(part)/3)
			c.Write(part[:n])
			part = part[n:]
		}
	})
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", origin)), nil)
	for i, n := range sizes {
		c := b.dial()
		sent := noise(uint64(i), n)
		for part := sent; len(part) > 0; {
			k := min(len(part), 1+rand.IntN(300_000))
			if _, err := c.Write(part[:k]); err != nil {
				t.Fatal(err)
			}
			part = part[k:]
		}
		c.CloseWrite()
		got, err := io.ReadAll(c)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		mu.Lock()
		whole := sums[sha256.Sum256(sent)]
		mu.Unlock()
		if !bytes.Equal(got, sent) || !whole {
			t.Errorf("%d bytes: %d came back, not the same", n, len(got))
		}
	}
	b.gone()
	total := uint64(0)
	for _, n := range sizes {
		total += uint64(n)
	}
	sum, live := b.totals(), b.svc.Default.Pool.Load().Members[0].Live.Sum()
	if sum.BytesIn != total || sum.BytesOut != total || live.BytesIn != total || live.BytesOut != total {
		t.Errorf("counted %d in, %d out of the cluster, %d in, %d out of the member; want %d", sum.BytesIn, sum.BytesOut,
			live.BytesIn, live.BytesOut, total)
	}
	if sum.Accepted != uint64(len(sizes)) || sum.Connections != 0 || sum.Aborts[stats.Completed] != uint64(len(sizes)) {
		t.Errorf("accepted %d, open %d, completed %d; want %d, 0, %d", sum.Accepted, sum.Connections,
			sum.Aborts[stats.Completed], len(sizes), len(sizes))
	}
	if live.Active != 0 || live.Open != 0 || live.Picked != uint64(len(sizes)) || live.Answered != uint64(len(sizes)-1) {
		t.Errorf("member has %+v", live)
	}
	b.wantLog(`"protocol":"TCP"`, `"reason":"completed"`, `"bytes_in":12582912`, `"bytes_out":12582912`, `"member":"a"`)
}

func TestRelayStreamsBothWaysAtOnceUnderBackPressure(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo))), nil)
	c := b.dial()
	sent := noise(9, 40<<20)
	go func() {
		c.Write(sent)
		c.CloseWrite()
	}()
	// Nothing is read until the relay is stuck: its memory is bounded by then.
	b.eventually("the relay is stuck", func() bool {
		r := b.w.relays.next
		return r != &b.w.relays && !r.server.writable || r != &b.w.relays && !r.client.writable
	})
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes of %d came back, err %v", len(got), len(sent), err)
	}
	b.gone()
}

func TestIdleRelayHoldsNoBuffer(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo))), nil)
	c := b.dial()
	for _, n := range []int{100, 1 << 20} {
		go c.Write(make([]byte, n))
		if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		b.eventually("the relay is idle", func() bool {
			r := b.w.relays.next
			return r.up.buf == nil && r.down.buf == nil && r.up.pipe == nil && r.down.pipe == nil && !r.soon
		})
	}
}

func TestEndOfOneDirectionLeavesTheOther(t *testing.T) {
	origin := serve(t, func(c *net.TCPConn) {
		io.WriteString(c, "bye\n")
		c.CloseWrite()
		b, _ := io.ReadAll(c)
		if string(b) != "after the end" {
			t.Errorf("server read %q", b)
		}
	})
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", origin)), nil)
	c := b.dial()
	if got, err := io.ReadAll(c); err != nil || string(got) != "bye\n" {
		t.Fatalf("read %q, %v", got, err)
	}
	io.WriteString(c, "after the end")
	c.CloseWrite()
	b.gone()
	if got := b.totals().Aborts[stats.Completed]; got != 1 {
		t.Errorf("completed %d, want 1", got)
	}
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func TestResetOfTheServerReachesTheClient(t *testing.T) {
	origin := serve(t, func(c *net.TCPConn) {
		line(t, c)
		c.SetLinger(0)
	})
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", origin)), nil)
	c := b.dial()
	io.WriteString(c, "go\n")
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client read %v, want a reset", err)
	}
	b.gone()
	if got := b.totals().Aborts[stats.ServerReset]; got != 1 {
		t.Errorf("server_reset %d, want 1", got)
	}
	if got := b.svc.Default.Pool.Stats[0].Sum().Errors[stats.ErrReset]; got != 1 {
		t.Errorf("errors of the member %d, want 1", got)
	}
}

func TestResetOfTheClientReachesTheServer(t *testing.T) {
	for _, ended := range []bool{false, true} { // the client had ended its side before
		seen := make(chan error, 1)
		origin := serve(t, func(c *net.TCPConn) {
			line(t, c)
			if ended {
				c.Read(make([]byte, 1)) // the end
				io.WriteString(c, "x")
				for {
					if _, err := io.WriteString(c, strings.Repeat("x", 1000)); err != nil {
						seen <- err
						return
					}
				}
			}
			_, err := c.Read(make([]byte, 1))
			seen <- err
		})
		b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", origin)), nil)
		c := b.dial()
		io.WriteString(c, "go\n")
		b.eventually("the line has gone", func() bool { return b.w.relays.next.in == 3 })
		if ended {
			c.CloseWrite()
			c.Read(make([]byte, 1))
		}
		c.SetLinger(0)
		c.Close()
		if err := <-seen; !isReset(err) {
			t.Errorf("ended %v: server saw %v, want a reset", ended, err)
		}
		b.gone()
		if got := b.totals().Aborts[stats.ClientAbort]; got != 1 {
			t.Errorf("ended %v: client_abort %d, want 1", ended, got)
		}
	}
}

func TestConnectFailureIsTriedOnAnotherMember(t *testing.T) {
	list := members(member("dead", refused(t)), member("alive", serve(t, say("alive"))))
	b := newBox(t, "tcp", "127.0.0.1:0", list, nil)
	for range 4 {
		if got := line(t, b.dial()); got != "alive" {
			t.Errorf("got %q", got)
		}
	}
	sum := b.totals()
	if sum.Retries == 0 || sum.ConnectFailures != sum.Retries {
		t.Errorf("retries %d, connect failures %d; want as many, and some", sum.Retries, sum.ConnectFailures)
	}
	if got := b.svc.Default.Pool.Stats[0].Sum().Errors[stats.ErrConnect]; got != sum.Retries {
		t.Errorf("errors of the dead member %d, want %d", got, sum.Retries)
	}
}

func TestRetriesAreBounded(t *testing.T) {
	list := members(member("a", refused(t)), member("b", refused(t)), member("c", refused(t)))
	b := newBox(t, "tcp", "127.0.0.1:0", list, func(b *box) { b.svc.Retries = 1 })
	if err := b.failing(); !isReset(err) {
		t.Errorf("client got %v, want a reset", err)
	}
	b.gone()
	sum := b.totals()
	if sum.Retries != 1 || sum.ConnectFailures != 2 || sum.Aborts[stats.ConnectFailed] != 1 {
		t.Errorf("retries %d, failures %d, connect_failed %d; want 1, 2, 1", sum.Retries, sum.ConnectFailures,
			sum.Aborts[stats.ConnectFailed])
	}
	b.wantLog(`"reason":"connect_failed"`, `"retries":1`, `"member":"`)
}

func TestNoMemberEndsTheConnection(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", refused(t))), nil)
	b.svc.Default.Pool.SetHealth(0, pool.Down, "", time.Now())
	if err := b.failing(); !isReset(err) {
		t.Errorf("client got %v, want a reset", err)
	}
	b.gone()
	if got := b.totals().Aborts[stats.NoMember]; got != 1 {
		t.Errorf("no_member %d, want 1", got)
	}
}

func TestSilenceEndsARelayButNotATalk(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo))), func(b *box) {
		b.svc.Timeouts.Tunnel = 50 * time.Millisecond
	})
	c := b.dial()
	io.WriteString(c, "x")
	io.ReadFull(c, make([]byte, 1))
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client read %v, want a reset", err)
	}
	b.gone()
	if got := b.totals().Aborts[stats.TunnelIdle]; got != 1 {
		t.Errorf("tunnel_idle %d, want 1", got)
	}
	b.wantLog(`"reason":"tunnel_idle"`)
}

func TestFullMembersMakeClientsWait(t *testing.T) {
	m := member("a", serve(t, say("a")))
	m.MaxConnections = 1
	b := newBox(t, "tcp", "127.0.0.1:0", members(m), func(b *box) { b.svc.Default.Pool.Queue = 2 })
	first := b.dial()
	line(t, first)
	second, third := b.dial(), b.dial()
	b.eventually("two wait", func() bool { return b.totals().Waiting == 2 })
	if err := b.failing(); !isReset(err) {
		t.Errorf("the one too many got %v, want a reset", err)
	}
	first.Close()
	line(t, second)
	if got := b.totals().Waiting; got != 1 {
		t.Errorf("%d wait, want 1", got)
	}
	second.SetLinger(0)
	second.Close()
	line(t, third)
	third.Close()
	b.gone()
	sum := b.totals()
	if sum.Queued != 2 || sum.Waiting != 0 || sum.Aborts[stats.QueueFull] != 1 {
		t.Errorf("queued %d, waiting %d, queue_full %d; want 2, 0, 1", sum.Queued, sum.Waiting, sum.Aborts[stats.QueueFull])
	}
}

func TestQueueTimeoutAndDepartureFreeThePlace(t *testing.T) {
	m := member("a", serve(t, say("a")))
	m.MaxConnections = 1
	b := newBox(t, "tcp", "127.0.0.1:0", members(m), func(b *box) { b.svc.Timeouts.Queue = 50 * time.Millisecond })
	first := b.dial()
	line(t, first)
	if err := b.failing(); !isReset(err) {
		t.Errorf("the one that waited got %v, want a reset", err)
	}
	b.eventually("the queue is empty", func() bool { return b.totals().Waiting == 0 })
	b.do(func() { b.svc.Timeouts.Queue = time.Hour })
	gone := b.dial()
	b.eventually("one waits", func() bool { return b.totals().Waiting == 1 })
	gone.SetLinger(0)
	gone.Close()
	b.eventually("the queue is empty", func() bool { return b.totals().Waiting == 0 })
	last := b.dial()
	b.eventually("one waits", func() bool { return b.totals().Waiting == 1 })
	first.Close()
	line(t, last)
	sum := b.totals()
	if sum.QueueTimeouts != 1 || sum.Aborts[stats.QueueTimeout] != 1 || sum.Aborts[stats.ClientAbort] != 1 {
		t.Errorf("queue timeouts %d, queue_timeout %d, client_abort %d; want 1, 1, 1", sum.QueueTimeouts,
			sum.Aborts[stats.QueueTimeout], sum.Aborts[stats.ClientAbort])
	}
}

func TestConnectionLimitLeavesClientsInTheBacklog(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, say("a")))), func(b *box) {
		b.svc.Limits.Connections = 1
	})
	first, second := b.dial(), b.dial()
	line(t, first)
	b.eventually("the listener pauses", func() bool { return b.w.listeners[b.fd].paused })
	if got := b.totals().Accepted; got != 1 {
		t.Errorf("accepted %d, want 1", got)
	}
	first.Close()
	line(t, second)
}

func TestAbortServerResetsTheServerAtTheClientsEnd(t *testing.T) {
	for _, abort := range []bool{false, true} {
		seen := make(chan error, 1)
		origin := serve(t, func(c *net.TCPConn) {
			_, err := c.Read(make([]byte, 1))
			seen <- err
		})
		b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", origin)), func(b *box) { b.svc.AbortServer = abort })
		b.dial().CloseWrite()
		if err := <-seen; isReset(err) != abort {
			t.Errorf("abort_server %v: server saw %v", abort, err)
		}
		b.gone()
	}
}

func TestSourceStaysWithItsMember(t *testing.T) {
	list := members(member("a", serve(t, say("a"))), member("b", serve(t, say("b"))))
	b := newBox(t, "tcp", "127.0.0.1:0", list, func(b *box) { b.svc.Default.Persist = keepBySource(list) })
	first := line(t, b.dial())
	for range 5 {
		if got := line(t, b.dial()); got != first {
			t.Errorf("client went to %s after %s", got, first)
		}
	}
	i := strings.Index("ab", first)
	b.svc.Default.Pool.SetHealth(i, pool.Down, "", time.Now())
	other := line(t, b.dial())
	b.svc.Default.Pool.SetHealth(i, pool.Up, "", time.Now())
	if got := line(t, b.dial()); other == first || got != other {
		t.Errorf("after %s went down the client got %s, then %s", first, other, got)
	}
	sum := b.totals()
	if sum.PersistNew != 1 || sum.PersistValid != 6 || sum.PersistForeign != 1 {
		t.Errorf("persistence: %d new, %d valid, %d foreign; want 1, 6, 1", sum.PersistNew, sum.PersistValid, sum.PersistForeign)
	}
}

func TestSourceHashSendsAClientToOneMember(t *testing.T) {
	list := members(member("a", serve(t, say("a"))), member("b", serve(t, say("b"))), member("c", serve(t, say("c"))))
	b := newBox(t, "tcp", "127.0.0.1:0", list, func(b *box) {
		b.svc.Default = b.route(b.svc.Default.Pool, balance.SourceHash)
		b.svc.Default.Hash = true
	})
	first := line(t, b.dial())
	for range 5 {
		if got := line(t, b.dial()); got != first {
			t.Errorf("client went to %s after %s", got, first)
		}
	}
}

func TestRangeKeepsTheDistanceOfThePort(t *testing.T) {
	// Two servers on neighbouring ports; the member is the first of them.
	var list []pool.MemberConfig
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		next, err := net.Listen("tcp", (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.Addr().(*net.TCPAddr).Port + 1}).String())
		if err != nil {
			l.Close()
			continue
		}
		for i, l := range []net.Listener{l, next} {
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					io.WriteString(c, string("01"[i])+"\n")
					c.Close()
				}
			}()
		}
		list = members(member("a", l.Addr()))
		break
	}
	if list == nil {
		t.Fatal("no two free ports in a row")
	}
	b := newBox(t, "tcp", "127.0.0.1:0", list, nil)
	fd, addr := listenTest(t, "tcp", "127.0.0.1:0")
	second := &Port{ID: 1}
	b.use(b.svc, b.port, second)
	b.do(func() {
		if err := b.w.Listen(second, fd); err != nil {
			t.Error(err)
		}
	})
	if got := line(t, b.dial()); got != "0" {
		t.Errorf("the first port led to server %s", got)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := line(t, c); got != "1" {
		t.Errorf("the second port led to server %s", got)
	}
}
