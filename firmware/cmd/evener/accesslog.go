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

	mu     sync.Mutex // guards what follows
	cfg    *config.AccessLog
	log    *accesslog.Log // nil while nobody wants it
	quit   context.CancelFunc
	tapped int // how many see its records
}

// Use writes the log as cfg says from now on; nil means not at all.
func (a *accessLog) Use(cfg *config.AccessLog) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case cfg == nil && a.cfg == nil:
		return nil
	case cfg == nil && a.tapped > 0:
		if err := a.log.Reconfigure(accesslog.Config{Path: accesslog.Nowhere}); err != nil {
			return err
		}
	case cfg == nil:
		a.end()
	case a.log != nil:
		if err := a.log.Reconfigure(a.config(cfg)); err != nil {
			return err
		}
	default:
		if err := a.begin(a.config(cfg)); err != nil {
			return err
		}
	}
	a.cfg = cfg
	return nil
}

// begin makes the loops put records into a log. mu is held.
func (a *accessLog) begin(cfg accesslog.Config) error {
	log, err := accesslog.Open(cfg, a.e.log)
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(a.ctx)
	a.log, a.quit = log, quit
	a.e.run1(ctx, "access log", log.Run)
	a.e.balancer.UseAccess(log)
	return nil
}

// end lets the loops keep no records. mu is held.
func (a *accessLog) end() {
	a.e.balancer.UseAccess(nil)
	a.quit()
	a.log = nil
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
