// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Checker asks its targets in turn and tells of every change. One goroutine,
// that of Run, starts the probes, judges the answers and calls the functions of
// the Config; each probe under way has a goroutine and at most one socket.
type Checker struct {
	cfg       Config
	log       *slog.Logger
	epoch     time.Time
	newProber maker
	wake      chan struct{} // something is due or to be told
	done      chan answer   // room for every probe under way, so that none ever blocks
	tests     chan struct{} // a token for every probe of Test under way
	ran       atomic.Bool

	mu      sync.Mutex // guards all below, and what the members hold
	err     error      // mistakes in Config.Targets; nil once Update replaced them
	members map[key]*member
	waiting queue
	running int
	notices []notice
	counts  map[Count]uint64 // N is zero in the keys
	skipped uint64
	warned  map[Count]time.Time // when the log last heard of Unavailable results
}

// A maker makes the prober of a question.
type maker func(ProbeConfig, netip.AddrPort, *x509.CertPool) prober

type key struct{ pool, member string }

// A member is one target with what is known of it.
type member struct {
	key
	addr   netip.AddrPort
	probes []*probe
	state  State
	reason string
	since  time.Time
	old    bool // Down by what other probes than the present ones said
	gone   bool
}

// A probe is one question to one member.
type probe struct {
	ProbeConfig
	member   *member
	prober   prober
	schedule schedule
	judge    Judge
	due      time.Time
	place    int                // in the queue; -1: not there
	cancel   context.CancelFunc // while under way
	gone     bool
	last     Result
	counts   [len(outcomeNames)]uint64
	load     float64 // NaN: not known
}

// An answer is the end of a probe.
type answer struct {
	probe  *probe
	result Result
}

// A notice is a call of one of the Config's functions that is to be made.
type notice struct {
	member *member
	event  *Event // nil: a load
	probe  string
	value  float64
}

// New returns a Checker for cfg.Targets that does nothing before Run. Mistakes in
// the targets are returned by Run.
func New(cfg Config, log *slog.Logger) *Checker { return newChecker(cfg, log, newProber) }

func newChecker(cfg Config, log *slog.Logger, probers maker) *Checker {
	if cfg.Concurrent <= 0 {
		cfg.Concurrent = 256
	}
	c := &Checker{
		cfg:       cfg,
		log:       log,
		epoch:     time.Now(),
		newProber: probers,
		wake:      make(chan struct{}, 1),
		done:      make(chan answer, cfg.Concurrent),
		tests:     make(chan struct{}, concurrentTests),
		members:   make(map[key]*member),
		counts:    make(map[Count]uint64),
		warned:    make(map[Count]time.Time),
	}
	if c.err = Check(cfg.Targets); c.err == nil {
		c.replace(cfg.Targets, c.epoch)
	}
	return c
}

// Run asks until ctx ends, and returns nil then. It returns an error at once if
// the Config's targets have mistakes or if it is called a second time. It leaves
// no goroutine behind.
func (c *Checker) Run(ctx context.Context) error {
	if !c.ran.CompareAndSwap(false, true) {
		return errors.New("run health checker: it runs or has run before")
	}
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("run health checker: %w", err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, notices := c.start(ctx, &wg, time.Now())
		c.tell(notices)
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case a := <-c.done:
			c.finish(a, time.Now())
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// start starts the probes that are due at now as far as there is room. It
// returns how long nothing needs doing, and what is to be told.
func (c *Checker) start(ctx context.Context, wg *sync.WaitGroup, now time.Time) (
	time.Duration, []notice,
) {
	c.mu.Lock()
	defer c.mu.Unlock()
	notices := c.notices
	c.notices = nil
	for len(c.waiting) > 0 && c.running < c.cfg.Concurrent {
		p := c.waiting[0]
		if wait := p.due.Sub(now); wait > 0 {
			return wait, notices
		}
		c.waiting.take(p)
		c.running++
		ctx, cancel := context.WithCancel(ctx)
		p.cancel = cancel
		asker, cfg := p.prober, p.ProbeConfig
		wg.Go(func() { c.done <- answer{p, ask(ctx, asker, cfg, nil)} })
	}
	return time.Hour, notices // an end of a probe or a call of Update comes first
}

// tell makes the calls that notices ask for, but for members that are gone.
func (c *Checker) tell(notices []notice) {
	for _, n := range notices {
		c.mu.Lock()
		gone := n.member.gone
		c.mu.Unlock()
		switch {
		case gone:
		case n.event != nil && c.cfg.OnChange != nil:
			c.cfg.OnChange(*n.event)
		case n.event == nil && c.cfg.OnLoad != nil:
			c.cfg.OnLoad(n.member.pool, n.member.member, n.probe, n.value)
		}
	}
}

// finish judges the answer to a probe and puts the probe back into the queue.
func (c *Checker) finish(a answer, now time.Time) {
	p, r := a.probe, a.result
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	p.cancel()
	p.cancel = nil
	if p.gone {
		return
	}
	c.count(p, r, now)
	p.last = r
	verdict := p.judge.Step(r)
	switch {
	case r.HasLoad:
		c.setLoad(p, r.Load)
	case p.judge.forgets() && !math.IsNaN(p.load):
		c.setLoad(p, math.NaN())
	}
	c.settle(p.member, p.Name+": "+verdict.Reason, now)
	if verdict.Changed {
		c.confirm(p, verdict)
	}
	p.due = p.schedule.next(r.At, now)
	if late := now.Sub(r.At); late > p.Interval {
		c.skipped += uint64(late / p.Interval)
	}
	c.waiting.add(p)
}

func (c *Checker) setLoad(p *probe, value float64) {
	p.load = value
	c.notices = append(c.notices, notice{member: p.member, probe: p.Name, value: value})
}

// settle gives m the state that its probes' verdicts make, and has a change told.
func (c *Checker) settle(m *member, reason string, now time.Time) {
	if state := decide(m.state, m.votes()); state != m.state {
		c.change(m, state, reason, now)
	}
}

// confirm has a new reason told where p says of a member what was carried over:
// that it is down.
func (c *Checker) confirm(p *probe, v Verdict) {
	if m := p.member; m.old && m.state == Down && v.State == Down {
		c.change(m, Down, p.Name+": "+v.Reason, m.since)
	}
}

func (c *Checker) change(m *member, state State, reason string, since time.Time) {
	m.state, m.reason, m.since, m.old = state, reason, since, false
	e := m.event()
	c.notices = append(c.notices, notice{member: m, event: &e})
	c.log.Info("member changed", "pool", m.pool, "member", m.key.member,
		"state", state.String(), "reason", reason)
}

func (m *member) event() Event {
	return Event{Pool: m.pool, Member: m.member, State: m.state, Reason: m.reason, Since: m.since}
}

func (m *member) votes() []vote {
	votes := make([]vote, len(m.probes))
	for i, p := range m.probes {
		state := p.judge.State()
		votes[i] = vote{
			typ:      p.Type,
			state:    state,
			required: p.RequireResponse,
			mute:     p.last.Outcome == Unavailable && state == Checking,
		}
	}
	return votes
}
