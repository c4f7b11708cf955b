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
// one of the management port waits, what was there before stays: nobody is cut off
// for an address that cannot be used.
func (c *Conf) settle(steps []Step, now time.Time) []Step {
	if !c.asks() {
		return steps
	}
	for _, s := range steps {
		if s.Kind == LinkUp {
			c.raised[s.Index] = now
		}
	}
	g := goal{Desired: c.desired, lease: c.lease}
	seat, there := g.managed(c.state)
	var held []ours // that are not set now
	waits, keeps := false, false
	steps = slices.DeleteFunc(slices.Clone(steps), func(s Step) bool {
		holds, unknown := c.holds(s, now)
		if holds {
			held = append(held, ours{Index: s.Index, Address: s.Address})
			keeps = keeps || there && s.Index == seat.Index
			waits = waits || unknown && there && s.Index == seat.Index
		}
		return holds
	})
	kept := map[netip.Prefix]bool{} // ways of before that stay
	if keeps {
		steps = slices.DeleteFunc(steps, func(s Step) bool {
			if s.Kind == RemoveRoute {
				kept[s.Route.To] = true
			}
			return s.Kind == RemoveRoute || s.Kind == RemoveAddress || s.Kind == RemoveVLAN || s.Kind == RemoveBond || s.Kind == AddRoute && waits
		})
	}
	return slices.DeleteFunc(steps, func(s Step) bool { return s.Kind == AddRoute && (kept[s.Route.To] || c.lost(g, s.Route, held)) })
}

// holds reports whether a step sets an address that may be another machine's, and
// whether that is not known yet.
func (c *Conf) holds(s Step, now time.Time) (holds, unknown bool) {
	if s.Kind != AddAddress || !s.Address.Addr().Is4() {
		return false, false
	}
	v, known := c.verdicts[place{s.Index, s.Address.Addr()}]
	if known && v.times > 0 && v.holder == nil || !c.state.link(s.Index).Carrier && now.Sub(c.raised[s.Index]) >= linkWait {
		return false, false
	}
	return true, !known || v.holder == nil
}

// lost reports whether a way cannot be used for want of the addresses that are held
// back.
func (c *Conf) lost(g goal, r Route, held []ours) bool {
	needs := func(o ours) bool { return o.Index == r.Index && o.Address.Contains(r.Gateway) }
	if !slices.ContainsFunc(held, needs) {
		return r.Source.IsValid() && slices.ContainsFunc(held, func(o ours) bool { return o.Address.Addr() == r.Source })
	}
	return !slices.ContainsFunc(g.wanted(c.state), func(o ours) bool {
		return needs(o) && !slices.ContainsFunc(held, func(h ours) bool { return h.Index == o.Index && h.Address == o.Address })
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
// has. They are sorted by interface. The caller holds c.mu.
func (c *Conf) due(now time.Time) (list []place) {
	if !c.asks() {
		return nil
	}
	wanted := goal{Desired: c.desired, lease: c.lease}.wanted(c.state)
	maps.DeleteFunc(c.verdicts, func(p place, _ verdict) bool {
		return !slices.ContainsFunc(wanted, func(o ours) bool { return o.Index == p.index && o.Address.Addr() == p.address })
	})
	for _, o := range wanted {
		link := c.state.link(o.Index)
		p := place{o.Index, o.Address.Addr()}
		v := c.verdicts[p]
		again := (v.holder != nil || v.times == 1 && c.state.has(o.Index, o.Address)) && now.Sub(v.at) > c.cfg.Check/2
		if link.Up && link.Carrier && p.address.Is4() && (v.times == 0 || again) && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b place) int { return a.index - b.index })
	return list
}

// ask asks the networks for what is due, and carries out what has waited for that.
func (c *Conf) ask(ctx context.Context) {
	c.mu.Lock()
	list := c.due(time.Now())
	names := make(map[int]string)
	for _, p := range list {
		names[p.index] = c.state.name(p.index)
	}
	c.mu.Unlock()
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(p place) bool { return p.index != list[0].index })
		if n < 0 {
			n = len(list)
		}
		if !c.askOn(ctx, names[list[0].index], list[:n]) {
			return
		}
		list = list[n:]
	}
}

// askOn asks one network. It returns false where ctx has ended.
func (c *Conf) askOn(ctx context.Context, iface string, list []place) bool {
	addresses := make([]netip.Addr, len(list))
	for i, p := range list {
		addresses[i] = p.address
	}
	found, err := c.cfg.Probe.Probe(ctx, iface, addresses)
	if ctx.Err() != nil {
		return false
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
	return true
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

// conflicts words who else has our addresses on a link, which people call port.
func (c *Conf) conflicts(port string, link Link) (out []string) {
	for _, o := range (goal{Desired: c.desired, lease: c.lease}).wanted(c.state) {
		v := c.verdicts[place{link.Index, o.Address.Addr()}]
		switch {
		case v.holder == nil || o.Index != link.Index:
		case c.state.has(link.Index, o.Address):
			out = append(out, fmt.Sprintf("%s is used by %s too: it is chance which of the two is reached", o.Address.Addr(), v.holder))
		default:
			out = append(out, fmt.Sprintf("%s is used by %s: port %s does not get it before it is free", o.Address.Addr(), v.holder, port))
		}
	}
	return out
}
