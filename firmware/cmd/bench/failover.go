// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	labs "evener/firmware/lab"
)

// standbyPeer is what a pair of boxes is compared with.
const standbyPeer = "keepalived+haproxy"

// A failoverCase is one way for the active box of a pair to stop being that.
type failoverCase struct {
	name     string
	interval time.Duration // of advertisements
	about    string
	metrics  []metric
	// trial makes the box at that place stop being active, and returns a value for
	// each metric.
	trial func(ctx context.Context, p *pair, active int) ([]float64, error)
}

// A metric is what is measured of a failover; the limit is of Evener's value.
type metric struct {
	name, unit string
	limit      float64
}

func failoverSwitch(l *lab) ([]row, error) {
	return l.failover(failoverCase{name: "failover-switch", interval: 100 * time.Millisecond, trial: switchTrial,
		about: fmt.Sprintf("A visitor with a fresh connection each %v, %d that keep theirs and take a request that it ends as failed. "+
			"Evener is told to switch; the peer's active keepalived is stopped in order, its HAProxy runs on.", freshEvery, keptCount),
		metrics: []metric{{"/failed", "failed requests", 0}, {"/gap", "ms, the longest between two answers", 100}}})
}

func failoverCrash(name string, interval time.Duration, limit float64) func(l *lab) ([]row, error) {
	return func(l *lab) ([]row, error) {
		return l.failover(failoverCase{name: name, interval: interval, trial: crashTrial,
			about: fmt.Sprintf("The cables of the active box are pulled and all its processes killed; advertisements each %v. "+
				"From its last answer to the first one of the other box.", interval),
			metrics: []metric{{"", fmt.Sprintf("ms without an answer, visitors each %v", freshEvery), limit}}})
	}
}

// failover tries the case with both contenders, by turns, each in a lab of its own. What
// keeps one from being measured is in the rows.
func (l *lab) failover(c failoverCase) ([]row, error) {
	if os.Geteuid() != 0 {
		return sumUp(c.name, standbyPeer, c.about, c.metrics, nil, errNoRoot.Error()), nil
	}
	tried, note := map[string]*rounds{evener: {}, standbyPeer: {}}, ""
	back, err := allProcessors()
	if err != nil {
		return nil, err
	}
	defer back()
	for n := 0; n < l.failovers && note == ""; n += failoverTurn {
		for _, kind := range []string{evener, standbyPeer} {
			err := l.failoverRounds(kind, c, tried[kind], min(n+failoverTurn, l.failovers))
			if l.ctx.Err() != nil {
				return nil, l.ctx.Err()
			}
			if err != nil {
				note += fmt.Sprintf("%s: %v. ", kind, err)
			}
		}
	}
	values := map[string][][]float64{}
	for _, kind := range []string{evener, standbyPeer} {
		got := tried[kind]
		values[kind] = got.values
		if got.uneasy > 0 {
			c.about += fmt.Sprintf(" With %s %d rounds were begun anew: %v.", kind, got.uneasy, errUneasy)
		}
		if kind == evener && len(got.failed) > 0 {
			c.about += " What failed: " + strings.Join(got.failed, "; ") + "."
		}
	}
	return sumUp(c.name, standbyPeer, c.about, c.metrics, values, note), nil
}

// failoverTurn is how many rounds a contender has before the other: a machine that others
// use too is not the same a few minutes later.
const failoverTurn = 5

// errNoRoot is why there is no lab.
var errNoRoot = errors.New("not measured: the lab is made of network namespaces, which only root may make")

// rounds are what was measured of one contender.
type rounds struct {
	values [][]float64
	uneasy int      // rounds that do not count
	failed []string // requests, with the round
}

// failoverRounds measures one contender until it has n rounds; what was measured before an
// error counts.
func (l *lab) failoverRounds(kind string, c failoverCase, r *rounds, n int) (err error) {
	p, err := l.newPair(kind, c.interval)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for len(r.values) < n {
		got, err := c.round(l.ctx, p)
		switch {
		case errors.Is(err, errUneasy) && r.uneasy < l.failovers:
			r.uneasy++
			fmt.Fprintf(l.progress, "  %-18s %v: once more\n", kind, err)
		case err != nil:
			return fmt.Errorf("round %d: %w", len(r.values)+1, err)
		default:
			r.values = append(r.values, got)
			fmt.Fprintf(l.progress, "  %-18s %s\n", kind, c.tell(got))
			for _, text := range p.failed {
				fmt.Fprintf(l.progress, "  %18s failed: %s\n", "", text)
				r.failed = append(r.failed, fmt.Sprintf("round %d, %s", len(r.values), text))
			}
		}
	}
	return nil
}

// round waits until all is well, makes the trial, and sees to the box that it hit.
func (c failoverCase) round(ctx context.Context, p *pair) ([]float64, error) {
	active, err := p.settle(ctx)
	if err == nil {
		err = pause(ctx, restBefore)
	}
	if err != nil {
		return nil, err
	}
	values, err := c.trial(ctx, p, active)
	if err != nil {
		return nil, err
	}
	return values, p.revive(ctx, active)
}

