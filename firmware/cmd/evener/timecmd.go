// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newShowTime() *cobra.Command {
	return simple("time", "show how the clock of the box does, and the time servers", cobra.NoArgs, "time.show", noParams, printTime)
}

// newTime makes the commands about the clock that change it.
func newTime() *cobra.Command {
	return group("time", "the clock of the box", newTimeSet())
}

func newTimeSet() *cobra.Command {
	var force bool
	cmd := simple("set TIME", "set the clock of the box by hand", cobra.ExactArgs(1), "time.set",
		func(_ *cobra.Command, args []string) (any, error) {
			at, err := time.Parse(time.RFC3339, args[0])
			if err != nil {
				return nil, usageError{fmt.Errorf("TIME is a time such as 2026-11-21T12:00:00Z or 2026-11-21T13:00:00+01:00, not %q", args[0])}
			}
			return map[string]any{"time": at, "force": force}, nil
		}, func(w io.Writer, s manage.TimeSet) {
			fmt.Fprintf(w, "the clock was set by %s; it is %s\n", seconds(s.By), s.Now.Local().Format("2006-01-02 15:04:05 MST"))
		})
	cmd.Flags().BoolVar(&force, "force", false, "even if the clock follows time servers")
	return cmd
}

func printTime(w io.Writer, t manage.TimeInfo) {
	for _, p := range t.Problems {
		fmt.Fprintln(w, "ATTENTION:", p)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(tw, "%s\t%s\n", name, dash(cell(value))) }
	row("clock", t.Now.Local().Format("2006-01-02 15:04:05 MST"))
	row("servers from", t.Source)
	state := "follows nobody"
	switch {
	case t.Synced:
		state = fmt.Sprintf("follows the servers, stratum %d", t.Stratum)
	case t.Why != "" && len(t.Servers) > 0:
		state = "is not corrected: " + t.Why
	}
	row("state", state)
	if t.Would != "" {
		row("would", t.Would)
	}
	if !t.Last.IsZero() {
		row("offset", fmt.Sprintf("%s, sure to %s, at %s", seconds(t.Offset), seconds(t.Error), t.Last.Local().Format(time.DateTime)))
	}
	tw.Flush()
	if len(t.Servers) == 0 {
		return
	}
	fmt.Fprintln(w)
	tw = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SERVER\tADDRESS\tSTATE\tSTRATUM\tOFFSET\tSURE TO\tDELAY\tWHY")
	for _, s := range t.Servers {
		if s.At.IsZero() {
			fmt.Fprintf(tw, "%s\t%s\t%s\t-\t-\t-\t-\t%s\n", s.Name, dash(s.Address), s.State, dash(cell(s.Why)))
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", s.Name, dash(s.Address), s.State, s.Stratum,
			seconds(s.Offset), seconds(s.Distance), seconds(s.Delay), dash(cell(s.Why)))
	}
	tw.Flush()
}

// seconds writes seconds as people read them.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d.Abs() >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
