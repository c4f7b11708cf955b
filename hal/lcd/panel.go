// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Config sets the pace of a Panel. A zero field takes the default beside it.
type Config struct {
	Retry    time.Duration // 1s after the first loss, doubled up to RetryMax
	RetryMax time.Duration // 30s
	Check    time.Duration // 10s between questions to a display at rest
	Refresh  time.Duration // 5m between complete redraws, which heal a disturbed glass
	Glyphs   []Glyph       // Glyphs of this package
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Retry, time.Second}, {&c.RetryMax, 30 * time.Second},
		{&c.Check, 10 * time.Second}, {&c.Refresh, 5 * time.Minute},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Glyphs == nil {
		c.Glyphs = Glyphs
	}
	return c
}

// blink is half the period of a cursor that the display does not have itself.
const blink = 500 * time.Millisecond

// A Panel is the display and keys of the box for as long as the process lives,
// whether or not a display is there and sane. Its methods never wait for it.
type Panel struct {
	open    func(context.Context) (Device, error)
	cfg     Config
	log     *slog.Logger
	keys    *keyQueue
	changed chan struct{} // has room for one: there is a newer frame

	mu    sync.Mutex // guards all below
	frame Frame
	shown bool // there was a frame at all
	state state
}

// New returns a panel that opens its display with open, which should give up
// within some seconds, and again each time the display was lost. Run makes it
// live.
func New(open func(context.Context) (Device, error), cfg Config, log *slog.Logger) *Panel {
	return &Panel{open: open, cfg: cfg.withDefaults(), log: log, keys: newKeyQueue(),
		changed: make(chan struct{}, 1), state: state{problem: "the panel has not been opened yet"}}
}

// Show makes f what the display shows as soon as it can. It does not wait; of
// frames that come faster than the line can carry, the newest wins.
func (p *Panel) Show(f Frame) {
	f = f.clone()
	p.mu.Lock()
	p.frame, p.shown = f, true
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Keys returns what is pressed. Each Down has its Up, also when the display is
// lost with a key down. The channel is closed when Run returns. While nobody
// reads it, the oldest events are dropped.
func (p *Panel) Keys() <-chan KeyEvent { return p.keys.c }

// State returns what the display is, as it was last seen, whether it is
// connected, and if not, why.
func (p *Panel) State() (info Info, connected bool, problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.info, p.state.connected, p.state.problem
}

// Run drives the display until ctx ends, and returns nil then.
func (p *Panel) Run(ctx context.Context) error {
	defer p.keys.close()
	wait := p.cfg.Retry
	for ctx.Err() == nil {
		err := p.session(ctx)
		if ctx.Err() != nil {
			break
		}
		if steady := p.lost(err); steady {
			wait = p.cfg.Retry
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, p.cfg.RetryMax)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.connected, p.state.problem = false, "the panel is closed"
	return nil
}

// session opens the display and drives it until it is lost or ctx ends.
func (p *Panel) session(ctx context.Context) error {
	dev, err := p.open(ctx)
	if err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		p.forward(dev.Keys())
	}()
	defer func() { <-gone }() // after Close, which ends it
	defer dev.Close()
	p.found(dev.Info())
	return p.drive(ctx, newScreen(dev, p.cfg.Glyphs), gone)
}

// forward hands the keys of one device on, and lets go of those that were down
// when it ended.
func (p *Panel) forward(keys <-chan KeyEvent) {
	var down [keyCount]bool
	for e := range keys {
		if int(e.Key) >= keyCount {
			continue
		}
		down[e.Key] = e.Down
		p.keys.put(e)
	}
	for k, held := range down {
		if held {
			p.keys.put(KeyEvent{Key: Key(k)})
		}
	}
}

// drive draws the newest frame whenever it differs from the glass, and asks a
// display at rest whether it is still there.
func (p *Panel) drive(ctx context.Context, s *screen, gone <-chan struct{}) error {
	check := time.NewTicker(p.cfg.Check)
	defer check.Stop()
	refresh := time.NewTicker(p.cfg.Refresh)
	defer refresh.Stop()
	phase := time.NewTicker(blink)
	defer phase.Stop()
	for {
		if err := p.draw(ctx, s, gone); err != nil {
			return err
		}
		var flip <-chan time.Time
		if s.blinks() {
			flip = phase.C
		}
		select {
		case <-ctx.Done():
			return nil
		case <-gone:
			return errGone
		case <-p.changed:
		case <-flip:
			s.flip()
		case <-refresh.C:
			s.forget()
		case <-check.C:
			if err := s.check(); err != nil {
				return err
			}
			p.well()
		}
	}
}

// draw sends what differs, one thing at a time, each time from the newest frame.
func (p *Panel) draw(ctx context.Context, s *screen, gone <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-gone:
			return errGone
		default:
		}
		p.mu.Lock()
		f, shown := p.frame, p.shown
		p.mu.Unlock()
		if !shown {
			return nil
		}
		more, err := s.step(f)
		if err != nil || !more {
			return err
		}
	}
}
