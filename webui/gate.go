// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	maxConns     = 512 // TCP connections in all
	maxConnsAddr = 128 // of one address, or IPv6 network of 64 bits

	shedLog = 10 * time.Second // at most one line of log in this time says that clients were shed
)

// A gate counts the connections of all listeners and closes those above the
// limits before a TLS handshake costs anything.
type gate struct {
	log *slog.Logger

	mu     sync.Mutex // guards the rest
	total  int
	per    map[string]int
	shed   int
	logged time.Time
}

func newGate(log *slog.Logger) *gate { return &gate{log: log, per: make(map[string]int)} }

// admit takes a place for a client, or says no.
func (g *gate) admit(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total < maxConns && g.per[key] < maxConnsAddr {
		g.total++
		g.per[key]++
		return true
	}
	g.shed++
	if now := time.Now(); now.Sub(g.logged) >= shedLog {
		g.log.Warn("connections shed", "remote", key, "count", g.shed, "open", g.total, "open_remote", g.per[key])
		g.shed, g.logged = 0, now
	}
	return false
}

func (g *gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.per[key]--; g.per[key] == 0 {
		delete(g.per, key)
	}
}

// A gated listener accepts what its gate admits.
type gated struct {
	net.Listener
	gate *gate
}

func (l gated) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		key := ""
		if ap, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
			key = addrKey(ap.Addr().Unmap())
		}
		if l.gate.admit(key) {
			return &counted{Conn: nc, leave: sync.OnceFunc(func() { l.gate.leave(key) })}, nil
		}
		nc.Close()
	}
}

// A counted connection gives its place back when it closes.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
