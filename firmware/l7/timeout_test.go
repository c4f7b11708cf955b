// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// Configured time-outs that a test waits for.
const (
	soon  = 60 * time.Millisecond
	ample = 10 * soon // where something has to come in time
)

// large is more than the sockets on a way can hold.
var large = strings.Repeat("0123456789abcdef", 1<<20)

// TestTimeouts has a row for each phase that can take too long.
func TestTimeouts(t *testing.T) {
	cut := post + "Content-Length: 9\r\n\r\nabc"
	head := "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
	for _, test := range []struct {
		name   string
		set    func(*Timeouts)
		in     string
		script []step
		out    string
		reset  bool
		reason stats.Reason
	}{
		{"head", func(t *Timeouts) { t.ClientHead = ample }, "GET / HTTP/1.1\r\nHo", nil, refusal(408), false, stats.ClientTimeout},
		{"no head at all", func(t *Timeouts) { t.ClientHead = soon }, "", nil, "", false, 0},
		{"idle", func(t *Timeouts) { t.ClientIdle = soon }, get, []step{recv(get), send(okay)}, okay, false, stats.Completed},
		{"next head", func(t *Timeouts) { t.ClientHead = ample }, get + "G", []step{recv(get), send(okay)},
			okay + refusal(408), false, stats.ClientTimeout},
		{"body", func(t *Timeouts) { t.ClientBody = soon }, cut, []step{recv(cut), recvEnd}, refusal(408), false, stats.ClientTimeout},
		{"body after an early answer", func(t *Timeouts) { t.ClientBody = ample }, cut,
			[]step{recv(cut), send(head + "h"), recvEnd}, strings.TrimSuffix(head, "\r\n") + "Connection: close\r\n\r\nh", true, stats.ClientTimeout},
		{"server head", func(t *Timeouts) { t.ServerHead = soon }, get, []step{recv(get), recvEnd}, bare(504), false, stats.ServerTimeout},
		{"half a server head", func(t *Timeouts) { t.ServerHead = ample }, get,
			[]step{recv(get), send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20"), recvEnd},
			"HTTP/1.1 100 Continue\r\n\r\n" + bare(504), false, stats.ServerTimeout},
		{"server body", func(t *Timeouts) { t.ServerBody = soon }, get, []step{recv(get), send(head + "abc"), recvEnd},
			head + "abc", true, stats.ServerTimeout},
		{"server body that was spliced", func(t *Timeouts) { t.ServerBody = soon }, get,
			[]step{recv(get), send("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + large[:50_000]), recvEnd},
			"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + large[:50_000], true, stats.ServerTimeout},
		{"tunnel", func(t *Timeouts) { t.Tunnel = soon }, upgrade, []step{recv(upgrade), send(switched + "hi"), recvEnd},
			switched + "hi", true, stats.TunnelIdle},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOrigin(t, test.script)
			b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
				plain(s)
				s.Retries = 0
				test.set(&s.Timeouts)
			})
			c := b.dial()
			c.send(test.in)
			if strings.HasSuffix(test.out, bare(504)) {
				c.expect(strings.TrimSuffix(test.out, bare(504)))
				c.expectOwn(bare(504))
			} else if got, broken := c.rest(); broken != test.reset || got != test.out {
				t.Errorf("client: reset %v, %s, want %v, %s", broken, quote(got), test.reset, quote(test.out))
			}
			if n := b.slot().Aborts[test.reason].Value(); n != 1 && test.reason != 0 {
				t.Errorf("ended by %v = %d, want 1", test.reason, n)
			}
			c.Close()
			b.noneLeft()
		})
	}
}

const (
	upgrade  = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)

// quietly sends what nobody may ever take.
func (c *client) quietly(s string) { _, _ = c.Write([]byte(s)) }

func TestServerThatDoesNotReadExpires(t *testing.T) {
	done := make(chan struct{})
	o := newOrigin(t, []step{await(done), hangUp})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
		plain(s)
		s.Timeouts.ServerHead, s.Timeouts.ClientBody = soon, time.Hour
	})
	c := b.dial()
	go c.quietly(post + "Content-Length: 16777216\r\n\r\n" + large)
	if got := c.head(); !strings.HasPrefix(got, "HTTP/1.1 504") {
		t.Errorf("answer %q, want 504", got)
	}
	c.Close()
	close(done)
	b.noneLeft()
}

func TestClientThatDoesNotReadExpires(t *testing.T) {
	for _, head := range []string{"Content-Length: 67108864\r\n\r\n", "\r\n"} { // spliced, and as chunks
		gone := make(chan struct{}, 1)
		big := func(c *originConn) error {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n" + head + strings.Repeat(large, 4))) // until the box gives up
			gone <- struct{}{}
			return hangUp(c)
		}
		o := newOrigin(t, []step{recv(get), big})
		b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
			plain(s)
			s.Timeouts.ClientSend, s.Timeouts.ServerBody = soon, time.Hour
		})
		c := b.dial()
		c.send(get)
		select {
		case <-gone:
		case <-time.After(patience):
			t.Fatal("the box waits for a client that does not read")
		}
		if n := b.slot().Aborts[stats.ClientTimeout].Value(); n != 1 {
			t.Errorf("ended by a slow client = %d, want 1: %v", n, b.svc.Stats.Sum().Aborts)
		}
		c.Close()
		b.noneLeft()
	}
}

// A listening socket whose queue is full leaves a connection attempt without an
// answer.
func TestConnectTimeout(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	full, err := net.Dial("tcp", localAddr(fd).String())
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	b := newBox(t, []pool.MemberConfig{member("m", localAddr(fd))}, func(s *Service) {
		plain(s)
		s.Retries = 0
		s.Timeouts.Connect = soon
	})
	c := b.dial()
	c.send(get)
	c.expectOwn(bare(504))
	if n := b.slot().Aborts[stats.ConnectTimeout].Value(); n != 1 {
		t.Errorf("ended by a connect time-out = %d, want 1", n)
	}
	c.Close()
	b.noneLeft()
}

func localAddr(fd int) net.Addr { return net.TCPAddrFromAddrPort(reactor.LocalAddr(fd)) }
