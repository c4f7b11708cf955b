// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// ALPNChallenge is the protocol that a CA negotiates for TLS-ALPN-01 (RFC 8737
// section 6.2). A connection that negotiated it ends with the handshake: the
// caller closes it and counts no request.
const ALPNChallenge = "acme-tls/1"

// httpChallengePath begins the path of every HTTP-01 request, RFC 8555 section
// 8.3.
const httpChallengePath = "/.well-known/acme-challenge/"

// Challenges are the answers that a CA may ask for at this moment. ACME puts
// them in and takes them out; listeners look them up, without a lock. The zero
// value is ready.
type Challenges struct {
	now atomic.Pointer[challengeTables]

	mu sync.Mutex // serialises writers
}

// challengeTables are immutable.
type challengeTables struct {
	http map[string]httpChallenge    // by token
	alpn map[string]*tls.Certificate // by name
}

type httpChallenge struct {
	host, body string
}

// HTTP01 returns what a listener answers to a GET or HEAD of path: status 200,
// Content-Type application/octet-stream, and body. ok is false where the request
// is for no challenge and goes its usual way. host may have a port, and letters
// of either case. While no challenge waits, a call is one atomic load.
func (c *Challenges) HTTP01(host, path string) (body string, ok bool) {
	t := c.load()
	if t == nil || len(t.http) == 0 {
		return "", false
	}
	token, ok := strings.CutPrefix(path, httpChallengePath)
	if !ok {
		return "", false
	}
	h, ok := t.http[token]
	if host, _, _ = strings.Cut(host, ":"); !ok || !strings.EqualFold(strings.TrimSuffix(host, "."), h.host) {
		return "", false
	}
	return h.body, true
}

// tlsALPN01 returns the certificate that answers a CA, or nil, which refuses the
// handshake.
func (c *Challenges) tlsALPN01(name string) *tls.Certificate {
	t := c.load()
	if t == nil {
		return nil
	}
	return t.alpn[strings.ToLower(name)]
}

// load may be called on nil.
func (c *Challenges) load() *challengeTables {
	if c == nil {
		return nil
	}
	return c.now.Load()
}

// change replaces the tables by changed copies.
func (c *Challenges) change(f func(*challengeTables)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := &challengeTables{http: map[string]httpChallenge{}, alpn: map[string]*tls.Certificate{}}
	if old := c.now.Load(); old != nil {
		next.http, next.alpn = maps.Clone(old.http), maps.Clone(old.alpn)
	}
	f(next)
	if len(next.http)+len(next.alpn) == 0 {
		next = nil
	}
	c.now.Store(next)
}

// isChallenge reports whether a handshake is the one of RFC 8737 section 3: its
// only protocol is acme-tls/1.
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == ALPNChallenge
}
