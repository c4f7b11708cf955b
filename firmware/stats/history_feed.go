// SPDX-License-Identifier: Apache-2.0

package stats

import "math"

// feedMembers feeds the members and, from them, the pools. Members come sorted.
func (h *History) feedMembers(t *tick, members []*Member) {
	for len(members) > 0 {
		pool, sum := object{Kind: PoolKind, Name: members[0].pool}, newDeltas()
		for len(members) > 0 && members[0].pool == pool.Name {
			m := members[0]
			members = members[1:]
			o, cur := object{MemberKind, m.pool, m.server}, sampleMember(m, h.memberConnections(m))
			if tr := h.measure(t, o, m, &cur); tr != nil {
				h.write(t, o, tr, &h.passed)
				h.passed.mergeInto(sum)
			}
		}
		if tr := h.track(t, pool); tr != nil {
			h.write(t, pool, tr, sum)
		}
	}
}

func (h *History) memberConnections(m *Member) float64 {
	if h.cfg.Connections != nil {
		if n, ok := h.cfg.Connections(m.pool, m.server); ok {
			return float64(n)
		}
	}
	return math.NaN()
}

// feedEngine writes the points of the whole box: what the loops count themselves,
// and the sum of the clusters.
func (h *History) feedEngine(t *tick, clusters *deltas) {
	o, cur := object{Kind: EngineKind}, sampleEngine(h.reg.engine)
	if tr := h.measure(t, o, h.reg.engine, &cur); tr != nil {
		h.passed.mergeInto(clusters)
		h.write(t, o, tr, clusters)
	}
}

// write sets the points of an object.
func (h *History) write(t *tick, o object, tr *track, ds *deltas) {
	for i, m := range metricsOf[o.Kind] {
		for s := range ds {
			v := m.value(&ds[s])
			tr.rows[i].set(at(s, t.sec/spans[s].step), v)
			for back := int64(1); s == 0 && back <= t.fill; back++ {
				tr.rows[i].set(at(0, t.sec-back), v)
			}
		}
	}
}

// finish marks the points as written, forgets what is long gone and reports what
// had no room.
func (h *History) finish(t *tick) {
	unknown := newDeltas()
	for o, tr := range h.tracks {
		if tr.fed == h.ticks {
			continue
		}
		if h.ticks-tr.fed > keepTicks {
			h.series -= len(tr.rows)
			delete(h.tracks, o)
			continue
		}
		tr.source = nil
		h.write(t, o, tr, unknown)
	}
	for s, sp := range spans {
		h.times[at(s, t.sec/sp.step)] = t.sec/sp.step + 1
	}
	for back := int64(1); back <= t.fill; back++ {
		h.times[at(0, t.sec-back)] = t.sec - back + 1
	}
	if (t.refused > 0) != (h.refused > 0) {
		h.log.Warn("history room changed", "series", h.series, "refused", t.refused, "max", h.cfg.MaxSeries)
	}
	h.refused = t.refused
	h.last, h.newest = t.now, t.sec
}
