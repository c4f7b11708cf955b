// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/demo"
	"evener/firmware/supervise"
)

// controlPath is the socket by which a demo origin is told how to behave.
func controlPath(state, name string) string { return filepath.Join(state, "origin-"+name+".sock") }

// newOrigin is the role of one demo server.
func newOrigin() *cobra.Command {
	var state, name, listen string
	cmd := &cobra.Command{Use: "origin", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("role", name)
			addr, err := netip.ParseAddrPort(listen)
			if err != nil {
				return err
			}
			link, err := supervise.Join(version)
			if err != nil {
				return err
			}
			defer link.Close()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() {
				obeyOrigin(link)
				cancel()
			}()
			if err := link.Ready(); err != nil {
				return err
			}
			return demo.New(name, addr, log).Run(ctx, controlPath(state, name))
		}}
	cmd.Flags().StringVar(&state, "state", "", "")
	cmd.Flags().StringVar(&name, "name", "", "")
	cmd.Flags().StringVar(&listen, "listen", "", "")
	return cmd
}

// obeyOrigin returns when the origin is to end.
func obeyOrigin(link *supervise.Link) {
	for order := range link.Orders() {
		switch order.Kind {
		case supervise.Go:
		case supervise.Drain:
			_ = link.Released()
			return
		default:
			return
		}
	}
}

func newDemo() *cobra.Command {
	var delay time.Duration
	origin := &cobra.Command{
		Use: "origin NAME ok|slow|broken|dead", Short: "make a demo origin behave: ok, slow, broken (500) or dead (port closed)",
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			m := demo.Mode{State: args[1]}
			if m.State == "slow" {
				m.Delay = delay
			}
			if err := m.Check(); err != nil {
				return usageError{err}
			}
			var have []string
			for _, o := range board.Sim.Origins {
				have = append(have, o.Name)
			}
			if !slices.Contains(have, args[0]) {
				return api.Errorf(api.CodeNotFound, "not_found", "there is no demo origin %q; there are %s",
					args[0], strings.Join(have, ", "))
			}
			return demo.Set(cmd.Context(), controlPath(stateDir(cmd), args[0]), m)
		},
	}
	origin.Flags().DurationVar(&delay, "delay", 500*time.Millisecond, "of a slow origin's answers")
	return group("demo", "play with the simulated board", origin, newDemoPort(), newRelay())
}
