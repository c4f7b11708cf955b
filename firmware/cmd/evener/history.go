// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func (e *engine) historyFile() string { return filepath.Join(e.cfg.state, "history") }

// historySaved is how often the history is saved; a crash loses what came after.
const historySaved = 15 * time.Minute

// keepHistory remembers each second until ctx ends, and saves then.
func (e *engine) keepHistory(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	saved := time.Now()
	for {
		select {
		case <-ctx.Done():
			return e.history.Save(e.historyFile())
		case now := <-ticker.C:
			e.history.Tick(now)
			if now.Sub(saved) < historySaved {
				continue
			}
			saved = now
			if err := e.history.Save(e.historyFile()); err != nil {
				e.log.Error("history not saved", "err", err)
			}
		}
	}
}

// obeySignals opens the access log anew at SIGHUP, until ctx ends.
func (e *engine) obeySignals(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			e.access.reopen()
		}
	}
}
