// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// openRunning returns a running log and what stops it.
func openRunning(t *testing.T, path string) (l *Log, stop func()) {
	t.Helper()
	l, err := Open(Config{Loops: 1, Path: path}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return l, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// offer puts n records at a time of the loop, as a loop does.
func offer(l *Log, n int, now int64) {
	for range n {
		if s := l.Slot(0); s.Wanted(now) {
			s.Put(&Record{})
		}
	}
}

func TestSampleLeavesOutWhatNobodyWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := openRunning(t, Nowhere)
		defer end()
		seen, drops := 0, uint64(0)
		stop := l.Sample(10, func(s Seen) { seen, drops = seen+1, s.Drops })
		offer(l, 1000, 1e9) // a burst: two seconds' worth
		time.Sleep(time.Second)
		synctest.Wait()
		if seen != 20 {
			t.Errorf("%d of the first 1000 were seen, not 20", seen)
		}
		offer(l, 1000, 2e9) // a second later
		time.Sleep(time.Second)
		synctest.Wait()
		if seen != 30 || drops < 980 || l.Drops() != 0 {
			t.Errorf("%d seen, not 30; %d are told as lost to who sees, %d to others", seen, drops, l.Drops())
		}
		seen = 0
		others := 0
		untap := l.Tap(func(Seen) { others++ })
		offer(l, 100, 2e9)
		time.Sleep(time.Second)
		synctest.Wait()
		if seen != 100 || others != 100 {
			t.Errorf("somebody wants all 100: %d and %d were seen", seen, others)
		}
		untap()
		offer(l, 100, 2e9)
		stop()
		offer(l, 100, 2e9)
		time.Sleep(time.Second)
		synctest.Wait()
		if seen != 100 {
			t.Errorf("%d were seen when nobody wanted all any more", seen)
		}
	})
}

func TestWrittenLogIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "access.log")
		l, end := openRunning(t, file)
		l.Sample(1, func(Seen) {})
		offer(l, 100, 1e9)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := l.Written(); n != 100 {
			t.Errorf("%d of 100 lines were written beside a sample", n)
		}
		if err := l.Reconfigure(Config{Path: Nowhere}); err != nil {
			t.Fatal(err)
		}
		offer(l, 100, 1e9)
		if n := l.skipped(); n != 98 {
			t.Errorf("%d of 100 were left out when no line was wanted any more, not 98", n)
		}
		end()
	})
}
