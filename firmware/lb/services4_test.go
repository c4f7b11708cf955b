// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/config"
	"evener/firmware/l4"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// groups is a Sockets with two sockets for each listener, as for two loops.
type groups struct {
	t    *testing.T
	open map[Spec][]int
}

func (g *groups) Acquire(specs []Spec) ([][]int, error) {
	var out [][]int
	for _, s := range specs {
		for len(g.open[s]) < 2 {
			g.open[s] = append(g.open[s], bindShared(g.t, s))
		}
		out = append(out, g.open[s])
	}
	return out, nil
}

func (g *groups) Keep(specs []Spec) error {
	keep := map[Spec]bool{}
	for _, s := range specs {
		keep[s] = true
	}
	for s, fds := range g.open {
		if keep[s] {
			continue
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
		delete(g.open, s)
	}
	return nil
}

func bindShared(t *testing.T, s Spec) int {
	kind := unix.SOCK_STREAM
	if s.Network == "udp" {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: s.Addr.Addr().As4(), Port: int(s.Addr.Port())})
	}
	if err == nil && s.Network == "tcp" {
		err = unix.Listen(fd, 128)
	}
	if err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	return fd
}

// newStreams returns a running balancer of two loops.
func newStreams(t *testing.T) *Balancer { return newRunning(t, Config{Loops: 2}) }

// newRunning returns a running balancer.
func newRunning(t *testing.T, cfg Config) *Balancer {
	t.Helper()
	sockets := &groups{t: t, open: map[Spec][]int{}}
	cfg.Sockets, cfg.Registry = sockets, stats.NewRegistry(stats.Config{Loops: cfg.Loops})
	b, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait(); sockets.Keep(nil) })
	return b
}

// serveText serves a text, with a new number.
func serveText(t *testing.T, b *Balancer, number uint64, text string) error {
	t.Helper()
	cfg, found := config.Parse("box.hcl", []byte(text))
	if found.HasErrors() {
		t.Fatal(found)
	}
	return b.Apply(cfg, number)
}

// freePort returns a port of 127.0.0.1 at which neither tcp nor udp is served,
// and neither is the next.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		fd := bindShared(t, Spec{Network: "tcp", Addr: netip.MustParseAddrPort("127.0.0.1:0")})
		port := int(reactor.LocalAddr(fd).Port())
		unix.Close(fd)
		free := port < 65535
		for _, p := range []int{port, port + 1} {
			c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", p))
			if err != nil {
				free = false
				continue
			}
			c.Close()
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
			if err != nil {
				free = false
				continue
			}
			l.Close()
		}
		if free {
			return port
		}
	}
	t.Fatal("no two free ports in a row")
	return 0
}

// namedTCP is a server that says its name, and namedUDP one that answers with it.
func namedTCP(t *testing.T, addr, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, name+"\n")
				io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}

func namedUDP(t *testing.T, name string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for b := make([]byte, 100); ; {
			_, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo([]byte(name+"\n"), from)
		}
	}()
	return c.LocalAddr().String()
}

// greeting connects, says something and returns the line that comes back, and the
// connection.
func greeting(t *testing.T, network, addr string) (string, net.Conn) {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if network == "udp" {
		c.Write([]byte("x"))
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("%s %s: %v", network, addr, err)
	}
	return strings.TrimSpace(line), c
}

const streamsText = `
server "t" { address = %q }
server "u" { address = %q }
pool "t" {
  member "t" {}
}
pool "u" {
  member "u" {}
}
cluster "t" {
  protocol = "tcp"
  listen = ["127.0.0.1:%d"]
  pool = "t"
}
cluster "u" {
  protocol = "udp"
  listen = ["127.0.0.1:%d"]
  pool = "u"
}
`

