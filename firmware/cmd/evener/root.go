// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"evener/firmware/api"
)

func newRoot() *cobra.Command {
	root := group("evener", "a load-balancing appliance: the box, and the tool that administers it",
		newRun(), newRole(), newCheck(), newFmt(), newStatus(), newShow(), newConfig(),
		newServer(), newHACommands(), newUpgrade(), newCertificate(), newTrust(), newEvents(), newAudit(), newAlert(), newPersistence(), newProbe(), newExplain(), newResponder(), newUser(), newSession(), newToken(), newThrottle(), newSetupCode(), newRestart(), newSerialMenu(), newMetrics(), newBackup(), newRestore(), newBoard(), newPanel(), newDemo(), newCapture(), newPort(), newTime(), newPing(), newTrace(), newDNS(), newSupportBundle(), newMonitor(), newImage(), newMethods(), newAPI(), newInit(), newRescue(), newFlash())
	root.Version, root.SilenceErrors, root.SilenceUsage = version, true, true
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if format, _ := cmd.Flags().GetString("output"); format != "table" && format != "json" {
			return usageError{fmt.Errorf("-o must be table or json, not %q", format)}
		}
		return nil
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().String("state", "", "folder of the box's state; $EVENER_STATE, else build/state")
	root.PersistentFlags().StringP("output", "o", "table", "table or json")
	return root
}

// group makes a command of subcommands. Called with a name that it does not have,
// it says which are near; cobra alone would print its help and call that success.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			var names []string
			for _, sub := range cmd.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, sub.Name())
				}
			}
			near := "; there are " + strings.Join(names, ", ")
			// Of three letters, two may differ in words that have nothing in common.
			cmd.SuggestionsMinimumDistance = max(1, min(2, len(args[0])/3))
			if list := cmd.SuggestionsFor(args[0]); len(list) > 0 {
				near = "; did you mean " + strings.Join(list, " or ") + "?"
			}
			return usageError{fmt.Errorf("there is no command %q%s", cmd.CommandPath()+" "+args[0], near)}
		}}
	cmd.AddCommand(subs...)
	return cmd
}

// newRole holds the processes of the box, which people do not start by hand.
func newRole() *cobra.Command {
	cmd := &cobra.Command{Use: "role", Hidden: true}
	cmd.AddCommand(newEngine(), newConsole(), newHA(), newOrigin())
	return cmd
}

// stateDir returns the folder of the box's state.
func stateDir(cmd *cobra.Command) string {
	dir, _ := cmd.Flags().GetString("state")
	if dir == "" {
		dir = os.Getenv("EVENER_STATE")
	}
	if dir == "" {
		dir = filepath.Join("build", "state")
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// call asks the box.
func call[R any](cmd *cobra.Command, method string, params any) (R, error) {
	var result R
	c, err := dial(cmd)
	if err != nil {
		return result, err
	}
	defer c.Close()
	err = c.Call(cmd.Context(), method, params, &result)
	if err != nil {
		printProblems(cmd.ErrOrStderr(), err)
	}
	return result, err
}

// dial connects to the box.
func dial(cmd *cobra.Command) (*api.Client, error) {
	if within, ok := cmd.Context().Value(dialerKey{}).(dialer); ok {
		return within()
	}
	c, err := api.DialEngine(cmd.Context(), stateDir(cmd))
	if origin, ok := cmd.Context().Value(originKey{}).(string); ok && err == nil {
		c.Origin = origin
	}
	return c, err
}

// printProblems lists the single mistakes behind an error.
func printProblems(w io.Writer, err error) {
	e := api.AsError(err)
	for _, p := range e.Problems {
		fmt.Fprintln(w, p)
	}
}

// advice says what to type after an error, "" where there is nothing to say.
func advice(err error) string {
	switch api.AsError(err).Hint {
	case "force":
		return "do it all the same with --force"
	case "config.diff", "config.rebase":
		return "evener config diff shows what differs. " + staleAdvice
	case "config.set":
		return "make one with evener config edit, or evener config set FILE"
	}
	return ""
}

// show prints a result as the -o flag asks: the table, or the result as JSON.
func show(cmd *cobra.Command, result any, table func(io.Writer)) error {
	var p printer
	if format, _ := cmd.Flags().GetString("output"); format == "json" {
		enc := json.NewEncoder(&p)
		enc.SetIndent("", "  ")
		if err := enc.Encode(result); err != nil {
			return err
		}
	} else {
		table(&p)
	}
	_, err := io.WriteString(cmd.OutOrStdout(), p.text())
	return err
}

// simple makes a command that calls one method and prints its result.
func simple[R any](use, short string, args cobra.PositionalArgs, method string,
	params func(*cobra.Command, []string) (any, error), table func(io.Writer, R)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: usageArgs(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := params(cmd, args)
			if err != nil {
				return err
			}
			r, err := call[R](cmd, method, p)
			if err != nil {
				return err
			}
			return show(cmd, r, func(w io.Writer) { table(w, r) })
		}}
}

// usageArgs makes wrong arguments a mistake of usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w\nusage: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

func noParams(*cobra.Command, []string) (any, error) { return struct{}{}, nil }
