// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"evener/firmware/stats"
)

// Who asks the loops after their end gets an answer: a capture that ends with the
// engine does.
func TestLoopsThatHaveEndedHoldNobodyUp(t *testing.T) {
	b, err := New(Config{Loops: 2, Registry: stats.NewRegistry(stats.Config{Loops: 2})}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	b.UseAccess(nil)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		b.UseAccess(nil)
		if list, open, err := b.OpenConnections(10, "", netip.Addr{}); len(list) != 0 || open != 0 || err != nil {
			t.Errorf("OpenConnections = %v, %d, %v", list, open, err)
		}
	}()
	select {
	case <-answered:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for loops that have ended")
	}
}