func TestStreamsAreServedAndFinishOnTheirGeneration(t *testing.T) {
	b := newStreams(t)
	port := freePort(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	first := fmt.Sprintf(streamsText, namedTCP(t, "127.0.0.1:0", "t1"), namedUDP(t, "u1"), port, port)
	if err := serveText(t, b, 1, first); err != nil {
		t.Fatal(err)
	}
	for range 8 { // on either loop
		if got, _ := greeting(t, "tcp", addr); got != "t1" {
			t.Errorf("tcp is served by %s", got)
		}
		if got, _ := greeting(t, "udp", addr); got != "u1" {
			t.Errorf("udp is served by %s", got)
		}
	}
	if n := b.Busy(); n != 16 {
		t.Errorf("Busy() = %d, want 8 connections and 8 flows", n)
	}
	second := fmt.Sprintf(streamsText, namedTCP(t, "127.0.0.1:0", "t2"), namedUDP(t, "u2"), port, port)
	if err := serveText(t, b, 2, second); err != nil {
		t.Fatal(err)
	}
	if got, _ := greeting(t, "tcp", addr); got != "t2" {
		t.Errorf("tcp is served by %s", got)
	}
	if got, _ := greeting(t, "udp", addr); got != "u2" {
		t.Errorf("udp is served by %s", got)
	}
	gens := b.Generations()
	if len(gens) != 2 || gens[1].Number != 1 || gens[1].Exchanges != 16 || gens[0].Exchanges != 2 {
		t.Errorf("Generations() = %+v", gens)
	}
	if got := b.registry.Cluster("t").Sum().Accepted; got != 9 {
		t.Errorf("accepted %d, want 9", got)
	}
}

func TestAListenerMayChangeItsKind(t *testing.T) {
	b := newStreams(t)
	port := freePort(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	http := fmt.Sprintf(`
responder "r" {
  status = 200
  body = "hello\n"
}
cluster "t" {
  protocol = "http"
  listen = [%q]
  responder = "r"
}
`, addr)
	tcp := fmt.Sprintf(streamsText, namedTCP(t, "127.0.0.1:0", "t1"), namedUDP(t, "u1"), port, port)
	for i, text := range []string{http, tcp, http, tcp} {
		if err := serveText(t, b, uint64(i+1), text); err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		line, err := bufio.NewReader(c).ReadString('\n')
		want := "HTTP/1.1 200"
		if text == tcp {
			want = "t1"
		}
		if err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("generation %d says %q, %v; want %q", i+1, line, err, want)
		}
		c.Close()
	}
}

func TestRangesLeadToRangesOfTheMembers(t *testing.T) {
	b := newStreams(t)
	port, behind := freePort(t), freePort(t)
	for i := range 2 {
		namedTCP(t, fmt.Sprintf("127.0.0.1:%d", behind+i), fmt.Sprint(i))
	}
	text := `
server "s" { address = "127.0.0.1:%d" }
pool "p" {
  member "s" {}
}
cluster "c" {
  protocol = "tcp"
  listen = ["127.0.0.1:%d-%d"]
  pool = "p"
}
`
	if err := serveText(t, b, 1, fmt.Sprintf(text, behind, port, port+1)); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if got, _ := greeting(t, "tcp", fmt.Sprintf("127.0.0.1:%d", port+i)); got != fmt.Sprint(i) {
			t.Errorf("port %d of the range leads to %s", i, got)
		}
	}
}

func TestDrainCoversStreams(t *testing.T) {
	b := newStreams(t)
	port := freePort(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	text := fmt.Sprintf(streamsText, namedTCP(t, "127.0.0.1:0", "t1"), namedUDP(t, "u1"), port, port)
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	_, conn := greeting(t, "tcp", addr)
	greeting(t, "udp", addr)
	b.Drain()
	if n := b.Busy(); n != 2 {
		t.Errorf("Busy() = %d, want 2", n)
	}
	conn.Close()
	for deadline := time.Now().Add(10 * time.Second); b.Busy() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("Busy() = %d, want 0", b.Busy())
		}
	}
}

func TestTCPClustersAreToldTheirTimeouts(t *testing.T) {
	b := newStreams(t)
	text := fmt.Sprintf(`
server "t" { address = %q }
pool "t" {
  queue = 7
  member "t" {}
}
cluster "t" {
  protocol     = "tcp"
  listen       = ["127.0.0.1:%d"]
  pool         = "t"
  retries      = 4
  abort_server = true
  sni "a.example.com" { pool = "t" }
  timeouts {
    client_head = "1s"
    queue       = "2s"
    connect     = "3s"
    tunnel      = "4s"
  }
  limits { connections = 5 }
}
`, namedTCP(t, "127.0.0.1:0", "t1"), freePort(t))
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	s := b.cur.streamServices["t"]
	want := l4.Timeouts{ClientHead: time.Second, Queue: 2 * time.Second, Connect: 3 * time.Second, Tunnel: 4 * time.Second}
	if s.Timeouts != want || !s.AbortServer || s.Retries != 4 || s.Limits.Connections != 5 || s.Default.Pool.Queue != 7 {
		t.Errorf("the service has %+v, abort_server %v, retries %d, %+v, queue %d",
			s.Timeouts, s.AbortServer, s.Retries, s.Limits, s.Default.Pool.Queue)
	}
}
