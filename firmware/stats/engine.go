// SPDX-License-Identifier: Apache-2.0

package stats

import "sync/atomic"

// An Engine counts what the event loops do, whichever cluster they serve.
type Engine struct {
	slots      []EngineSlot
	generation atomic.Uint64
	draining   atomic.Int64
}

// An EngineSlot is what one loop counts about itself.
type EngineSlot struct {
	Busy        Counter // nanoseconds spent outside epoll_wait
	Wakeups     Counter // returns from epoll_wait
	Accepted    Counter // connections accepted
	Descriptors Gauge   // file descriptors that the loop has open

	_ [96]byte // 128 with the fields
}

// NewEngine returns the counters of that many loops.
func NewEngine(loops int) *Engine {
	return &Engine{slots: make([]EngineSlot, loops)}
}

// Loops returns the number of loops.
func (e *Engine) Loops() int { return len(e.slots) }

// Slot returns what the loop of that index writes.
func (e *Engine) Slot(loop int) *EngineSlot { return &e.slots[loop] }

// SetGeneration says which generation serves new exchanges, and how many older
// ones still have exchanges running. Any goroutine may call it.
func (e *Engine) SetGeneration(current uint64, draining int) {
	e.generation.Store(current)
	e.draining.Store(int64(draining))
}

// Generation returns what SetGeneration was told last.
func (e *Engine) Generation() (current uint64, draining int) {
	return e.generation.Load(), int(e.draining.Load())
}
