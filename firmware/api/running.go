// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"time"
)

// A running is a call in flight on a connection.
type running struct {
	conn    *conn
	id      string // the JSON of its id
	key     string // meta.key
	session string
	cancel  context.CancelFunc

	after []func(ok bool) // see afterwards; of the call's goroutine until it is done

	// Guarded by conn.mu.
	ended    bool      // it has returned
	progress *progress // not told yet
	told     time.Time // when progress was told
}

type runningKey struct{}

// runningCall returns the call in flight that ctx is of, nil for one that came
// over no connection.
func runningCall(ctx context.Context) *running {
	run, _ := ctx.Value(runningKey{}).(*running)
	return run
}

// afterwards has fn called when the answer has gone out and the call was good, or
// with false when there will be none that is.
func (run *running) afterwards(fn func(ok bool)) { run.after = append(run.after, fn) }

// done says that the call has returned.
func (run *running) done(ok bool) {
	run.conn.mu.Lock()
	run.ended = true
	run.progress = nil
	run.conn.mu.Unlock()
	if !ok {
		for _, fn := range run.after {
			fn(false)
		}
		run.after = nil
	}
}

// answered says that the answer of run goes out now.
func (c *conn) answered(run *running) {
	c.forget(run)
	for _, fn := range run.after {
		fn(true)
	}
}

// forget ends the time of run as a call in flight.
func (c *conn) forget(run *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, run.id)
	c.leaveSessionLocked(run.session)
}

// progress is the params of $/progress.
type progress struct {
	ID    json.RawMessage `json:"id"`
	Done  int64           `json:"done"`
	Total int64           `json:"total,omitempty"`
	Note  string          `json:"note,omitempty"`
}

// progressGap is the least time between two reports of one call.
const progressGap = 100 * time.Millisecond

// Progress tells the caller of the method whose context ctx is how far it has
// come: done of total, in whatever the method counts, 0 for an unknown total. note
// is a stable dotted code, such as upload.verify, or empty. It never waits: what
// comes too fast or cannot be told in time is dropped, for the next will say more.
func Progress(ctx context.Context, done, total int64, note string) {
	run := runningCall(ctx)
	if run == nil {
		return
	}
	run.conn.mu.Lock()
	defer run.conn.mu.Unlock()
	if run.ended || time.Since(run.told) < progressGap {
		return
	}
	run.progress = &progress{json.RawMessage(run.id), done, total, note}
	run.conn.out.wake()
}

// nextProgress returns a report that waits, nil where there is none.
func (c *conn) nextProgress() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, run := range c.calls {
		if p := run.progress; p != nil {
			run.progress, run.told = nil, time.Now()
			return appendNotification("$/progress", p)
		}
	}
	return nil
}

// appendNotification returns the line of a notification. params always have JSON.
func appendNotification(method string, params any) []byte {
	raw, err := json.Marshal(params)
	if err != nil {
		raw = []byte("{}")
	}
	b := append([]byte(`{"jsonrpc":"2.0","method":"`+method+`","params":`), raw...)
	return append(b, '}', '\n')
}
