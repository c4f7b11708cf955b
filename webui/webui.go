// SPDX-License-Identifier: Apache-2.0

// Package webui is the server of the console: HTTPS for the pages, a WebSocket
// for what is live on them, and the same API over plain HTTP for programs.
//
// It decides nothing. It knows no user, no method's meaning and no
// configuration: each call goes to the engine, one JSON object a line, together
// with the token that the browser's cookie holds, and the engine decides. What
// it does know is how to keep hostile and slow clients from holding memory,
// other clients or the engine.
//
// Role console of cmd/evener runs it: it hands in how the engine is reached and
// how the listening sockets are got from the supervisor.
package webui

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
)

// Config says what a Server works with. Dial, Listen and Log must be set.
type Config struct {
	// Dial opens a connection to the engine. It waits while there is none, until
	// ctx ends.
	Dial func(ctx context.Context) (net.Conn, error)

	// Listen returns one listener for each address that the settings ask for, in
	// their order, and is called with all of them each time they change. For an
	// address that is open already it returns another copy of the same socket. The
	// Server closes what it gets.
	Listen func(ctx context.Context, addrs []netip.AddrPort) ([]net.Listener, error)

	// Keep is told the addresses in use after the listeners of others have been
	// closed. May be nil.
	Keep func(addrs []netip.AddrPort) error

	Log     *slog.Logger
	Version string // of the program
	Dir     string // serve the pages from this folder instead of those in the program; "" is none
}

// A Server is the console's server.
type Server struct {
	cfg Config
}

// New returns a Server that does nothing until Run.
func New(cfg Config) *Server { return &Server{cfg: cfg} }

// Run asks the engine for the console's settings, serves as they say, follows
// their changes, and returns nil when ctx has ended and all clients are gone.
func (s *Server) Run(ctx context.Context) error {
	if s.cfg.Dial == nil || s.cfg.Listen == nil || s.cfg.Log == nil {
		return errors.New("webui: Dial, Listen and Log must be set")
	}
	return errors.New("webui: not written yet")
}
