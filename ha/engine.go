// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"time"
)

// Times of an engine that was given up.
const (
	engineTrust = 3 * time.Second // for which it must serve before it is believed again
	engineGap   = time.Second     // of silence, after which that begins anew
)

// An engineWatch says for how long the engine has served, and for how long not.
type engineWatch struct {
	asked    time.Duration // the first question, 0: none yet
	served   time.Duration // the last answer that it serves
	ever     bool          // there was one
	good     time.Duration // since when it serves without a gap
	serving  bool          // by the last answer
	answered time.Duration // the last answer
	why      string        // of the last answer that it does not serve, or of none
}

// heard takes an answer.
func (e *engineWatch) heard(now time.Duration, s Serving) {
	e.answered = now
	if !s.Serving {
		e.serving, e.why = false, s.Why
		if e.why == "" {
			e.why = "it does not say why"
		}
		return
	}
	if !e.serving || now-e.served > engineGap {
		e.good = now
	}
	e.serving, e.served, e.ever, e.why = true, now, true, ""
}

// presume believes that the engine serves, since it did a moment ago.
func (e *engineWatch) presume(now time.Duration) {
	if !e.ever {
		e.ever, e.serving, e.served, e.good = true, true, now, now
	}
}

// unheard takes a question that was not answered.
func (e *engineWatch) unheard(err error) {
	if e.why == "" || !e.serving {
		e.why = err.Error()
	}
}

// slept takes a time in which this process stood still, and could not ask.
func (e *engineWatch) slept(d time.Duration) {
	e.served += d
	e.good += d
	e.answered += d
}

// silent says for how long the engine has not served.
func (e *engineWatch) silent(now time.Duration) time.Duration {
	if !e.ever {
		return now - e.asked
	}
	return now - e.served
}

// watchEngine notes whether the engine serves as far as g is concerned.
func (r *Runner) watchEngine(g *group) {
	e, now := &r.engine, r.now()
	switch {
	case e.silent(now) >= g.set.EngineHold.D():
		g.idle = e.complaint(now)
	case g.idle != "" && (!e.ever || e.serving && (e.served-e.good >= engineTrust || !g.served)):
		g.idle = ""
	}
	if e.ever && e.serving && g.idle == "" {
		g.served = true
	}
}

// complaint says what is wrong with the engine.
func (e *engineWatch) complaint(now time.Duration) string {
	if e.why != "" && !e.serving && e.ever || !e.ever && e.answered > 0 {
		return "the engine does not serve: " + e.why
	}
	if e.why != "" {
		return fmt.Sprintf("the engine does not answer: %s", e.why)
	}
	return fmt.Sprintf("the engine does not answer (last %v ago)", e.silent(now).Round(100*time.Millisecond))
}

// deadline returns when the engine's silence changes something for g. Its answers wake
// the loop by themselves.
func (e *engineWatch) deadline(g *group) (at time.Duration, ok bool) {
	switch {
	case g.idle == "" && e.ever:
		return e.served + g.set.EngineHold.D(), true
	case g.idle == "":
		return e.asked + g.set.EngineHold.D(), true
	}
	return 0, false
}
