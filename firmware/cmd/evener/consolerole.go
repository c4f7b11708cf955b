// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/webui"
)

// How the role of the console lives.
const (
	consoleBeat  = 15 * time.Second // silence after which it counts as hung
	consoleLeave = 8 * time.Second  // for those who are connected when it ends
)

// newConsole is the role of the console: a web server without rights.
func newConsole() *cobra.Command {
	var dir string
	cmd := &cobra.Command{Use: manage.ConsoleRole, Args: cobra.NoArgs, Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("role", manage.ConsoleRole)
			link, err := supervise.Join(version)
			if err != nil {
				return err
			}
			defer link.Close()
			if err := confine(dir, log); err != nil {
				return err
			}
			if err := link.Ready(); err != nil {
				return err
			}
			defer giveBack()()
			return (&consoleRole{link: link, log: log, dir: dir}).obey()
		}}
	cmd.Flags().StringVar(&dir, "webui-dir", "", "")
	return cmd
}

// A consoleRole is the process of the console.
type consoleRole struct {
	link *supervise.Link
	log  *slog.Logger
	dir  string // of pages in place of those in the program
}

// obey serves from the order Go until it is told to end.
func (r *consoleRole) obey() error {
	if o := <-r.link.Orders(); o.Kind != supervise.Go {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dial := func(ctx context.Context) (net.Conn, error) { return r.link.Dial(ctx, "engine") }
	served := make(chan error, 1)
	server := webui.New(webui.Config{Dial: dial, Listen: r.listen, Keep: r.keep, Log: r.log, Version: version, Dir: r.dir})
	go func() { served <- server.Run(ctx) }()
	beat := time.NewTicker(consoleBeat / 3)
	defer beat.Stop()
	for {
		select {
		case err := <-served:
			return errors.Join(errors.New("the server of the console has ended"), err)
		case <-beat.C:
			if err := r.link.Alive(); err != nil {
				return err
			}
		case o := <-r.link.Orders():
			return r.leave(o, cancel, served)
		}
	}
}

// leave ends the server, which closes its listeners at once. Clients that come
// from then on are the successor's.
func (r *consoleRole) leave(o supervise.Order, cancel func(), served <-chan error) error {
	cancel()
	if o.Kind == supervise.Drain {
		if err := r.link.Released(); err != nil {
			return err
		}
	}
	select {
	case err := <-served:
		return err
	case <-time.After(min(o.Deadline, consoleLeave)):
		r.log.Warn("console ended with clients connected")
		return nil
	}
}

// listen gets sockets from the supervisor: all of them, or none.
func (r *consoleRole) listen(_ context.Context, addrs []netip.AddrPort) ([]net.Listener, error) {
	got, err := r.link.Acquire(consoleSpecs(addrs))
	if err != nil {
		return nil, err
	}
	out := make([]net.Listener, 0, len(got))
	for _, g := range got {
		l, err := g.Net(0)
		if err != nil {
			for _, l := range out {
				l.Close()
			}
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// keep lets go of all sockets but those of addrs.
func (r *consoleRole) keep(addrs []netip.AddrPort) error {
	return r.link.Keep(consoleSpecs(addrs))
}

func consoleSpecs(addrs []netip.AddrPort) []supervise.ListenSpec {
	out := make([]supervise.ListenSpec, len(addrs))
	for i, a := range addrs {
		out[i] = supervise.ListenSpec{Network: "tcp", Addr: a, V6Only: a.Addr().Is6()}
	}
	return out
}

// consoleSpec says how the supervisor runs the console: as a user without rights,
// and so that it never gets in the way of traffic.
func consoleSpec(user, dir string) (supervise.Role, error) {
	account, err := consoleAccount(user)
	if err != nil {
		return supervise.Role{}, err
	}
	args := []string{"role", manage.ConsoleRole}
	if dir != "" {
		args = append(args, "--webui-dir", dir)
	}
	return supervise.Role{
		Name: manage.ConsoleRole, Args: args,
		Env:       []string{"GOMEMLIMIT=128MiB", "GOMAXPROCS=2"},
		MayListen: true, MayDial: []string{"engine"},
		Credential: account, NoNewPrivs: true, Nice: 5,
		Heartbeat: consoleBeat, DrainTimeout: 10 * time.Second, StopTimeout: 5 * time.Second,
	}, nil
}
