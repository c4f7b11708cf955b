// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

func newConfig() *cobra.Command {
	return group("config", "show and change the configuration",
		completeFirst(newConfigShow(), revisions), newConfigEdit(), newConfigSet(), newConfigCheck(), newConfigTest(), newConfigRebase(),
		completeArgs(newConfigDiff(), 2, revisions), newConfigCommit(), completeFirst(newConfigConfirm(), revisions),
		newConfigExtend(), completeFirst(newConfigRollback(), revisions),
		simple("revert", "take back a commit that waits for its confirm", cobra.NoArgs, "config.revert", noParams, printCommitted),
		newConfigDiscard(), newConfigAdopt(),
		simple("history", "list the revisions", cobra.NoArgs, "config.history", noParams, printHistory))
}

func newConfigShow() *cobra.Command {
	var defaults, candidate bool
	cmd := &cobra.Command{
		Use: "show [REVISION]", Short: "show the running configuration or a revision; -o json for the checked values",
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if candidate {
				t, err := call[manage.Text](cmd, "config.candidate", struct{}{})
				if err == nil {
					fmt.Fprint(cmd.OutOrStdout(), t.Text)
				}
				return err
			}
			n, err := revision(args)
			if err != nil {
				return err
			}
			format, _ := cmd.Flags().GetString("output")
			t, err := call[manage.Text](cmd, "config.text",
				map[string]any{"revision": n, "defaults": defaults, "json": format == "json"})
			if err == nil {
				fmt.Fprint(cmd.OutOrStdout(), t.Text)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&defaults, "defaults", false, "print every default too")
	cmd.Flags().BoolVar(&candidate, "candidate", false, "show your candidate")
	return cmd
}

func revision(args []string) (uint64, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil || n == 0 {
		return 0, usageError{fmt.Errorf("a revision is a number from 1, not %q: see evener config history", args[0])}
	}
	return n, nil
}

func newConfigSet() *cobra.Command {
	return simple("set FILE", "make a file your candidate; - is standard input", cobra.ExactArgs(1), "config.set",
		func(cmd *cobra.Command, args []string) (any, error) {
			text, err := readFile(cmd, args[0])
			return map[string]any{"text": string(text)}, err
		}, printChecked)
}

func printChecked(w io.Writer, c manage.Checked) {
	for _, p := range c.Problems {
		fmt.Fprintln(w, p)
	}
	fmt.Fprintf(w, "candidate on revision %d: evener config diff, then evener config commit\n", c.Base)
}

// newConfigCheck checks on the box, where the files are that responders send.
func newConfigCheck() *cobra.Command {
	return simple("check [FILE]", "check your candidate, or a file, on the box; - is standard input", cobra.MaximumNArgs(1),
		"config.check", func(cmd *cobra.Command, args []string) (any, error) {
			if len(args) == 0 {
				return struct{}{}, nil
			}
			text, err := readFile(cmd, args[0])
			if err == nil && len(text) == 0 {
				err = fmt.Errorf("%s is empty", args[0])
			}
			return map[string]any{"text": string(text)}, err
		}, func(w io.Writer, c manage.Checked) {
			for _, p := range c.Problems {
				fmt.Fprintln(w, p)
			}
			fmt.Fprintln(w, "no mistakes")
		})
}

// newConfigEdit edits the candidate, or the running configuration where there is
// none, and keeps the text if it is no configuration.
func newConfigEdit() *cobra.Command {
	return &cobra.Command{
		Use: "edit", Short: "edit your candidate with $EDITOR", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			editor := os.Getenv("EDITOR")
			if editor == "" {
				editor = "vi"
			}
			t, err := editable(cmd)
			if err != nil {
				return err
			}
			f, err := os.CreateTemp("", "evener-*.hcl")
			if err != nil {
				return err
			}
			f.WriteString(t.Text)
			f.Close()
			c := exec.CommandContext(cmd.Context(), "sh", "-c", editor+` "$1"`, "sh", f.Name())
			c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
			if err := c.Run(); err != nil {
				return fmt.Errorf("%s: %w; your text is in %s", editor, err, f.Name())
			}
			text, err := os.ReadFile(f.Name())
			if err != nil {
				return err
			}
			if string(text) == t.Text {
				os.Remove(f.Name())
				fmt.Fprintln(cmd.ErrOrStderr(), "nothing was changed")
				return nil
			}
			r, err := call[manage.Checked](cmd, "config.set", map[string]any{"text": string(text), "base": t.Revision})
			if err != nil {
				return fmt.Errorf("%w; your text is in %s", err, f.Name())
			}
			os.Remove(f.Name())
			return show(cmd, r, func(w io.Writer) { printChecked(w, r) })
		},
	}
}

