// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"evener/firmware/health"
	"evener/firmware/pool"
)

const (
	verdictsKey   = "down"          // where verdicts are kept in the State store
	verdictsEvery = 5 * time.Second // they are not written more often than this
	manyDown      = 1000            // from so many on their reasons are not kept: the store is small
)

// Verdicts are kept of members that are down, so that an engine which follows,
// after a restart or a crash, does not give them clients before it has asked.
// Those of members that are up need no keeping: one of which nothing is known
// takes clients too.
type verdicts struct {
	before  []downMember // what the engine before this one knew; nil once it is used
	changed bool         // since written
	written time.Time
}

// A downMember is a member that is down.
type downMember struct {
	Pool   string         `json:"pool"`
	Member string         `json:"member"`
	Addr   netip.AddrPort `json:"addr"`
	Reason string         `json:"reason,omitempty"`
	Since  time.Time      `json:"since"`
}

func (v *verdicts) load(s State) error {
	if s == nil {
		return nil
	}
	if _, err := s.Get(verdictsKey, &v.before); err != nil {
		return fmt.Errorf("load verdicts on members: %w", err)
	}
	return nil
}

const (
	restoredBegin = "down before the restart: "
	restoredEnd   = ", being checked"
)

// restoredReason says why a member is down that nobody has asked yet.
func restoredReason(reason string) string {
	if strings.HasPrefix(reason, restoredBegin) {
		return reason // it was not asked before this restart either
	}
	return restoredBegin + reason + restoredEnd
}

// restoreVerdicts has members of the first generation, and those who are about to
// be asked of them, begin as down if they were so when the last engine ended. A
// member of another name or address, or that is not probed any more, is another.
func (b *Balancer) restoreVerdicts(gen *generation, asked []health.Target) {
	type name struct {
		pool, member string
		addr         netip.AddrPort
	}
	down := map[name]downMember{}
	for _, d := range b.verdicts.before {
		down[name{d.Pool, d.Member, d.Addr}] = d
	}
	for i := range asked {
		t := &asked[i]
		d, ok := down[name{t.Pool, t.Member, t.Addr}]
		if !ok {
			continue
		}
		t.Before = &health.Before{Reason: restoredReason(d.Reason), Since: d.Since}
		p := gen.pools[t.Pool]
		p.members.SetHealth(p.index(t.Member), pool.Down, t.Before.Reason, t.Before.Since)
	}
}

// keepVerdicts writes who is down if that has changed, but not often.
func (b *Balancer) keepVerdicts(now time.Time) {
	if b.verdicts.changed && now.Sub(b.verdicts.written).Abs() >= verdictsEvery {
		b.writeVerdicts(now)
	}
}

func (b *Balancer) writeVerdicts(now time.Time) {
	v := &b.verdicts
	if !v.changed || b.cfg.State == nil || b.released {
		return
	}
	v.written = now
	if err := b.cfg.State.Put(verdictsKey, b.down()); err != nil {
		b.log.Error("verdicts on members not saved", "err", err)
		return
	}
	v.changed = false
}

// down lists the members that are down, in the order of the configuration.
func (b *Balancer) down() []downMember {
	out := []downMember{}
	if b.cur == nil {
		return out
	}
	for _, c := range b.cur.cfg.Pools {
		snap := b.cur.pools[c.Name].members.Load()
		for i := range snap.Members {
			if m := &snap.Members[i]; m.Health == pool.Down {
				out = append(out, downMember{c.Name, m.Name, m.Addr, m.Reason, m.Since})
			}
		}
	}
	if len(out) > manyDown {
		for i := range out {
			out[i].Reason = ""
		}
	}
	return out
}
