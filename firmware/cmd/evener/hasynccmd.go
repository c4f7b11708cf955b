// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

// newHASync shows in what the shared configuration differs from a peer's, or makes it
// equal.
func newHASync() *cobra.Command {
	var take, peer string
	cmd := &cobra.Command{Use: "sync [OBJECT...]", Short: "show what differs from a peer's configuration, or make it equal",
		Args: usageArgs(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if take != "" && take != "mine" && take != "theirs" {
				return usageError{fmt.Errorf("--take is mine or theirs, not %q", take)}
			}
			var err error
			if peer == "" {
				if peer, err = onlyPeer(cmd); err != nil {
					return err
				}
			}
			if take == "" {
				return showDifferences(cmd, peer, args)
			}
			p := map[string]any{"peer": peer, "take": take}
			if len(args) > 0 {
				p["objects"] = objectRefs(args)
			}
			d, err := call[manage.HADifferences](cmd, "ha.sync.resolve", p)
			if err != nil {
				return err
			}
			return show(cmd, d, func(w io.Writer) { printResolved(w, peer, take, d) })
		}}
	cmd.Flags().StringVar(&take, "take", "", "mine: the peer gets what this box has; theirs: this box gets what the peer has")
	cmd.Flags().StringVar(&peer, "peer", "", "box to compare with; without it the only one that is paired")
	// The error is for a flag that there is not.
	_ = cmd.RegisterFlagCompletionFunc("peer", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return quietly(cmd, peerNames), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// onlyPeer returns the one box that this one is paired with.
func onlyPeer(cmd *cobra.Command) (string, error) {
	h, err := call[manage.HAShow](cmd, "ha.show", struct{}{})
	if err != nil {
		return "", err
	}
	names := pairedPeers(h)
	switch len(names) {
	case 0:
		return "", errors.New("this box is paired with no other: there is nothing to compare (evener ha pair)")
	case 1:
		return names[0], nil
	}
	return "", usageError{fmt.Errorf("this box is paired with %s: say which with --peer", strings.Join(names, ", "))}
}

// objectRefs reads objects as people write them: pool/shop, or engine.
func objectRefs(args []string) (refs []manage.HAObjRef) {
	for _, a := range args {
		block, name, _ := strings.Cut(a, "/")
		refs = append(refs, manage.HAObjRef{Block: block, Name: name})
	}
	return refs
}

func showDifferences(cmd *cobra.Command, peer string, only []string) error {
	d, err := call[manage.HADifferences](cmd, "ha.sync.differences", map[string]any{"peer": peer})
	if err != nil {
		return err
	}
	all := len(d.Objects)
	if len(only) > 0 {
		if d.Objects, err = chosen(d.Objects, only, peer); err != nil {
			return err
		}
	}
	return show(cmd, d, func(w io.Writer) { printDifferences(w, peer, d, all) })
}

// chosen returns those of list that are wanted.
func chosen(list []manage.HADifference, want []string, peer string) (out []manage.HADifference, err error) {
	for _, ref := range objectRefs(want) {
		n := len(out)
		for _, d := range list {
			if d.Block == ref.Block && d.Name == ref.Name {
				out = append(out, d)
			}
		}
		if len(out) == n {
			return nil, fmt.Errorf("%s does not differ from %s's", ref, peer)
		}
	}
	return out, nil
}

func printDifferences(w io.Writer, peer string, d manage.HADifferences, all int) {
	switch {
	case all == 0:
		fmt.Fprintf(w, "%s: %s\n", peer, d.State)
	case all == 1:
		fmt.Fprintf(w, "%s: %s: 1 object differs\n", peer, d.State)
	default:
		fmt.Fprintf(w, "%s: %s: %d objects differ\n", peer, d.State, all)
	}
	if d.Problem != "" {
		fmt.Fprintln(w, "ATTENTION:", d.Problem)
	}
	for _, o := range d.Objects {
		fmt.Fprintf(w, "\n%s: %s\n", manage.HAObjRef{Block: o.Block, Name: o.Name}, whoWords(o.Who, peer))
		printSide(w, "-", "here", o.Mine)
		printSide(w, "+", "on "+peer, o.Theirs)
	}
	if len(d.Objects) > 0 {
		fmt.Fprintln(w, "\n- is this box, + is "+peer+". Make them equal with evener ha sync --take mine, or --take theirs; name objects for these alone.")
	}
}

func whoWords(who, peer string) string {
	switch who {
	case "mine":
		return "changed here"
	case "theirs":
		return "changed on " + peer
	}
	return "changed on both"
}

func printSide(w io.Writer, sign, where, text string) {
	if text == "" {
		fmt.Fprintf(w, "%s (not %s)\n", sign, where)
		return
	}
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "%s %s\n", sign, strings.TrimRight(line, "\n"))
	}
}

func printResolved(w io.Writer, peer, take string, d manage.HADifferences) {
	whose := map[string]string{"mine": "this box's", "theirs": peer + "'s"}[take]
	if len(d.Objects) == 0 {
		fmt.Fprintf(w, "%s taken: %s\n", whose, dash(d.State))
		return
	}
	fmt.Fprintf(w, "%s taken; what differs still:\n", whose)
	for _, o := range d.Objects {
		fmt.Fprintf(w, "  %s\n", manage.HAObjRef{Block: o.Block, Name: o.Name})
	}
}
