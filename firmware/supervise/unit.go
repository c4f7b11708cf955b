// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A unit is one role and its processes. Transitions are methods that the loop's
// goroutine calls; the picture is in the package's documentation.
type unit struct {
	loop *loop
	cfg  Role

	active   *proc   // has or had Go and has not released
	next     *proc   // starts, or waits for the release of active
	draining []*proc // oldest first
	retry    *time.Timer
	waiters  []func(error) // those who asked for next
	dials    []dial        // connections that wait for active, oldest first
	held     *hold         // not nil: nothing of the role is started

	backoff   backoff
	restarts  int
	crashes   int
	lastCrash string
	crashedAt []time.Time // the last maxCrashed crashes, the latest last
}

// maxCrashed is of how many crashes the times are remembered.
const maxCrashed = 100

// startNext starts the process that is to become the active one.
func (u *unit) startNext() {
	if u.retry != nil {
		u.retry.Stop()
		u.retry = nil
	}
	p := &proc{unit: u, state: Starting, since: time.Now()}
	var err error
	p.process, err = u.loop.start(u.loop.cfg, u.cfg, p)
	if err != nil {
		u.nextFailed(p, err.Error())
		return
	}
	u.loop.alive++
	u.next = p
	u.loop.log.Info("role started", "role", u.cfg.Name, "pid", p.pid())
	u.loop.watch(Event{Role: u.cfg.Name, Kind: Started, PID: p.pid()})
	p.send(frame{Type: hello, Protocol: protocol, Version: u.loop.cfg.Version, Role: u.cfg.Name})
	p.deadline(u.cfg.ReadyTimeout, func() {
		p.killed(fmt.Sprintf("it was not ready after %v", u.cfg.ReadyTimeout))
	})
}

// restart begins a planned restart.
func (u *unit) restart(reply func(error)) {
	if u.held != nil {
		reply(fmt.Errorf("%s is held: %s", u.cfg.Name, u.held.why))
		return
	}
	if u.next != nil {
		reply(fmt.Errorf("a restart of %s is already under way", u.cfg.Name))
		return
	}
	u.waiters = append(u.waiters, reply)
	u.startNext()
}

// ready takes the word of the next process that it has initialised.
func (u *unit) ready(p *proc) {
	if p != u.next || p.state != Starting {
		return
	}
	p.state = WaitingForGo
	p.clear()
	u.answer(nil)
	switch {
	case u.loop.stopping:
	case u.active == nil:
		u.promote()
	case u.active.state == Serving:
		u.handOver()
	}
}

// handOver tells the active process to make room for the next.
func (u *unit) handOver() {
	u.restarts++
	u.giveUp(u.active)
}

// giveUp tells a process that serves to release what it owns.
func (u *unit) giveUp(old *proc) {
	old.state = Releasing
	old.drainBy = time.Now().Add(u.cfg.DrainTimeout)
	old.quiet()
	old.send(frame{Type: orderDrain, Deadline: u.cfg.DrainTimeout})
	old.deadline(u.cfg.ReleaseTimeout, func() {
		old.killed(fmt.Sprintf("it had released nothing after %v", u.cfg.ReleaseTimeout))
	})
}

// released takes the word of the active process that it has handed over.
func (u *unit) released(p *proc) {
	if u.loop.stopping {
		if p.state != Stopping {
			p.state = DrainingState
		}
		u.loop.stopRest()
		return
	}
	if p != u.active || p.state != Releasing {
		return
	}
	u.active = nil
	u.draining = append(u.draining, p)
	p.state = DrainingState
	u.loop.log.Info("role draining", "role", u.cfg.Name, "pid", p.pid())
	u.loop.watch(Event{Role: u.cfg.Name, Kind: Draining, PID: p.pid()})
	p.deadline(time.Until(p.drainBy), p.end)
	u.promote()
	u.settleHold()
}

// promote makes the next process the active one if it is ready and the place is
// free.
func (u *unit) promote() {
	p := u.next
	if p == nil || p.state != WaitingForGo || u.active != nil {
		return
	}
	u.active, u.next = p, nil
	p.state = Serving
	u.loop.log.Info("role running", "role", u.cfg.Name, "pid", p.pid())
	u.loop.watch(Event{Role: u.cfg.Name, Kind: Running, PID: p.pid()})
	p.send(frame{Type: orderGo})
	p.alive()
	u.connectDials()
}

