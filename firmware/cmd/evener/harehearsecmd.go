// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newHARehearse() *cobra.Command {
	var crash, leave bool
	var path, host string
	cmd := &cobra.Command{Use: "rehearse GROUP", Short: "perform a failover of a group and back, and measure what it costs",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := "planned"
			if crash {
				kind = "crash"
			}
			r, err := call[manage.HARehearsal](cmd, "ha.rehearse", map[string]any{"group": args[0], "kind": kind, "path": path, "host": host})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s moves from %s to %s and back; %s asks %s\n", cell(r.Group), cell(r.From), cell(r.To), cell(r.Prober), cell(r.Target))
			if !leave {
				if r, err = awaitRehearsal(cmd, r.ID); err != nil {
					return err
				}
			}
			if err := show(cmd, r, func(w io.Writer) { printRehearsal(w, r) }); err != nil {
				return err
			}
			if r.State == "failed" {
				return exitError(1)
			}
			return nil
		}}
	f := cmd.Flags()
	f.BoolVar(&crash, "crash", false, "the active box falls silent for 10 seconds, as if it had lost its power, in place of handing over")
	f.StringVar(&path, "path", "", "ask for this by GET, of a cluster of HTTP; without it a TCP connection is all")
	f.StringVar(&host, "host", "", "name of the host in that request; without it the address")
	f.BoolVar(&leave, "no-wait", false, "do not wait for the outcome: evener ha rehearsals shows it")
	return completeFirst(cmd, groupNames)
}

// awaitRehearsal waits for the end of a rehearsal. The engine may change hands
// meanwhile: one question that fails is asked again.
func awaitRehearsal(cmd *cobra.Command, id string) (manage.HARehearsal, error) {
	state, missed := "", 0
	for {
		all, err := askRehearsals(cmd)
		if missed++; err != nil && missed > 10 {
			return manage.HARehearsal{}, err
		} else if err == nil {
			missed = 0
		}
		for _, r := range all.Rehearsals {
			if r.ID == id {
				return r, nil
			}
		}
		switch r := all.Running; {
		case err == nil && (r == nil || r.ID != id):
			return manage.HARehearsal{}, errors.New("the rehearsal was lost: the engine has been replaced meanwhile")
		case err == nil && r.State != state:
			state = r.State
			fmt.Fprintln(cmd.ErrOrStderr(), state)
		}
		select {
		case <-cmd.Context().Done():
			return manage.HARehearsal{}, errors.New("the rehearsal goes on: evener ha rehearsals shows its outcome")
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func askRehearsals(cmd *cobra.Command) (all manage.HARehearsals, err error) {
	c, err := dial(cmd)
	if err != nil {
		return all, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Second)
	defer cancel()
	return all, c.Call(ctx, "ha.rehearsals", struct{}{}, &all)
}

func newHARehearsals() *cobra.Command {
	return simple("rehearsals", "show the failovers that were rehearsed, and what they have cost", cobra.NoArgs, "ha.rehearsals", noParams, printRehearsals)
}

func printRehearsals(w io.Writer, all manage.HARehearsals) {
	if r := all.Running; r != nil {
		fmt.Fprintf(w, "%s of %s runs since %s: %s\n", r.Kind, r.Group, ago(r.Started), r.State)
	}
	table(w, "STARTED GROUP KIND FROM TO STATE FAILED GAP BACK-FAILED BACK-GAP BY", func(add func(...any)) {
		for _, r := range all.Rehearsals {
			add(r.Started.UTC().Format(time.DateTime), r.Group, r.Kind, r.From, r.To, r.State, failedWords(r.Away), r.Away.Gap, failedWords(r.Back), r.Back.Gap, r.By)
		}
	})
	for _, r := range all.Rehearsals {
		if r.Problem != "" {
			fmt.Fprintf(w, "%s %s: %s\n", r.Started.UTC().Format(time.DateTime), r.Group, r.Problem)
		}
	}
}

func failedWords(l manage.HARehearsalLeg) string {
	if l.Asked == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", l.Failed, l.Asked)
}

func printRehearsal(w io.Writer, r manage.HARehearsal) {
	fmt.Fprintf(w, "%s failover of %s: %s\n", r.Kind, r.Group, r.State)
	if r.Problem != "" {
		fmt.Fprintln(w, r.Problem)
	}
	for _, leg := range []struct {
		name string
		manage.HARehearsalLeg
	}{{r.From + " to " + r.To, r.Away}, {r.To + " to " + r.From, r.Back}} {
		if leg.Asked == 0 {
			continue
		}
		fmt.Fprintf(w, "%s: %d of %d requests failed, %v without an answer at most, taken over in %v", leg.name, leg.Failed, leg.Asked, leg.Gap, leg.Takeover)
		if leg.Kept+leg.Broken > 0 {
			fmt.Fprintf(w, ", %d of %d connections kept", leg.Kept, leg.Kept+leg.Broken)
		}
		fmt.Fprintln(w)
	}
	if r.Away.Asked > 0 && !r.Outside {
		fmt.Fprintf(w, "(%s asked, which takes part itself: connections of clients fare better than its own)\n", r.Prober)
	}
}
