// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// wrong is by how much the hardware clock of the box is ahead when it starts.
const wrong = 5 * time.Hour

// A clockShown is what is used of the result of time.show.
type clockShown struct {
	Now     time.Time
	Synced  bool
	Offset  float64
	Problem string
	Servers []struct{ Address, State, Why string }
}

// clockFollowsServers begins with a clock that is wrong by hours, and names servers that
// tell the time, and others that may not be believed. At its end the only one lies.
func (p *person) clockFollowsServers() {
	p.t.Helper()
	p.clockIs(wrong)
	p.follows(&timeServer{})
	p.clockShows("it follows the only server", func(c clockShown) bool { return c.Synced && c.states() == "good" })
	var list struct {
		Events []struct{ Kind, Text string }
	}
	p.must("event.list", nil, &list)
	if text := fmt.Sprint(list.Events); !strings.Contains(text, "clock.stepped") {
		p.t.Errorf("no event tells that the clock was set: %s", text)
	}
	p.serves("hello")

	p.follows(&timeServer{}, &timeServer{}, &timeServer{ahead: -3 * time.Hour}, &timeServer{unset: true}, &timeServer{vague: 2 * time.Second})
	p.clockShows("most servers agree", func(c clockShown) bool {
		return c.Synced && c.states() == "good good outvoted unfit unfit" &&
			strings.Contains(c.Servers[3].Why, "its own clock is not set") && strings.Contains(c.Servers[4].Why, "it may be wrong by")
	})
	p.follows(&timeServer{}, &timeServer{ahead: time.Hour})
	p.clockShows("two servers disagree", func(c clockShown) bool { return !c.Synced && c.states() == "outvoted outvoted" })
	p.follows(&timeServer{ahead: 3 * time.Hour})
	p.clockShows("the only server lies", func(c clockShown) bool {
		return !c.Synced && strings.Contains(c.Problem, "fewer than three of them agree: it is not set")
	})
	var box struct{ Problems []string }
	p.must("sys.info", nil, &box)
	if text := strings.Join(box.Problems, "\n"); !strings.Contains(text, "fewer than three of them agree") {
		p.t.Errorf("the problems of the box have nothing of its clock: %s", text)
	}
}

// clockIsSet puts the clock an hour on, by hand, and has three servers that agree put it
// right again.
func (p *person) clockIsSet() {
	p.t.Helper()
	now := p.clockNow()
	p.sudo()
	p.must("time.set", map[string]any{"time": now.Add(time.Hour).UTC().Format(time.RFC3339)}, nil)
	p.clockIs(time.Hour)
	p.follows(&timeServer{}, &timeServer{}, &timeServer{})
	p.clockShows("three servers agree", func(c clockShown) bool { return c.Synced && c.states() == "good good good" })
	p.sudo()
	if err := p.ask("time.set", map[string]any{"time": now.UTC().Format(time.RFC3339)}, nil); err == nil || !strings.Contains(err.Error(), "the clock follows time servers") {
		p.t.Errorf("the clock is set by hand while it follows servers: %v", err)
	}
}

// clockIs compares the clock of the box with this machine's.
func (p *person) clockIs(ahead time.Duration) {
	p.t.Helper()
	if now := p.clockNow(); !near(now, ahead) {
		p.t.Errorf("the clock of the box is %v, want one that is ahead by %v", now, ahead)
	}
}

// near allows for a busy machine: what is wrong here is wrong by hours.
func near(now time.Time, ahead time.Duration) bool {
	return (time.Until(now) - ahead).Abs() < 20*time.Minute
}

// clockShows waits until a clock that is right is shown as it should be.
func (p *person) clockShows(what string, good func(clockShown) bool) {
	p.t.Helper()
	p.await(what, func() error {
		var c clockShown
		if err := p.ask("time.show", nil, &c); err != nil {
			return err
		}
		if !near(c.Now, 0) || !good(c) {
			return fmt.Errorf("not yet: %+v", c)
		}
		return nil
	})
}

func (c *clockShown) states() string {
	var out []string
	for _, s := range c.Servers {
		out = append(out, s.State)
	}
	return strings.Join(out, " ")
}

// follows has the box ask these servers alone; none is nobody.
func (p *person) follows(servers ...*timeServer) {
	p.t.Helper()
	var names []string
	if len(servers) == 0 {
		names = []string{`"none"`}
	}
	for _, s := range servers {
		names = append(names, fmt.Sprintf("%q", s.listens(p.t)))
	}
	p.change("", func(old string) string {
		text := regexp.MustCompile(`(?m)^ *ntp .*\n`).ReplaceAllString(old, "")
		return strings.Replace(text, "system {", "system {\n  ntp = ["+strings.Join(names, ", ")+"]", 1)
	})
}
