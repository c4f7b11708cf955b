// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Before an address of IPv4 is used, the network is asked whether another machine
// has it (RFC 5227). Run does that, for Set must not wait:
//
//	unknown --probe: nobody--> free --> set --> asked once more, then at each new link
//	        --probe: MAC-----> taken, asked again and again; not set before it is free
//
// What is set already stays, since to take it away cuts off who comes by it: there
// is a problem then. For an address of DHCP the client asks, and declines it.

// A place is an address on an interface.
type place struct {
	index   int
	address netip.Addr
}

// A verdict is what is known of other machines with an address.
type verdict struct {
	holder net.HardwareAddr // nil: nobody
	times  int              // how often it was asked for since the link came
	at     time.Time        // last
}

// linkWait is how long a link that was just switched on may take to come up before
// an address is set without asking anybody.
const linkWait = 5 * time.Second

// asks reports whether the network can be asked at all.
func (c *Conf) asks() bool {
	return c.cfg.Probe != nil && !slices.Contains(c.state.Lacks, "CAP_NET_RAW") && !slices.Contains(c.state.Lacks, "CAP_NET_ADMIN")
}

// settle leaves out what must wait until it is known who has the addresses. While
// one waits, what was there before stays: nobody is cut off for an address that
// cannot be used.
func (c *Conf) settle(steps []Step, now time.Time) []Step {
	if !c.asks() {
		return steps
	}
	var unknown, taken []netip.Prefix
	for _, s := range steps {
		if s.Kind == LinkUp {
			c.raised[s.Index] = now
		}
	}
	hold := func(s Step) bool {
		if s.Kind != AddAddress || !s.Address.Addr().Is4() {
			return false
		}
		v, known := c.verdicts[place{s.Index, s.Address.Addr()}]
		link := c.state.link(s.Index)
		switch {
		case known && v.times > 0 && v.holder == nil, !link.Carrier && now.Sub(c.raised[s.Index]) >= linkWait:
			return false
		case known && v.holder != nil:
			taken = append(taken, s.Address)
		default:
			unknown = append(unknown, s.Address)
		}
		return true
	}
	steps = slices.DeleteFunc(slices.Clone(steps), hold)
	kept := map[netip.Prefix]bool{} // ways of before that stay
	if len(unknown)+len(taken) > 0 {
		steps = slices.DeleteFunc(steps, func(s Step) bool {
			if s.Kind == RemoveRoute {
				kept[s.Route.To] = true
			}
			return s.Kind == RemoveRoute || s.Kind == RemoveAddress || s.Kind == RemoveVLAN || s.Kind == AddRoute && len(unknown) > 0
		})
	}
	own := slices.DeleteFunc(goal{Desired: c.desired, lease: c.lease}.addresses(), func(p netip.Prefix) bool { return slices.Contains(taken, p) })
	within := func(list []netip.Prefix, a netip.Addr) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return slices.DeleteFunc(steps, func(s Step) bool {
		gw := s.Route.Gateway
		return s.Kind == AddRoute && (kept[s.Route.To] || within(taken, gw) && !within(own, gw))
	})
}

// link returns the interface with an index.
func (s State) link(index int) Link {
	for _, l := range s.Interfaces {
		if l.Index == index {
			return l
		}
	}
	return Link{}
}

// due lists the addresses that the network is to be asked for now: those not asked
// for since there is a link, those that are set once more, and those that somebody
// has. The caller holds c.mu.
func (c *Conf) due(now time.Time) (iface string, list []place) {
	seat, link, there := c.state.seat(c.desired.Interface, c.desired.VLAN)
	if !there || !link.Carrier || !link.Up || c.desired.Method == None || !c.asks() {
		return "", nil
	}
	wanted := goal{Desired: c.desired, lease: c.lease}.addresses()
	maps.DeleteFunc(c.verdicts, func(p place, _ verdict) bool {
		return p.index != link.Index || !slices.ContainsFunc(wanted, func(a netip.Prefix) bool { return a.Addr() == p.address })
	})
	for _, a := range wanted {
		p := place{link.Index, a.Addr()}
		v := c.verdicts[p]
		again := (v.holder != nil || v.times == 1 && c.state.has(link.Index, a)) && now.Sub(v.at) > c.cfg.Check/2
		if a.Addr().Is4() && (v.times == 0 || again) {
			list = append(list, p)
		}
	}
	return seat, list
}

// ask asks the network for what is due, and carries out what has waited for that.
func (c *Conf) ask(ctx context.Context) {
	c.mu.Lock()
	iface, list := c.due(time.Now())
	c.mu.Unlock()
	if len(list) == 0 {
		return
	}
	addresses := make([]netip.Addr, len(list))
	for i, p := range list {
		addresses[i] = p.address
	}
	found, err := c.cfg.Probe.Probe(ctx, iface, addresses)
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil { // the address is worth more than the question
		c.log.Warn("network not asked for other machines with our addresses", "iface", iface, "err", err)
	}
	for _, p := range list {
		c.note(iface, p, found[p.address])
	}
	_ = c.apply() // what fails is in the status
}

// note keeps what the network has said. The caller holds c.mu.
func (c *Conf) note(iface string, p place, holder net.HardwareAddr) {
	was := c.verdicts[p]
	if was.holder.String() != holder.String() {
		if holder != nil {
			c.log.Warn("address is used by another machine", "iface", iface, "address", p.address, "by", holder)
		} else {
			c.log.Info("address is not used by another machine any more", "iface", iface, "address", p.address)
		}
	}
	c.verdicts[p] = verdict{holder: holder, times: was.times + 1, at: time.Now()}
}

// unask forgets that the network was asked: there is another link. Who has an
// address is remembered until it was asked again.
func (c *Conf) unask() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, v := range c.verdicts {
		v.times = 0
		c.verdicts[p] = v
	}
}

// conflicts words who else has our addresses.
func (c *Conf) conflicts(link Link) (out []string) {
	for _, a := range (goal{Desired: c.desired, lease: c.lease}).addresses() {
		v := c.verdicts[place{link.Index, a.Addr()}]
		switch {
		case v.holder == nil:
		case c.state.has(link.Index, a):
			out = append(out, fmt.Sprintf("%s is used by %s too: it is chance which of the two is reached", a.Addr(), v.holder))
		default:
			out = append(out, fmt.Sprintf("%s is used by %s: port %s does not get it before it is free", a.Addr(), v.holder, c.desired.Port))
		}
	}
	return out
}
