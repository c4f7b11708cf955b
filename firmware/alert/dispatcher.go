// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"evener/firmware/event"
)

// Options says who sends. A zero field takes the default named beside it.
type Options struct {
	Host    string            // name of the box; "-" where it has none
	Notify  func(event.Event) // told when a channel begins to fail, or works again; nil: nobody
	Collect time.Duration     // 2s that the first event of an e-mail waits for others
	Every   time.Duration     // 30s between two e-mails of a channel
	Queue   int               // 10000 messages that wait in a channel
	Backoff time.Duration     // 1s before the second try; doubled up to a minute
	Timeout time.Duration     // 30s for one try
}

func (o *Options) setDefaults() {
	if o.Host == "" {
		o.Host = "-"
	}
	if o.Notify == nil {
		o.Notify = func(event.Event) {}
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Collect, 2 * time.Second}, {&o.Every, 30 * time.Second}, {&o.Backoff, time.Second}, {&o.Timeout, 30 * time.Second}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if o.Queue == 0 {
		o.Queue = 10000
	}
}

// A Dispatcher sends messages to the channels of its configuration. Its methods
// may be called from many goroutines.
type Dispatcher struct {
	opts Options
	log  *slog.Logger

	change sync.Mutex // serialises Use and Close

	mu       sync.RWMutex // guards all below
	cfg      Config
	channels []*channel
	closed   bool
}

// New returns a Dispatcher without channels.
func New(opts Options, log *slog.Logger) *Dispatcher {
	opts.setDefaults()
	return &Dispatcher{opts: opts, log: log}
}

// Use sends to what cfg says from now on. Channels that stay as they were keep
// their connections; one that has changed takes over what waits.
func (d *Dispatcher) Use(cfg Config) {
	d.change.Lock()
	defer d.change.Unlock()
	d.mu.RLock()
	old := slices.Clone(d.channels)
	closed := d.closed
	d.mu.RUnlock()
	if closed {
		return
	}
	var next, fresh []*channel
	for _, want := range d.wanted(cfg) {
		i := slices.IndexFunc(old, func(c *channel) bool { return c.name == want.name && reflect.DeepEqual(c.cfg, want.cfg) })
		if i >= 0 {
			next, old = append(next, old[i]), slices.Delete(old, i, i+1)
			continue
		}
		next, fresh = append(next, want), append(fresh, want)
	}
	d.mu.Lock()
	d.cfg, d.channels = cfg, next
	d.mu.Unlock()
	for _, c := range old {
		waiting := c.stop()
		if i := slices.IndexFunc(fresh, func(f *channel) bool { return f.name == c.name && f.kind == c.kind }); i >= 0 {
			fresh[i].inherit(waiting)
		}
	}
	for _, c := range fresh {
		c.start()
	}
}

// wanted makes the channels of cfg, which do not run yet.
func (d *Dispatcher) wanted(cfg Config) (out []*channel) {
	for _, s := range cfg.Syslog {
		out = append(out, newChannel(d, s.Name, "syslog", s.Transport+" "+s.Address, s, newSyslogSender(s, d.opts.Host), limits{batch: 200}))
	}
	for _, m := range cfg.Mail {
		out = append(out, newChannel(d, m.Name, "mail", m.Server, m, newMailSender(m, d.opts.Host),
			limits{batch: maxMailEvents, collect: d.opts.Collect, every: d.opts.Every}))
	}
	return out
}

// Event tells the channels that want e. It never blocks.
func (d *Dispatcher) Event(e event.Event) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	m := eventMessage(e, strconv.FormatUint(e.Seq, 10))
	for _, c := range d.channels {
		s, ok := c.cfg.(Syslog)
		if ok && s.wants(Events) || d.ruled(c.name, e) {
			c.put(m)
		}
	}
}

// ruled reports whether a rule sends e to the channel of that name. mu is held.
func (d *Dispatcher) ruled(name string, e event.Event) bool {
	return slices.ContainsFunc(d.cfg.Rules, func(r Rule) bool { return slices.Contains(r.To, name) && r.Wants(e) })
}

// Send tells the syslog servers that get all of a source. It never blocks.
func (d *Dispatcher) Send(from Source, m Message) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, c := range d.channels {
		if s, ok := c.cfg.(Syslog); ok && s.wants(from) {
			c.put(m)
		}
	}
}

// Sends reports whether any channel gets all of a source: who has nobody to tell
// need not word anything.
func (d *Dispatcher) Sends(from Source) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.ContainsFunc(d.cfg.Syslog, func(s Syslog) bool { return s.wants(from) })
}

// A NotFoundError says that there is no channel of a name.
type NotFoundError struct {
	Name string
	Have []string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no syslog or mail %q; there are %q", e.Name, e.Have)
}

// Test sends e to the channel of that name over a new connection, past its queue,
// and returns when that has succeeded or failed.
func (d *Dispatcher) Test(ctx context.Context, name string, e event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	defer cancel()
	d.mu.RLock()
	cfg := d.cfg
	d.mu.RUnlock()
	missing := &NotFoundError{Name: name, Have: []string{}}
	for _, c := range d.wanted(cfg) {
		if c.name != name {
			missing.Have = append(missing.Have, c.name)
			continue
		}
		defer c.sender.close()
		_, err := c.sender.send(ctx, []Message{eventMessage(e, "0")})
		return err
	}
	return missing
}

// Status tells how the channels do, in the order of the configuration.
func (d *Dispatcher) Status() []Status {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := []Status{}
	for _, c := range d.channels {
		out = append(out, c.status())
	}
	return out
}

// Close ends all channels. What waits in them is not sent.
func (d *Dispatcher) Close() {
	d.change.Lock()
	defer d.change.Unlock()
	d.mu.Lock()
	old := d.channels
	d.channels, d.cfg, d.closed = nil, Config{}, true
	d.mu.Unlock()
	for _, c := range old {
		c.stop()
	}
}
