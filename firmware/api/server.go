// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// ServerConfig says how Serve treats its clients. A zero field takes the
// default named beside it.
type ServerConfig struct {
	// Identify says who is at the other end. Its error, an *Error for choice, is
	// told to the client before the connection closes.
	Identify func(net.Conn) (Call, error) // PeerCred

	// Authenticate says who sends a request over a connection that Identify has
	// called the console's: Origin "console" and Role Nobody. It is asked for every
	// request that has a token. nil: no token is good.
	Authenticate func(token, remote, agent string) (Call, *Error)

	// Used is told of a session whose holder has made a call. Subscriptions and
	// streams, which a page opens by itself, do not count, nor does what says meta.auto.
	Used func(session string) // nil: nobody wants to know

	// Ended arranges that told is called once with the kind of the end (revoked,
	// expired, logout, password, role or idle) when the session, that of
	// Call.Session, ends: at once where it has. stop takes that back. nil: no
	// session ends.
	Ended func(session string, told func(kind string)) (stop func())

	MaxConns     int           // 64 connections
	MaxCalls     int           // 32 calls in flight on one connection
	MaxMessage   int           // 1 MiB, one request
	MaxResult    int           // 16 MiB, one answer
	ReadTimeout  time.Duration // 10s from the first byte of a request to its last
	WriteTimeout time.Duration // 10s for one answer
}

func (c *ServerConfig) setDefaults() {
	if c.Identify == nil {
		c.Identify = PeerCred
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&c.MaxConns, 64}, {&c.MaxCalls, 32}, {&c.MaxMessage, 1 << 20}, {&c.MaxResult, 16 << 20}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = 10 * time.Second
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 10 * time.Second
	}
}

// Serve answers the clients that l accepts with the methods of reg, until ctx
// ends or l fails. It closes l, cancels the calls in flight, waits for them and
// returns nil if ctx has ended.
func Serve(ctx context.Context, l net.Listener, reg *Registry, log *slog.Logger, cfg ServerConfig) error {
	cfg.setDefaults()
	s := &server{reg: reg, log: log, cfg: cfg}
	ctx, cancel := context.WithCancel(ctx)
	defer s.wg.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	slots := make(chan struct{}, cfg.MaxConns)
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on %v: %w", l.Addr(), err)
		case err != nil: // such as too many open files: others may close theirs
			log.Warn("accept refused", "err", err)
			wait(ctx, 100*time.Millisecond)
			continue
		}
		select {
		case slots <- struct{}{}:
			s.wg.Go(func() {
				s.serve(ctx, nc)
				<-slots
			})
		default:
			s.refuse(nc, Errorf(CodeTooMany, "too_many.connections",
				"%d connections are open already: close one", cfg.MaxConns))
		}
	}
}

// A server is what all connections of one Serve share.
type server struct {
	reg *Registry
	log *slog.Logger
	cfg ServerConfig
	wg  sync.WaitGroup
}

// refuse tells the client why it is not served. It must not hold up whoever
// accepts: one short line always fits into a fresh socket's buffer, and a
// transport without one gets no explanation.
func (s *server) refuse(nc net.Conn, e *Error) {
	s.log.Warn("client refused", "remote", nc.RemoteAddr(), "err", e)
	nc.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	nc.Write(appendAnswer(nil, "", nil, e))
	nc.Close()
}

// serve talks to one client until it leaves or ctx ends.
func (s *server) serve(ctx context.Context, nc net.Conn) {
	who, err := s.cfg.Identify(nc)
	if err != nil {
		s.refuse(nc, AsError(err))
		return
	}
	newConn(s, nc, who).run(ctx)
}

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
