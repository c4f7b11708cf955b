// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"fmt"
	"net/netip"
)

// Limits of one listener and of one request.
const (
	MaxSockets = 128   // sockets in one listener
	MaxSpecs   = 16384 // listeners in one Acquire or Keep
)

// A ListenSpec describes one listener: an address on which Count sockets share
// the load (SO_REUSEPORT).
//
// Network, Addr and V6Only name the listener; Count, Backlog and FreeBind are
// wishes about it. All sockets are non-blocking.
type ListenSpec struct {
	Network string         `json:"network"` // "tcp" or "udp"
	Addr    netip.AddrPort `json:"addr"`
	V6Only  bool           `json:"v6only,omitempty"` // an IPv6 wildcard takes no IPv4

	// Count is the number of sockets wanted, 1 to MaxSockets; 0 means 1. The
	// kernel drops the queue of a socket that is closed, so the number never
	// falls while the listener is held: see Listener.
	Count int `json:"count,omitempty"`

	Backlog  int  `json:"backlog,omitempty"`  // tcp: 4096; the kernel caps it at net.core.somaxconn
	FreeBind bool `json:"freebind,omitempty"` // allow an address that the box does not have yet
}

// A Listener is a listener that this process may serve.
//
// FDs holds at least Spec.Count sockets, in the same order for every process.
// There are more of them if the listener was acquired with a higher count
// before, because closing one would drop the connections in its queue: the role
// must accept on each of them.
//
// The descriptors belong to the Link: Keep closes those of the listeners that
// it lets go, Released and Close close all. Take them out of every epoll set
// first; a copy in the supervisor keeps the registration alive.
type Listener struct {
	Spec ListenSpec
	FDs  []int
}

// A listenKey names a listener.
type listenKey struct {
	network string
	addr    netip.AddrPort
	v6only  bool
}

func (s ListenSpec) key() listenKey {
	return listenKey{s.Network, s.Addr, s.V6Only}
}

func (s ListenSpec) count() int { return max(s.Count, 1) }

func (s ListenSpec) backlog() int {
	if s.Backlog == 0 {
		return 4096
	}
	return s.Backlog
}

// String returns the form used in messages, such as "tcp 127.0.0.1:8080".
func (s ListenSpec) String() string { return s.Network + " " + s.Addr.String() }

// check says what is wrong with s without touching the network.
func (s ListenSpec) check() error {
	switch {
	case s.Network != "tcp" && s.Network != "udp":
		return fmt.Errorf("listen on %s: the network must be tcp or udp, not %q", s.Addr, s.Network)
	case !s.Addr.IsValid():
		return fmt.Errorf("listen on %s: the address is missing", s.Network)
	case s.Addr.Port() == 0:
		return fmt.Errorf("listen on %s: the port must be 1 to 65535, not 0", s)
	case s.Addr.Addr().Is4In6():
		return fmt.Errorf("listen on %s: write the address as %s", s, s.Addr.Addr().Unmap())
	case s.Count < 0 || s.Count > MaxSockets:
		return fmt.Errorf("listen on %s: the number of sockets must be 1 to %d, not %d", s, MaxSockets, s.Count)
	case s.Backlog < 0:
		return fmt.Errorf("listen on %s: the backlog must be positive, not %d", s, s.Backlog)
	case s.V6Only && !s.Addr.Addr().Is6():
		return fmt.Errorf("listen on %s: v6only needs an IPv6 address", s)
	}
	return nil
}

// competes reports whether a client of s could be a client of t. It is overlaps,
// but for what IPv4 and IPv6 have to do with each other.
func (s ListenSpec) competes(t ListenSpec) bool {
	a, b := s.Addr.Addr(), t.Addr.Addr()
	apart := a.Is4() && b.Is6() && (t.V6Only || !b.IsUnspecified()) || b.Is4() && a.Is6() && (s.V6Only || !a.IsUnspecified())
	return s.overlaps(t) && !apart
}

// overlaps reports whether sockets of s and t may compete for the same packets.
func (s ListenSpec) overlaps(t ListenSpec) bool {
	if s.Network != t.Network || s.Addr.Port() != t.Addr.Port() {
		return false
	}
	a, b := s.Addr.Addr(), t.Addr.Addr()
	return a == b || a.IsUnspecified() || b.IsUnspecified()
}
