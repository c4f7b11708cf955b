// SPDX-License-Identifier: Apache-2.0

package stats

import "sync/atomic"

// A Counter only grows. It has one writer, the loop that owns the slot; anyone
// may read it. The zero value is ready.
type Counter struct{ v atomic.Uint64 }

// Add adds n. Only the owner of the slot may call it: two writers lose counts.
func (c *Counter) Add(n uint64) { c.v.Store(c.v.Load() + n) }

// Value returns the count.
func (c *Counter) Value() uint64 { return c.v.Load() }

// A Gauge goes up and down. It has one writer like a [Counter]. What one loop
// counts up it must count down itself, or the sum over the loops is right while
// single slots are not.
type Gauge struct{ v atomic.Int64 }

// Add adds n, which may be negative. Only the owner of the slot may call it.
func (g *Gauge) Add(n int64) { g.v.Store(g.v.Load() + n) }

// Set makes the value n. Only the owner of the slot may call it.
func (g *Gauge) Set(n int64) { g.v.Store(n) }

// Value returns the current value.
func (g *Gauge) Value() int64 { return g.v.Load() }

// linePad keeps the slots of two loops apart. It is two cache lines of 64 bytes,
// because processors fetch lines in pairs.
type linePad [128]byte
