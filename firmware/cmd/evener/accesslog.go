// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"

	"evener/firmware/accesslog"
	"evener/firmware/config"
	"evener/firmware/stats"
)

// An accessLog is the log of exchanges as the running configuration wants it.
type accessLog struct {
	e     *engine
	loops int
	ctx   context.Context // ends with the engine

	mu   sync.Mutex // guards what follows
	cfg  *config.AccessLog
	log  *accesslog.Log // nil before it is first wanted; then kept
	quit context.CancelFunc
}

// Use writes the log as cfg says from now on; nil means not at all.
func (a *accessLog) Use(cfg *config.AccessLog) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case cfg == nil && a.log == nil:
		return nil
	case cfg == nil:
		a.e.balancer.UseAccess(nil)
		a.quit()
		a.log, a.cfg = nil, nil
		return nil
	case a.log != nil:
		err := a.log.Reconfigure(a.config(cfg))
		if err == nil {
			a.cfg = cfg
		}
		return err
	}
	log, err := accesslog.Open(a.config(cfg), a.e.log)
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(a.ctx)
	a.log, a.cfg, a.quit = log, cfg, quit
	a.e.run1(ctx, "access log", log.Run)
	a.e.balancer.UseAccess(log)
	return nil
}

func (a *accessLog) config(c *config.AccessLog) accesslog.Config {
	return accesslog.Config{Loops: a.loops, Path: c.Path, Format: c.Format, Fields: c.Fields}
}

// reopen opens the file anew, after it was renamed.
func (a *accessLog) reopen() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.log != nil {
		a.log.Reopen()
	}
}

// collect writes what the log knows into the metrics.
func (a *accessLog) collect(w *stats.Writer) {
	a.mu.Lock()
	log := a.log
	a.mu.Unlock()
	if log != nil {
		w.Uint(stats.AccessLogWritten, log.Written())
		w.Uint(stats.AccessLogDropped, log.Drops())
	}
}
