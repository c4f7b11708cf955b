// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// How a trial is carried out.
const (
	lookEvery = time.Second
	lookLimit = 15 * time.Second // for one self-test to answer
	keepEvery = 15 * time.Second // between two writes of what does not pass
)

// A trial is of the version that runs. Times count from its begin, whatever the
// clock does.
type trial struct {
	began  time.Time // zero before Run
	checks []Check
	good   bool      // all of them
	since  time.Time // of good being what it is
	kept   time.Time // when what does not pass was last written down
	gaveUp string
}

// Run tells what Open has found and carries out the trial, if there is one. It
// ends with ctx.
func (u *Upgrades) Run(ctx context.Context) error {
	u.mu.Lock()
	u.running = true
	t := u.trial
	if t != nil {
		t.began = time.Now()
		t.since = t.began
	}
	u.mu.Unlock()
	u.tell()
	if t != nil && u.cfg.Test != nil {
		u.try(ctx, t)
	}
	<-ctx.Done()
	return nil
}

// try looks at the self-test until the trial has ended.
func (u *Upgrades) try(ctx context.Context, t *trial) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	l := &look{test: u.cfg.Test}
	defer l.wait()
	for ctx.Err() == nil {
		checks := l.now(ctx)
		if ctx.Err() != nil {
			return
		}
		switch u.judgeTrial(t, checks) {
		case ended:
			return
		case passed:
			if err := u.Good("", u.passedWords()); err == nil {
				return
			}
		case failed:
			if err := u.GiveUp("", failedWords(checks)); err == nil {
				if u.cfg.Reboot != nil {
					u.cfg.Reboot(ctx)
				}
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// A verdict is what a look at the self-test means.
type verdict int

const (
	undecided verdict = iota
	passed
	failed
	ended // by a person
)

// judgeTrial takes what the self-test found. One that is good at the deadline
// may finish its soak; one that could not go back is looked at for ever.
func (u *Upgrades) judgeTrial(t *trial, checks []Check) verdict {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.trial != t || t.gaveUp != "" {
		return ended
	}
	now := time.Now()
	good := allOK(checks)
	if good != t.good {
		t.good, t.since = good, now
	}
	t.checks = checks
	u.keepChecks(t, now)
	_, back := u.wayBack()
	switch {
	case good && now.Sub(t.since) >= u.cfg.Soak:
		return passed
	case !good && now.Sub(t.began) >= u.cfg.Deadline && back:
		return failed
	}
	return undecided
}

func allOK(checks []Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return len(checks) > 0
}

// keepChecks writes down what does not pass, for the case that the box does not
// live to say so. The caller holds mu.
func (u *Upgrades) keepChecks(t *trial, now time.Time) {
	a, text := u.journal.Armed, ""
	if !t.good {
		text = failedWords(t.checks)
	}
	if a == nil || a.Checks == text || !t.kept.IsZero() && now.Sub(t.kept) < keepEvery {
		return
	}
	a.Checks, t.kept = text, now
	_ = u.save() // logged and shown
}

func failedWords(checks []Check) string {
	var parts []string
	for _, c := range checks {
		if !c.OK {
			parts = append(parts, c.Name+": "+c.Detail)
		}
	}
	if len(parts) == 0 {
		return "the self-test found nothing to look at"
	}
	return "the self-test did not pass: " + strings.Join(parts, "; ")
}

func (u *Upgrades) passedWords() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return fmt.Sprintf("its self-test passed for %v", u.cfg.Soak)
}

// A look runs the self-test, one at a time, and does not wait for one that
// hangs.
type look struct {
	test func(context.Context) []Check
	out  chan []Check // not nil: one is under way
	stop context.CancelFunc
}

// now returns what the self-test finds, or that it does not answer.
func (l *look) now(ctx context.Context) []Check {
	if l.out == nil {
		test, cancel := context.WithTimeout(ctx, lookLimit)
		out := make(chan []Check, 1)
		l.out, l.stop = out, cancel
		go func() { out <- l.test(test) }()
	}
	limit := time.NewTimer(lookLimit)
	defer limit.Stop()
	select {
	case checks := <-l.out:
		l.stop()
		l.out = nil
		return checks
	case <-limit.C:
		l.stop()
	case <-ctx.Done():
	}
	return []Check{{Name: "self-test", Detail: fmt.Sprintf("it gave no answer within %v", lookLimit)}}
}

// wait lets a self-test that was told to stop do so.
func (l *look) wait() {
	if l.out == nil {
		return
	}
	l.stop()
	select {
	case <-l.out:
	case <-time.After(lookLimit):
	}
}
