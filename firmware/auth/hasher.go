// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"
)

// A hasher computes hashes of passwords, few at once: each takes much memory and
// CPU, which belong to the traffic.
type hasher struct {
	cost  Cost
	dummy phc // stands in for users that do not exist

	known     *lane // sessions, and addresses that a user has come from before
	strangers *lane
}

// queueLen is how many wait for each lane.
const queueLen = 16

// strangersRest is how long strangers rest after a hash, in times of what it took: so
// all of them together use a quarter of one CPU.
const strangersRest = 3

func newHasher(c Cost) *hasher {
	return &hasher{cost: c, dummy: nobodys(c), known: newLane(0), strangers: newLane(strangersRest)}
}

// verify says whether p is password's hash. A nil p is nobody's, and takes as long.
func (h *hasher) verify(ctx context.Context, l *lane, p *phc, password string) (ok bool, err error) {
	err = l.do(ctx, func() {
		if p == nil {
			h.dummy.verify(password)
			return
		}
		ok = p.verify(password)
	})
	return ok, err
}

// make hashes a new password.
func (h *hasher) make(ctx context.Context, password string) (p phc, err error) {
	err = h.known.do(ctx, func() { p = hashPassword(password, h.cost) })
	return p, err
}

// A lane lets one work at a time, and a few wait.
type lane struct {
	places chan struct{} // full: nobody more may wait
	turn   chan struct{} // full: somebody works, or rests
	rest   time.Duration // after work, in times of what it took
}

func newLane(rest time.Duration) *lane {
	return &lane{places: make(chan struct{}, queueLen+1), turn: make(chan struct{}, 1), rest: rest}
}

// full says whether do would refuse now.
func (l *lane) full() bool { return len(l.places) == cap(l.places) }

func busy() error {
	return &Error{Kind: Busy, Msg: "too many people log in at this moment: try again in a few seconds", Retry: 2 * time.Second}
}

// do runs work when it is its turn. It refuses at once if too many wait already.
func (l *lane) do(ctx context.Context, work func()) error {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		return busy()
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	start := time.Now()
	defer func() {
		// The next may begin after the rest; this one need not wait for that.
		if rest := l.rest * time.Since(start); rest > 0 {
			time.AfterFunc(rest, func() { <-l.turn })
			return
		}
		<-l.turn
	}()
	work()
	return nil
}
