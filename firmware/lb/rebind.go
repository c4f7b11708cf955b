// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"maps"
	"slices"

	"evener/firmware/config"
	"evener/firmware/l7"
)

// grouped is specsOf with the failover group of each listener, as [Sockets] gets
// them.
func grouped(cfg *config.Config) []Spec {
	specs, has := specsOf(cfg), cfg.GroupAddresses()
	for i, s := range specs {
		if g := has[s.Addr.Addr()]; g != nil {
			specs[i].Group = g.Name
		}
	}
	return specs
}

// Rebind asks for the sockets of the running configuration again, because a
// failover group has become active, or is not any more: clients come in through
// what there is now, and through what was let go no more. Open connections stay.
// An error, such as of an address that another box on this machine still holds,
// changes nothing; call it again then.
func (b *Balancer) Rebind() error {
	<-b.started
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cur == nil || b.draining || b.ended {
		return nil
	}
	specs, wanted := specsOf(b.cur.cfg), grouped(b.cur.cfg)
	fds, err := b.cfg.Sockets.Acquire(wanted)
	if err != nil {
		return err
	}
	ports := make(map[Spec]*port, len(specs))
	var less []*port // those that have lost sockets
	for i, s := range specs {
		p := *b.ports[s]
		p.fds = fds[i]
		ports[s] = &p
		if slices.ContainsFunc(b.ports[s].fds, func(fd int) bool { return !slices.Contains(p.fds, fd) }) {
			less = append(less, &p)
		}
	}
	b.ports = ports
	b.each(func(u *unit) {
		for _, p := range less {
			u.stop(p)
		}
		u.listen(ports, len(b.loops), b.log.Error)
	})
	return b.cfg.Sockets.Keep(wanted)
}

// Follow tells which failover groups are active on this box. Clients at the addresses
// of other groups are told that their connections end, so that they come again and
// find the box that has the address now. Before the first call no group counts as
// another's.
func (b *Balancer) Follow(active map[string]bool) {
	<-b.started
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = map[string]bool{}
	maps.Copy(b.active, active)
	if b.cur != nil && !b.ended {
		b.sendAway()
	}
}

// sendAway tells the loops at which ports no client arrives any more, if that has
// changed.
func (b *Balancer) sendAway() {
	away := map[*l7.Port]bool{}
	has := b.cur.cfg.GroupAddresses()
	for s, p := range b.ports {
		if g := has[s.Addr.Addr()]; g != nil && p.http != nil && b.active != nil && !b.active[g.Name] {
			away[p.http] = true
		}
	}
	if maps.Equal(away, b.away) {
		return
	}
	b.away = away
	b.each(func(u *unit) { u.http.Away(away) })
}
