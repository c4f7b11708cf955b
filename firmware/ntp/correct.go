// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"fmt"
	"slices"
	"time"
)

// correct does what the servers agree on. It returns what people should know. The
// caller holds c.mu.
func (c *Clock) correct(x chosen, now time.Time) *Event {
	s := &c.status
	s.Offset, s.Error, s.Stratum, s.Last, s.Synced = x.offset, x.err, x.stratum+1, now, true
	can, _ := c.sys.Can()
	kept := c.sys.Kept()
	again := c.suspect != 0 && (x.offset-c.suspect).Abs() <= MostSlew
	c.suspect, c.refused, c.failed = 0, "", ""
	act := decide(x.offset, x.n, kept, again)
	if !can {
		s.Synced, s.Would = false, would(act, x.offset)
		return nil
	}
	switch act {
	case wait:
		c.suspect, c.poll, s.Synced = x.offset, min(c.poll, leastPoll/4), false
		return nil
	case refuse:
		c.suspect, s.Synced = x.offset, false
		c.refused = fmt.Sprintf("the time servers say that the clock is wrong by %v, and fewer than three of them agree: it is not set; see which is right, and name more servers or set the clock by hand", short(x.offset))
		return nil
	case step:
		return c.step(x)
	}
	if err := c.sys.Slew(x.offset, x.err, c.poll, leapNow(x.leap, now)); err != nil {
		c.fail("corrected", err)
		return nil
	}
	return c.found()
}

// step sets the clock at once.
func (c *Clock) step(x chosen) *Event {
	c.log.Warn("clock set", "by", x.offset, "servers", x.n)
	if err := c.sys.Step(x.offset, x.err); err != nil {
		c.fail("set", err)
		return nil
	}
	c.watch.forgive(c.sys)
	c.lost = false
	now, _ := c.sys.Now()
	c.status.Last = now
	return &Event{Kind: Stepped, By: x.offset}
}

func (c *Clock) fail(what string, err error) {
	c.status.Synced = false
	c.failed = fmt.Sprintf("the clock is not %s: %v", what, err)
	c.log.Error("clock not corrected", "err", err)
}

func (c *Clock) found() *Event {
	if !c.lost {
		return nil
	}
	c.lost = false
	return &Event{Kind: Found}
}

// would says what is not done.
func would(a action, offset time.Duration) string {
	switch a {
	case slew:
		return fmt.Sprintf("it would be corrected gently by %v", short(offset))
	case step:
		return fmt.Sprintf("it would be set by %v", short(offset))
	}
	return fmt.Sprintf("a difference of %v would not be believed", short(offset))
}

// leapNow is what the kernel may be told of a leap: it takes it for the end of this
// day. Leap seconds come at the end of June and December.
func leapNow(l Leap, now time.Time) Leap {
	now = now.UTC()
	if tomorrow := now.AddDate(0, 0, 1); tomorrow.Day() == 1 && (now.Month() == time.June || now.Month() == time.December) {
		return l
	}
	return NoLeap
}

// judge tells that the clock follows nobody any more.
func (c *Clock) judge() {
	c.mu.Lock()
	now, _ := c.sys.Now()
	since := c.since
	if c.status.Last.After(since) {
		since = c.status.Last
	}
	gone := len(c.names) > 0 && !c.lost && now.Sub(since) > lostAfter
	if gone {
		c.lost, c.status.Synced = true, false
	}
	why := c.trouble
	c.mu.Unlock()
	if gone {
		c.log.Warn("clock follows no time server any more", "why", why)
		c.cfg.Happened(Event{Kind: Lost, Why: why})
		c.cfg.Changed()
	}
}

// Status tells how the clock does.
func (c *Clock) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Corrects, s.Why = c.sys.Can()
	s.Simulated = c.sys.Simulated()
	s.Servers = c.servers()
	if len(c.names) == 0 {
		return s
	}
	if !s.Corrects && !s.Simulated {
		s.Problems = append(s.Problems, "the clock is not corrected: "+s.Why)
	}
	for _, p := range []string{c.failed, c.refused} {
		if p != "" {
			s.Problems = append(s.Problems, p)
		}
	}
	if c.trouble != "" && c.rounds >= 3 {
		s.Problems = append(s.Problems, c.trouble)
	}
	if c.suspect != 0 && c.refused == "" {
		s.Problems = append(s.Problems, fmt.Sprintf("the time servers say that the clock is wrong by %v all at once: they are asked again before that is believed", short(c.suspect)))
	}
	return s
}

// servers lists whom is asked. The caller holds c.mu.
func (c *Clock) servers() (out []Server) {
	for _, s := range c.sources {
		if len(s.peers) == 0 {
			x := Server{Name: s.name, State: Waiting}
			if s.why != "" {
				x.State, x.Why = Silent, s.why
			}
			out = append(out, x)
		}
		for _, p := range s.peers {
			if !slices.ContainsFunc(out, func(o Server) bool { return o.Address == p.Address }) {
				out = append(out, p.Server)
			}
		}
	}
	return out
}
