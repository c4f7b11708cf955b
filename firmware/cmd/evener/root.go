// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"evener/firmware/api"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "evener",
		Short:         "a load-balancing appliance: the box, and the tool that administers it",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().String("state", "", "folder of the box's state; $EVENER_STATE, else build/state")
	root.PersistentFlags().StringP("output", "o", "table", "table or json")
	root.AddCommand(newRun(), newRole(), newCheck(), newFmt(), newStatus(), newShow(), newConfig(),
		newServer(), newProbe(), newExplain(), newResponder(), newRestart(), newMetrics(), newDemo(), newMethods())
	return root
}

// newRole holds the processes of the box, which people do not start by hand.
func newRole() *cobra.Command {
	cmd := &cobra.Command{Use: "role", Hidden: true}
	cmd.AddCommand(newEngine(), newOrigin())
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
	c, err := api.Dial(filepath.Join(stateDir(cmd), "api.sock"))
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

// printProblems lists the single mistakes behind an error.
func printProblems(w io.Writer, err error) {
	e := api.AsError(err)
	for _, p := range e.Problems {
		fmt.Fprintln(w, p)
	}
}

// show prints a result as the -o flag asks: the table, or the result as JSON.
func show(cmd *cobra.Command, result any, table func(io.Writer)) error {
	format, _ := cmd.Flags().GetString("output")
	switch format {
	case "json":
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	case "table":
		table(cmd.OutOrStdout())
		return nil
	}
	return usageError{fmt.Errorf("-o must be table or json, not %q", format)}
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

func newMethods() *cobra.Command {
	return &cobra.Command{Use: "methods", Short: "list the methods of the API", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listMethods(context.Background(), cmd)
		}}
}
