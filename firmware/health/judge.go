// SPDX-License-Identifier: Apache-2.0

package health

import "fmt"

// A Judge turns the answers to one probe into a verdict.
//
//	           first good answer
//	Checking ---------------------> Up <----.
//	   |                            |       | Rise good in a row, or the first
//	   | Fall bad in a row          |       | one after an agent's "out"
//	   `-----------> Down <---------'       |
//	                  | Fall bad, or "out"  |
//	                  `---------------------'
//
// So a box that starts uses a server after its first good answer, but gives none
// up for less than Fall bad ones. An Unavailable result says nothing of the
// member: the verdict and the counts stay. Fall times Abstain in a row lead back
// to Checking, because the last word of an agent does not hold for ever.
//
// The zero Judge is not usable; a Judge is a value and can be copied to try out
// what a result would do.
type Judge struct {
	rise, fall int
	state      State
	last       Outcome // of what run counts
	run        int     // like results in a row, Unavailable ones left out
	out        bool    // Down because the agent asked for it
}

// A Verdict is what a Judge says after a result.
type Verdict struct {
	State   State  `json:"state"`
	Changed bool   `json:"changed"`
	Reason  string `json:"reason"` // why the state is new, or how far the way to another one is
}

// NewJudge returns a Judge that is Checking. rise and fall below 1 count as 1.
func NewJudge(rise, fall int) Judge { return Judge{rise: max(rise, 1), fall: max(fall, 1)} }

// State returns the present verdict.
func (j *Judge) State() State { return j.state }

// Step takes the result of one probe into account.
func (j *Judge) Step(r Result) Verdict {
	if r.Outcome == Unavailable {
		return Verdict{State: j.state, Reason: r.Detail}
	}
	if r.Outcome != j.last {
		j.last, j.run = r.Outcome, 0
	}
	j.run++
	before := j.state
	need := j.follow(r)
	v := Verdict{State: j.state, Changed: j.state != before, Reason: r.Detail}
	if need > 1 {
		j.run = min(j.run, need)
		v.Reason = fmt.Sprintf("%s (%d of %d)", r.Detail, j.run, need)
	}
	return v
}

// follow moves to the state that r leads to and returns how many results like r
// it takes; 0 when they lead nowhere else.
func (j *Judge) follow(r Result) int {
	switch {
	case r.Outcome == Good && r.out():
		j.state, j.out = Down, true
	case r.Outcome == Good && j.state == Down && !j.out:
		return j.reach(Up, j.rise)
	case r.Outcome == Good:
		j.state, j.out = Up, false
	case r.Outcome == Bad && (j.state != Down || j.out):
		return j.reach(Down, j.fall)
	case r.Outcome == Abstain && j.state != Checking:
		return j.reach(Checking, j.fall)
	}
	return 0
}

// forgets reports whether the latest results were so many without an answer that
// what an agent said before is void.
func (j *Judge) forgets() bool {
	return (j.last == Bad || j.last == Abstain) && j.run >= j.fall
}

// reach moves to state s once there are need results in a row.
func (j *Judge) reach(s State, need int) int {
	if j.run >= need {
		j.state, j.out = s, false
	}
	return need
}
