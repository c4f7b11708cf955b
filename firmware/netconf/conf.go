// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says how a Conf works. Its zero value does.
type Config struct {
	Record   string        // file of what was set; "": it is forgotten at a restart
	Zoneinfo string        // folder of the time zones' data; "/usr/share/zoneinfo"
	Check    time.Duration // how often what others may have changed is looked at; 15s
	Changed  func()        // called when the status may have changed; nil: nobody asks
	Probe    Prober        // asks for other machines with our addresses; nil: nobody does
}

// A Conf keeps a System as it is desired.
type Conf struct {
	sys  System
	wire Wire
	cfg  Config
	log  *slog.Logger

	kick chan struct{} // there is something for Run to do
	link chan struct{} // the port may have a link again

	mu      sync.Mutex // guards what follows
	desired Desired
	record  record
	lease   *Lease
	dropped bool // a lease that is to be forgotten
	state   State
	failed  []string // what could not be done
	told    []string // of that, what the log has
	client  string   // what keeps DHCP from an address, "" nothing
	forget  string   // why the record was lost, for the life of this process

	verdicts map[place]verdict
	raised   map[int]time.Time // when a link was switched on, by index
}

// New returns a Conf that has touched nothing yet. A record that cannot be read is a
// problem in its status, and what was set before is somebody else's then.
func New(sys System, wire Wire, cfg Config, log *slog.Logger) *Conf {
	if cfg.Zoneinfo == "" {
		cfg.Zoneinfo = "/usr/share/zoneinfo"
	}
	if cfg.Check == 0 {
		cfg.Check = 15 * time.Second
	}
	c := &Conf{sys: sys, wire: wire, cfg: cfg, log: log, kick: make(chan struct{}, 1), link: make(chan struct{}, 1),
		desired: Desired{Method: None}, verdicts: make(map[place]verdict), raised: make(map[int]time.Time)}
	var err error
	if c.record, err = loadRecord(cfg.Record); err != nil {
		c.forget = err.Error()
		log.Error("record of the network not read", "err", err)
	}
	return c
}

// Set makes d so as far as it can be done at once, and returns what could not; Run
// goes on trying. The same d again changes nothing.
func (c *Conf) Set(d Desired) error {
	c.mu.Lock()
	if c.desired.Method != d.Method || c.desired.Interface != d.Interface || c.desired.VLAN != d.VLAN {
		c.lease, c.client = nil, ""
	}
	c.desired = d
	err := c.apply()
	c.mu.Unlock()
	poke(c.kick)
	c.changed()
	return err
}

