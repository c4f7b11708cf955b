// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A load puts one proxy to work for d and says how much it did.
type load func(p *proxy, d time.Duration) (work, error)

// Work is what was done in one round.
type work struct {
	units  float64 // requests, exchanges or gigabytes: what the cost is for
	done   float64 // requests or exchanges
	failed int     // of them; a round with failures proves nothing
	took   time.Duration
}

// A tally collects the rounds of one proxy.
type tally struct {
	costs, rates []float64
	failed       int
}

// rounds loads every proxy in turn, after a first round that does not count,
// and returns the tallies by label. A cost is in microseconds of processor time
// for each unit.
func (l *lab) rounds(f load) (map[string]*tally, error) {
	tallies := map[string]*tally{}
	for round := range l.options.rounds + 1 {
		for _, p := range slices.Clone(l.proxies) {
			d := l.duration
			if round == 0 {
				d = min(d, time.Second)
			}
			w, cpu, err := one(p, d, f)
			switch {
			case err != nil && (p.kind == haproxy || p.kind == nginx || l.ctx.Err() != nil):
				return nil, err
			case err != nil: // of ours: a result, not the end
				l.drop(p, tallies, err)
			case round > 0:
				l.tell(p, tallies, w, cpu)
			}
		}
	}
	return tallies, nil
}

// one loads p once and returns the processor time that this cost.
func one(p *proxy, d time.Duration, f load) (work, time.Duration, error) {
	before, err := p.usage()
	if err != nil {
		return work{}, 0, err
	}
	w, err := f(p, d)
	if err != nil {
		return work{}, 0, fmt.Errorf("load on %s: %w", p.label, p.or(err))
	}
	after, err := p.usage()
	return w, after.cpu - before.cpu, err
}

// drop takes a proxy that failed out of the case.
func (l *lab) drop(p *proxy, tallies map[string]*tally, err error) {
	l.broken = strings.TrimSpace(l.broken + " " + err.Error())
	l.proxies = slices.DeleteFunc(l.proxies, func(q *proxy) bool { return q == p })
	delete(tallies, p.label)
	p.stop()
}

// tell notes one round.
func (l *lab) tell(p *proxy, tallies map[string]*tally, w work, cpu time.Duration) {
	t := tallies[p.label]
	if t == nil {
		t = &tally{}
		tallies[p.label] = t
	}
	t.failed += w.failed
	if w.units == 0 || w.took == 0 {
		t.failed++
		return
	}
	cost, rate := float64(cpu.Microseconds())/w.units, w.done/w.took.Seconds()
	t.costs = append(t.costs, cost)
	t.rates = append(t.rates, rate)
	fmt.Fprintf(l.progress, "  %-14s %10.2f µs %10.0f/s  %3.0f%% of a processor\n", p.label, cost, rate,
		100*cpu.Seconds()/w.took.Seconds())
}

// row sums up tallies of costs; scale turns microseconds into the row's unit.
func (l *lab) row(name, unit string, scale float64, against string, limit float64, tallies map[string]*tally) row {
	r := row{Case: name, Unit: unit, Limit: limit, Against: against, Note: l.broken,
		Peers: map[string]float64{}, Rates: map[string]float64{}}
	for label, t := range tallies {
		r.Rates[label] = median(t.rates)
		if t.failed > 0 {
			r.Note += fmt.Sprintf("%s failed %d times. ", label, t.failed)
		}
		r.put(label, median(t.costs)*scale)
	}
	if against == theBetter {
		r.Against = r.cheapest()
	}
	r.judge()
	return r
}

// put files a value under its label.
func (r *row) put(label string, value float64) {
	if label == evener {
		r.Evener = &value
		return
	}
	r.Peers[label] = value
}
