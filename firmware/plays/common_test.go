// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"context"
	"errors"
	"evener/firmware/lb"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// common returns the steps that every script may have: those by which actors
// wait for each other, and those of the operator.
func common(word string) step {
	switch word {
	case "signal":
		return giveSignal
	case "await":
		return await
	case "pause":
		return pause
	case "state":
		return awaitState
	case "metric":
		return awaitMetric
	case "quiesce", "disable", "enable", "weight":
		return operate
	}
	return nil
}

func giveSignal(a *actor, n *node) error {
	if len(n.words) != 2 {
		return n.errorf("want: signal NAME")
	}
	ch := a.p.signal(n.word(1))
	select {
	case <-ch:
		return n.errorf("the signal was given before")
	default:
		close(ch)
		return nil
	}
}

func await(a *actor, n *node) error {
	if len(n.words) != 2 {
		return n.errorf("want: await NAME")
	}
	select {
	case <-a.p.signal(n.word(1)):
		return nil
	case <-a.p.ctx.Done():
		return context.Cause(a.p.ctx)
	case <-time.After(time.Until(a.p.ends)):
		return errors.New("nobody gave the signal")
	}
}

// pause lets time pass where the box tells things apart by it. It is no way to
// wait for something.
func pause(a *actor, n *node) error {
	d, err := time.ParseDuration(n.word(1))
	if err != nil {
		return n.errorf("want: pause DURATION")
	}
	time.Sleep(d)
	return nil
}

// awaitState waits until a member is in a state.
func awaitState(a *actor, n *node) error {
	pool, member, ok := strings.Cut(n.word(1), "/")
	if !ok || len(n.words) != 3 {
		return n.errorf("want: state POOL/MEMBER WORD")
	}
	return a.p.eventually(n.word(2), func() (string, error) { return a.p.box.state(pool, member), nil })
}

// awaitMetric waits until a sample has a value.
func awaitMetric(a *actor, n *node) error {
	if len(n.words) != 4 || n.word(2) != "=" {
		return n.errorf("want: metric SAMPLE = VALUE")
	}
	return a.p.eventually(n.word(3), func() (string, error) { return a.p.box.metric(n.word(1)) })
}

// eventually waits until now returns what is wanted.
func (p *play) eventually(want string, now func() (string, error)) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ends := time.Now().Add(p.patience / 4); ; {
		got, err := now()
		if got == want || err != nil {
			return err
		}
		if time.Now().After(ends) {
			return fmt.Errorf("it is still %s", got)
		}
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
	}
}

// operate does what an operator does at run time. The guard of the last member
// is overridden.
func operate(a *actor, n *node) error {
	b := a.p.box.balancer
	name, err := a.p.fill(n, n.word(1))
	if err != nil {
		return err
	}
	pool, member, ok := strings.Cut(name, "/")
	if !ok {
		return n.errorf("want: %s POOL/MEMBER", n.word(0))
	}
	switch n.word(0) {
	case "quiesce":
		sticky := n.word(2) == "keep-sticky"
		if len(n.words) > 2 && !sticky {
			return n.errorf("want: quiesce POOL/MEMBER [keep-sticky]")
		}
		return b.Quiesce(pool, member, sticky, byPlay)
	case "disable":
		return b.Disable(pool, member, byPlay)
	case "enable":
		return b.Enable(pool, member, byPlay)
	}
	w, err := strconv.Atoi(n.word(2))
	if err != nil {
		return n.errorf("want: weight POOL/MEMBER NUMBER")
	}
	return b.SetWeight(pool, member, w, byPlay)
}

// byPlay is who changes members at run time in plays.
var byPlay = lb.Order{By: "the play", Force: true}
