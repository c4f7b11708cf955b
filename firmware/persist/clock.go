// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxGap is the most that a table's time moves between two ticks.
const maxGap = int64(10 * time.Second)

// A clock turns wall-clock time, which may be set at any moment, into time that
// only goes forward and never leaps. It needs a tick about each second to tell a
// leap from a pause; until the first one it believes what it is told.
type clock struct {
	mu   sync.Mutex // one tick at a time
	base atomic.Pointer[tickPoint]
}

// A tickPoint says what the clock showed at a wall-clock time.
type tickPoint struct{ wall, shown int64 }

// at returns the clock's time at now.
func (c *clock) at(now int64) int64 {
	b := c.base.Load()
	if b == nil {
		return now
	}
	return b.shown + min(max(now-b.wall, 0), maxGap)
}

func (c *clock) tick(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base.Store(&tickPoint{wall: now, shown: c.at(now)})
}
