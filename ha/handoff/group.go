// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"context"
	"net/netip"
	"time"
)

// keepLonger is how much longer than the limit the old box keeps its addresses:
// the new box begins later.
const keepLonger = 2 * time.Second

// A part is what this box does for one failover group.
type part struct {
	receivers []*Receiver
	kept      []netip.Addr
	till      time.Time // for kept
}

// Suitable returns those of list that can be handed off; link-local addresses,
// which IPv6 routers have, cannot.
func Suitable(list []netip.Addr) (out []netip.Addr) {
	for _, a := range list {
		if checkAddress(a) == nil {
			out = append(out, a.Unmap())
		}
	}
	return out
}

// Leave is called on the box that gives the group away in a planned switch,
// before its addresses are released: it keeps those that are suitable until
// somewhat after the limit. Packets that this box sends on itself, since an
// earlier switch, it goes on to send on.
func (b *Box) Leave(group string, list []netip.Addr, limit time.Duration) error {
	list = Suitable(list)
	if len(list) == 0 {
		return nil
	}
	if err := b.Keep(list); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.part(group)
	p.kept, p.till = list, time.Now().Add(limit+keepLonger)
	b.poke()
	return nil
}

// Enter is called on the box that takes the group over from another one that
// has called Leave, before the addresses are taken: with a Config for each port
// that they lie on. Addresses that are not suitable are passed over. After an
// error nothing is sent on.
func (b *Box) Enter(group string, ports []Config) error {
	var started []*Receiver
	for _, c := range ports {
		if c.Addresses = Suitable(c.Addresses); len(c.Addresses) == 0 {
			continue
		}
		r, err := b.Receive(c)
		if err != nil {
			stop(started)
			return err
		}
		started = append(started, r)
	}
	b.mu.Lock()
	p := b.part(group)
	before := p.receivers
	p.receivers = started
	b.mu.Unlock()
	stop(before)
	return nil
}

// Entered is called when the addresses have been taken, however that came: what
// Leave has kept for the group is dropped.
func (b *Box) Entered(group string) error {
	b.mu.Lock()
	p := b.part(group)
	list := p.kept
	p.kept = nil
	b.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	return b.Drop(list)
}

// Stats sums up what was sent on for the group since it was entered last.
func (b *Box) Stats(group string) (sum Stats) {
	b.mu.Lock()
	list := b.part(group).receivers
	b.mu.Unlock()
	for _, r := range list {
		s := r.Stats()
		sum.Packets += s.Packets
		sum.Errors += s.Errors
		sum.Flows += s.Flows
		sum.Ended += s.Ended
		sum.Since, sum.Until = s.Since, s.Until
	}
	return sum
}

// Run drops what Leave has kept when its time has come, and in the end undoes
// all. Before, Clear is to be called, for what an earlier run of the program may
// have left.
func (b *Box) Run(ctx context.Context) error {
	for {
		var due <-chan time.Time
		if next, ok := b.expire(time.Now()); ok {
			due = time.After(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return b.finish()
		case <-due:
		case <-b.wake:
		}
	}
}

// expire drops what is due, and says when the next is.
func (b *Box) expire(now time.Time) (next time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, p := range b.parts {
		if len(p.kept) == 0 {
			continue
		}
		if !now.Before(p.till) {
			if err := b.Drop(p.kept); err != nil {
				b.log.Error("addresses kept too long", "group", name, "err", err)
			}
			p.kept = nil
		} else if !ok || p.till.Before(next) {
			next, ok = p.till, true
		}
	}
	return next, ok
}

// finish ends everything.
func (b *Box) finish() error {
	b.mu.Lock()
	var list []*Receiver
	for _, p := range b.parts {
		list = append(list, p.receivers...)
	}
	clear(b.parts)
	b.mu.Unlock()
	stop(list)
	return b.Clear()
}

// part returns that of the group. b.mu is held.
func (b *Box) part(group string) *part {
	p := b.parts[group]
	if p == nil {
		p = &part{}
		b.parts[group] = p
	}
	return p
}

// poke makes Run look again.
func (b *Box) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func stop(list []*Receiver) {
	for _, r := range list {
		r.Stop()
	}
}
