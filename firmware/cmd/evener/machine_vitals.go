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
//   - It is fed while the supervisor's loop, the engine with its store, and the
//     panel's menu have each answered within the last five minutes. That is long
//     enough for an engine to crash, back off and come again, and for people to see
//     what is wrong; a restart of the box is for what has hung for good.
//   - A role that somebody holds on purpose is not waited for.
//   - After a start that was the watchdog's own doing, the engine and the panel
//     count only once they have answered: a box that cannot serve stays up, so that
//     it can be mended, and does not restart for ever.
//   - The supervisor's loop counts always.
type vitals struct {
	reset bool                 // the watchdog has started the box
	last  map[string]time.Time // when a part answered, or began to be waited for
	seen  map[string]bool      // parts that have answered since the start
}

// vitalGrace is how long a part may be silent.
const vitalGrace = 5 * time.Minute

// The parts.
const (
	partSupervisor = "the supervisor's loop"
	partEngine     = "the engine or its store"
	partPanel      = "the panel's menu"
)

func newVitals(reset bool, now time.Time, parts ...string) *vitals {
	v := &vitals{reset: reset, last: map[string]time.Time{}, seen: map[string]bool{}}
	for _, p := range parts {
		v.last[p] = now
	}
	return v
}

// heard notes that a part has answered.
func (v *vitals) heard(part string, now time.Time) { v.last[part], v.seen[part] = now, true }

// excuse notes that a part need not answer now.
func (v *vitals) excuse(part string, now time.Time) { v.last[part] = now }

// feed says whether to feed the watchdog, and why not; or, while there is time yet,
// what is waited for.
func (v *vitals) feed(now time.Time) (ok bool, why string) {
	var silent, dead []string
	for part, at := range v.last {
		quiet := now.Sub(at)
		if quiet < 15*time.Second || v.reset && !v.seen[part] && part != partSupervisor {
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
