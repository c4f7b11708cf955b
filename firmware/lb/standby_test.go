// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"evener/firmware/stats"
)

func TestSilenceTellsOfALoopThatDoesNotTurn(t *testing.T) {
	b, err := New(Config{Loops: 2, Registry: stats.NewRegistry(stats.Config{Loops: 2})}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer func() { cancel(); wg.Wait() }()
	await := func(what string, done func(time.Duration) bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !done(b.Silence()); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("in vain: %s", what)
			}
		}
	}
	await("both loops turn", func(d time.Duration) bool { return d == 0 })
	stuck := make(chan struct{})
	b.loops[1].loop.Post(func() { <-stuck })
	await("one loop is stuck", func(d time.Duration) bool { return d > 50*time.Millisecond })
	close(stuck)
	await("it turns again", func(d time.Duration) bool { return d == 0 })
	if err := b.Serving(); err == nil {
		t.Error("a balancer without a configuration says that it serves")
	}
}

func TestStateOfAnotherBoxMustMakeSense(t *testing.T) {
	b, err := New(Config{Loops: 1, Registry: stats.NewRegistry(stats.Config{Loops: 1})}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{`{"admin":"happy"}`, `{"admin":""}`, `[]`} {
		if ok, err := b.TakeState(RuntimeState{Pool: "shop", Member: "web1", Stamp: 1, Node: "left", Value: []byte(value)}); ok || err == nil {
			t.Errorf("the state %s was taken", value)
		}
	}
	if ok, err := b.TakeState(RuntimeState{Pool: "shop", Member: "web1", Stamp: 1, Node: "left", Value: []byte(`{"admin":"disabled"}`)}); ok || err == nil {
		t.Error("a state of a member that is not configured was taken")
	}
}
