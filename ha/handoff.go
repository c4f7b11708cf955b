// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"evener/ha/handoff"
	"evener/ha/vrrp"
)

// Times and limits of asking for the MAC addresses of other boxes.
const (
	neighbourTime  = time.Second      // for one answer
	neighbourAgain = 30 * time.Second // between two questions for the same
	maxNeighbours  = 16               // that are remembered
)

// A Handoff lets TCP connections end on the box they began on when an order moves
// their group; a [handoff.Box] does.
type Handoff interface {
	Leave(group string, list []netip.Addr, limit time.Duration) error
	Enter(group string, ports []handoff.Config) error
	Entered(group string) error
	Stats(group string) handoff.Stats
}

// A neighbour is another box on a network, by the address that it advertises from.
type neighbour struct {
	iface string
	addr  netip.Addr
}

// A meeting is what is known of a neighbour.
type meeting struct {
	mac   net.HardwareAddr // nil: it has not answered
	asked time.Duration
}

// hands says whether connections of g are handed off when it moves.
func (r *Runner) hands(g *group) bool { return r.cfg.Handoff != nil && g.set.Handoff > 0 }

// meet asks for the MAC address of a box that advertises, while there is time.
func (r *Runner) meet(rt *router, from netip.Addr) {
	if rt.m.State() != vrrp.Backup || !r.hands(rt.g) {
		return
	}
	k := neighbour{rt.set.Interface, from.WithZone("")}
	m, known := r.met[k]
	if known && r.now()-m.asked < neighbourAgain {
		return
	}
	select {
	case r.ask <- k:
	default:
		return // others are asked for; the next advertisement comes soon
	}
	if !known && len(r.met) >= maxNeighbours {
		r.forget()
	}
	m.asked = r.now()
	r.met[k] = m
}

// forget drops the neighbour that was not asked for the longest.
func (r *Runner) forget() {
	var oldest neighbour
	for k, m := range r.met {
		if !oldest.addr.IsValid() || m.asked < r.met[oldest].asked {
			oldest = k
		}
	}
	delete(r.met, oldest)
}

// neighbours answers the questions of meet until ctx ends: the loop does not wait for
// that.
func (r *Runner) neighbours(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case k := <-r.ask:
			limited, cancel := context.WithTimeout(ctx, neighbourTime)
			mac, err := r.cfg.Neighbour(limited, k.iface, k.addr)
			cancel()
			if err != nil {
				r.log.Debug("MAC address of another box not found", "interface", k.iface, "address", k.addr, "err", err)
				continue
			}
			r.post(func() {
				if m, ok := r.met[k]; ok {
					m.mac = mac
					r.met[k] = m
				}
			})
		}
	}
}

// keepFlows prepares that connections of g end here while it goes to another box. It
// goes all the same where that cannot be done.
func (r *Runner) keepFlows(g *group) {
	if !r.hands(g) {
		return
	}
	var list []netip.Addr
	for _, rt := range g.routers {
		for _, p := range rt.prefixes {
			list = append(list, p.Addr())
		}
	}
	r.handed(g, "connections not kept for the time after the switch", r.cfg.Handoff.Leave(g.set.Name, list, g.set.Handoff.D()))
}

// enterFlows prepares that what comes for connections of g goes on to the box that it
// comes from, which has said so. It is called once for each time that g comes.
func (r *Runner) enterFlows(g *group) {
	if g.entered || !r.hands(g) {
		return
	}
	g.entered = true
	var ports []handoff.Config
	for _, rt := range g.routers {
		i := slices.IndexFunc(ports, func(c handoff.Config) bool { return c.Interface == rt.set.Interface })
		if i < 0 {
			i = len(ports)
			ports = append(ports, handoff.Config{Interface: rt.set.Interface, Limit: g.set.Handoff.D(), Peers: r.others(rt.set.Interface)})
		}
		c := &ports[i]
		for _, p := range rt.prefixes {
			c.Addresses = append(c.Addresses, p.Addr())
		}
		if mac := rt.wireConfig().MAC; mac != nil {
			c.Virtual = append(c.Virtual, mac)
		}
		if c.To == nil {
			c.To = r.met[neighbour{rt.set.Interface, rt.m.Status(r.now()).Peer.Addr}].mac
		}
	}
	var unknown error
	ports = slices.DeleteFunc(ports, func(c handoff.Config) bool {
		if c.To == nil {
			unknown = errors.Join(unknown, fmt.Errorf("the MAC address of the box that had them is not known on %s", c.Interface))
		}
		return c.To == nil
	})
	r.handed(g, "connections from before the switch end", errors.Join(r.cfg.Handoff.Enter(g.set.Name, ports), unknown))
}

// others lists the MAC addresses of the boxes that were heard on an interface.
func (r *Runner) others(iface string) (list []net.HardwareAddr) {
	for k, m := range r.met {
		if k.iface == iface && m.mac != nil && !slices.ContainsFunc(list, func(o net.HardwareAddr) bool { return slices.Equal(o, m.mac) }) {
			list = append(list, m.mac)
		}
	}
	return list
}

// enteredFlows says that the addresses of g are here, however that came.
func (r *Runner) enteredFlows(g *group) {
	if r.cfg.Handoff == nil {
		return
	}
	if err := r.cfg.Handoff.Entered(g.set.Name); err != nil {
		r.log.Error("addresses kept beside those that were taken", "group", g.set.Name, "err", err)
	}
}

// handed notes what became of a step.
func (r *Runner) handed(g *group, what string, err error) {
	g.handProblem = ""
	if err != nil {
		g.handProblem = err.Error()
		r.log.Error(what, "group", g.set.Name, "err", err)
	}
}

// reportHandoff tells what is handed off for g; nil: that is switched off.
func (r *Runner) reportHandoff(g *group) *HandoffReport {
	if g.set.Handoff <= 0 {
		return nil
	}
	if r.cfg.Handoff == nil {
		return &HandoffReport{Limit: g.set.Handoff, Problem: r.cfg.HandoffWhy}
	}
	s := r.cfg.Handoff.Stats(g.set.Name)
	return &HandoffReport{Limit: g.set.Handoff, Problem: g.handProblem, Packets: s.Packets, Connections: s.Flows, Ended: s.Ended, Until: s.Until.Round(0)}
}
