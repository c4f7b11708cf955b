// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"context"
	"sync"
	"time"

	"evener/firmware/event"
)

// A sender hands messages to a server.
type sender interface {
	// send returns how many of ms the server has, as far as can be told.
	send(ctx context.Context, ms []Message) (int, error)
	close()
}

// limits says how a channel sends.
type limits struct {
	batch   int           // messages at once
	collect time.Duration // that the first waits for others
	every   time.Duration // between two batches
}

const maxBackoff = time.Minute

// A channel is a queue with a goroutine that empties it.
type channel struct {
	name, kind, target string
	cfg                any // Syslog or Mail
	d                  *Dispatcher
	sender             sender
	limits             limits
	wake               chan struct{}
	quit               context.CancelFunc
	done               chan struct{} // nil before start

	mu    sync.Mutex // guards all below
	queue []Message
	st    Status
	told  uint64 // of st.Dropped, those that an event tells of
}

// A Status says how a channel does.
type Status struct {
	Name    string
	Kind    string // syslog or mail
	Target  string
	Waiting int
	Sent    uint64    // messages since the channel was configured so
	Dropped uint64    // that found no room in the queue
	Success time.Time // of the last message that was sent; zero: none yet
	Error   string    // of the last try that failed, "" if none has
	Failed  time.Time // when that was
	Failing bool      // the last try failed
}

func newChannel(d *Dispatcher, name, kind, target string, cfg any, s sender, l limits) *channel {
	return &channel{name: name, kind: kind, target: target, cfg: cfg, d: d, sender: s, limits: l,
		wake: make(chan struct{}, 1), st: Status{Name: name, Kind: kind, Target: target}}
}

func (c *channel) start() {
	ctx, quit := context.WithCancel(context.Background())
	c.mu.Lock()
	c.quit, c.done = quit, make(chan struct{})
	c.mu.Unlock()
	go c.run(ctx)
}

// stop ends the channel and returns what waits.
func (c *channel) stop() []Message {
	c.quit()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue
}

// inherit takes over what waited in another channel, before what came since.
func (c *channel) inherit(ms []Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(ms[:len(ms):len(ms)], c.queue...)
	if n := len(c.queue) - c.d.opts.Queue; n > 0 {
		c.st.Dropped += uint64(n)
		c.queue = c.queue[:c.d.opts.Queue]
	}
	c.nudge()
}

// put queues m. Where there is no room it is dropped: what came first tells more
// of how trouble began.
func (c *channel) put(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) >= c.d.opts.Queue {
		c.st.Dropped++
		return
	}
	c.queue = append(c.queue, m)
	c.nudge()
}

func (c *channel) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it wakes already
	}
}

func (c *channel) status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.st
	s.Waiting = len(c.queue)
	return s
}

// run sends what waits until ctx ends.
func (c *channel) run(ctx context.Context) {
	defer close(c.done)
	defer c.sender.close()
	var last time.Time // of the last batch
	backoff := c.d.opts.Backoff
	for ctx.Err() == nil {
		if c.waiting() == 0 {
			select {
			case <-ctx.Done():
				return
			case <-c.wake:
			}
			continue
		}
		pause(ctx, max(c.limits.collect, c.limits.every-time.Since(last)))
		if ctx.Err() != nil {
			return
		}
		if err := c.sendOne(ctx); err != nil {
			pause(ctx, backoff)
			backoff = min(2*backoff, maxBackoff)
			continue
		}
		backoff, last = c.d.opts.Backoff, time.Now()
	}
}

func (c *channel) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

// sendOne sends one batch.
func (c *channel) sendOne(ctx context.Context) error {
	c.mu.Lock()
	batch := c.queue[:min(len(c.queue), c.limits.batch)]
	c.mu.Unlock()
	try, cancel := context.WithTimeout(ctx, c.d.opts.Timeout)
	n, err := c.sender.send(try, batch)
	cancel()
	if err != nil && ctx.Err() != nil {
		c.remove(n)
		return err // the channel ends; that is no failure of the server
	}
	c.remove(n)
	for _, e := range c.outcome(err) {
		c.d.opts.Notify(e)
	}
	return err
}

// remove takes n messages off the queue.
func (c *channel) remove(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.st.Sent += uint64(n)
	c.queue = append([]Message(nil), c.queue[n:]...)
	if n > 0 {
		c.st.Success = time.Now()
	}
}

// outcome keeps how a try ended, and returns events that tell of a change.
func (c *channel) outcome(err error) (out []event.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	object := event.Object("alert", c.name)
	was := c.st.Failing
	c.st.Failing = err != nil
	if err != nil {
		c.st.Error, c.st.Failed = err.Error(), time.Now()
		if !was {
			c.d.log.Warn("alerts not sent", "channel", c.name, "err", err)
			out = append(out, event.New(event.AlertFailed, object, map[string]any{"channel": c.name, "error": err.Error()}))
		}
		return out
	}
	if was {
		c.d.log.Info("alerts sent again", "channel", c.name)
		out = append(out, event.New(event.AlertRestored, object, map[string]any{"channel": c.name}))
	}
	if n := c.st.Dropped - c.told; n > 0 {
		c.told = c.st.Dropped
		out = append(out, event.New(event.AlertDropped, object, map[string]any{"channel": c.name, "dropped": n}))
	}
	return out
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
