// SPDX-License-Identifier: Apache-2.0

package stats

// A Member counts what one member of a pool does.
type Member struct {
	pool, server string
	slots        []MemberSlot
}

// A MemberSlot is what one loop counts for a member.
type MemberSlot struct {
	Class    [numClasses]Counter    // tries ended, by ClassOf(status); 0: without an answer
	Duration Histogram              // from the request being sent to the answer's head
	Errors   [NumErrorKinds]Counter // by ErrorKind

	_ linePad
}

// MemberTotals is a MemberSlot added up over the loops.
type MemberTotals struct {
	Class    [numClasses]uint64
	Duration HistogramTotals
	Errors   [NumErrorKinds]uint64
}

// NewMember returns the counters of a pool's member for that many loops.
func NewMember(pool, server string, loops int) *Member {
	return &Member{pool: pool, server: server, slots: make([]MemberSlot, loops)}
}

// Pool returns the name of the member's pool.
func (m *Member) Pool() string { return m.pool }

// Server returns the name of the member's server, which is the member's too.
func (m *Member) Server() string { return m.server }

// Slot returns what the loop of that index writes.
func (m *Member) Slot(loop int) *MemberSlot { return &m.slots[loop] }

// Sum adds the slots up.
func (m *Member) Sum() MemberTotals {
	var t MemberTotals
	for i := range m.slots {
		s := &m.slots[i]
		addAll(t.Class[:], s.Class[:])
		t.Duration.AddFrom(&s.Duration)
		addAll(t.Errors[:], s.Errors[:])
	}
	return t
}
