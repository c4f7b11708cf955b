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
			return r.up.buf == nil && r.down.buf == nil && r.up.pipe == nil && r.down.pipe == nil && !r.up.bulk && !r.down.bulk && !r.soon
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

func TestSilenceEndsARelayButNotATalk(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo))), func(b *box) {
		b.svc.Timeouts.Tunnel = 500 * time.Millisecond
	})
	c := b.dial()
	io.WriteString(c, "x")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client read %v, want a reset", err)
	}
	b.gone()
	if got := b.totals().Aborts[stats.TunnelIdle]; got != 1 {
		t.Errorf("tunnel_idle %d, want 1", got)
	}
	b.wantLog(`"reason":"tunnel_idle"`)
}

func TestResetAfterTheEndIsSeenThoughNobodySpeaks(t *testing.T) {
	ended, done := make(chan bool), make(chan bool)
	origin := serve(t, func(c *net.TCPConn) {
		io.Copy(io.Discard, c)
		close(ended)
		<-done
	})
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", origin)), nil)
	defer close(done)
	c := b.dial()
	c.CloseWrite()
	<-ended
	c.SetLinger(0)
	c.Close()
	b.gone()
	if got := b.totals().Aborts[stats.ClientAbort]; got != 1 {
		t.Errorf("client_abort %d, want 1", got)
	}
}

func TestTalkKeepsARelayAlive(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo))), func(b *box) {
		b.svc.Timeouts.Tunnel = time.Second
	})
	c := b.dial()
	for end := time.Now().Add(1300 * time.Millisecond); time.Now().Before(end); {
		io.WriteString(c, "x")
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
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
