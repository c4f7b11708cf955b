// SPDX-License-Identifier: Apache-2.0

package stats

// A Rule counts how often one match rule decided.
type Rule struct {
	cluster, name string
	slots         []RuleSlot
}

// A RuleSlot is what one loop counts for a rule.
type RuleSlot struct {
	Hits    Counter
	LastHit Gauge // Unix time in nanoseconds of the loop's coarse clock; 0: never

	_ [112]byte // 128 with the fields
}

// RuleTotals is a RuleSlot added up over the loops.
type RuleTotals struct {
	Hits    uint64
	LastHit int64 // Unix time in nanoseconds of the latest hit; 0: never
}

// NewRule returns the counters of a rule for that many loops.
func NewRule(cluster, name string, loops int) *Rule {
	return &Rule{cluster: cluster, name: name, slots: make([]RuleSlot, loops)}
}

// Cluster returns the name of the rule's cluster.
func (r *Rule) Cluster() string { return r.cluster }

// Name returns the rule's name.
func (r *Rule) Name() string { return r.name }

// Slot returns what the loop of that index writes.
func (r *Rule) Slot(loop int) *RuleSlot { return &r.slots[loop] }

// Hit counts a hit at now, Unix time in nanoseconds.
func (s *RuleSlot) Hit(now int64) {
	s.Hits.Add(1)
	s.LastHit.Set(now)
}

// Sum adds the slots up.
func (r *Rule) Sum() RuleTotals {
	var t RuleTotals
	for i := range r.slots {
		t.Hits += r.slots[i].Hits.Value()
		t.LastHit = max(t.LastHit, r.slots[i].LastHit.Value())
	}
	return t
}
