// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/auth"
	"evener/firmware/config"
	"evener/firmware/http1"
	"evener/firmware/http2"
	"evener/firmware/l7"
	"evener/firmware/lb"
	"evener/firmware/logring"
	"evener/firmware/manage"
	"evener/firmware/persist"
	"evener/firmware/stats"
	"evener/firmware/store"
	"evener/firmware/supervise"
	"evener/firmware/tlsconn"
)

// An engineConfig is what the supervisor tells the engine on its command line.
type engineConfig struct {
	state, config, board string

	lan   string // folder of the simulated network of failover groups, "": there is none
	pages string // folder of the console's pages, "" for those in the program

	orders bool // process 1 does what needs more rights than this process has
}

func newEngine() *cobra.Command {
	var c engineConfig
	cmd := &cobra.Command{
		Use: "engine", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ring := logring.New(os.Stderr, logring.Config{})
			log := slog.New(ring).With("role", "engine")
			link, err := supervise.Join(version)
			if err != nil {
				return err
			}
			if c.orders {
				if err := confineEngine(c.state, log); err != nil {
					return err
				}
			}
			defer giveBack()()
			e := &engine{cfg: c, link: link, log: log, ring: ring}
			return e.run()
		},
	}
	cmd.Flags().StringVar(&c.state, "state", "", "")
	cmd.Flags().StringVar(&c.config, "config", "", "")
	cmd.Flags().StringVar(&c.board, "board", "", "")
	cmd.Flags().StringVar(&c.pages, "webui-dir", "", "")
	cmd.Flags().StringVar(&c.lan, "lan", "", "")
	cmd.Flags().BoolVar(&c.orders, "orders", false, "")
	return cmd
}

// An engine is the role that carries the traffic.
type engine struct {
	cfg  engineConfig
	link *supervise.Link
	log  *slog.Logger
	ring *logring.Handler
	host string // name of the box; "" where it has none

	store     *store.Store
	journal   *persist.Journal
	access    *accessLog
	history   *stats.History
	auth      *auth.Auth // nil: the users cannot be read
	registry  *stats.Registry
	balancer  *lb.Balancer
	sockets   *sockets
	mirror    *mirrorHost
	upgrades  *upgradeHost
	mirroring mirrorRun
	standby   *standby // follows the failover groups
	records   records
	problems  []string // for people: what of the start needs attention

	wg   sync.WaitGroup // everything that runs
	errs chan error
}

// run obeys the supervisor until it says stop.
func (e *engine) run() error {
	defer e.link.Close()
	if err := e.link.Ready(); err != nil {
		return err
	}
	for order := range e.link.Orders() {
		switch order.Kind {
		case supervise.Go:
			return e.serve()
		default:
			return nil
		}
	}
	return nil
}

// serve carries traffic until it is told to drain or stop.
func (e *engine) serve() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	management, stopManagement := context.WithCancel(ctx)
	defer stopManagement()
	if err := e.open(); err != nil {
		return err
	}
	e.start(ctx, management)
	for {
		select {
		case err := <-e.errs:
			cancel()
			e.wg.Wait()
			return err
		case order := <-e.link.Orders():
			if order.Kind == supervise.Drain {
				stopManagement()
				if err := e.release(); err != nil {
					e.log.Error("handing over", "err", err)
				}
				if err := e.link.Released(); err != nil {
					return err
				}
				e.drain(min(order.Deadline, e.drainTimeout()))
			} else {
				e.balancer.Drain()
				e.drain(min(order.Deadline, e.drainTimeout()))
			}
			cancel()
			e.wg.Wait()
			return e.close()
		}
	}
}

// open takes over the durable state and serves the running configuration.
func (e *engine) open() (err error) {
	e.errs = make(chan error, 8)
	e.upgrades = e.openUpgrade() // it may put the store back as it was
	if e.store, err = store.Open(store.Config{Dir: filepath.Join(e.cfg.state, "store")}); err != nil {
		return err
	}
	if err := e.firstRevision(); err != nil {
		return err
	}
	cfg, err := e.runningConfig()
	if err != nil {
		return err
	}
	records := filepath.Join(e.cfg.state, "persist")
	if err := os.MkdirAll(records, 0o700); err != nil {
		return err
	}
	if e.journal, err = persist.OpenJournal(records); err != nil {
		return err
	}
	return e.build(cfg)
}

