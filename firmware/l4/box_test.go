// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/accesslog"
	"evener/firmware/balance"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A box is one worker on real sockets of 127.0.0.1. It serves one cluster.
type box struct {
	t      *testing.T
	w      *Worker
	loop   *reactor.Loop
	svc    *Service
	port   *Port
	fd     int
	addr   string
	views  int
	number uint64
	log    *accesslog.Log
	path   string    // of the access log
	other  chan bool // a second loop is woken
	write  func()    // ends the access log's goroutine
}

// newBox starts a worker that serves svc, whose pool is newPool's, as changed by
// tune. network is "tcp" or "udp".
func newBox(t *testing.T, network, listen string, members []pool.MemberConfig, tune func(*box)) *box {
	t.Helper()
	loop, err := reactor.NewLoop(0)
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, loop: loop, path: filepath.Join(t.TempDir(), "log"), other: make(chan bool, 16)}
	b.w = NewWorker(loop, Config{Loops: 1, Engine: stats.NewEngine(1).Slot(0)}, slog.New(slog.DiscardHandler))
	b.svc = &Service{Cluster: "c", Retries: 2, Stats: stats.NewCluster("c", 1)}
	b.svc.Default = b.route(b.newPool("pool", members), balance.RoundRobin)
	b.fd, b.addr = listenTest(t, network, listen)
	b.port = &Port{UDP: network == "udp", Addr: netip.MustParseAddrPort(b.addr)}
	if tune != nil {
		tune(b)
	}
	b.start()
	return b
}

func (b *box) newPool(name string, members []pool.MemberConfig) *Pool {
	p := &Pool{Queue: 16, Pool: pool.New(pool.Config{Name: name, Members: members, Loops: 2,
		Wake: func(loop int) {
			if loop == 0 {
				b.loop.Post(b.w.ServeQueues)
			} else {
				b.other <- true
			}
		}})}
	for _, m := range members {
		p.Stats = append(p.Stats, stats.NewMember(name, m.Name, 1))
	}
	return p
}

func (b *box) route(p *Pool, policy balance.Policy) *Route {
	r := &Route{Pool: p, View: balance.NewView(b.views, policy, p.Load())}
	b.views++
	p.OnChange(r.View.Refresh)
	return r
}

func (b *box) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	if b.log, err = accesslog.Open(accesslog.Config{Loops: 1, Path: b.path}, slog.New(slog.DiscardHandler)); err != nil {
		b.t.Fatal(err)
	}
	logging, stopLog := context.WithCancel(context.Background())
	var wg, lg sync.WaitGroup
	wg.Go(func() {
		if err := b.loop.Run(ctx); err != nil {
			b.t.Error(err)
		}
	})
	lg.Go(func() {
		if err := b.log.Run(logging); err != nil {
			b.t.Error(err)
		}
	})
	b.write = sync.OnceFunc(func() { stopLog(); lg.Wait() })
	b.do(func() { b.w.UseAccess(b.log) })
	b.use(b.svc, b.port)
	b.do(func() {
		if err := b.w.Listen(b.port, b.fd); err != nil {
			b.t.Error(err)
		}
	})
	b.t.Cleanup(func() {
		b.do(func() {
			b.w.Drain()
			b.w.CloseAll()
		})
		cancel()
		wg.Wait()
		b.write()
		unix.Close(b.fd)
	})
}

// use makes a new generation, in which the ports serve svc as a range.
func (b *box) use(svc *Service, ports ...*Port) *Generation {
	b.number++
	var bindings []Binding
	for i, p := range ports {
		bindings = append(bindings, Binding{Port: p, Service: svc, Offset: uint16(i)})
	}
	g := NewGeneration(b.number, 1, bindings)
	b.do(func() { b.w.Use(g) })
	return g
}

// do runs f on the loop and waits for it.
func (b *box) do(f func()) {
	done := make(chan struct{})
	b.loop.Post(func() { f(); close(done) })
	<-done
}

// eventually waits, on the loop's own time, until cond holds there.
func (b *box) eventually(what string, cond func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		ok := false
		b.do(func() { ok = cond() })
		if ok {
			return
		}
		time.Sleep(time.Millisecond)
	}
	b.t.Fatalf("timeout waiting until %s", what)
}

