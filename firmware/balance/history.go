// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"time"

	"evener/firmware/pool"
)

// historyLength is how many steps are remembered of each member.
const historyLength = 32

// A Step is a change of one member's weight and what led to it.
type Step struct {
	After    time.Duration // since the controller began
	Input    Input
	Means    string     // the pool's, for people
	Load     float64    // 1: as loaded as the others
	Target   float64    // where the weight is going
	From, To pool.Share // what this step did
	Reason   string
}

// A history is a ring of the last steps.
type history struct {
	steps []Step
	next  int
}

func (h *history) add(s Step) {
	if len(h.steps) < historyLength {
		h.steps = append(h.steps, s)
		return
	}
	h.steps[h.next] = s
	h.next = (h.next + 1) % historyLength
}

// History returns the last changes of member i's weight, at most 32, the oldest
// first. The first step of all is there even if it changed nothing.
func (c *Controller) History(i int) []Step {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i < 0 || i >= len(c.members) {
		return nil
	}
	h := &c.members[i].history
	return append(append([]Step(nil), h.steps[h.next:]...), h.steps[:h.next]...)
}
