// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"context"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// again is how long to wait before the kernel is asked again.
const again = time.Second

// watch tells of changes until ctx ends. The kernel says when something has changed;
// what, is found by listing, so that nothing is believed that came out of order.
// When the kernel had more to say than the socket could hold (ENOBUFS) the
// subscription ends: then everything is listed anew, and a new one made.
func (p *Ports) watch(ctx context.Context) error {
	var states map[string]Port
	told := false
	for ctx.Err() == nil {
		begun := time.Now()
		stop := make(chan struct{})
		changes, err := p.subscribe(stop)
		if err != nil && !told {
			p.log.Warn("links not watched, they are listed each second", "err", err)
		}
		told = err != nil
		states = p.compare(states) // from here on nothing is missed
		for open := err == nil; open; {
			select {
			case <-ctx.Done():
				open = false
			case _, open = <-changes:
				states = p.compare(states)
			}
		}
		close(stop)
		if err == nil {
			for range changes { // until the subscription has noticed
			}
		}
		pause(ctx, again-time.Since(begun))
	}
	return nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// listen subscribes to links. Changes that come close to each other are told of as
// one; the channel is closed when the subscription has ended.
func (p *Ports) listen(stop <-chan struct{}) (<-chan struct{}, error) {
	updates := make(chan netlink.LinkUpdate, 64)
	closed := make(chan struct{})
	err := netlink.LinkSubscribeWithOptions(updates, closed, netlink.LinkSubscribeOptions{
		ReceiveBufferSize: p.cfg.Buffer,
		ErrorCallback:     func(err error) { p.ended(stop, err) },
	})
	if err != nil {
		close(closed)
		return nil, fmt.Errorf("subscribe to links: %w", err)
	}
	out := make(chan struct{}, 1)
	go func() {
		defer close(out)
		pass(updates, out, stop)
		close(closed)       // gives the socket back
		for range updates { // until the reader has noticed
		}
	}()
	return out, nil
}

// pass makes signs of updates until these end or stop is closed.
func pass(updates <-chan netlink.LinkUpdate, out chan<- struct{}, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case u, ok := <-updates:
			if !ok {
				return
			}
			if u.IfInfomsg.Family != unix.AF_UNSPEC {
				continue // about the port of a bridge: the link is what it was
			}
			select {
			case out <- struct{}{}:
			default: // one is waiting already
			}
		}
	}
}

func (p *Ports) ended(stop <-chan struct{}, err error) {
	select {
	case <-stop: // as was wanted
	default:
		p.log.Info("links subscribed anew", "err", err)
	}
}

// compare lists the ports, tells of those that differ from before, and returns
// them. The first list is not told of.
func (p *Ports) compare(before map[string]Port) map[string]Port {
	found, err := links()
	if err != nil {
		p.log.Warn("ports not listed", "err", err)
		return before
	}
	p.mu.Lock()
	rows := p.rows(found)
	p.mu.Unlock()
	now := make(map[string]Port, len(rows))
	for _, r := range rows {
		port := Port{Label: r.match.Label, Management: r.match.Management, State: Missing, Problem: r.problem}
		if r.link != nil {
			port.Interface, port.Driver, port.PCI, port.index = r.link.name, r.link.driver, r.link.pci(), r.link.index
			port.Up, port.Carrier, port.State = r.link.up, r.link.carrier, r.link.state()
		}
		now[port.Label] = port
	}
	if before != nil {
		p.tell(before, now)
	}
	return now
}

// tell calls Changed for each difference.
func (p *Ports) tell(before, now map[string]Port) {
	if p.cfg.Changed == nil {
		return
	}
	for label, port := range now {
		was, known := before[label]
		if !known {
			was.State = Missing
		}
		if was.State != port.State || was.Interface != port.Interface || was.index != port.index {
			p.cfg.Changed(Event{Port: port, Was: was.State})
		}
	}
	for label, was := range before {
		if _, still := now[label]; !still {
			gone := Port{Label: label, State: Missing, Problem: fmt.Sprintf("its interface %s is gone", was.Interface)}
			p.cfg.Changed(Event{Port: gone, Was: was.State})
		}
	}
}
