// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// What a feed keeps, for subscribers that are behind or come back.
var (
	keepEvents = map[Class]int{State: 64, Series: 60, Log: 512}
	keepBytes  = map[Class]int{State: 4 << 20, Series: 64 << 10, Log: 128 << 10}
)

// A feed is one topic with one set of parameters, as one kind of caller sees
// it. Its subscribers share what it computes. It has a goroutine while there
// are any.
type feed struct {
	topic *Topic
	key   string
	src   source
	epoch string    // tells this feed's sequence numbers from those of another
	since time.Time // when the ticks of all feeds began

	poke chan struct{} // full: something may have changed

	// Of the goroutine that computes.
	looked  uint64 // of a log: the entries up to here were looked at
	started bool   // of a log: looked is not the beginning

	// Guarded by feeds.mu.
	users int
	idle  time.Time          // since when there are none
	stop  context.CancelFunc // ends the present run
	ready chan struct{}      // closed when the present run has computed for the first time
	done  chan struct{}      // closed when the present run has ended

	mu     sync.Mutex // guards what follows
	events []event    // the newest ones, in order
	size   int        // of all of them
	lost   uint64     // the highest sequence number that was dropped
	views  map[*view]bool
	err    *Error          // why there will be no more
	full   json.RawMessage // the snapshot number fullOf, encoded
	fullOf uint64
	past   json.RawMessage // of a series: what was before the tick number pastOf
	pastOf uint64
}

// newest returns the newest event, and false if there was none yet.
func (f *feed) newest() (event, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newestLocked()
}

func (f *feed) newestLocked() (event, bool) {
	if len(f.events) == 0 {
		return event{seq: f.lost}, false
	}
	return f.events[len(f.events)-1], true
}

// changed says that there may be something new.
func (f *feed) changed() {
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// forgetUpTo says that the entries up to seq are not kept any more.
func (f *feed) forgetUpTo(seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = max(f.lost, seq)
}

// run computes until ctx ends or the source fails.
func (f *feed) run(ctx context.Context, log *slog.Logger, ready, done chan struct{}) {
	defer close(done)
	gap := time.Duration(float64(time.Second) / f.topic.Rate)
	for first := true; ; first = false {
		start := time.Now()
		events, err := f.compute(ctx, log)
		if ctx.Err() != nil {
			err = nil // of the end that was asked for
		}
		f.publish(events, err)
		if first {
			close(ready)
		}
		if err != nil {
			return
		}
		var tick <-chan time.Time
		if f.topic.Every > 0 {
			tick = time.After(f.untilTick())
		}
		select {
		case <-ctx.Done():
		case <-tick:
		case <-f.poke:
			wait(ctx, gap-time.Since(start))
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// untilTick returns how long it is until the next tick. Those of all topics fall
// together, so that their news can.
func (f *feed) untilTick() time.Duration {
	return f.topic.Every - time.Since(f.since)%f.topic.Every
}

// recovered makes an error of a panic: it is the end of this feed alone.
func (f *feed) recovered(v any, log *slog.Logger) error {
	log.Error("topic panicked", "topic", f.topic.Name, "err", fmt.Sprint(v), "stack", string(debug.Stack()))
	return Errorf(CodeInternal, "internal", "%s met a fault of the box; its log has the details", f.topic.Name)
}

// recall sees to it that past is that of before the newest tick.
func (f *feed) recall(ctx context.Context, log *slog.Logger) (err error) {
	s, ok := f.src.(seriesSource)
	if !ok || s.past == nil {
		return nil
	}
	f.mu.Lock()
	last, _ := f.newestLocked()
	have := f.pastOf == last.seq
	f.mu.Unlock()
	if have {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = f.recovered(v, log)
		}
	}()
	past, err := s.past(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(past)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.past, f.pastOf = raw, last.seq
	return nil
}

// compute asks the source.
func (f *feed) compute(ctx context.Context, log *slog.Logger) (events []event, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = f.recovered(v, log)
		}
	}()
	select {
	case <-f.poke: // what is computed now has it
	default:
	}
	return f.src.next(ctx, f)
}

// publish keeps events and wakes the subscribers.
func (f *feed) publish(events []event, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.err = AsError(err)
	}
	for _, e := range events {
		if n := len(f.events); n > 0 && f.topic.Class == State {
			f.events[n-1].data = nil // whoever is behind gets a patch of its own
		}
		f.events = append(f.events, e)
		f.size += e.size
	}
	drop, class := 0, f.topic.Class
	// Whoever wants an event in 10 s must find the state of before.
	keep := max(keepEvents[class], int(15*f.topic.Rate))
	for drop < len(f.events)-1 && (len(f.events)-drop > keep || f.size > keepBytes[class]) {
		f.lost = f.events[drop].seq
		f.size -= f.events[drop].size
		drop++
	}
	f.events = slices.Delete(f.events, 0, drop)
	if len(events) == 0 && err == nil {
		return
	}
	for v := range f.views {
		if class == State && v.seq < f.lost && v.lost == nil {
			v.lost, v.snap = slices.AppendSeq(make([]string, 0, len(v.snap)), maps.Keys(v.snap)), nil
		}
		v.wake()
	}
}
