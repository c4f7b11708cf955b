// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"evener/firmware/accesslog"
	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/health"
	"evener/firmware/l4"
	"evener/firmware/l7"
	"evener/firmware/persist"
	"evener/firmware/reactor"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// Config is what a Balancer needs. Fields without a default are required.
type Config struct {
	Loops          int // 1; event loops
	MaxConnections int // 0: no limit; client connections of all clusters

	Sockets  Sockets          // holds the listening sockets
	State    State            // keeps the operator's runtime states, and who is down
	Keys     []persist.Key    // of persistence cookies, the present one first
	Journal  *persist.Journal // nil: records of sources do not survive a restart
	Registry *stats.Registry

	Vault        Vault  // nil: there are no certificates but those that live as long as the process
	TicketSecret []byte // that keys of TLS session tickets derive from; empty: no session is resumed
	Host         string // name of the box, for certificates that it signs itself; evener

	Changed func(Change) // told when a member goes down or up, or is drained; must not block; nil: nobody
}

// A Change is something that happened to a member.
type Change struct {
	Pool, Member string
	Kind         ChangeKind
	Reason       string    // of probes or of the order
	By           string    // who ordered it
	Until        time.Time // of a drain
	Weight       int       // in force from now on
}

// A ChangeKind says what happened to a member.
type ChangeKind uint8

// The kinds of changes.
const (
	WentDown ChangeKind = iota + 1
	CameUp              // after it was down
	Drained             // its drain has ended
	Quiesced            // this and the following by an order
	Draining
	Disabled
	Enabled
	Weighted
	Cut // what was open to it is closed; it is disabled
)

// A Spec names a listener that the balancer needs.
type Spec struct {
	Network string // "tcp" or "udp"
	Addr    netip.AddrPort
	Group   string // failover group that has the address, which the box may not have now; empty: none
}

// Sockets holds listening sockets. Acquire returns, for each spec, one
// descriptor for each loop or more; the same spec gives the same sockets until
// Keep leaves it out. Of a group that is not active it may return none, until
// Rebind asks again. An error changes nothing.
type Sockets interface {
	Acquire(specs []Spec) ([][]int, error)
	Keep(specs []Spec) error
}

// State is a small durable store: a value is written whole or not at all.
type State interface {
	Get(key string, v any) (bool, error)
	Put(key string, v any) error
}

// A Balancer serves one configuration at a time. Its methods may be called from
// any goroutine, once Run has begun.
type Balancer struct {
	cfg      Config
	log      *slog.Logger
	registry *stats.Registry
	loops    []*unit
	checker  *health.Checker
	sources  *persist.Sources
	started  chan struct{} // closed when the loops turn
	stopped  chan struct{} // closed when they do no more

	mu        sync.Mutex // serialises Apply and the operator's runtime operations; guards what follows
	cur       *generation
	old       []*generation
	ports     map[Spec]*port
	upstreams map[upstreamKey]*l7.Upstream
	viewIDs   map[viewKey]int
	admin     adminState
	tell      func(RuntimeState) // other boxes what the operator decides; nil: there are none
	node      string             // name of this box among them
	verdicts  verdicts
	active    map[string]bool   // failover groups that this box serves; nil: nobody has said
	away      map[*l7.Port]bool // those of other groups
	draining  bool
	released  bool // another process owns the durable state now

	stopProbes context.CancelFunc

	gate       *tlsconn.Gate // of all handshakes
	challenges certs.Challenges
	issuers    map[string]*issuer                             // by acme block
	spawn      func(func(context.Context)) context.CancelFunc // runs an issuer; nil before Run
	ended      bool                                           // the loops do not turn any more

	journal journal
}

// A journal says who may use Config.Journal, which is for one goroutine at a time.
type journal struct {
	mu     sync.Mutex // held while it is used; guards closed
	closed bool
}

// A unit is one event loop and what serves on it.
type unit struct {
	loop *reactor.Loop
	http *l7.Worker

	stream *l4.Worker // of tcp and udp clusters

	asked atomic.Int64 // when the loop was asked for a sign of life, Unix ns; 0: it has answered
}

// A port is a listener that is served.
type port struct {
	id     int      // of the l7.Port or l4.Port
	http   *l7.Port // of an http cluster, or else
	stream *l4.Port // of a tcp or udp cluster
	fds    []int
}