// ended takes the end of a process.
func (u *unit) ended(p *proc, cause string) {
	u.loop.alive--
	p.clear()
	p.quiet()
	u.loop.forgetDials(func(d dial) bool { return d.from == p })
	if p.verdict != "" {
		cause = fmt.Sprintf("%s (%s)", p.verdict, cause)
	}
	u.loop.watch(Event{Role: u.cfg.Name, Kind: Exited, PID: p.pid(), Cause: cause,
		Owner: p == u.active})
	switch {
	case u.loop.stopping:
		u.remove(p)
		u.loop.log.Info("role stopped", "role", u.cfg.Name, "pid", p.pid(), "cause", cause)
		u.loop.stopRest()
	case p == u.next && p.state == Stopping: // it was held on its way
		u.next = nil
		u.loop.log.Info("role stopped", "role", u.cfg.Name, "pid", p.pid(), "cause", cause)
		if u.held == nil {
			u.startNext()
		}
	case p == u.next:
		u.next = nil
		u.nextFailed(p, cause)
	case p != u.active:
		u.remove(p)
		u.loop.log.Info("role drained", "role", u.cfg.Name, "pid", p.pid(), "cause", cause)
	case p.state == Releasing:
		u.active = nil
		u.loop.log.Info("role ended in the hand-over", "role", u.cfg.Name, "pid", p.pid(), "cause", cause)
		u.promote()
	default:
		u.active = nil
		u.crashed(p, cause)
	}
	u.settleHold()
}

// nextFailed takes the end of a process that never had Go.
func (u *unit) nextFailed(p *proc, cause string) {
	u.answer(errors.New(u.cfg.Name + ": the new process ended before it was ready: " + cause))
	if u.active != nil && u.active.state == Serving {
		u.loop.log.Warn("role not replaced", "role", u.cfg.Name, "cause", cause)
		return
	}
	u.crashed(p, cause)
}

// crashed restarts the role, at once or after the delay that the policy wants.
// A successor that is on its way already will do.
func (u *unit) crashed(p *proc, cause string) {
	u.crashes++
	u.lastCrash = cause
	u.crashedAt = append(u.crashedAt, time.Now())
	u.crashedAt = u.crashedAt[max(0, len(u.crashedAt)-maxCrashed):]
	delay := u.backoff.crashed(time.Now(), time.Since(p.since))
	u.loop.log.Warn("role crashed", "role", u.cfg.Name, "cause", cause,
		"lived", time.Since(p.since).Round(time.Millisecond), "delay", delay)
	switch {
	case u.next != nil:
		u.promote()
	case delay == 0:
		u.startNext()
	default:
		u.retry = u.loop.after(delay, func() {
			if u.next == nil && u.held == nil && !u.loop.stopping {
				u.startNext()
			}
		})
	}
}

// stop drains every process of the role for the end of the whole box.
func (u *unit) stop() {
	if u.retry != nil {
		u.retry.Stop()
		u.retry = nil
	}
	u.answer(ErrStopping)
	u.dropHold()
	u.refuseDials(ErrStopping)
	for _, p := range u.all() {
		p.quiet()
		if p.state == Serving || p.state == Releasing || p.state == DrainingState {
			p.send(frame{Type: orderDrain, Deadline: u.cfg.StopTimeout})
			p.deadline(u.cfg.StopTimeout, p.end)
			continue
		}
		p.end() // it serves nobody
	}
}

// holdsUp says whether the end of the whole box waits for this role to release what it owns.
func (u *unit) holdsUp() bool {
	return u.cfg.StopFirst && slices.ContainsFunc(u.all(), func(p *proc) bool { return p.state == Serving || p.state == Releasing })
}

// answer tells those who asked for the next process what became of it.
func (u *unit) answer(err error) {
	for _, reply := range u.waiters {
		reply(err)
	}
	u.waiters = nil
}

// all returns the processes of the role, oldest first.
func (u *unit) all() []*proc {
	all := slices.Clone(u.draining)
	for _, p := range []*proc{u.active, u.next} {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

func (u *unit) remove(p *proc) {
	u.draining = slices.DeleteFunc(u.draining, func(q *proc) bool { return q == p })
	if u.active == p {
		u.active = nil
	}
	if u.next == p {
		u.next = nil
	}
}

func (u *unit) status() RoleStatus {
	s := RoleStatus{
		Name:      u.cfg.Name,
		Restarts:  u.restarts,
		Crashes:   u.crashes,
		LastCrash: u.lastCrash,
		Crashed:   slices.Clone(u.crashedAt),
		Listeners: u.loop.held.of(u.cfg.Name),
	}
	if u.held != nil {
		s.Held, s.HeldUntil = u.held.why, u.held.until
	}
	for _, p := range u.draining {
		s.Draining = append(s.Draining, p.status())
	}
	switch {
	case u.active != nil:
		s.ProcessStatus = u.active.status()
		if u.next != nil {
			next := u.next.status()
			s.Next = &next
		}
	case u.next != nil:
		s.ProcessStatus = u.next.status()
	case u.held != nil:
		s.State = Held
	case u.retry != nil:
		s.State = BackingOff
	default:
		s.State = Stopped
	}
	return s
}