// errUneasy is why a round does not count: with short intervals and a busy machine a
// standby may take over from who is well.
var errUneasy = errors.New("requests failed before anything happened")

// calm lets visitors come for a while, whom nothing may befall yet.
func calm(ctx context.Context, s *swarm) error {
	if err := pause(ctx, visitBefore); err != nil {
		return err
	}
	if failures(s.sofar()) > 0 {
		return errUneasy
	}
	return nil
}

func (c failoverCase) tell(values []float64) string {
	var parts []string
	for i, m := range c.metrics {
		parts = append(parts, fmt.Sprintf("%.1f %s", values[i], m.unit))
	}
	return strings.Join(parts, ", ")
}

// sumUp makes two rows of each metric, the median and the worst of the rounds, from
// the values by contender, round and metric.
func sumUp(name, against, about string, metrics []metric, values map[string][][]float64, note string) (out []row) {
	for i, m := range metrics {
		for _, sum := range []struct {
			name string
			of   func([]float64) float64
		}{{"", median}, {"/worst", slices.Max[[]float64]}} {
			r := row{Case: name + m.name + sum.name, Unit: m.unit, Limit: m.limit, Absolute: true, Against: against,
				Peers: map[string]float64{}, Note: strings.TrimSpace(note)}
			if len(out) == 0 {
				r.About = about
			}
			for kind, rounds := range values {
				if column := columnOf(rounds, i); len(column) > 0 {
					r.put(kind, sum.of(column))
				}
			}
			r.judge()
			out = append(out, r)
		}
	}
	return out
}

func columnOf(rounds [][]float64, i int) (out []float64) {
	for _, values := range rounds {
		out = append(out, values[i])
	}
	return out
}

// How long a pair rests before a round, and visitors come before something happens and
// after a switch. A box that has just started again has much to do still, and both share
// the processors of one machine.
const (
	restBefore  = 2 * time.Second
	visitBefore = 500 * time.Millisecond
	visitAfter  = 1500 * time.Millisecond
)

// atVIP is where visitors go.
var atVIP = netip.AddrPortFrom(labs.VIP, 80).String()

// switchTrial moves the place of a box to the other as planned.
func switchTrial(ctx context.Context, p *pair, active int) ([]float64, error) {
	s := sendSwarm(p.lab.Client, atVIP, keptCount)
	defer s.stop()
	if err := calm(ctx, s); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := p.hand(ctx, active); err != nil {
		return nil, fmt.Errorf("switch: %w", err)
	}
	if err := pause(ctx, visitAfter); err != nil {
		return nil, err
	}
	answers := s.stop()
	if now, err := p.holder(); err != nil || now == active {
		return nil, errors.Join(err, errors.New("nothing was switched"))
	}
	p.failed = tellFailed(answers, start)
	gap := longestGap(answers, start)
	return []float64{float64(failures(answers)), milliseconds(gap)}, nil
}

// linkBefore is how much sooner than the others the cable between the boxes goes, and up to
// as much again: what a box does because of it is in step with it.
const linkBefore = 100 * time.Millisecond

// crashTrial takes the power of a box away and waits until the other has answered.
func crashTrial(ctx context.Context, p *pair, active int) ([]float64, error) {
	s := sendSwarm(p.lab.Client, atVIP, 0)
	defer s.stop()
	if err := calm(ctx, s); err != nil {
		return nil, err
	}
	box := p.lab.Boxes[active]
	// The cables first: what dies by and by must not say goodbye, as it would not
	// without power. keepalived does when the first of its two processes ends. The box serves
	// until the cable to the clients is out, and by the link between the boxes it could still
	// say that it lives: that one goes before, and the box gets time to look at its links,
	// since the kernel pulls no other cable meanwhile.
	err := errors.Join(p.lab.Unplug(box.Space, labs.Link), pause(ctx, linkBefore+rand.N(linkBefore)))
	start := time.Now()
	for _, port := range []string{labs.Front, labs.Back} {
		err = errors.Join(err, p.lab.Unplug(box.Space, port))
	}
	out := time.Now() // who asks from here on is answered by the other box
	if err = errors.Join(err, box.Signal(syscall.SIGKILL)); err != nil {
		return nil, err
	}
	if err := awaitAnswer(ctx, s, out); err != nil {
		return nil, err
	}
	// Pulling a cable takes the kernel some milliseconds, and at some time in them the box is
	// gone: its last answer shows it better than the time of the order.
	gap := longestGap(s.sofar(), start)
	err = soon(ctx, "the last process of the box has ended", func() error {
		idle, err := idleSpace(box)
		if err == nil && !idle {
			err = errors.New("there are processes")
		}
		return err
	})
	return []float64{milliseconds(gap)}, err
}

// awaitAnswer waits for the answer to a request that began after a time.
func awaitAnswer(ctx context.Context, s *swarm, after time.Time) error {
	return soon(ctx, "the other box answers", func() error {
		answers := s.sofar()
		if !servedSince(answers, after) {
			return fmt.Errorf("no answer to %d requests", len(answers))
		}
		return nil
	})
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
