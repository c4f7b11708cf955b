// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/manage"
)

// checkText finds every mistake in a text.
func checkText(name string, src []byte) (*config.Config, config.Diagnostics) {
	return manage.Check(name, src)
}

func readFile(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), 2<<20))
	}
	return os.ReadFile(name)
}

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE...", Short: "check configuration files; no box is needed",
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			bad, all := 0, []api.Problem{}
			asJSON, _ := cmd.Flags().GetString("output")
			for _, name := range args {
				src, err := readFile(cmd, name)
				if err != nil {
					return err
				}
				cfg, found := checkText(name, src)
				if cfg != nil {
					found = append(found, lb.Imports(cfg)...)
					found.Sort()
				}
				if asJSON == "json" {
					all = append(all, manage.Problems(found)...)
				} else {
					found.Write(cmd.ErrOrStderr(), src)
				}
				if found.HasErrors() {
					bad++
				}
			}
			if asJSON == "json" {
				if err := show(cmd, all, nil); err != nil {
					return err
				}
			}
			if bad > 0 {
				return exitError(1)
			}
			return nil
		},
	}
}

func newFmt() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use: "fmt FILE...", Short: "write configuration files in canonical form; - is standard input to output",
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if err := formatFile(cmd, name, list); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&list, "list", "l", false, "name the files that would change and write nothing")
	return cmd
}

func formatFile(cmd *cobra.Command, name string, list bool) error {
	src, err := readFile(cmd, name)
	if err != nil {
		return err
	}
	out, found := config.Format(src)
	if found.HasErrors() {
		found.Write(cmd.ErrOrStderr(), src)
		return exitError(1)
	}
	switch {
	case name == "-":
		_, err = cmd.OutOrStdout().Write(out)
		return err
	case bytes.Equal(src, out):
		return nil
	case list:
		fmt.Fprintln(cmd.OutOrStdout(), name)
		return nil
	}
	return replaceFile(name, out)
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, data []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	tmp := name + ".new"
	if err := os.WriteFile(tmp, data, info.Mode().Perm()); err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}