func editable(cmd *cobra.Command) (manage.Text, error) {
	t, err := call[manage.Text](cmd, "config.candidate", struct{}{})
	if err != nil && api.ExitCode(err) == api.ExitNotFound {
		return call[manage.Text](cmd, "config.text", struct{}{})
	}
	return t, err
}

func newConfigDiff() *cobra.Command {
	var words bool
	cmd := &cobra.Command{
		Use: "diff [FROM [TO]]", Short: "compare your candidate with the running configuration, or revisions",
		Args: usageArgs(cobra.MaximumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if words && len(args) > 0 {
				return usageError{fmt.Errorf("--words is for your candidate: leave the revisions away")}
			}
			if words {
				r, err := call[manage.Review](cmd, "config.review", struct{}{})
				if err != nil {
					return err
				}
				return show(cmd, r, func(w io.Writer) { printReview(w, r) })
			}
			p := map[string]any{}
			for i, name := range []string{"from", "to"} {
				if i < len(args) {
					n, err := revision(args[i : i+1])
					if err != nil {
						return err
					}
					p[name] = n
				}
			}
			d, err := call[manage.Diff](cmd, "config.diff", p)
			if err != nil {
				return err
			}
			return show(cmd, d, func(w io.Writer) { printDiff(w, d) })
		},
	}
	cmd.Flags().BoolVar(&words, "words", false, "say in words what your candidate changes, and what a commit would mean")
	return cmd
}

func printDiff(w io.Writer, d manage.Diff) {
	if d.Text == "" {
		d.Text = "nothing differs\n"
	}
	fmt.Fprint(w, d.Text)
	if d.Base != 0 {
		fmt.Fprintf(w, "\nyour candidate was made on revision %d, but revision %d runs by now: a commit will be refused.\n%s\n",
			d.Base, d.Running, staleAdvice)
	}
	if d.Own != "" {
		fmt.Fprintf(w, "Against revision %d it changes:\n%s", d.Base, d.Own)
	}
}

// staleAdvice says how to go on with a candidate that was made on a revision which
// does not run any more.
const staleAdvice = "To go on from what runs: evener config rebase. To begin anew: evener config discard."

func newConfigCommit() *cobra.Command {
	var comment string
	var confirm time.Duration
	var force bool
	cmd := simple("commit", "serve your candidate from now on", cobra.NoArgs, "config.commit",
		func(*cobra.Command, []string) (any, error) {
			return map[string]any{"comment": comment, "confirm": api.Duration(confirm), "force": force}, nil
		}, printCommitted)
	cmd.Flags().BoolVar(&force, "force", false, "even if tests of rules fail, or the network changes without a confirm")
	cmd.Flags().StringVarP(&comment, "message", "m", "", "why")
	cmd.Flags().DurationVar(&confirm, "confirm", 0, "take the commit back unless confirmed within this time")
	return cmd
}

func newConfigConfirm() *cobra.Command {
	return simple("confirm [REVISION]", "keep a commit that waits for its confirm", cobra.MaximumNArgs(1), "config.confirm",
		func(_ *cobra.Command, args []string) (any, error) {
			n, err := revision(args)
			return map[string]any{"revision": n}, err
		}, printCommitted)
}

