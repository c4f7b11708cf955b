// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// vitals decide whether the watchdog is fed. The rule, as docs/manual/hardware.md
// has it:
//
//   - It is fed while the supervisor's loop, the engine, the disk that the engine
//     writes to, and the panel's menu have each answered within the last five
//     minutes. A disk that refuses to be written to has answered. That is long
//     enough for an engine to crash, back off and come again, and for people to see
//     what is wrong; a restart of the box is for what has hung for good.
//   - A role that somebody holds on purpose is not waited for.
//   - After a start that was the watchdog's own doing, the engine, the disk
//     and the panel count only once they have answered for ten minutes on end: a box that cannot
//     serve, or not for long, stays up, so that it can be mended, and does not
//     restart for ever.
//   - The supervisor's loop counts always.
type vitals struct {
	reset  bool                 // the watchdog has started the box
	last   map[string]time.Time // when a part answered, or began to be waited for
	since  map[string]time.Time // from when on a part has answered without a pause
	proven map[string]bool      // parts that have done so for vitalProof
}

// vitalGrace is how long a part may be silent.
const vitalGrace = 5 * time.Minute

// After a reset by the watchdog a part must have answered for vitalProof, with no
// pause beyond vitalPause, before it counts.
const (
	vitalProof = 10 * time.Minute
	vitalPause = 30 * time.Second
)

// The parts.
const (
	partSupervisor = "the supervisor's loop"
	partEngine     = "the engine"
	partStore      = "the disk of the store"
	partPanel      = "the panel's menu"
)

func newVitals(reset bool, now time.Time, parts ...string) *vitals {
	v := &vitals{reset: reset, last: map[string]time.Time{}, since: map[string]time.Time{}, proven: map[string]bool{}}
	for _, p := range parts {
		v.last[p] = now
	}
	return v
}

// heard notes that a part has answered.
func (v *vitals) heard(part string, now time.Time) {
	since, ok := v.since[part]
	if !ok || now.Sub(v.last[part]) > vitalPause {
		since = now
	}
	v.last[part], v.since[part] = now, since
	v.proven[part] = v.proven[part] || now.Sub(since) >= vitalProof
}

// excuse notes that a part need not answer now.
func (v *vitals) excuse(part string, now time.Time) {
	v.last[part] = now
	delete(v.since, part)
}

// feed says whether to feed the watchdog, and why not; or, while there is time yet,
// what is waited for.
func (v *vitals) feed(now time.Time) (ok bool, why string) {
	var silent, dead []string
	for part, at := range v.last {
		quiet := now.Sub(at)
		if quiet < 15*time.Second || v.reset && !v.proven[part] && part != partSupervisor {
			continue
		}
		text := fmt.Sprintf("%s has not answered for %v", part, quiet.Truncate(time.Second))
		if silent = append(silent, text); quiet > vitalGrace {
			dead = append(dead, text)
		}
	}
	slices.Sort(silent)
	slices.Sort(dead)
	if len(dead) > 0 {
		return false, strings.Join(dead, ", ")
	}
	return true, strings.Join(silent, ", ")
}
