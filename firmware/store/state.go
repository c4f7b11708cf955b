// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A state is everything about revisions but their texts. Once it is published
// it never changes: writers work on a clone.
type state struct {
	Version    int                  `json:"version"`
	Next       uint64               `json:"next"`    // number of the next revision
	Running    uint64               `json:"running"` // 0: none yet
	Fallback   uint64               `json:"confirmed"`
	Window     *window              `json:"window,omitempty"` // of the running revision, if it is pending
	Handover   *handover            `json:"handover,omitempty"`
	Revisions  []Revision           `json:"revisions"` // ascending
	Candidates map[string]Candidate `json:"candidates,omitempty"`
}

const stateVersion = 1

// A window is the time within which the running revision must be confirmed.
type window struct {
	Left     time.Duration `json:"left_ns"`
	Deadline time.Time     `json:"deadline"`

	asOf time.Time // when Left was right; with a monotonic reading
}

// at returns w as of now. A clock without a monotonic reading that was set back
// takes nothing from what is left.
func (w window) at(now time.Time) window {
	if d := now.Sub(w.asOf); d > 0 {
		w.Left = max(0, w.Left-d)
	}
	w.asOf, w.Deadline = now, wall(now.Add(w.Left))
	return w
}

// A handover lets the window of a pending revision go on under the next process.
type handover struct {
	Boot string    `json:"boot"` // valid within this boot of the machine only
	Time time.Time `json:"time"` // when the window's Left was right
}

// wall returns t as it is written to disk: UTC, without a monotonic reading.
func wall(t time.Time) time.Time { return t.UTC().Round(0) }

func (st *state) clone() *state {
	c := *st
	c.Revisions = slices.Clone(st.Revisions)
	c.Candidates = maps.Clone(st.Candidates)
	if c.Candidates == nil {
		c.Candidates = make(map[string]Candidate)
	}
	return &c
}

// find returns the place of revision n in st.Revisions, or -1.
func (st *state) find(n uint64) int {
	i, ok := slices.BinarySearchFunc(st.Revisions, n, func(r Revision, n uint64) int {
		return int(int64(r.Number) - int64(n))
	})
	if !ok {
		return -1
	}
	return i
}

// revision returns revision n, or one with number 0.
func (st *state) revision(n uint64) Revision {
	if i := st.find(n); i >= 0 {
		return st.Revisions[i]
	}
	return Revision{}
}

// add appends r under the next number, makes it run and returns it. A window
// makes it pending.
func (st *state) add(r Revision, w *window) Revision {
	r.Number, r.Parent = st.Next, st.Running
	st.Next++
	st.Running, st.Window = r.Number, w
	r.Status = Pending
	if w == nil {
		r.Status, st.Fallback = Confirmed, r.Number
	}
	st.Revisions = append(st.Revisions, r)
	return r
}

// settle ends the window of the running revision. One that is reverted gives
// way to the revision confirmed before it.
func (st *state) settle(to Status, s Settlement) {
	i := st.find(st.Running)
	st.Revisions[i].Status, st.Revisions[i].Settled = to, &s
	if to == Confirmed {
		st.Fallback = st.Running
	}
	st.Running, st.Window, st.Handover = st.Fallback, nil, nil
}

// prune drops the oldest revisions until keep are left, but none that runs,
// would be gone back to or is the base of a candidate.
func (st *state) prune(keep int) {
	pinned := map[uint64]bool{st.Running: true, st.Fallback: true}
	for _, c := range st.Candidates {
		pinned[c.Base] = true
	}
	excess := len(st.Revisions) - keep
	st.Revisions = slices.DeleteFunc(st.Revisions, func(r Revision) bool {
		if excess <= 0 || pinned[r.Number] {
			return false
		}
		excess--
		return true
	})
}

// texts returns the hashes of all texts that st needs.
func (st *state) texts() map[string]bool {
	m := make(map[string]bool)
	for _, r := range st.Revisions {
		m[r.SHA256] = true
	}
	for _, c := range st.Candidates {
		m[c.SHA256] = true
	}
	return m
}

func (st *state) encode() ([]byte, error) {
	b, err := json.MarshalIndent(st, "", " ")
	return append(b, '\n'), err
}

// decodeState reads what encode wrote; nothing is a store that is new.
func decodeState(b []byte) (*state, error) {
	st := &state{Version: stateVersion, Next: 1, Candidates: make(map[string]Candidate)}
	if len(b) == 0 {
		return st, nil
	}
	if err := json.Unmarshal(b, st); err != nil {
		return nil, err
	}
	return st, st.check()
}

// check returns what in st cannot be.
func (st *state) check() error {
	if st.Version != stateVersion {
		return fmt.Errorf("it has version %d; this program reads %d", st.Version, stateVersion)
	}
	last := uint64(0)
	for _, r := range st.Revisions {
		if r.Number <= last || r.Number >= st.Next {
			return fmt.Errorf("revision %d is out of order", r.Number)
		}
		last = r.Number
	}
	for _, n := range []uint64{st.Running, st.Fallback} {
		if n != 0 && st.find(n) < 0 {
			return fmt.Errorf("revision %d is missing", n)
		}
	}
	if pending := st.Running != st.Fallback; pending != (st.Window != nil) {
		return fmt.Errorf("revision %d runs and %d is confirmed", st.Running, st.Fallback)
	}
	return nil
}
