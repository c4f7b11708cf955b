// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/demo"
	"evener/firmware/manage"
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
	return group("demo", "play with the simulated board", origin, newRelay())
}

// tellWhenUp prints what to open as soon as the engine answers.
func tellWhenUp(ctx context.Context, c runConfig, w io.Writer) {
	for ctx.Err() == nil {
		if info, clusters, err := askBox(ctx, c.state); err == nil {
			printWelcome(w, c, info, clusters)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func askBox(ctx context.Context, state string) (i manage.Info, cl manage.Clusters, err error) {
	client, err := api.Dial(filepath.Join(state, "api.sock"))
	if err != nil {
		return i, cl, err
	}
	defer client.Close()
	if err = client.Call(ctx, "sys.info", struct{}{}, &i); err == nil {
		err = client.Call(ctx, "cluster.list", struct{}{}, &cl)
	}
	return i, cl, err
}

func printWelcome(w io.Writer, c runConfig, i manage.Info, cl manage.Clusters) {
	exe, err := os.Executable()
	if err != nil {
		exe = "evener"
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, exe); err == nil && len(rel) < len(exe) {
			exe = rel
		}
	}
	fmt.Fprintf(w, "\nEvener %s runs on board %s, revision %d.\n\n", i.Version, i.Board, i.Revision)
	for _, p := range i.Problems {
		fmt.Fprintln(w, "ATTENTION:", p)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range cl.Clusters {
		for _, l := range c.Listen {
			url := l
			if c.Protocol == "http" {
				url = "http://" + l
			}
			fmt.Fprintf(tw, "cluster %s\t%s\n", c.Name, url)
		}
	}
	if i.Metrics != "" {
		fmt.Fprintf(tw, "metrics\t%s\n", i.Metrics)
	}
	tw.Flush()
	fmt.Fprintf(w, "\nIn another terminal:\n  export EVENER_STATE=%s\n", c.state)
	for _, l := range thingsToTry(c, cl) {
		fmt.Fprintf(w, "  %s %s\n", exe, l)
	}
	fmt.Fprintf(w, "  %s config edit && %[1]s config commit --confirm 2m\n\nEnd it with Ctrl-C.\n", exe)
}

// thingsToTry names commands that make sense on this box as it is configured.
func thingsToTry(c runConfig, cl manage.Clusters) []string {
	list := []string{"status", "show servers"}
	for _, c := range cl.Clusters {
		if c.Protocol == "http" {
			list = append(list, "explain --cluster "+c.Name+" GET http://"+c.Listen[0]+"/")
			break
		}
	}
	if b, err := board.ByName(c.board); err == nil && len(b.Origins) > 1 {
		list = append(list, "demo origin "+b.Origins[1].Name+" dead")
	}
	return list
}

// listMethods prints every operation of the API.
func listMethods(_ context.Context, cmd *cobra.Command) error {
	reg := manage.New(manage.Config{}, slog.New(slog.DiscardHandler)).Methods()
	return show(cmd, reg.Methods(), func(w io.Writer) {
		table(w, "METHOD ROLE EFFECT PURPOSE", func(add func(...any)) {
			for _, m := range reg.Methods() {
				add(m.Name, m.Role, m.Effect, m.Purpose)
			}
		})
	})
}
