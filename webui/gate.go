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
	maxStrangers = 16  // of all whom console { allow } does not name: enough to be told so

	shedLog = 10 * time.Second // at most one line of log in this time says that clients were shed
)

// A gate counts the connections of all listeners and closes those above the
// limits before a TLS handshake costs anything.
type gate struct {
	log *slog.Logger

	mu     sync.Mutex // guards the rest
	total  int
	odd    int // strangers
	per    map[string]int
	shed   int
	logged time.Time
}

func newGate(log *slog.Logger) *gate { return &gate{log: log, per: make(map[string]int)} }

// admit takes a place for a client, or says no. Strangers, who will get no more than
// a refusal, must not take the places of others.
func (g *gate) admit(key string, stranger bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total < maxConns && g.per[key] < maxConnsAddr && (!stranger || g.odd < maxStrangers) {
		g.total++
		g.per[key]++
		if stranger {
			g.odd++
		}
		return true
	}
	g.shed++
	if now := time.Now(); now.Sub(g.logged) >= shedLog {
		g.log.Warn("connections shed", "remote", key, "count", g.shed, "open", g.total, "open_remote", g.per[key])
		g.shed, g.logged = 0, now
	}
	return false
}

func (g *gate) leave(key string, stranger bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if stranger {
		g.odd--
	}
	if g.per[key]--; g.per[key] == 0 {
		delete(g.per, key)
	}
}

// A gated listener accepts what its gate admits.
type gated struct {
	net.Listener
	gate  *gate
	knows func(netip.Addr) bool // whether the settings name the peer
}

func (l gated) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		key, stranger := "", false
		if ap, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
			a := ap.Addr().Unmap().WithZone("")
			key, stranger = addrKey(a), !l.knows(a)
		}
		if l.gate.admit(key, stranger) {
			return &counted{Conn: nc, leave: sync.OnceFunc(func() { l.gate.leave(key, stranger) })}, nil
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
