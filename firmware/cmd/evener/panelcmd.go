// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/menu"
)

// newPanel shows the panel of the box and presses its keys.
func newPanel() *cobra.Command {
	cmd := &cobra.Command{Use: "panel", Short: "draw the front panel in this terminal, with its keys",
		Long: `Draw the front panel of the box in this terminal. The arrow keys, Enter and Escape
are its keys; one that is held repeats, and counts as held. h and then a key holds
that key for five seconds. q ends it.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if once, _ := cmd.Flags().GetBool("once"); once {
				return printPanel(cmd)
			}
			return drawPanel(cmd)
		}}
	cmd.Flags().Bool("once", false, "print what the panel shows, and end")
	press := &cobra.Command{Use: "press KEY", Short: "press a key of the panel: up, down, left, right, enter or escape",
		Args: usageArgs(cobra.ExactArgs(1)), ValidArgs: []string{"up", "down", "left", "right", "enter", "escape"},
		RunE: func(cmd *cobra.Command, args []string) error {
			hold, _ := cmd.Flags().GetDuration("hold")
			p := manage.PanelPress{Key: args[0], Hold: api.Duration(hold)}
			if err := p.Check(); err != nil {
				return usageError{err}
			}
			s, err := pressPanel(cmd.Context(), stateDir(cmd), p)
			if err != nil {
				return err
			}
			return show(cmd, s, func(w io.Writer) { writePanel(w, s) })
		}}
	press.Flags().Duration("hold", 0, "how long the key is down, 10s at most")
	cmd.AddCommand(press)
	return cmd
}

// printPanel prints the screen.
func printPanel(cmd *cobra.Command) error {
	s, err := askPanel(cmd.Context(), stateDir(cmd), "panel.screen", struct{}{})
	if err != nil {
		return err
	}
	return show(cmd, s, func(w io.Writer) { writePanel(w, s) })
}

// pressPanel asks the engine to press a key, whose audit log then knows, and the
// supervisor if no engine answers.
func pressPanel(ctx context.Context, state string, p manage.PanelPress) (s manage.PanelScreen, err error) {
	const patient = 3 * time.Second
	first, cancel := context.WithTimeout(ctx, time.Duration(p.Hold)+patient)
	defer cancel()
	if p.Action != "up" { // an engine that wakes up later must not press too
		p.Until = time.Now().Add(patient)
	}
	err = menuError(callSocket(first, filepath.Join(state, api.EngineSocket), "cli", "engine", "panel.press", p, &s))
	if !errors.Is(err, menu.ErrUnreachable) || ctx.Err() != nil {
		return s, err
	}
	p.Until = time.Time{}
	return askPanel(ctx, state, "panel.press", p)
}

// askPanel asks the supervisor, which has the panel.
func askPanel(ctx context.Context, state, method string, params any) (s manage.PanelScreen, err error) {
	err = callSocket(ctx, filepath.Join(state, api.SupervisorSocket), "cli", "supervisor", method, params, &s)
	if e := api.AsError(err); e != nil && e.Kind == "unreachable" {
		err = fmt.Errorf("%w with state %s: start one with evener run --state %s", api.ErrNotRunning, state, state)
	}
	return s, err
}

// writePanel writes the screen as text.
func writePanel(w io.Writer, s manage.PanelScreen) {
	edge := "+" + strings.Repeat("-", s.Cols) + "+"
	fmt.Fprintln(w, edge)
	for _, l := range s.Lines {
		fmt.Fprintf(w, "|%s|\n", l)
	}
	fmt.Fprintln(w, edge)
	for _, l := range panelRemarks(s) {
		fmt.Fprintln(w, l)
	}
}

// panelRemarks are what is to be said of the panel besides its text.
func panelRemarks(s manage.PanelScreen) (out []string) {
	if len(s.LEDs) == 2 {
		out = append(out, "lamps: box "+s.LEDs[0]+", alarm "+s.LEDs[1])
	}
	switch {
	case s.Mode == "off":
		out = append(out, "the panel is off: panel.mode of the configuration")
	case s.Mode == "read-only":
		out = append(out, "the panel is read-only: it has no menu")
	}
	switch {
	case s.Model == "":
		out = append(out, "the box has no display: this is what one would show")
	case !s.Connected:
		out = append(out, "the display ("+s.Model+") does not answer")
	}
	if s.Problem != "" {
		out = append(out, "problem: "+s.Problem)
	}
	return out
}

// drawPanel shows the panel in the terminal until somebody ends it.
func drawPanel(cmd *cobra.Command) error {
	if !isTerminal(os.Stdin) || !isTerminal(os.Stdout) || os.Getenv("TERM") == "dumb" {
		return usageError{errors.New("evener panel draws in a terminal that can place the cursor: use evener panel --once, and evener panel press KEY")}
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	state := stateDir(cmd)
	screen, err := askPanel(ctx, state, "panel.screen", struct{}{})
	if err != nil {
		return err
	}
	restore, err := rawTerminal(os.Stdin)
	if err != nil {
		return err
	}
	defer restore()
	v := &panelView{state: state, out: os.Stdout, screen: screen}
	return v.run(ctx, os.Stdin)
}
