// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

func newHACommands() *cobra.Command {
	return group("ha", "hot standby: who is active and why, and what people can do about it",
		newHAShow("show"), newHASwitch(), newHARebalance(), newHATrack(), newHATimeline(),
		newHARehearse(), newHARehearsals(), newHAPair(), newHAUnpair(), newHASync())
}

// newHAShow makes the command that is both ha show and show ha.
func newHAShow(use string) *cobra.Command {
	return simple(use, "show failover groups and why each is where it is, the other boxes and the mirror",
		cobra.NoArgs, "ha.show", noParams, printHA)
}

func newHASwitch() *cobra.Command {
	var to string
	cmd := completeFirst(simple("switch GROUP", "move a failover group to another box, which keeps it until rebalanced", cobra.ExactArgs(1), "ha.switch",
		func(_ *cobra.Command, args []string) (any, error) {
			p := map[string]any{"group": args[0]}
			if to != "" {
				p["node"] = to
			}
			return p, nil
		}, printSwitched), groupNames)
	cmd.Flags().StringVar(&to, "to", "", "box that is to be active; without it the best besides the one that is")
	return cmd
}

func newHARebalance() *cobra.Command {
	return simple("rebalance", "move every failover group to the box that it prefers", cobra.NoArgs, "ha.rebalance", noParams, printSwitched)
}

func printSwitched(w io.Writer, s manage.Switched) {
	for _, line := range s.Text {
		fmt.Fprintln(w, line)
	}
}

func newHATrack() *cobra.Command {
	var reason string
	var ttl time.Duration
	cmd := simple("track NAME ok|down", "report whether something is well that a track of the kind custom watches", cobra.ExactArgs(2), "ha.track",
		func(_ *cobra.Command, args []string) (any, error) {
			if args[1] != "ok" && args[1] != "down" {
				return nil, usageError{fmt.Errorf("a track is ok or down, not %q", args[1])}
			}
			p := map[string]any{"name": args[0], "ok": args[1] == "ok", "reason": reason}
			if ttl != 0 {
				p["ttl"] = api.Duration(ttl)
			}
			return p, nil
		}, func(w io.Writer, t manage.HATracks) {
			table(w, "TRACK STATE WHY", func(add func(...any)) {
				for _, name := range slices.Sorted(maps.Keys(t.Tracks)) {
					add(name, okDown(t.Tracks[name].OK), t.Tracks[name].Why)
				}
			})
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a few words; shown wherever the priority is explained")
	cmd.Flags().DurationVar(&ttl, "ttl", 0, "how long the report holds; 0s: as the track's ttl says")
	return cmd
}

func okDown(ok bool) string {
	if ok {
		return "ok"
	}
	return "down"
}

func newHATimeline() *cobra.Command {
	var limit int
	var name string
	var before string
	cmd := simple("timeline", "show what happened on all boxes, the newest last", cobra.NoArgs, "ha.timeline",
		func(*cobra.Command, []string) (any, error) {
			p := map[string]any{"limit": limit}
			if name != "" {
				p["group"] = name
			}
			if before != "" {
				at, err := time.Parse(time.RFC3339, before)
				if err != nil {
					return nil, usageError{fmt.Errorf("--before is a time such as 2026-11-21T08:30:00Z, not %q", before)}
				}
				p["before"] = at
			}
			return p, nil
		}, printTimeline)
	cmd.Flags().IntVarP(&limit, "lines", "n", 100, "entries at most, up to 1000")
	cmd.Flags().StringVar(&name, "group", "", "only this group, with what is about none")
	cmd.Flags().StringVar(&before, "before", "", "only what happened before, such as 2026-11-21T08:30:00Z")
	return cmd
}

func printTimeline(w io.Writer, t manage.HATimeline) {
	table(w, "TIME BOX SEVERITY WHAT", func(add func(...any)) {
		for _, e := range slices.Backward(t.Entries) {
			add(e.Time.UTC().Format("2006-01-02 15:04:05.000"), e.Node, e.Severity, e.Text)
		}
	})
	for _, m := range t.Missing {
		fmt.Fprintln(w, "missing:", cell(m))
	}
}

// groupNames gives the names of failover groups.
var groupNames = namesOf("ha.show", struct{}{}, func(all manage.HAShow) []string {
	return each(all.Groups, func(e manage.HAGroup) string { return e.Name })
})

// peerNames gives the names of the boxes that this one is paired with.
var peerNames = namesOf("ha.show", struct{}{}, pairedPeers)

func pairedPeers(h manage.HAShow) (names []string) {
	for _, p := range h.Peers {
		if p.Paired {
			names = append(names, p.Name)
		}
	}
	return names
}

// upper writes a state of VRRP as people know it.
func upper(state string) string { return strings.ToUpper(state) }
