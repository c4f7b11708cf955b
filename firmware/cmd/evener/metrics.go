// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/stats"
)

// A metricsServer serves Prometheus text at the configured address.
type metricsServer struct {
	e   *engine
	ctx context.Context

	mu   sync.Mutex // guards what follows
	cfg  *config.Metrics
	stop func()
}

// Use serves metrics as cfg says from now on; nil means not at all.
func (m *metricsServer) Use(cfg *config.Metrics) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cfg != nil && cfg != nil && *m.cfg == *cfg {
		return nil
	}
	if cfg == nil {
		if m.stop != nil {
			m.stop()
		}
		m.stop, m.cfg = nil, nil
		return m.e.sockets.keepOwn(ownMetrics)
	}
	spec := metricsSpec(cfg)
	own, err := m.e.sockets.acquireOwn(spec)
	if err != nil {
		return err
	}
	l, err := own.Net(0)
	if err != nil {
		return err
	}
	if m.stop != nil {
		m.stop()
	}
	m.cfg = cfg
	m.serve(l, cfg.Token)
	return m.e.sockets.keepOwn(ownMetrics, spec)
}

func metricsSpec(cfg *config.Metrics) lb.Spec { return lb.Spec{Network: "tcp", Addr: cfg.Listen} }

// lastScrape bounds how long a scrape that has begun may go on when the metrics
// move or another engine takes over.
const lastScrape = 2 * time.Second

// serve answers the scrapes that come to l until m.stop is called. Who was
// accepted gets an answer; others wait in the queue of the socket, which outlives
// l. http.Server.Shutdown would hang up on requests that it has not read yet.
func (m *metricsServer) serve(l net.Listener, token string) {
	var open sync.WaitGroup
	mux := http.NewServeMux()
	mux.Handle("/metrics", stats.Handler(m.e.registry, token))
	s := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(m.e.log.Handler(), slog.LevelWarn),
		ConnState: func(_ net.Conn, st http.ConnState) {
			switch st {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Done()
			}
		}}
	ctx, stop := context.WithCancel(m.ctx)
	m.stop = stop
	m.e.wg.Go(func() {
		<-ctx.Done()
		l.Close()
	})
	m.e.wg.Go(func() {
		err := s.Serve(l)
		if ctx.Err() == nil {
			m.e.log.Error("metrics are no longer served", "err", err)
		}
		stop()
		s.SetKeepAlivesEnabled(false) // ends those that are idle
		defer time.AfterFunc(lastScrape, func() { s.Close() }).Stop()
		open.Wait()
	})
}
