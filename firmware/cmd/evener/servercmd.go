// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

func newServer() *cobra.Command {
	return group("server", "change members at once, apart from the configuration",
		memberCommand("quiesce", "give members no new clients; persistent ones still come"),
		memberCommand("drain", "quiesce members, and disable them after a deadline"),
		memberCommand("disable", "give members no clients at all; running exchanges finish, unless they are cut"),
		memberCommand("enable", "bring members back"),
		memberCommand("cancel", "end the drain of members: they get new clients again"),
		newPreview(),
		newWeight(),
	)
}

// A memberSet is the members that a command is about: those of its arguments and of
// its flags.
type memberSet struct {
	server string
	labels map[string]string
}

func (m *memberSet) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.server, "server", "", "the members of all pools that are this server")
	cmd.Flags().StringToStringVar(&m.labels, "label", nil, "the members of all servers with this label, written KEY=VALUE; may be repeated: with all of them")
	cmd.Args = usageArgs(func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && m.server == "" && len(m.labels) == 0 {
			return errors.New("say which: POOL/MEMBER, --server or --label")
		}
		return nil
	})
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return quietly(cmd, memberNames), cobra.ShellCompDirectiveNoFileComp
	}
}

// params returns the parameters that name the members.
func (m *memberSet) params(args []string) map[string]any {
	p := map[string]any{}
	if len(args) > 0 {
		p["members"] = args
	}
	if m.server != "" {
		p["server"] = m.server
	}
	if len(m.labels) > 0 {
		p["labels"] = m.labels
	}
	return p
}

func memberCommand(verb, short string) *cobra.Command {
	var sticky, force, cut bool
	var reason string
	var deadline time.Duration
	var set memberSet
	cmd := &cobra.Command{Use: verb + " [POOL/MEMBER]...", Short: short}
	set.flags(cmd)
	cmd.Flags().StringVarP(&reason, "reason", "m", "", "why; shown with its state")
	takesOut := verb != "enable" && verb != "cancel"
	if takesOut {
		cmd.Flags().BoolVar(&force, "force", false, "even if it is the last usable member")
	}
	if verb == "quiesce" || verb == "drain" {
		cmd.Flags().BoolVar(&sticky, "ignore-sticky", false, "keep persistent clients away too")
	}
	switch verb {
	case "drain":
		cmd.Flags().DurationVar(&deadline, "deadline", 15*time.Minute, "disable it after this")
		cmd.Flags().BoolVar(&cut, "cut", false, "at the deadline, close what is left; otherwise it may finish")
	case "disable":
		cmd.Flags().BoolVar(&cut, "cut", false, "close what is open to it; otherwise running exchanges finish")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p := set.params(args)
		p["reason"] = reason
		if takesOut {
			p["force"] = force
		}
		if verb == "quiesce" || verb == "drain" {
			p["ignore_sticky"] = sticky
		}
		if verb == "drain" {
			p["deadline"] = api.Duration(deadline)
		}
		if verb == "drain" || verb == "disable" {
			p["cut"] = cut
		}
		return act(cmd, "server."+verb, p)
	}
	return cmd
}

// act changes members and shows what has become of them.
func act(cmd *cobra.Command, method string, p map[string]any) error {
	a, err := call[manage.Acted](cmd, method, p)
	if err != nil {
		return err
	}
	if err := show(cmd, a, func(w io.Writer) { printActed(w, a) }); err != nil {
		return err
	}
	failed := 0
	for _, r := range a.Results {
		if r.Error != "" {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d members are as they were", failed, len(a.Results))
	}
	return nil
}

func printActed(w io.Writer, a manage.Acted) {
	if len(a.Results) == 1 {
		printMember(w, a.Member)
		return
	}
	for _, r := range a.Results {
		if r.Error != "" {
			fmt.Fprintf(w, "%s is left as it was: %s\n", r.Member, r.Error)
			continue
		}
		fmt.Fprintf(w, "%s is done; it was %s, %d active\n", r.Member, r.State, r.Active)
	}
}

func printMember(w io.Writer, m manage.Member) {
	fmt.Fprintf(w, "%s/%s is %s, weight %s, %d active", m.Pool, m.Name, m.State, weightText(m), m.Active)
	if !m.Until.IsZero() {
		end := "disabled"
		if m.Cut {
			end = "cut off"
		}
		fmt.Fprintf(w, ", %s at %s", end, m.Until.Local().Format(time.TimeOnly))
	}
	fmt.Fprintln(w)
}

func newPreview() *cobra.Command {
	var set memberSet
	cmd := &cobra.Command{Use: "preview [POOL/MEMBER]...", Short: "show what taking members out would mean, and take none out"}
	set.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := call[manage.Previewed](cmd, "server.preview", set.params(args))
		if err != nil {
			return err
		}
		return show(cmd, p, func(w io.Writer) { printPreview(w, p) })
	}
	return cmd
}

func printPreview(w io.Writer, p manage.Previewed) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "MEMBER\tSTATE\tACTIVE\tSTICKY\tSHARE\tLEFT\t")
	for _, e := range p.Effects {
		sticky, note := fmt.Sprint(e.Sticky), ""
		if e.Cookies {
			sticky += "+cookies"
		}
		switch {
		case e.Last:
			note = "nobody would be left"
		case len(e.Promoted) > 0:
			note = "hot spare " + strings.Join(e.Promoted, ", ") + " takes over"
		}
		fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%.0f %%\t%d of %d\t%s\n", e.Member, e.State, e.Active, sticky, 100*e.Share, e.Left, e.Total, note)
	}
	tw.Flush()
	if p.Guarded {
		fmt.Fprintln(w, "it would be refused without --force")
	}
}
