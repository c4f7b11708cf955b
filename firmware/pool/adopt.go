// SPDX-License-Identifier: Apache-2.0

package pool

import "time"

// Adopt takes over, from the pool of the same name in the old generation, what
// belongs to members of the same name and address: counters, health, the
// operator's runtime state, slow start and weights. It is called before anybody
// else sees p.
//
// A weight set at run time outlives the commit unless the commit changes the
// member's configured weight. The verdict on a member that is no longer probed,
// and the adjustment of weights that no controller adjusts any more, are dropped. A limit that changes from one number to another takes effect at
// once; one that is added or dropped begins counting anew, so that until the old
// exchanges end a new limit may be exceeded by as many as there are of them.
func (p *Pool) Adopt(old *Pool) {
	old.mu.Lock()
	was, oldCfg := old.snap.Load(), old.cfg
	ramps := append([]time.Time(nil), old.ramps...)
	old.mu.Unlock()

	p.change(func(members []Member) bool {
		for i := range members {
			j := was.Find(members[i].Name, members[i].Addr)
			if j < 0 {
				continue
			}
			m, o := &members[i], &was.Members[j]
			m.Live = inherit(m.Live, o.Live)
			m.adoptAdmin(o)
			if p.cfg.Members[i].Weight == oldCfg.Members[j].Weight {
				m.Static = o.Static
			}
			m.Dynamic = Share(m.Static) * Full
			if p.cfg.Adjusted {
				m.Dynamic = rescale(o.Dynamic, o.Static, m.Static)
				m.WeightReason = o.WeightReason
			}
			if p.cfg.Members[i].Unprobed {
				continue
			}
			m.Health, m.Reason, m.Since = o.Health, o.Reason, o.Since
			if p.cfg.SlowStart > 0 {
				p.ramps[i], m.Ramp = ramps[j], o.Ramp
			}
		}
		return true
	})
}

func (m *Member) adoptAdmin(o *Member) {
	m.Admin, m.KeepSticky = o.Admin, o.KeepSticky
	m.AdminReason, m.AdminSince = o.AdminReason, o.AdminSince
}

// inherit returns the counters to go on with: the old ones where their rule of
// counting is the new one's, else the fresh ones with the old ones behind them.
func inherit(fresh, old *Live) *Live {
	if fresh.limited != old.limited || len(fresh.slots) != len(old.slots) {
		fresh.before = old
		return fresh
	}
	if old.limited && old.Limit() != fresh.Limit() {
		old.SetLimit(fresh.Limit())
	}
	return old
}
