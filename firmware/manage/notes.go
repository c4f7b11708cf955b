// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"strings"
	"time"

	"evener/firmware/lb"
	"evener/firmware/store"
	"evener/firmware/supervise"
)

// notes lists what the next shift should know though nothing need be done.
func (b *Box) notes(roles []supervise.RoleStatus, now time.Time) []string {
	out := []string{}
	for _, p := range b.cfg.Balancer.Pools() {
		for _, m := range p.Members {
			out = append(out, handNotes(p.Name, m)...)
		}
	}
	for _, r := range roles {
		if n := crashNote(r, now); n != "" {
			out = append(out, n)
		}
	}
	if rev, ok := takenBack(b.cfg.Store.History()); ok && rev.Settled.Author == "" {
		out = append(out, fmt.Sprintf("revision %d by %s was taken back at %s: %s; evener config show %d has its text",
			rev.Number, rev.Author, clock(rev.Settled.Time), rev.Settled.Why, rev.Number))
	}
	return out
}

// handNotes says what an operator has changed of a member by hand.
func handNotes(poolName string, m lb.MemberStatus) (out []string) {
	name := poolName + "/" + m.Name
	if m.Admin.String() != "enabled" {
		text := name + " is " + m.Admin.String()
		if !m.Until.IsZero() {
			text = name + " is drained, and disabled at " + clock(m.Until)
			if m.Cut {
				text = name + " is drained, and cut off at " + clock(m.Until)
			}
		}
		out = append(out, text+byWhom(m.AdminSince, m.By, m.AdminReason))
	}
	if h := m.Hand; h != nil {
		out = append(out, fmt.Sprintf("%s has weight %d in place of the configured %d", name, h.Weight, m.Configured)+
			byWhom(h.Since, h.By, h.Reason))
	}
	return out
}

// byWhom says since when something is so, by whom, and why, as far as it is known.
func byWhom(since time.Time, by, reason string) string {
	var b strings.Builder
	if !since.IsZero() {
		b.WriteString(", since " + clock(since))
	}
	if by != "" {
		b.WriteString(" by " + by)
	}
	if reason != "" {
		b.WriteString(": " + reason)
	}
	return b.String()
}

// crashNote tells of a role's crashes within the last hour, "" if there were none.
func crashNote(r supervise.RoleStatus, now time.Time) string {
	n := 0
	for _, at := range r.Crashed {
		if now.Sub(at) < time.Hour {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	times := "once"
	if n > 1 {
		times = fmt.Sprintf("%d times", n)
	}
	return fmt.Sprintf("%s crashed %s within the last hour, last at %s: %s", r.Name, times,
		clock(r.Crashed[len(r.Crashed)-1]), firstWords(r.LastCrash))
}

// firstWords leaves out what a process wrote before it crashed: the log has it.
func firstWords(cause string) string {
	what, _, _ := strings.Cut(cause, "; its last words")
	return what
}

// takenBack returns the latest revision if it was taken back.
func takenBack(newestFirst []store.Revision) (store.Revision, bool) {
	if len(newestFirst) == 0 || newestFirst[0].Status != store.Reverted || newestFirst[0].Settled == nil {
		return store.Revision{}, false
	}
	return newestFirst[0], true
}

func clock(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }
