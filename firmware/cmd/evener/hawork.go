// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/ha"
	"evener/ha/wire"
)

// Times of the role's talk with the engine.
const (
	haCall  = time.Second            // for an answer
	haPause = 50 * time.Millisecond  // after a call that failed
	haIdle  = 750 * time.Millisecond // between questions while no group is configured
	haAgain = time.Second            // between tries to join the networks
	haSoon  = 10 * time.Millisecond  // likewise, while a process before this one may have them still
)

// simGateways are those of a simulated box.
var simGateways = []netip.Addr{netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("fe80::1")}

// A haWorkConfig is what the work of the role needs.
type haWorkConfig struct {
	dial      func(context.Context) (net.Conn, error) // the engine
	open      func(ha.Settings) (wire.LAN, error)
	alive     func() error // says that this process is not hung
	simulated bool
	board     board.Board // whose ports a simulated LAN has
	resume    *ha.Handover
	handoff   *haHandoff
}

// A haWork asks the engine what to do, and has a runner do it. While there is nothing
// to do it has neither a runner nor sockets.
type haWork struct {
	cfg haWorkConfig
	log *slog.Logger

	client   *api.Client
	settings *ha.Settings // the latest
	faces    []string     // interfaces of the simulated LAN that is open
	lan      wire.LAN
	runner   *ha.Runner
	ended    chan error // of the runner
	end      func()     // has the runner give everything up
	problem  string     // why there is no runner

	began time.Time
	asked chan func(context.Context) (end bool) // what run is to do
}

func newHAWork(cfg haWorkConfig, log *slog.Logger) *haWork {
	return &haWork{cfg: cfg, log: log, began: time.Now(), asked: make(chan func(context.Context) bool)}
}

// run works until ctx ends and gives everything up then, or until handOver.
func (w *haWork) run(ctx context.Context) error {
	defer w.hangUp()
	for {
		pause, err := w.turn(ctx)
		if err != nil {
			return errors.Join(err, w.stop())
		}
		select {
		case <-ctx.Done():
			return w.stop()
		case f := <-w.asked:
			if f(ctx) {
				return nil
			}
		case <-time.After(pause):
		}
	}
}

// turn asks the engine once, and returns how long to wait before the next time.
func (w *haWork) turn(ctx context.Context) (time.Duration, error) {
	if err := w.cfg.alive(); err != nil {
		return 0, err
	}
	if w.settings == nil {
		if err := w.fetch(ctx); err != nil {
			return haPause, nil // the engine starts
		}
	}
	if w.runner == nil && w.needed() {
		w.start()
	}
	report, err := w.report(ctx)
	if err != nil {
		return 0, err
	}
	var p ha.Pulse
	if err := w.call(ctx, "ha.pulse", map[string]any{"report": report}, &p); err != nil {
		if w.runner != nil && ctx.Err() == nil {
			return haPause, w.tell(ctx, func(ctx context.Context) error { return w.runner.NoPulse(ctx, err) })
		}
		return haPause, nil
	}
	if w.runner != nil {
		if err := w.tell(ctx, func(ctx context.Context) error { return w.runner.Pulse(ctx, p) }); err != nil {
			return 0, err
		}
	}
	if p.Settings != w.settings.Number {
		return 0, w.follow(ctx)
	}
	switch {
	case w.runner != nil:
		return 0, nil
	case w.needed() && w.early():
		return haSoon, nil
	case w.needed():
		return haAgain, nil
	}
	return haIdle, nil
}

// early says whether a process before this one may have the networks still.
func (w *haWork) early() bool { return w.cfg.resume != nil && time.Since(w.began) < haLeave }

// needed says whether there is anything to do.
func (w *haWork) needed() bool {
	return len(w.settings.Groups) > 0 || w.settings.Listen != "" && slices.ContainsFunc(w.settings.Peers, func(p ha.PeerSettings) bool { return len(p.Key) > 0 })
}

// fetch asks for the settings.
func (w *haWork) fetch(ctx context.Context) error {
	s := new(ha.Settings)
	if err := w.call(ctx, "ha.settings", struct{}{}, s); err != nil {
		return err
	}
	w.settings = s
	return nil
}

// follow asks for new settings and has them applied.
func (w *haWork) follow(ctx context.Context) error {
	if err := w.fetch(ctx); err != nil || w.runner == nil {
		return nil // the next pulse tells again
	}
	if w.cfg.simulated && slices.ContainsFunc(haInterfaces(w.cfg.board, *w.settings), func(f string) bool { return !slices.Contains(w.faces, f) }) {
		return w.stop() // a simulated LAN has the interfaces that it was made with
	}
	return w.tell(ctx, func(ctx context.Context) error {
		if err := w.runner.Apply(ctx, *w.settings); err != nil && ctx.Err() != nil {
			return err
		}
		return nil // mistakes are in the reports
	})
}

