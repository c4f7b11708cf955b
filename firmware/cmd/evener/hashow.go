// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"evener/firmware/manage"
)

// printHA explains hot standby: one line, what needs attention, then each group with
// the reason for its state and what its priority is made of.
func printHA(w io.Writer, h manage.HAShow) {
	fmt.Fprintf(w, "%s: %s\n", dash(h.Node), h.Summary)
	for _, a := range h.Alarms {
		word := "ATTENTION"
		if a.Severity == "warning" {
			word = "warning"
		}
		if a.Group != "" {
			word += ": " + a.Group
		}
		fmt.Fprintf(w, "%s: %s%s\n", word, a.Text, sinceWords(a.Since))
	}
	if !h.Configured {
		fmt.Fprintln(w, "A pair begins with a block node on each box, and a block group: see docs/manual/ha.md.")
		return
	}
	if h.Simulated {
		fmt.Fprintln(w, "note: the network of the groups is simulated")
	}
	for _, g := range h.Groups {
		fmt.Fprintln(w)
		printGroup(w, h, g)
	}
	for _, p := range h.Peers {
		fmt.Fprintln(w)
		printPeer(w, p)
	}
	printMirror(w, h.Mirror)
}

func sinceWords(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " (since " + ago(t) + ")"
}

func printGroup(w io.Writer, h manage.HAShow, g manage.HAGroup) {
	fmt.Fprintf(w, "group %s: %s here%s\n", g.Name, upper(g.State), sinceWords(g.Since))
	fmt.Fprintf(w, "  why: %s\n", dash(g.Reason))
	if g.Held != "" {
		fmt.Fprintf(w, "  held back: %s\n", g.Held)
	}
	fmt.Fprintf(w, "  active: %s; homes: %s%s\n", activeWords(g), strings.Join(g.Homes, ", "), pinWords(g))
	if g.Base > 0 {
		printPriority(w, g)
	}
	for _, p := range h.Peers {
		if x, ok := p.Groups[g.Name]; ok {
			fmt.Fprintf(w, "  %s says: %s, priority %d: %s\n", p.Name, upper(x.State), x.Priority, dash(x.Reason))
		}
	}
	if len(g.Clusters) > 0 {
		fmt.Fprintf(w, "  clusters: %s\n", strings.Join(g.Clusters, ", "))
	}
	if g.Handoff != nil {
		fmt.Fprintf(w, "  handoff: %s\n", handoffWords(*g.Handoff))
	}
	if len(g.Routers) > 0 {
		printRouters(w, g.Routers)
	}
}

// handoffWords says what becomes of connections in a planned switch.
func handoffWords(h manage.HAHandoff) string {
	if h.Problem != "" {
		return "connections end with a planned switch: " + h.Problem
	}
	text := fmt.Sprintf("a planned switch lets connections end where they began, for %v", time.Duration(h.Limit))
	if h.Until.IsZero() {
		return text
	}
	word := "sent on until"
	if time.Now().After(h.Until) {
		word = "were sent on until"
	}
	return fmt.Sprintf("%s; since the last one %d packets of %d connections, %d of them ended by the client, %s %s", text,
		h.Packets, h.Connections, h.Ended, word, h.Until.UTC().Format("2006-01-02 15:04:05"))
}

func activeWords(g manage.HAGroup) string {
	if g.Active == "" {
		return "on no box that is known"
	}
	return "on " + g.Active
}

func pinWords(g manage.HAGroup) string {
	if g.Pinned {
		return "; stays where it was put until evener ha rebalance"
	}
	return ""
}

// printPriority breaks the priority down by cause.
func printPriority(w io.Writer, g manage.HAGroup) {
	fmt.Fprintf(w, "  priority %d", g.Priority)
	switch {
	case g.Priority == 255:
		fmt.Fprintln(w, ": this box owns the addresses, whatever is tracked")
	case slices.ContainsFunc(g.Parts, func(p manage.HAPart) bool { return p.Cause == "pinned" }):
		fmt.Fprintf(w, ": pinned by an order, in place of %d by its place in homes%s\n", g.Base, lossWords(g))
	default:
		fmt.Fprintf(w, ": %d by its place in homes%s\n", g.Base, lossWords(g))
	}
	for _, p := range g.Parts {
		fmt.Fprintf(w, "    %-4s  %s%s\n", okDown(p.OK), p.Cause, partWords(p))
	}
}