// LinkChanged tells that a port has come, gone or got a link.
func (c *Conf) LinkChanged() {
	c.unask()
	poke(c.kick)
	poke(c.link)
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (c *Conf) changed() {
	if c.cfg.Changed != nil {
		c.cfg.Changed()
	}
}

// rounds bounds how often what is there is compared with what is wanted: to remove
// one address can take others away, and then these are missing; a VLAN on a bond has
// an index, and so can have addresses, three looks later.
const rounds = 10

// apply makes what is desired so. The caller holds c.mu.
func (c *Conf) apply() error {
	c.failed = nil
	err := c.look()
	if err != nil {
		c.failed = []string{err.Error()}
		return err
	}
	c.useRecord(time.Now())
	for range rounds {
		g := goal{Desired: c.desired, lease: c.lease, zones: c.cfg.Zoneinfo}
		steps, next := g.plan(c.state, c.record)
		if err := c.keep(next); err != nil {
			c.failed = []string{err.Error()}
			return err
		}
		steps = c.settle(c.allowed(steps), time.Now())
		if len(steps) == 0 {
			break
		}
		if !c.take(steps) {
			break
		}
		if err := c.look(); err != nil {
			c.failed = append(c.failed, err.Error())
			break
		}
	}
	if err := c.look(); err != nil {
		c.failed = append(c.failed, err.Error())
	}
	c.told = c.failed
	if len(c.failed) > 0 {
		return errors.New(strings.Join(c.failed, "; "))
	}
	return nil
}

// look reads what there is.
func (c *Conf) look() error {
	s, err := c.sys.Read()
	if err != nil {
		return fmt.Errorf("read the state of the network: %w", err)
	}
	c.state = s
	return nil
}

// useRecord takes the lease up that was there before a restart, as long as it lasts:
// to give the address up would cut off who comes by it. The client asks at once
// whether it holds.
func (c *Conf) useRecord(now time.Time) {
	l := c.record.Lease
	if c.lease == nil && !c.dropped && c.desired.Method == DHCP && l.valid(now) && c.record.Boot == c.state.Boot && l.Interface == c.seat() {
		c.lease = l
	}
}

// keep saves the record where it has changed.
func (c *Conf) keep(next record) error {
	if c.lease != nil || c.dropped {
		next.Lease = c.lease
	}
	if !next.same(c.record) {
		if err := next.save(c.cfg.Record); err != nil {
			return fmt.Errorf("keep what is set, without which nothing is: %w", err)
		}
	}
	c.record, c.dropped = next, false
	return nil
}

// allowed returns the steps that there are rights for. Status tells of the others.
func (c *Conf) allowed(steps []Step) []Step {
	return slices.DeleteFunc(steps, func(s Step) bool { return c.lacks(s.Kind) != "" })
}

// lacks returns the right that is missing for a kind of step.
func (c *Conf) lacks(k StepKind) string {
	want := ""
	switch k {
	case PutResolver, PutZone:
	case SetHostName:
		want = "CAP_SYS_ADMIN"
	default:
		want = "CAP_NET_ADMIN"
	}
	if slices.Contains(c.state.Lacks, want) {
		return want
	}
	return ""
}

// take takes the steps and reports whether any could be.
func (c *Conf) take(steps []Step) (some bool) {
	c.failed = nil
	for _, s := range steps {
		if err := c.sys.Do(s); err != nil {
			text := fmt.Sprintf("%s: %v", s, err)
			c.failed = append(c.failed, text)
			if !slices.Contains(c.told, text) { // it is tried again and again
				c.log.Warn("network not changed", "step", s.String(), "err", err)
				c.told = append(c.told, text)
			}
			continue
		}
		some = true
		c.log.Info("network changed", "step", s.String())
	}
	return some
}

// Run keeps things as they are desired, and the lease of a DHCP server, until ctx
// ends. Then all stays as it is.
func (c *Conf) Run(ctx context.Context) error {
	check := time.NewTicker(c.cfg.Check)
	defer check.Stop()
	var client running
	defer client.end()
	for {
		c.mu.Lock()
		iface := c.clientInterface()
		c.mu.Unlock()
		client.keep(ctx, iface, c.runClient)
		select {
		case <-ctx.Done():
			return nil
		case <-c.kick:
		case <-check.C:
		}
		c.mu.Lock()
		before := c.status()
		if c.desired.Method != None || c.desired.HostName != "" || c.desired.TimeZone != "" || c.desired.more() || !c.record.empty() {
			_ = c.apply() // what fails is in the status
		} else if err := c.look(); err != nil {
			c.log.Debug("network not read", "err", err)
		}
		c.mu.Unlock()
		c.ask(ctx)
		c.mu.Lock()
		differs := !before.equal(c.status())
		c.mu.Unlock()
		if differs {
			c.changed()
		}
	}
}

// clientInterface returns the interface that needs a DHCP client, "" none.
func (c *Conf) clientInterface() string {
	if c.desired.Method != DHCP || slices.Contains(c.state.Lacks, "CAP_NET_RAW") || slices.Contains(c.state.Lacks, "CAP_NET_ADMIN") {
		return ""
	}
	seat, _, there := c.state.seat(c.desired.Interface, c.desired.VLAN)
	if !there {
		return ""
	}
	return seat
}

// A running is the DHCP client of one interface.
type running struct {
	iface string
	stop  context.CancelFunc
	done  chan struct{}
}

// keep makes the client that of iface, or ends it.
func (r *running) keep(ctx context.Context, iface string, run func(context.Context, string)) {
	if iface == r.iface {
		return
	}
	r.end()
	if iface == "" {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	r.iface, r.stop, r.done = iface, stop, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		run(ctx, iface)
	}(r.done)
}

func (r *running) end() {
	if r.iface != "" {
		r.stop()
		<-r.done
		r.iface = ""
	}
}

// leased takes over what the client has got; nil: the address does not hold any
// more. Problem is what keeps it from one, "" nothing.
func (c *Conf) leased(iface string, l *Lease, problem string) {
	c.mu.Lock()
	if c.desired.Method == DHCP && c.seat() == iface {
		c.client = problem
		if l != c.lease {
			c.lease, c.dropped = l, l == nil
			_ = c.apply() // what fails is in the status
			poke(c.kick)  // the network may have to be asked for others with the address
		}
	}
	c.mu.Unlock()
	c.changed()
}

// held returns the lease of an interface.
func (c *Conf) held(iface string) *Lease {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.desired.Method != DHCP || c.seat() != iface {
		return nil
	}
	return c.lease
}

// last returns the address that the interface had last, to ask for it again.
func (c *Conf) last(iface string) netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.record.Lease; l != nil && l.Interface == iface {
		return l.Address.Addr()
	}
	return netip.Addr{}
}

// carrier reports whether the interface has a link.
func (c *Conf) carrier(iface string) bool {
	s, err := c.sys.Read()
	return err == nil && s.Interfaces[iface].Carrier
}
