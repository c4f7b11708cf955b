// SPDX-License-Identifier: Apache-2.0

package ha

import "time"

// maxChanges is how many changes wait for somebody to keep them.
const maxChanges = 256

// A timeline holds changes until they are acknowledged. While nobody does that, it
// forgets the oldest and counts them.
type timeline struct {
	waiting []Change
	last    uint64 // number of the latest one
	lost    uint64
}

// add numbers c and keeps it.
func (t *timeline) add(c Change) {
	t.last++
	c.Number = t.last
	if len(t.waiting) == maxChanges {
		t.waiting = append(t.waiting[:0], t.waiting[1:]...)
		t.lost++
	}
	t.waiting = append(t.waiting, c)
}

// acknowledge forgets the changes up to a number.
func (t *timeline) acknowledge(number uint64) {
	n := 0
	for n < len(t.waiting) && t.waiting[n].Number <= number {
		n++
	}
	t.waiting = append(t.waiting[:0], t.waiting[n:]...)
}

// A note is what is to be written down about a group, beside what its present state
// says by itself.
type note struct {
	router string
	from   string
	cause  string
	by     string
	reason string
}

// tell writes n down for g, and logs it.
func (r *Runner) tell(g *group, n note) {
	r.timeline.add(Change{Time: today(), Uptime: Duration(r.now()), Group: g.set.Name, Router: n.router,
		From: n.from, To: g.state, Priority: g.shownPriority(), Cause: n.cause, By: n.by, Reason: n.reason})
	log := r.log.Info
	if g.state == Fault && n.from != Fault {
		log = r.log.Warn
	}
	log("group told", "group", g.set.Name, "from", n.from, "to", g.state, "cause", n.cause, "why", n.reason)
}

// today returns the time of day, which is only ever shown.
func today() time.Time { return time.Now().Round(0) }
