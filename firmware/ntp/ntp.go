// SPDX-License-Identifier: Apache-2.0

// Package ntp keeps the clock of a box right. It asks time servers (RFC 5905),
// believes what most of them agree on, and corrects the clock gently.
//
// A [Clock] is told which servers to ask, and asks them by itself; nothing ever
// waits for it. Whom it asks is an [Asker]: [Network] in earnest. What it corrects
// is a [System]: [Linux] is the kernel's clock, [Dry] one that is only looked at.
//
// It serves no time to others, and knows no configuration text.
package ntp

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits of what is done to a clock.
const (
	// StepAtStart is the difference from which on a clock that nobody has kept is
	// set at once. RFC 5905 has it as STEPT.
	StepAtStart = 128 * time.Millisecond
	// MostSlew is the largest difference that is corrected without a step. The
	// kernel's loop takes half a second at most.
	MostSlew = 400 * time.Millisecond
	// MostTrust is the largest step of a clock that was right before for which fewer
	// servers than three are believed. RFC 5905 has it as PANICT, 1000 s.
	MostTrust = 15 * time.Minute
	// MostDistance is the largest error that a server may have (RFC 5905, MAXDIST).
	MostDistance = 1500 * time.Millisecond
)

// Pauses between two rounds of questions.
const (
	firstPoll  = 4 * time.Second // of the first few
	leastPoll  = 64 * time.Second
	mostPoll   = 1024 * time.Second
	goodEnough = 5 * time.Millisecond // below this difference it is asked less and less
	lostAfter  = time.Hour            // without an agreement the clock counts as lost
	lookEvery  = 10 * time.Second     // for somebody else who sets the clock
	leastJump  = time.Second
)

// Config says how a Clock works.
type Config struct {
	// Happened is told what people should know of: Stepped, Jumped, Lost or Found.
	// It must not block. nil: nobody is told.
	Happened func(Event)
	// Changed is called when the status has changed; nil: nobody asks.
	Changed func()
}

// An EventKind is something that happens to a clock.
type EventKind uint8

// The kinds of events.
const (
	Stepped EventKind = iota // it was set at once, by By
	Jumped                   // somebody else has set it, by By
	Lost                     // no servers agree any more, for Why
	Found                    // they do again
)

// An Event is something that has happened to the clock.
type Event struct {
	Kind EventKind
	By   time.Duration
	Why  string
}

// A State is how a server did when it was asked last.
type State string

// The states.
const (
	Waiting  State = "waiting"  // it was not asked yet
	Good     State = "good"     // it agrees with most others
	Outvoted State = "outvoted" // most others agree on something else
	Unfit    State = "unfit"    // what it says cannot be used
	Silent   State = "silent"
	Refused  State = "refused" // it asks to be left alone
)

// A Server is one that is asked, with what it said last.
type Server struct {
	Name     string         // as configured
	Address  netip.AddrPort // invalid: the name was not resolved
	State    State
	Why      string // of Unfit, Silent and Refused
	Stratum  int
	Offset   time.Duration // to be added to the clock
	Distance time.Duration // the most that Offset can be wrong
	Delay    time.Duration // there and back
	At       time.Time     // of the last answer
}

// A Status tells how the clock does.
type Status struct {
	Servers   []Server
	Synced    bool          // it follows servers
	Offset    time.Duration // at the last agreement: to be added to the clock
	Error     time.Duration // the most that Offset could be wrong
	Stratum   int           // of the clock: one more than that of the best server; 0: unknown
	Last      time.Time     // agreement; zero: none yet
	Next      time.Time     // round of questions
	Corrects  bool          // the clock is corrected
	Why       string        // it is not
	Simulated bool          // nor meant to be
	Would     string        // what would be done if it were; "": nothing
	Problems  []string      // in words
}

// A Clock keeps a System right.
type Clock struct {
	sys System
	ask Asker
	cfg Config
	log *slog.Logger

	kick chan struct{}

	mu      sync.Mutex // guards what follows
	watch   watch
	names   []string
	sources []*source
	rounds  int // since the servers were named
	poll    time.Duration
	since   time.Time // when the servers were named
	status  Status
	trouble string        // why the last round had no result
	suspect time.Duration // a difference that is too large to be believed once; 0: none
	refused string        // a difference that is too large to be believed at all
	failed  string        // why the clock was not corrected
	lost    bool          // Lost was told
}

// New returns a Clock that asks nobody yet.
func New(sys System, ask Asker, cfg Config, log *slog.Logger) *Clock {
	if cfg.Happened == nil {
		cfg.Happened = func(Event) {}
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	return &Clock{sys: sys, ask: ask, cfg: cfg, log: log, kick: make(chan struct{}, 1)}
}

// Set says whom to ask: names or addresses, perhaps with ports. None: the clock is
// left alone. The same list again changes nothing.
func (c *Clock) Set(servers []string) {
	c.mu.Lock()
	if slices.Equal(servers, c.names) {
		c.mu.Unlock()
		return
	}
	now, _ := c.sys.Now()
	c.names = slices.Clone(servers)
	c.begin(now)
	c.mu.Unlock()
	c.askNow()
}

// begin forgets all that the servers have said. The caller holds c.mu.
func (c *Clock) begin(now time.Time) {
	c.sources, c.rounds, c.poll, c.since = nil, 0, firstPoll, now
	c.status, c.trouble, c.suspect, c.refused, c.failed, c.lost = Status{}, "", 0, "", "", false
	for _, name := range c.names {
		c.sources = append(c.sources, &source{name: name})
	}
}

// askNow has Run ask the servers.
func (c *Clock) askNow() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
	c.cfg.Changed()
}

// Run asks and corrects until ctx ends. The clock then runs on as it does.
func (c *Clock) Run(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	next := time.NewTimer(mostPoll) // Set wakes it
	defer next.Stop()
	c.mu.Lock()
	c.watch.forgive(c.sys)
	c.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			c.mu.Lock()
			by := c.watch.jump(c.sys)
			c.mu.Unlock()
			if by != 0 {
				c.log.Warn("clock set by somebody else", "by", by)
				c.cfg.Happened(Event{Kind: Jumped, By: by})
			}
			c.judge()
			continue
		case <-c.kick:
		case <-next.C:
		}
		next.Reset(c.round(ctx))
		c.cfg.Changed()
	}
}

// A watch notices that somebody else sets the clock: wall time and the time that
// passed differ by something else then.
type watch struct{ base time.Duration }

func difference(s System) time.Duration {
	wall, passed := s.Now()
	return time.Duration(wall.UnixNano()) - passed
}

// forgive takes the clock as it is for right.
func (w *watch) forgive(s System) { w.base = difference(s) }

// jump returns by how much the clock was set since the last time. What is slewed in
// between is far less than leastJump.
func (w *watch) jump(s System) time.Duration {
	d := difference(s)
	by := d - w.base
	w.base = d
	if by.Abs() < leastJump {
		return 0
	}
	return by
}