// build makes the balancer that the running configuration needs. The number of
// loops and the connection limit are fixed for the life of the process.
func (e *engine) build(cfg *config.Config) error {
	loops := cfg.Engine.Loops
	if loops == 0 {
		loops = runtime.NumCPU()
	}
	runtime.GOMAXPROCS(loops + 2)
	keys, err := manage.CookieKeys(e.store)
	if err != nil {
		return err
	}
	tickets, err := manage.TicketSecret(e.store)
	if err != nil {
		return err
	}
	if e.host, err = os.Hostname(); err != nil {
		e.log.Warn("box has no name", "err", err)
	}
	limit := e.connectionLimit(cfg.Engine.MaxConnections)
	e.registry = stats.NewRegistry(stats.Config{Loops: loops, Version: version, Model: e.cfg.board,
		RejectReason: rejectReason, HandshakeReason: func(i int) string { return tlsconn.Reason(i).String() }})
	e.openAuth(e.host)
	if err := e.openRecords(e.host); err != nil {
		return err
	}
	e.access = &accessLog{e: e, loops: loops}
	e.history = stats.NewHistory(stats.HistoryConfig{
		Connections: func(pool, server string) (int64, bool) { return e.balancer.Connections(pool, server) },
	}, e.registry, e.log)
	if err := e.history.Load(e.historyFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		e.log.Warn("history not loaded", "err", err)
	}
	e.registry.Register(e.history.Collect)
	e.registry.Register(e.access.collect)
	e.sockets = &sockets{link: e.link, count: loops}
	e.sockets.left(cfg)
	e.standby = newStandby(e.follow, e.log)
	if e.cfg.board == "sim" {
		e.sockets.serves = e.standby.serves
	}
	e.balancer, err = lb.New(lb.Config{
		Loops: loops, MaxConnections: limit, Sockets: e.sockets, State: e.store, Keys: keys,
		Journal: e.journal, Registry: e.registry, Vault: e.store.Vault(), TicketSecret: tickets, Host: e.host,
		Changed: e.records.memberChanged,
	}, e.log)
	return err
}

// connectionLimit returns how many client connections to accept. Never are they
// more than there are descriptors for: management needs some too.
func (e *engine) connectionLimit(wanted int) int {
	limit := descriptorLimit()
	if wanted > limit {
		e.problems = append(e.problems, fmt.Sprintf("max_connections is %d, but the limit of open files allows %d clients; "+
			"raise it (ulimit -n) and restart the box", wanted, limit))
		e.log.Warn("max_connections lowered", "wanted", wanted, "limit", limit)
	}
	if wanted > 0 {
		limit = min(limit, wanted)
	}
	return limit
}

