// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"sync"
	"time"

	"evener/firmware/api"
)

// Every beatEvery something is written to the disk of the store. A disk that has
// not taken it for beatLimit hangs.
const (
	beatEvery = 30 * time.Second
	beatLimit = 90 * time.Second
)

// A StoreBeat tells whether the disk of the box still takes what is written.
type StoreBeat struct {
	Alive   bool         `json:"alive" doc:"the disk has answered within 90s; a refusal is an answer"`
	Age     api.Duration `json:"age" doc:"since it answered last, or since the engine's start"`
	Problem string       `json:"problem,omitempty" doc:"why nothing could be written; empty: it could, or nobody knows yet"`
}

// A heartbeat writes to the store again and again, and notes when the disk has answered.
type heartbeat struct {
	mu   sync.Mutex // guards what follows
	last time.Time
	err  error
}

// RunBeat writes a sign of life to the store until ctx ends.
func (b *Box) RunBeat(ctx context.Context) error {
	b.beat.run(ctx, b.cfg.Store.Beat)
	return nil
}

// run beats until ctx ends. A beat that hangs is left behind: a process that sleeps
// in the kernel for its disk cannot be woken.
func (p *heartbeat) run(ctx context.Context, beat func() error) {
	p.answered(nil)
	next := time.NewTicker(beatEvery)
	defer next.Stop()
	for {
		done := make(chan error, 1)
		go func() { done <- beat() }()
		select {
		case <-ctx.Done():
			return
		case err := <-done:
			p.answered(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
	}
}

func (p *heartbeat) answered(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.err = time.Now(), err
}

// show tells how it is; nil before run.
func (p *heartbeat) show() *StoreBeat {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.IsZero() {
		return nil
	}
	age := time.Since(p.last)
	s := &StoreBeat{Alive: age <= beatLimit, Age: api.Duration(age)}
	if p.err != nil {
		s.Problem = p.err.Error()
	}
	return s
}

// beatProblems tells of a disk that hangs, or takes nothing.
func (b *Box) beatProblems() []Problem {
	s := b.beat.show()
	text := ""
	switch {
	case s == nil:
	case !s.Alive:
		text = fmt.Sprintf("the disk of the box has not answered for %v: what is changed now is lost", time.Duration(s.Age).Truncate(10*time.Second))
	case s.Problem != "":
		text = "the disk of the box takes nothing: " + s.Problem
	}
	if text == "" {
		return nil
	}
	return []Problem{{Kind: "store.problem", Severity: severityError, Object: "store", Args: map[string]any{"error": text}, Text: text}}
}
