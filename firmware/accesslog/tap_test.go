// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestTapSeesRecordsAndDropsWhetherOrNotTheyAreWritten(t *testing.T) {
	for _, path := range []string{Nowhere, filepath.Join(t.TempDir(), "access.log")} {
		synctest.Test(t, func(t *testing.T) {
			l, err := Open(Config{Loops: 1, Path: path, Buffer: 4}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			var seen []string
			var drops uint64
			stop := l.Tap(func(s Seen) {
				seen = append(seen, s.Text(s.Cluster)+string(s.Path.Bytes()))
				drops = s.Drops
			})
			shop := l.Name("shop")
			put := func(path string) {
				r := Record{Cluster: shop}
				r.Path.SetString(path)
				l.Slot(0).Put(&r)
			}
			for range 6 { // two find no room
				put("/a")
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- l.Run(ctx) }() // only now: it takes records out as they come
			time.Sleep(time.Second)
			synctest.Wait()
			put("/b")
			time.Sleep(time.Second)
			synctest.Wait()
			if len(seen) != 5 || seen[4] != "shop/b" || drops != 2 {
				t.Errorf("%s: seen %q, %d drops", path, seen, drops)
			}
			stop()
			put("/c")
			time.Sleep(time.Second)
			cancel()
			if err := <-done; err != nil || len(seen) != 5 {
				t.Errorf("%s: Run = %v, seen %q after the tap was stopped", path, err, seen)
			}
		})
	}
	if _, err := os.Stat(Nowhere); err == nil {
		t.Errorf("there is a file %s", Nowhere)
	}
}