// start joins the networks and starts a runner.
func (w *haWork) start() {
	lan, err := w.cfg.open(*w.settings)
	if err != nil {
		if w.problem != err.Error() && !w.early() {
			w.log.Error("networks not joined", "err", err)
		}
		w.problem = err.Error()
		return
	}
	w.problem, w.lan, w.ended = "", lan, make(chan error, 1)
	w.faces = haInterfaces(w.cfg.board, *w.settings)
	cfg := ha.Config{Simulated: w.cfg.simulated, Realtime: true, Settings: w.settings, Resume: w.cfg.resume}
	w.cfg.handoff.into(&cfg, w.log)
	w.runner = ha.New(lan, cfg, w.log)
	w.cfg.resume = nil
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	runner, ended := w.runner, w.ended
	go func() { ended <- runner.Run(ctx) }()
}

// report returns what there is to tell, also where nothing runs.
func (w *haWork) report(ctx context.Context) (p ha.Report, err error) {
	if w.runner == nil {
		return ha.Report{Settings: w.settings.Number, Node: w.settings.Node, Simulated: w.cfg.simulated, RealtimeWhy: "no failover group is configured",
			Groups: []ha.GroupReport{}, Peers: []ha.PeerReport{}, Alarms: []ha.Alarm{}, Changes: []ha.Change{}, Orders: []ha.OrderResult{},
			Problem: w.problem}, nil
	}
	err = w.tell(ctx, func(ctx context.Context) error {
		p, err = w.runner.Report(ctx)
		return err
	})
	return p, err
}

// tell calls the runner. One that does not answer is hung: this process ends, and the
// supervisor takes the addresses away.
func (w *haWork) tell(ctx context.Context, f func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, haHang)
	defer cancel()
	err := f(limited)
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case limited.Err() != nil:
		stacks := make([]byte, 64<<10)
		w.log.Error("the runner of failover groups hangs", "stacks", string(stacks[:runtime.Stack(stacks, true)]))
		return errors.New("the runner of failover groups hangs")
	}
	select {
	case end := <-w.ended:
		w.ended <- end
		return errors.Join(err, end)
	default:
		return err
	}
}

// call calls a method of the engine over a connection that is kept while it works.
func (w *haWork) call(ctx context.Context, method string, params, result any) error {
	if err := w.cfg.alive(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, haCall)
	defer cancel()
	if w.client == nil {
		nc, err := w.cfg.dial(ctx)
		if err != nil {
			return err
		}
		w.client = api.NewClient(nc)
	}
	err := w.client.Call(ctx, method, params, result)
	if err != nil {
		w.hangUp()
	}
	if ctx.Err() != nil {
		return fmt.Errorf("no answer within %v", haCall)
	}
	return err
}

func (w *haWork) hangUp() {
	if w.client != nil {
		w.client.Close()
		w.client = nil
	}
}

// stop gives up what the runner has, and leaves the networks.
func (w *haWork) stop() error {
	if w.runner == nil {
		return nil
	}
	w.end()
	err := errors.Join(<-w.ended, w.lan.Close())
	w.runner, w.lan = nil, nil
	return err
}

// ask has run do something between two turns, and waits until it is done. It gives up when ctx
// ends before it has begun.
func (w *haWork) ask(ctx context.Context, f func(context.Context) (end bool)) error {
	done := make(chan struct{})
	select {
	case w.asked <- func(ctx context.Context) bool { defer close(done); return f(ctx) }:
		<-done
		return nil
	case <-ctx.Done():
		return errors.New("the process does not come to the hand-over in time")
	}
}

// handOver ends run and leaves everything as it is for the process that comes next.
func (w *haWork) handOver(ctx context.Context) (h ha.Handover, err error) {
	asked := w.ask(ctx, func(ctx context.Context) bool {
		h, err = w.letGo(ctx)
		return true
	})
	return h, errors.Join(asked, err)
}

// letGo ends the runner without giving up what it has.
func (w *haWork) letGo(ctx context.Context) (h ha.Handover, err error) {
	if w.runner == nil {
		return h, nil
	}
	ctx, cancel := context.WithTimeout(ctx, haLeave)
	defer cancel()
	if h, err = w.runner.HandOver(ctx); err == nil {
		err = <-w.ended
	}
	if err != nil {
		err = errors.Join(err, w.stop())
	}
	return h, err
}

// depart gives away what the runner has, because the box stops. run goes on.
func (w *haWork) depart(ctx context.Context) (kept bool, err error) {
	asked := w.ask(ctx, func(ctx context.Context) bool {
		if w.runner != nil {
			limited, cancel := context.WithTimeout(ctx, haLeave)
			defer cancel()
			kept, err = w.runner.Depart(limited)
		}
		return false
	})
	return kept, errors.Join(asked, err)
}

// haInterfaces lists the interfaces of a board, and those that s names besides.
func haInterfaces(b board.Board, s ha.Settings) []string {
	var list []string
	add := func(name string) {
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, p := range b.Ports {
		add(p.Interface)
	}
	for _, g := range s.Groups {
		for _, r := range g.Routers {
			add(r.Interface)
		}
		for _, t := range g.Tracks {
			add(t.Interface)
		}
	}
	return list
}