// start runs everything. What belongs to management ends when that is handed
// over, everything else with ctx.
func (e *engine) start(ctx, management context.Context) {
	e.run1(ctx, "balancer", e.balancer.Run)
	e.run1(ctx, "standby", e.standby.Run)
	e.access.ctx = ctx
	pages, err := pagesHash(e.cfg.pages)
	if err != nil {
		e.log.Error("pages of the console not recognised", "err", err)
	}
	wired := e.openPorts()
	var network manage.Network
	var front manage.Ports
	var clock manage.Clock
	if wired != nil {
		network, front, clock = wired.conf, wired.shown, wired.clock
	}
	e.mirror = newMirrorHost(e.sockets, e.store, e.log)
	box := manage.New(manage.Config{
		Mirror: e.mirror, Active: e.standby.set,
		Upgrades: e.upgrades, UpgradeDir: upgradeDir(e.cfg.state), Reach: e.reach,
		Ports: front, Network: network, Clock: clock,
		Store: e.store, Balancer: e.balancer, Ring: e.ring, Supervisor: e.link, Machine: e.super(), Registry: e.registry,
		Version: version, Hostname: e.host, UIHash: pages, Board: e.cfg.board, Started: time.Now(), Metrics: &metricsServer{e: e, ctx: management},
		Commands: &webCommands{log: e.log},
		Problems: e.problems, Alarms: e.machineAlarms("/"), Access: e.access, History: e.history, Auth: e.auth, Spool: filepath.Join(e.cfg.state, "spool"), Captures: filepath.Join(e.cfg.state, "captures"),
		BlackBox: filepath.Join(e.cfg.state, blackBoxFile),
		Audit:    e.records.audit, Events: e.records.events, Alerts: e.records.alerts, Taps: e.access,
	}, e.log)
	if wired != nil {
		wired.box = box
	}
	e.mirror.attach(box)
	e.upgrades.box = box
	box.Start()
	methods := box.Methods()
	e.run1(management, "api", func(ctx context.Context) error {
		l, err := api.Listen(filepath.Join(e.cfg.state, api.EngineSocket))
		if err != nil {
			return err
		}
		return api.Serve(ctx, l, methods, e.log, api.ServerConfig{})
	})
	e.run1(management, "console", func(ctx context.Context) error { return e.serveConsole(ctx, methods) })
	e.run1(management, "store", box.Run)
	e.run1(management, "heartbeat", box.RunBeat)
	e.runPorts(management, wired)
	e.run1(management, "records", box.RunRecords)
	e.runMirror(management, box)
	e.run1(management, "upgrades", e.upgrades.Run)
	e.run1(management, "upgrade of the pair", box.RunUpgrade)
	e.run1(management, "hardware", box.RunHardware)
	e.run1(management, "captures", box.RunCaptures)
	e.run1(management, "black box", box.RunBlackBox)
	e.run1(management, "history", e.keepHistory)
	if e.auth != nil {
		e.run1(management, "auth", e.auth.Run)
	}
	e.run1(ctx, "signals", e.obeySignals)
}

// run1 runs one part; its failure ends the engine.
func (e *engine) run1(ctx context.Context, name string, f func(context.Context) error) {
	e.wg.Go(func() {
		if err := f(ctx); err != nil {
			e.errs <- fmt.Errorf("%s: %w", name, err)
		}
	})
}

// release gives up what only one engine may own.
func (e *engine) release() error {
	e.endMirror()
	e.balancer.Drain()
	return errors.Join(e.closeAuth(), e.balancer.Release(), e.records.close(), e.store.Handover())
}

// drain waits for the running exchanges, at most for limit.
func (e *engine) drain(limit time.Duration) {
	deadline := time.After(limit)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for e.balancer.Busy() > 0 {
		select {
		case <-deadline:
			e.log.Warn("drain ended with connections open", "connections", e.balancer.Busy())
			return
		case o := <-e.link.Orders():
			if o.Kind != supervise.Drain {
				return
			}
		case <-ticker.C:
		}
	}
}

func (e *engine) drainTimeout() time.Duration {
	if cfg := e.balancer.Config(); cfg != nil {
		return cfg.Engine.DrainTimeout.D()
	}
	return 0
}

func (e *engine) close() error {
	written := e.closeAuth()
	err := e.store.Close()
	if errors.Is(err, store.ErrClosed) {
		err = nil
	}
	return errors.Join(written, err, e.records.close())
}

func (e *engine) runningConfig() (*config.Config, error) {
	running := e.store.Running()
	text, err := e.store.Text(running.Number)
	if err != nil {
		return nil, err
	}
	cfg, found := config.Parse(fmt.Sprintf("revision-%d", running.Number), text)
	if found.HasErrors() {
		return nil, fmt.Errorf("revision %d cannot be served: %w", running.Number, found)
	}
	return cfg, nil
}

// rejectReason names an index of stats.ClusterSlot.Rejected.
func rejectReason(i int) string {
	if i >= l7.RejectedHTTP2 {
		return "h2_" + http2.Reason(i-l7.RejectedHTTP2).String()
	}
	return http1.Reason(i).String()
}