func newConfigExtend() *cobra.Command {
	return simple("extend DURATION", "give a commit that waits for its confirm more time", cobra.ExactArgs(1), "config.extend",
		func(_ *cobra.Command, args []string) (any, error) {
			by, err := time.ParseDuration(args[0])
			if err != nil || by <= 0 {
				return nil, usageError{fmt.Errorf("a duration is written 90s, 10m or 1h30m, not %q", args[0])}
			}
			return map[string]any{"by": api.Duration(by)}, nil
		}, printCommitted)
}

func newConfigDiscard() *cobra.Command {
	return simple("discard [AUTHOR]", "throw your candidate away, or that of somebody who is no user any more", cobra.MaximumNArgs(1),
		"config.discard", func(_ *cobra.Command, args []string) (any, error) {
			if len(args) == 0 {
				return struct{}{}, nil
			}
			return map[string]any{"author": args[0]}, nil
		}, func(w io.Writer, _ struct{}) { fmt.Fprintln(w, "candidate discarded") })
}

func newConfigAdopt() *cobra.Command {
	return simple("adopt AUTHOR", "make the candidate of somebody who is no user any more yours", cobra.ExactArgs(1),
		"config.adopt", func(_ *cobra.Command, args []string) (any, error) {
			return map[string]any{"author": args[0]}, nil
		}, func(w io.Writer, a manage.Adopted) {
			fmt.Fprintf(w, "the candidate on revision %d is yours now: evener config diff, then evener config commit\n", a.Base)
		})
}

func newConfigRollback() *cobra.Command {
	var comment string
	var confirm time.Duration
	var force, draft bool
	cmd := simple("rollback REVISION", "serve the text of an older revision", cobra.ExactArgs(1), "config.rollback",
		func(_ *cobra.Command, args []string) (any, error) {
			n, err := revision(args)
			return map[string]any{"revision": n, "comment": comment, "confirm": api.Duration(confirm), "force": force, "as_candidate": draft}, err
		}, printCommitted)
	cmd.Flags().BoolVar(&force, "force", false, "even if tests of rules fail, or the network changes without a confirm")
	cmd.Flags().BoolVar(&draft, "as-candidate", false, "make the text your candidate, and serve nothing yet")
	cmd.Flags().StringVarP(&comment, "message", "m", "", "why")
	cmd.Flags().DurationVar(&confirm, "confirm", 0, "take the rollback back unless confirmed within this time")
	return cmd
}

func printCommitted(w io.Writer, c manage.Committed) {
	for _, p := range c.Problems {
		fmt.Fprintln(w, p)
	}
	if c.Draft != nil {
		fmt.Fprintf(w, "your candidate has the text now; revision %d runs as before\n", c.Revision.Number)
		return
	}
	fmt.Fprintf(w, "revision %d runs\n", c.Revision.Number)
	for _, u := range c.URLs {
		fmt.Fprintf(w, "the console is at %s\n", u)
	}
	if c.Pending != nil {
		fmt.Fprintf(w, "it is taken back in %s unless confirmed: evener config confirm\n", c.Pending.Left)
	}
}

func printHistory(w io.Writer, h manage.History) {
	table(w, "REVISION STATUS AUTHOR TIME ORIGIN COMMENT", func(add func(...any)) {
		for _, r := range h.Revisions {
			comment := r.Comment
			if r.Source != 0 {
				comment = fmt.Sprintf("(text of revision %d) %s", r.Source, comment)
			}
			if r.Settled != nil && r.Settled.Why != "" {
				comment = strings.TrimSpace(comment + " (" + r.Settled.Why + ")")
			}
			add(r.Number, r.Status, r.Author, r.Time.Local().Format(time.DateTime), r.Origin, comment)
		}
	})
	if h.Pending != nil {
		fmt.Fprintf(w, "revision %d is taken back in %s unless confirmed\n", h.Pending.Revision, h.Pending.Left)
	}
}
