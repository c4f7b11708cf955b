// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func printUpgrade(w io.Writer, u manage.UpgradeShow) {
	if u.Unreadable != "" {
		fmt.Fprintln(w, "ATTENTION:", u.Unreadable)
	}
	if !u.Available {
		fmt.Fprintf(w, "version %s runs; this box cannot be upgraded here: %s\n", u.Running.Version, u.Why)
		return
	}
	fmt.Fprintf(w, "version %s runs from slot %s%s\n", u.Running.Version, u.Running.Slot, trialWords(u))
	if u.Simulated {
		fmt.Fprintln(w, "the slots are simulated: the program itself stays the same")
	}
	table(w, "SLOT VERSION STATE NEXT MADE BOARDS", func(add func(...any)) {
		for _, s := range u.Slots {
			next, made := "", ""
			if s.Next {
				next = "next"
			}
			if !s.Created.IsZero() {
				made = s.Created.UTC().Format(time.DateOnly)
			}
			add(s.Slot, dash(s.Version), s.State, dash(next), dash(made), dash(strings.Join(s.Boards, ",")))
		}
	})
	for _, s := range u.Slots {
		if s.Reason != "" {
			fmt.Fprintf(w, "slot %s: %s\n", s.Slot, s.Reason)
		}
	}
	printTrial(w, u.Trial)
	if p := u.Progress; p != nil && p.Step != manage.UpgradeTrial {
		fmt.Fprintf(w, "\n%s: %d of %d bytes of %s for slot %s, from %s\n", p.Step, p.Done, p.Total, dash(p.Version), p.Slot, p.Source)
	}
	if u.Pair != nil {
		fmt.Fprintln(w)
		printPair(w, manage.PairUpgrade{Pair: u.Pair, Why: u.PairWhy})
	}
	if len(u.Journal) > 0 {
		fmt.Fprintln(w)
	}
	for _, e := range u.Journal {
		who := e.Actor
		if who == "" {
			who = "the box"
		}
		fmt.Fprintf(w, "%s  %-9s %s  %s (%s)\n", e.Time.UTC().Format(time.DateTime), e.Event, dash(e.Slot), e.Reason, who)
	}
	fmt.Fprintf(w, "\nrollback index %d; keys:", u.Rollback)
	for _, k := range u.Keys {
		word := ""
		if k.Revoked {
			word = " (revoked)"
		}
		fmt.Fprintf(w, " %s%s", k.ID, word)
	}
	fmt.Fprintln(w)
}

func trialWords(u manage.UpgradeShow) string {
	switch {
	case u.Running.Recovery:
		return ", for lack of a good slot"
	case u.Trial != nil:
		return fmt.Sprintf(", on trial, try %d of 3", max(1, u.Running.Try))
	}
	return ", good"
}

func printTrial(w io.Writer, t *manage.UpgradeTest) {
	if t == nil {
		return
	}
	fmt.Fprintln(w)
	for _, c := range t.Checks {
		word := "not yet"
		if c.OK {
			word = "ok"
		}
		fmt.Fprintf(w, "%-8s %-11s %s\n", word, c.Name, c.Detail)
	}
	if t.Good {
		fmt.Fprintf(w, "all is good since %s; it is kept after %v\n", ago(t.Since), t.Soak)
	} else {
		fmt.Fprintf(w, "unless all is good until %s UTC, the box goes back\n", t.Deadline.UTC().Format(time.TimeOnly))
	}
}

func newUpgradePair() *cobra.Command {
	return group("pair", "upgrade this box and its peer with one order", newUpgradePairBegin(),
		simple("show", "show how far the upgrade of both boxes is", cobra.NoArgs, "upgrade.pair.show", noParams, printPair),
		simple("stop", "stop the upgrade of both boxes; nothing is taken back", cobra.NoArgs, "upgrade.pair.stop", noParams, printPair))
}

func newUpgradePairBegin() *cobra.Command {
	var soak time.Duration
	var slot string
	var stay, wait bool
	cmd := &cobra.Command{Use: "begin", Short: "upgrade both boxes, the one on standby first", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			params := map[string]any{"soak": soak.String(), "stay": stay, "slot": strings.ToUpper(slot)}
			p, err := call[manage.PairUpgrade](cmd, "upgrade.pair.begin", params)
			if err == nil && wait {
				p, err = awaitPair(cmd)
			}
			if err != nil {
				return err
			}
			if err := show(cmd, p, func(w io.Writer) { printPair(w, p) }); err != nil {
				return err
			}
			if p.Pair != nil && p.Pair.Step == manage.PairStopped {
				return exitError(1)
			}
			return nil
		}}
	f := cmd.Flags()
	f.DurationVar(&soak, "soak", 2*time.Minute, "how long the first box must stay good before the groups move to it")
	f.StringVar(&slot, "slot", "", "slot of this box whose version both are to run; the newer of the two")
	f.BoolVar(&stay, "stay", false, "leave the groups on the box that was upgraded first")
	f.BoolVar(&wait, "wait", false, "wait for the end, over the reboot of this box too")
	return cmd
}

// awaitPair waits for the end of an upgrade of the pair. The box reboots meanwhile: a
// question that nobody answers is asked again.
func awaitPair(cmd *cobra.Command) (p manage.PairUpgrade, err error) {
	step, missed := "", 0
	for {
		now, err := call[manage.PairUpgrade](cmd, "upgrade.pair.show", struct{}{})
		if missed++; err != nil && missed > 600 {
			return p, err
		} else if err == nil {
			missed, p = 0, now
		}
		switch x := p.Pair; {
		case err != nil || x == nil:
		case x.Step == manage.PairDone || x.Step == manage.PairStopped:
			return p, nil
		case x.Step != step:
			step = x.Step
			fmt.Fprintln(cmd.ErrOrStderr(), step)
		}
		select {
		case <-cmd.Context().Done():
			return p, errors.New("the upgrade goes on: evener upgrade pair show tells how far it is")
		case <-time.After(time.Second):
		}
	}
}

func printPair(w io.Writer, u manage.PairUpgrade) {
	p := u.Pair
	if p == nil {
		fmt.Fprintln(w, "no upgrade of both boxes was begun")
		if u.Why != "" {
			fmt.Fprintln(w, "none can be begun now:", u.Why)
		}
		return
	}
	switch p.Step {
	case manage.PairDone:
		fmt.Fprintf(w, "%s and %s run version %s\n", p.First, p.Second, p.Version)
	case manage.PairStopped:
		fmt.Fprintf(w, "the upgrade of %s and %s to version %s has stopped: %s\n", p.First, p.Second, p.Version, p.Why)
	default:
		fmt.Fprintf(w, "%s and then %s are upgraded to version %s, as %s has ordered\n", p.First, p.Second, p.Version, p.By)
	}
	for _, s := range p.Steps {
		fmt.Fprintf(w, "  %-7s %-7s %s\n", s.State, s.Step, s.Text)
	}
}