// New returns a balancer that serves nothing yet.
func New(cfg Config, log *slog.Logger) (*Balancer, error) {
	cfg.Loops = max(cfg.Loops, 1)
	b := &Balancer{
		cfg: cfg, log: log, registry: cfg.Registry,
		sources:   persist.NewSources(persist.SourcesConfig{}),
		started:   make(chan struct{}),
		stopped:   make(chan struct{}),
		ports:     map[Spec]*port{},
		upstreams: map[upstreamKey]*l7.Upstream{},
		viewIDs:   map[viewKey]int{},
		gate:      tlsconn.NewGate(tlsconn.Config{}),
	}
	if err := b.admin.load(cfg.State); err != nil {
		return nil, err
	}
	if err := b.verdicts.load(cfg.State); err != nil {
		return nil, err
	}
	if cfg.Journal != nil {
		report, err := cfg.Journal.Load(b.sources, b.now().UnixNano())
		if err != nil {
			return nil, fmt.Errorf("load persistence records: %w", err)
		}
		log.Info("persistence records loaded", "records", report.Records, "frames", report.Frames,
			"damaged", report.Damaged, "torn_bytes", report.Torn, "closed", report.Clean)
	}
	b.checker = health.New(health.Config{OnChange: b.onHealth, OnLoad: b.onLoad}, log)
	for i := range cfg.Loops {
		u, err := b.newUnit(i)
		if err != nil {
			return nil, err
		}
		b.loops = append(b.loops, u)
	}
	b.registry.Register(b.collect)
	return b, nil
}

func (b *Balancer) newUnit(i int) (*unit, error) {
	loop, err := reactor.NewLoop(i)
	if err != nil {
		return nil, err
	}
	limit, engine := 0, b.registry.Engine().Slot(i)
	if b.cfg.MaxConnections > 0 {
		limit = max(b.cfg.MaxConnections/b.cfg.Loops, 1)
	}
	// The loop's share of the limit is for both workers together. Each asks the
	// other, on the loop that they share.
	u := &unit{loop: loop}
	u.http = l7.NewWorker(loop, l7.Config{Loops: b.cfg.Loops, MaxConnections: limit,
		Others: func() int { return u.stream.Connections() }, Engine: engine}, b.log)
	u.stream = l4.NewWorker(loop, l4.Config{Loops: b.cfg.Loops, MaxConnections: limit,
		Others: u.http.Connections, Engine: engine}, b.log)
	return u, nil
}

func (b *Balancer) now() time.Time { return time.Now() }

// Run turns the loops, probes members and adjusts weights until ctx ends.
func (b *Balancer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loops, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	errs := make(chan error, len(b.loops)+2)
	for _, u := range b.loops {
		wg.Go(func() {
			if err := u.loop.Run(loops); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	probing, stop := context.WithCancel(ctx)
	b.mu.Lock()
	b.stopProbes = stop
	var issuing sync.WaitGroup
	b.spawn = func(f func(context.Context)) context.CancelFunc {
		ctx, cancel := context.WithCancel(probing)
		issuing.Go(func() { f(ctx) })
		return cancel
	}
	b.mu.Unlock()
	defer stop()
	wg.Go(func() {
		if err := b.checker.Run(probing); err != nil {
			errs <- err
			cancel()
		}
	})
	close(b.started)
	b.tickUntil(ctx)
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	stop()
	issuing.Wait()
	b.each(func(u *unit) {
		u.http.CloseAll()
		u.stream.CloseAll()
	})
	stopLoops()
	wg.Wait()
	close(b.stopped)
	b.gate.Close()
	errs <- b.closeJournal()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}

// each runs f for every loop, on the loop, and waits for all of them. When the loops
// have ended it runs nothing, and nothing later.
func (b *Balancer) each(f func(*unit)) {
	done := make(chan struct{}, len(b.loops))
	for _, u := range b.loops {
		u.loop.Post(func() {
			defer func() { done <- struct{}{} }()
			f(u)
		})
	}
	for range b.loops {
		select {
		case <-done:
		case <-b.stopped:
			return
		}
	}
}

// UseAccess makes every loop put its records into log; nil means none is kept.
func (b *Balancer) UseAccess(log *accesslog.Log) {
	b.each(func(u *unit) {
		u.http.UseAccess(log)
		u.stream.UseAccess(log)
	})
}

// serveQueues lets a loop give a freed place to who waits for it.
func (b *Balancer) serveQueues(loop int) {
	u := b.loops[loop]
	u.loop.Post(u.serveQueues)
}

// viewID returns the number by which loops find their cursor in a view. It stays
// the same from generation to generation.
func (b *Balancer) viewID(k viewKey) int {
	id, ok := b.viewIDs[k]
	if !ok {
		id = len(b.viewIDs)
		b.viewIDs[k] = id
	}
	return id
}

// Config returns the configuration that is served, nil before the first.
func (b *Balancer) Config() *config.Config {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cur == nil {
		return nil
	}
	return b.cur.cfg
}
