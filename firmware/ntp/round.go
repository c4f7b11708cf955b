// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// How many machines are asked.
const (
	mostPerName = 4 // as many as a pool gives
	mostAsked   = 16
	renewNames  = time.Hour
	banished    = 24 * time.Hour // after a server asked for it (RFC 5905, section 7.4)
)

// A source is a name with the machines that it stands for.
type source struct {
	name     string
	resolved time.Time
	why      string // the name was not resolved
	peers    []*peer
}

// A peer is one machine.
type peer struct {
	Server
	poll     time.Duration // it wants no questions more often; 0: as often as others
	asked    time.Time
	banished time.Time // until then it is not asked
	answer   Answer
	fresh    bool // answer is of this round
	silences int
}

// round asks everybody once, corrects the clock, and returns when to ask again.
func (c *Clock) round(ctx context.Context) time.Duration {
	c.mu.Lock()
	names, sources := c.names, c.sources
	c.mu.Unlock()
	if len(names) == 0 {
		return mostPoll // Set wakes it
	}
	now, _ := c.sys.Now()
	var wg sync.WaitGroup
	for _, s := range sources {
		wg.Go(func() { c.resolve(ctx, s, now) })
	}
	wg.Wait()
	peers := c.turn(sources, now)
	for _, p := range peers {
		wg.Go(func() {
			a, err := c.ask.Ask(ctx, p.Address)
			c.heard(p, a, err, now)
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return mostPoll
	}
	c.mu.Lock()
	if !slices.Equal(names, c.names) { // Set came meanwhile
		c.mu.Unlock()
		return 0
	}
	e, next := c.conclude(now)
	c.status.Next = now.Add(next)
	c.mu.Unlock()
	if e != nil {
		c.cfg.Happened(*e)
	}
	return next
}

// resolve looks a name up, where it is time for that.
func (c *Clock) resolve(ctx context.Context, s *source, now time.Time) {
	c.mu.Lock()
	due := s.resolved.IsZero() || now.Sub(s.resolved).Abs() > renewNames ||
		!slices.ContainsFunc(s.peers, func(p *peer) bool { return p.silences < 3 })
	c.mu.Unlock()
	if !due {
		return
	}
	list, err := c.ask.Resolve(ctx, s.name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		s.why = err.Error()
		return
	}
	s.why, s.resolved = "", now
	var peers []*peer
	for _, a := range list[:min(len(list), mostPerName)] {
		i := slices.IndexFunc(s.peers, func(p *peer) bool { return p.Address == a })
		if i >= 0 {
			peers = append(peers, s.peers[i])
			continue
		}
		peers = append(peers, &peer{Server: Server{Name: s.name, Address: a, State: Waiting}})
	}
	s.peers = peers
}

// turn returns the machines whose turn it is, each once.
func (c *Clock) turn(sources []*source, now time.Time) (out []*peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[netip.AddrPort]bool{}
	for _, s := range sources {
		for _, p := range s.peers {
			p.fresh = false
			if len(out) == mostAsked || seen[p.Address] || now.Before(p.banished) || p.poll > 0 && now.Sub(p.asked) < p.poll {
				continue
			}
			seen[p.Address], p.asked = true, now
			out = append(out, p)
		}
	}
	return out
}

// heard notes what a machine has said.
func (c *Clock) heard(p *peer, a Answer, err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.Why = ""
	if err == nil {
		p.answer, p.fresh, p.silences, p.At = a, true, 0, now
		p.Stratum, p.Offset, p.Distance, p.Delay = a.Stratum, a.Offset, a.Distance, a.Delay
		if a.Distance > MostDistance {
			p.fresh, p.State, p.Why = false, Unfit, fmt.Sprintf("it may be wrong by %v", short(a.Distance))
		}
		return
	}
	p.State, p.Why = stateOf(err), err.Error()
	switch kiss, ok := kissOf(err); {
	case !ok && p.State == Silent:
		p.silences++
	case !ok:
	case kiss == "RATE":
		p.poll = min(max(2*p.poll, 2*leastPoll), 4*mostPoll)
	default: // DENY, RSTR and those that nobody knows
		p.banished = now.Add(banished)
	}
}

// conclude finds what the answers of the round say, and does it. The caller holds
// c.mu.
func (c *Clock) conclude(now time.Time) (*Event, time.Duration) {
	var peers []*peer
	var answers []Answer
	for _, s := range c.sources {
		for _, p := range s.peers {
			if p.fresh {
				peers, answers = append(peers, p), append(answers, p.answer)
			}
		}
	}
	c.rounds++
	c.status.Would = ""
	x, ok := choose(answers)
	for i, p := range peers {
		if p.State = Outvoted; ok && x.good[i] {
			p.State = Good
		}
	}
	switch {
	case len(answers) == 0:
		c.trouble, c.suspect = c.nobody(), 0
		c.poll = min(max(2*c.poll, leastPoll), mostPoll)
		return nil, c.poll
	case !ok:
		c.trouble, c.suspect = disagree(peers), 0
		c.poll = leastPoll
		return nil, c.poll
	}
	c.trouble, c.poll = "", c.pace(x)
	e := c.correct(x, now) // may want to ask sooner
	return e, c.poll
}

// pace returns when to ask next: soon at first, rarely once the clock is right.
func (c *Clock) pace(x chosen) time.Duration {
	switch {
	case c.rounds < 3:
		return firstPoll
	case x.offset.Abs() > goodEnough:
		return leastPoll
	}
	return min(max(2*c.poll, leastPoll), mostPoll)
}

// nobody says why there is no answer.
func (c *Clock) nobody() string {
	var out []string
	for _, s := range c.sources {
		if s.why != "" {
			out = append(out, fmt.Sprintf("%s: %s", s.name, s.why))
		}
		for _, p := range s.peers {
			out = append(out, fmt.Sprintf("%s: %s", p.Address.Addr(), p.Why))
		}
	}
	const most = 4
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(out)-most))
	}
	return "no time server can be followed: " + strings.Join(out, "; ")
}

// disagree says who says what.
func disagree(peers []*peer) string {
	var out []string
	for _, p := range peers {
		out = append(out, fmt.Sprintf("%s: %+v", p.Address.Addr(), short(p.Offset)))
	}
	return "the time servers disagree, and none of them is believed: " + strings.Join(out, ", ")
}

// short leaves out digits that nobody reads.
func short(d time.Duration) time.Duration {
	switch a := d.Abs(); {
	case a >= time.Second:
		return d.Round(10 * time.Millisecond)
	case a >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
