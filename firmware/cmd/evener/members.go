// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newWeight() *cobra.Command {
	var force bool
	var reason string
	cmd := simple("weight POOL/MEMBER WEIGHT|configured", "change a member's weight until it is configured anew",
		cobra.ExactArgs(2), "server.weight", func(_ *cobra.Command, args []string) (any, error) {
			n := -1
			if args[1] != "configured" {
				var err error
				if n, err = strconv.Atoi(args[1]); err != nil || n < 0 || n > 200 {
					return nil, usageError{fmt.Errorf("a weight is 0 to 200, or configured, not %q", args[1])}
				}
			}
			return map[string]any{"member": args[0], "weight": n, "force": force, "reason": reason}, nil
		}, printMember)
	cmd.Flags().BoolVar(&force, "force", false, "0 even if it is the last usable member")
	cmd.Flags().StringVarP(&reason, "reason", "m", "", "why; shown by status")
	return completeFirst(cmd, memberNames)
}

func newProbe() *cobra.Command {
	return completeFirst(simple("probe POOL/MEMBER", "ask a member all its questions now, and show each exchange",
		cobra.ExactArgs(1), "probe.run", func(_ *cobra.Command, args []string) (any, error) {
			return map[string]any{"member": args[0]}, nil
		}, printProbed), memberNames)
}

func printProbed(w io.Writer, p manage.Probed) {
	for i, x := range p.Exchanges {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printExchange(w, x)
	}
}

func printExchange(w io.Writer, x manage.Exchange) {
	fmt.Fprintf(w, "probe %s of %s: %s after %s: %s\n", x.Probe, x.Address, x.Outcome, x.Took, x.Detail)
	if x.Connect > 0 {
		fmt.Fprintf(w, "connected after %s, first byte after %s\n",
			x.Connect, x.FirstByte)
	}
	for _, n := range x.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	if x.Sent != "" {
		fmt.Fprintf(w, "sent %d bytes:\n%s", x.SentBytes, indent(x.Sent))
	}
	if x.Received != "" {
		fmt.Fprintf(w, "received %d bytes:\n%s", x.ReceivedBytes, indent(x.Received))
	}
}

func newRestart() *cobra.Command {
	cmd := &cobra.Command{
		Use: "restart ROLE", Short: "replace a role's process while the old one drains: engine",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := call[manage.Info](cmd, "sys.info", struct{}{})
			if err != nil {
				return err
			}
			if _, err := call[manage.RestartStatus](cmd, "sys.restart", map[string]any{"role": args[0]}); err != nil {
				return err
			}
			return awaitRestart(cmd, args[0], pidOf(before, args[0]))
		},
	}
	return completeFirst(cmd, roleNames)
}

// pidOf returns the process of a role, 0 if there is none. That of the engine is the
// one that answers: for a moment the old one tells of the next, which does not yet.
func pidOf(i manage.Info, role string) int {
	if role == "engine" {
		return i.PID
	}
	for _, r := range i.Roles {
		if r.Name == role {
			return r.PID
		}
	}
	return 0
}

// awaitRestart waits until the role runs in another process.
func awaitRestart(cmd *cobra.Command, role string, old int) error {
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		i, err := call[manage.Info](cmd, "sys.info", struct{}{})
		if err != nil {
			continue // the new engine does not listen yet
		}
		if pid := pidOf(i, role); pid != 0 && pid != old {
			fmt.Fprintf(cmd.OutOrStdout(), "%s runs in process %d; process %d drains\n", role, pid, old)
			return nil
		}
		if i.Restart != nil && i.Restart.Error != "" {
			return fmt.Errorf("%s goes on in process %d: %s", role, old, i.Restart.Error)
		}
	}
	return fmt.Errorf("%s was not replaced within a minute: see evener show log", role)
}

func newMetrics() *cobra.Command {
	return simple("metrics", "print the metrics as Prometheus text", cobra.NoArgs, "sys.metrics", noParams,
		func(w io.Writer, m manage.MetricsText) { fmt.Fprint(w, m.Text) })
}