// lossWords says what is taken away.
func lossWords(g manage.HAGroup) string {
	var b strings.Builder
	for _, p := range g.Parts {
		switch {
		case p.OK:
		case p.Weight == 0:
			fmt.Fprintf(&b, ", all taken away by %s", p.Cause)
		default:
			fmt.Fprintf(&b, ", less %d for %s", p.Weight, p.Cause)
		}
	}
	return b.String()
}

func partWords(p manage.HAPart) string {
	text := ""
	if p.Detail != "" {
		text = ": " + p.Detail
	}
	if p.OK {
		return text
	}
	if p.Weight == 0 {
		return text + " (fault: this box cannot be active)"
	}
	return fmt.Sprintf("%s (-%d)", text, p.Weight)
}

func printRouters(w io.Writer, list []manage.HARouter) {
	table(w, "ROUTER PORT VRID ADDRESSES STATE ACTIVE-ROUTER SENT RECEIVED REFUSED", func(add func(...any)) {
		for _, r := range list {
			active := r.Master
			if active != "" {
				active += fmt.Sprintf(" (%d)", r.MasterPriority)
			}
			add(r.Name, r.Interface, r.VRID, strings.Join(r.Addresses, ","), upper(r.State), active, r.Sent, r.Received, counts(r.Errors))
		}
	})
	for _, r := range list {
		if r.Problem != "" {
			fmt.Fprintf(w, "  %s: %s\n", r.Name, r.Problem)
		}
	}
}

func printPeer(w io.Writer, p manage.HAPeer) {
	fmt.Fprintf(w, "peer %s at %s: %s\n", p.Name, dash(p.Address), map[bool]string{true: "paired", false: "not paired (evener ha pair)"}[p.Paired])
	beat := "none was heard"
	if p.Heartbeat.Seen {
		beat = "heard " + time.Duration(p.Heartbeat.Age).Round(time.Millisecond).String() + " ago"
	} else if p.Heartbeat.Age > 0 {
		beat = "SILENT for " + time.Duration(p.Heartbeat.Age).Round(time.Second).String()
	}
	fmt.Fprintf(w, "  heartbeat: %s\n", beat)
	if p.Paired {
		fmt.Fprintf(w, "  mirror: %s\n", mirrorWords(p.Mirror))
		fmt.Fprintf(w, "  configuration: %s\n", differWords(p))
	}
}

func mirrorWords(m manage.HAPeerMirror) string {
	if !m.Connected {
		return "not connected: " + dash(m.Problem)
	}
	text := fmt.Sprintf("connected since %s, %d changes acknowledged, %d wait, lag %s", ago(m.Since), m.Acked, m.Queued, latency(m.Lag))
	if m.Problem != "" {
		text += "; " + m.Problem
	}
	return text
}

func differWords(p manage.HAPeer) string {
	d := p.Differences
	text := d.State
	switch n := len(d.Objects); n {
	case 0:
	case 1:
		text += ": 1 object differs (evener ha sync)"
	default:
		text += fmt.Sprintf(": %d objects differ (evener ha sync)", n)
	}
	if d.Problem != "" {
		text += "; " + d.Problem
	}
	return text
}

func printMirror(w io.Writer, m manage.HAMirror) {
	if m.Listen == "" {
		fmt.Fprintln(w, "\nmirror: none (node has no listen)")
		return
	}
	fmt.Fprintf(w, "\nmirror: listens on %s\n", m.Listen)
	if m.Fingerprint != "" {
		fmt.Fprintf(w, "  this box's certificate, SHA-256: %s\n", fingerprint(m.Fingerprint))
	}
	if m.Problem != "" {
		fmt.Fprintf(w, "  ATTENTION: %s\n", m.Problem)
	}
	if m.Pairing != manage.HAPairIdle && m.Pairing != manage.HAPairDone {
		fmt.Fprintf(w, "  pairing: %s\n", m.Pairing)
	}
}
