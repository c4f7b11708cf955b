// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A hold keeps a role stopped.
type hold struct {
	why     string
	until   time.Time
	limit   time.Duration
	timer   *time.Timer
	waiters []func(error) // told when nothing of the role owns anything
}

// A Grip is what who holds a role has of it. Nobody else can release it.
type Grip struct {
	s    *Supervisor
	role string
	hold *hold
}

// ErrHeld is what Hold returns, with who holds it, for a role that is held already.
var ErrHeld = errors.New("it is held already")

// ErrNotHeld is what Release returns if the hold has ended by itself.
var ErrNotHeld = errors.New("it is not held any more")

// Hold stops a role and keeps it stopped until [Grip.Release], or until limit has
// passed: a hold that its holder forgets, or dies with, ends by itself. why is for
// people.
//
// It returns when no process of the role owns what one process at a time may own,
// such as the store: the one that ran has released it, or is gone. What that one
// has begun it may finish, as in a restart; the listeners stay open, so that
// clients wait in their queues. A process that does not release in time is
// killed, one that is stopped by a signal too. If ctx ends first, the hold is
// taken back and the error is that of ctx.
//
// A role that is held already is an ErrHeld.
func (s *Supervisor) Hold(ctx context.Context, role, why string, limit time.Duration) (*Grip, error) {
	if limit <= 0 {
		return nil, fmt.Errorf("hold %s: the limit must be more than 0s, not %v", role, limit)
	}
	g := &Grip{s: s, role: role, hold: &hold{why: why, limit: limit}}
	result := make(chan error, 1)
	err := s.do(ctx, func(l *loop) { l.hold(role, g.hold, func(err error) { result <- err }) })
	if err != nil {
		return nil, err
	}
	select {
	case err := <-result:
		if err != nil {
			return nil, err
		}
		return g, nil
	case <-s.done:
		return nil, ErrStopping
	case <-ctx.Done():
		// The holder has not got it, so it will not release it either. It may have
		// come at this very moment; then Release is right too. If it was refused,
		// the hold of somebody else stays.
		_ = g.Release(context.WithoutCancel(ctx))
		return nil, ctx.Err()
	}
}

// Release starts the role again. It does not wait for its process. If the hold has
// ended by itself the error is an ErrNotHeld, also if somebody else holds the role by
// now.
func (g *Grip) Release(ctx context.Context) error {
	result := make(chan error, 1)
	if err := g.s.do(ctx, func(l *loop) { result <- l.release(g.role, g.hold) }); err != nil {
		return err
	}
	return <-result
}

func (l *loop) hold(role string, h *hold, reply func(error)) {
	u, err := l.unit(role)
	switch {
	case err != nil:
		reply(err)
	case l.stopping:
		reply(ErrStopping)
	case u.held != nil:
		reply(fmt.Errorf("hold %s: %w: %s", role, ErrHeld, u.held.why))
	default:
		u.hold(h, reply)
	}
}

func (l *loop) release(role string, h *hold) error {
	u, err := l.unit(role)
	switch {
	case err != nil:
		return err
	case l.stopping:
		return ErrStopping
	case u.held == nil || u.held != h:
		return fmt.Errorf("release %s: %w", role, ErrNotHeld)
	}
	u.unhold("it was released")
	return nil
}

// hold ends what starts and lets what runs release.
func (u *unit) hold(h *hold, reply func(error)) {
	h.until, h.waiters = time.Now().Add(h.limit), []func(error){reply}
	h.timer = u.loop.after(h.limit, func() {
		if u.held == h && !u.loop.stopping {
			u.unhold(fmt.Sprintf("it was held for %v", h.limit))
		}
	})
	u.held = h
	u.loop.log.Warn("role held", "role", u.cfg.Name, "why", h.why, "limit", h.limit)
	if u.retry != nil {
		u.retry.Stop()
		u.retry = nil
	}
	u.answer(fmt.Errorf("%s is held: %s", u.cfg.Name, h.why))
	if u.next != nil {
		u.next.end() // it owns nothing yet
	}
	if u.active != nil && u.active.state == Serving {
		u.giveUp(u.active)
	}
	u.settleHold()
}

// settleHold tells who holds the role when that is done.
func (u *unit) settleHold() {
	if u.held == nil || u.active != nil || u.next != nil {
		return
	}
	for _, reply := range u.held.waiters {
		reply(nil)
	}
	u.held.waiters = nil
}

// unhold starts the role again. What it had before the hold may still be on its
// way out: the new process waits for that as in a restart.
func (u *unit) unhold(why string) {
	h := u.held
	u.held = nil
	h.timer.Stop()
	for _, reply := range h.waiters {
		reply(fmt.Errorf("%s is not held any more: %s", u.cfg.Name, why))
	}
	u.loop.log.Info("role released from hold", "role", u.cfg.Name, "why", why)
	u.backoff = backoff{policy: u.cfg.Restart} // whoever held it has done something about it
	if u.next == nil {
		u.startNext()
	}
}

// dropHold ends the hold with the whole box.
func (u *unit) dropHold() {
	if u.held == nil {
		return
	}
	u.held.timer.Stop()
	for _, reply := range u.held.waiters {
		reply(ErrStopping)
	}
	u.held.waiters = nil
}
