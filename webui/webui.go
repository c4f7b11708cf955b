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
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
)

// Config says what a Server works with. Dial, Listen and Log must be set.
type Config struct {
	// Dial opens a connection to the engine. It waits while there is none, until
	// ctx ends.
	Dial func(ctx context.Context) (net.Conn, error)

	// Listen returns one listener for each address that the settings ask for, in
	// their order, and is called with all of them each time they change, unless
	// there is none. For an
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
	cfg   Config
	site  atomic.Pointer[site] // nil until the engine has told the settings
	gate  *gate
	pool  *pool
	table *table
	socks *sockets
	big   chan struct{} // places for large requests, which are held in memory

	buffers sync.Pool // of WebSockets, to write

	requests, logins, opens, messages, unknown *limiter
	quiet                                      *limiter // of log lines that clients can cause
}

// maxBig is how many requests above smallMessage are in memory at once.
const (
	maxBig       = 8
	smallMessage = 64 << 10
)

// New returns a Server that does nothing until Run.
func New(cfg Config) *Server {
	s := &Server{
		cfg: cfg, gate: newGate(cfg.Log), socks: newSockets(), big: make(chan struct{}, maxBig),
		requests: newLimiter(rateRequests), logins: newLimiter(rateLogins), opens: newLimiter(rateSockets),
		messages: newLimiter(rateMessages), unknown: newLimiter(rateUnknown), quiet: newLimiter(rate{0.1, 3}),
	}
	s.pool = newPool(cfg.Dial)
	s.table = &table{ask: s.pool.ask}
	return s
}

// Run asks the engine for the console's settings, serves as they say, follows
// their changes, and returns nil when ctx has ended and all clients are gone.
func (s *Server) Run(ctx context.Context) error {
	if s.cfg.Dial == nil || s.cfg.Listen == nil {
		return errors.New("webui: Dial and Listen must be set")
	}
	tree, done, err := s.tree()
	if err != nil {
		return err
	}
	defer done()
	p, err := newPages(tree, s.cfg.Dir == "")
	if err != nil {
		return fmt.Errorf("read the console's pages: %w", err)
	}
	if !p.has("index.html") {
		s.cfg.Log.Warn("the pages of the console are missing", "hint", "run make build")
	}
	door := newDoor(s, s.handler(p))
	defer s.pool.close()
	defer door.close()
	s.follow(ctx, door)
	return nil
}

// tree returns the built files.
func (s *Server) tree() (tree fs.FS, done func() error, err error) {
	if s.cfg.Dir == "" {
		tree, err = fs.Sub(dist, "dist")
		return tree, func() error { return nil }, err
	}
	root, err := os.OpenRoot(s.cfg.Dir) // links that lead out of it are not followed
	if err != nil {
		return nil, nil, fmt.Errorf("open the console's pages: %w", err)
	}
	return root.FS(), root.Close, nil
}

// handler returns what answers all requests.
func (s *Server) handler(p *pages) http.Handler {
	api := http.NewServeMux()
	api.HandleFunc("GET /api/v1/ws", s.serveSocket)
	api.HandleFunc("POST /api/v1/rpc", s.serveRPC)
	api.HandleFunc("POST /api/v1/login", s.serveEntry("auth.login"))
	api.HandleFunc("POST /api/v1/setup", s.serveEntry("auth.setup"))
	api.HandleFunc("POST /api/v1/handover", s.serveEntry("auth.handover"))
	api.HandleFunc("POST /api/v1/logout", s.serveLogout)
	api.HandleFunc("POST "+sudoPath, s.serveSudo)
	api.HandleFunc("GET /api/v1/openapi.json", s.serveOpenAPI)
	api.HandleFunc("/api/", s.serveREST)
	guarded := s.api(api)
	return s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/here" && r.Method == http.MethodGet {
			here(w, r)
			return
		}
		if isAPI(r.URL.Path) {
			guarded.ServeHTTP(w, r)
			return
		}
		p.ServeHTTP(w, r)
	}))
}
