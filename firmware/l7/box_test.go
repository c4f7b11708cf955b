// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/balance"
	"evener/firmware/http1"
	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A box is one worker on real sockets of 127.0.0.1, serving one cluster.
type box struct {
	t     testing.TB
	addr  string
	port  *Port
	pool  *Pool
	svc   *Service
	w     *Worker
	loop  *reactor.Loop
	views int
	gens  []*Generation
	stop  func()
}

// newBox starts a worker that sends everything to the members, as changed by
// tune, and stops it when the test ends.
func newBox(t testing.TB, members []pool.MemberConfig, tune func(*Service)) *box {
	t.Helper()
	loop, err := reactor.NewLoop(0)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("EVENER_TEST_LOG") != "" {
		log = slog.Default()
	}
	b := &box{t: t, loop: loop, port: &Port{}}
	b.w = NewWorker(loop, Config{Loops: 1, Engine: stats.NewEngine(1).Slot(0)}, log)
	b.pool = b.newPool("pool", members)
	b.svc = &Service{
		Cluster: "c", Via: true, RequestID: true, Upgrade: true, Retries: 2,
		HTTP:    http1.Options{MaxHead: 16 << 10},
		Answers: http1.Options{MaxHead: 16 << 10},
		Timeouts: Timeouts{ClientHead: 10 * time.Second, ClientIdle: 60 * time.Second,
			Queue: 5 * time.Second, Connect: 5 * time.Second, ServerHead: 60 * time.Second},
		Stats: stats.NewCluster("c", 1),
	}
	b.svc.Default = b.route("", b.pool, balance.RoundRobin)
	if tune != nil {
		tune(b.svc)
	}
	fd, addr := listenTest(t)
	b.addr = addr
	b.start(fd)
	return b
}

func (b *box) newPool(name string, members []pool.MemberConfig) *Pool {
	p := &Pool{Queue: 16, Pool: pool.New(pool.Config{Name: name, Members: members, Loops: 1,
		Wake: func(int) { b.loop.Post(b.w.ServeQueues) }})}
	for _, m := range members {
		up := NewUpstream(m.Addr, 1)
		up.Mux, up.Idle, up.Stats = true, 64, stats.NewMember(name, m.Name, 1)
		p.Upstreams = append(p.Upstreams, up)
	}
	return p
}

func (b *box) route(rule string, p *Pool, policy balance.Policy) *Route {
	r := &Route{Rule: rule, Pool: p, TCPMux: true,
		View: balance.NewView(b.views, policy, p.Load())}
	b.views++
	p.OnChange(r.View.Refresh)
	return r
}

func (b *box) start(fd int) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.loop.Run(ctx); err != nil {
			b.t.Error(err)
		}
	})
	b.do(func() {
		b.use(b.svc)
		if err := b.w.Listen(b.port, fd); err != nil {
			b.t.Error(err)
		}
	})
	b.stop = sync.OnceFunc(func() {
		if !b.t.Failed() {
			b.do(b.w.CloseAll)
			b.noneLeft()
		}
		b.do(func() {
			b.w.Drain()
			b.w.CloseAll()
			b.w.Forget(b.pool.Upstreams)
		})
		cancel()
		wg.Wait()
		unix.Close(fd)
	})
	b.t.Cleanup(b.stop)
}

// use makes svc what the box serves, as a new generation. It runs on the loop.
func (b *box) use(svc *Service) {
	g := NewGeneration(uint64(len(b.gens)+1), 1, []Binding{{b.port, svc}})
	b.gens = append(b.gens, g)
	b.w.Use(g)
}

// do runs f on the loop and waits for it.
func (b *box) do(f func()) {
	done := make(chan struct{})
	b.loop.Post(func() { f(); close(done) })
	<-done
}

func listenTest(t testing.TB) (fd int, addr string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1024); err != nil {
		t.Fatal(err)
	}
	return fd, reactor.LocalAddr(fd).String()
}

// member makes a member's configuration from a listener's address.
func member(name string, a net.Addr) pool.MemberConfig {
	return pool.MemberConfig{Name: name, Addr: netip.MustParseAddrPort(a.String()), Weight: 100, TCPMux: true}
}