// open returns how many connections and flows there are.
func (b *box) open() (n int) {
	b.do(func() { n = b.w.Connections() })
	return n
}

// gone waits until no connection is left.
func (b *box) gone() {
	b.t.Helper()
	b.eventually("all connections are closed", func() bool { return b.w.Connections() == 0 })
}

// logged stops the log and returns what it holds.
func (b *box) logged() string {
	b.write()
	text, err := os.ReadFile(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *box) wantLog(words ...string) {
	b.t.Helper()
	text := b.logged()
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Errorf("access log lacks %s:\n%s", w, text)
		}
	}
}

func (b *box) totals() stats.ClusterTotals { return b.svc.Stats.Sum() }

func (b *box) dial() *net.TCPConn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	b.t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// failing connects, and returns the error that comes of connecting or reading.
func (b *box) failing() error {
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = c.Read(make([]byte, 1))
	return err
}

func listenTest(t testing.TB, network, address string) (fd int, addr string) {
	t.Helper()
	a := netip.MustParseAddrPort(address)
	kind, family := unix.SOCK_STREAM, unix.AF_INET
	if network == "udp" {
		kind = unix.SOCK_DGRAM
	}
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(a.Port()), Addr: [4]byte(a.Addr().AsSlice()[:4])}
	if a.Addr().Is6() {
		family, sa = unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, sa); err != nil {
		unix.Close(fd)
		t.Fatal(err)
	}
	if network == "tcp" {
		if err := unix.Listen(fd, 1024); err != nil {
			t.Fatal(err)
		}
	}
	return fd, reactor.LocalAddr(fd).String()
}

// serve is a tcp server whose connections f handles.
func serve(t testing.TB, f func(*net.TCPConn)) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(20 * time.Second))
				f(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr()
}

// echo sends everything back, and its end.
func echo(c *net.TCPConn) {
	// Go would keep pipes of its own for splicing, which look like leaks of ours.
	io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
}

// say is a server that names itself and then echoes.
func say(name string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		io.WriteString(c, name+"\n")
		echo(c)
	}
}

// line reads up to the end of a line.
func line(t testing.TB, c net.Conn) string {
	t.Helper()
	var b []byte
	for one := make([]byte, 1); ; {
		if _, err := c.Read(one); err != nil {
			t.Fatalf("read a line after %q: %v", b, err)
		}
		if one[0] == '\n' {
			return string(b)
		}
		b = append(b, one[0])
	}
}

// refused returns an address at which nobody listens.
func refused(t testing.TB) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr()
}

func member(name string, a net.Addr) pool.MemberConfig {
	return pool.MemberConfig{Name: name, Addr: netip.MustParseAddrPort(a.String()), Weight: 100}
}

func members(list ...pool.MemberConfig) []pool.MemberConfig { return list }

func keepBySource(members []pool.MemberConfig) *Sources {
	s := &Sources{Table: persist.NewSources(persist.SourcesConfig{}), Scope: 1, Bits4: 32, Bits6: 128, Timeout: time.Hour}
	for _, m := range members {
		s.Refs = append(s.Refs, persist.MemberRef("pool", m.Name))
	}
	return s
}

// allocations returns how many objects one call of f makes the process allocate,
// over n of them. It leaves GOMAXPROCS alone: with one, loop and test take turns
// only as fast as the runtime's monitor makes them.
func allocations(n int, f func()) float64 {
	var before, after runtime.MemStats
	f()
	runtime.ReadMemStats(&before)
	for range n {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

// descriptors counts and lists what the process has open.
func descriptors(t testing.TB) (int, string) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n := 0
	for _, e := range list {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || strings.HasPrefix(to, "/proc") {
			continue
		}
		if strings.HasPrefix(to, "socket:") || strings.HasPrefix(to, "pipe:") || strings.HasPrefix(to, "anon_inode:") {
			n++
			fmt.Fprintln(&b, e.Name(), to)
		}
	}
	return n, b.String()
}
