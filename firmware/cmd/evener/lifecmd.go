// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// newConfigTest runs the tests of rules, and exits with 1 if one fails.
func newConfigTest() *cobra.Command {
	var running bool
	cmd := &cobra.Command{
		Use: "test [FILE]", Short: "run the tests of rules of your candidate, of what runs, or of a file; - is standard input",
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{}
			if running {
				p["on"] = "running"
			}
			if len(args) > 0 {
				text, err := readFile(cmd, args[0])
				if err != nil {
					return err
				}
				p["text"] = string(text)
			}
			t, err := call[manage.Tested](cmd, "config.test", p)
			if err != nil {
				return err
			}
			if err := show(cmd, t, func(w io.Writer) { printTested(w, t) }); err != nil {
				return err
			}
			if t.Failed > 0 {
				return fmt.Errorf("%d of %d tests fail", t.Failed, len(t.Tests))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&running, "running", false, "test what runs, even if you have a candidate")
	return cmd
}

func printTested(w io.Writer, t manage.Tested) {
	for _, x := range t.Tests {
		fmt.Fprintln(w, x.Text)
	}
	if len(t.Tests) == 0 {
		fmt.Fprintln(w, "there are no tests: see test in docs/manual/clusters.md")
	}
}

// newConfigRebase puts the candidate onto what runs.
func newConfigRebase() *cobra.Command {
	var mine, theirs []string
	cmd := simple("rebase", "put your candidate onto the revision that runs, block by block", cobra.NoArgs, "config.rebase",
		func(*cobra.Command, []string) (any, error) {
			resolve := map[string]any{}
			for take, paths := range map[string][]string{"mine": mine, "theirs": theirs} {
				for _, p := range paths {
					resolve[p] = map[string]any{"take": take}
				}
			}
			return map[string]any{"resolve": resolve}, nil
		}, printRebased)
	cmd.Flags().StringArrayVar(&mine, "mine", nil, "path of a conflict in which your side is taken")
	cmd.Flags().StringArrayVar(&theirs, "theirs", nil, "path of a conflict in which the running side is taken")
	return cmd
}

func printRebased(w io.Writer, r manage.Rebased) {
	for _, c := range r.Conflicts {
		fmt.Fprintf(w, "conflict at %s", c.Path)
		if c.Revision != 0 {
			fmt.Fprintf(w, ", changed in revision %d by %s at %s", c.Revision, c.Author, c.Time.Local().Format("2006-01-02 15:04:05"))
		}
		fmt.Fprintf(w, "\nmine:\n%stheirs:\n%s", indent(orGone(c.Mine)), indent(orGone(c.Theirs)))
	}
	if !r.Done {
		fmt.Fprintln(w, "your candidate is as it was: decide with --mine PATH or --theirs PATH")
		return
	}
	for _, c := range r.Changes {
		fmt.Fprintln(w, c.Text)
	}
	fmt.Fprintf(w, "your candidate is on revision %d now\n", r.Base)
}

func orGone(text string) string {
	if text == "" {
		return "(removed)\n"
	}
	return text
}

// printReview is what config diff --words prints.
func printReview(w io.Writer, r manage.Review) {
	for _, c := range r.Changes {
		fmt.Fprintln(w, c.Text)
	}
	if len(r.Changes) == 0 {
		fmt.Fprintln(w, "nothing differs")
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w, p)
	}
	for _, x := range r.Warnings {
		fmt.Fprintf(w, "%s: %s\n", x.Severity, x.Text)
	}
	for _, c := range r.Conflicts {
		fmt.Fprintf(w, "conflict at %s: evener config rebase\n", c.Path)
	}
	if r.Outside != "" {
		fmt.Fprintf(w, "you may not change %s: a commit will be refused\n", r.Outside)
	}
	if r.Confirm.Advised {
		fmt.Fprintf(w, "advice: evener config commit --confirm %s\n", api.Duration(r.Confirm.Confirm))
	}
}
