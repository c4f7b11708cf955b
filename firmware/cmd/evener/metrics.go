// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
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
	if m.cfg == cfg || m.cfg != nil && cfg != nil && *m.cfg == *cfg {
		return nil
	}
	if cfg == nil {
		m.stop()
		m.stop, m.cfg = nil, nil
		return m.e.sockets.dropOwn()
	}
	own, err := m.e.sockets.acquireOwn(lb.Spec{Network: "tcp", Addr: cfg.Listen})
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
	return nil
}

func (m *metricsServer) serve(l net.Listener, token string) {
	mux := http.NewServeMux()
	mux.Handle("/metrics", stats.Handler(m.e.registry, token))
	s := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(m.e.log.Handler(), slog.LevelWarn)}
	ctx, stop := context.WithCancel(m.ctx)
	m.stop = stop
	m.e.wg.Go(func() {
		<-ctx.Done()
		s.Close()
	})
	m.e.wg.Go(func() {
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			m.e.log.Error("metrics are no longer served", "err", err)
		}
		stop()
	})
}
