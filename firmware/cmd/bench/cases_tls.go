// SPDX-License-Identifier: Apache-2.0

package main

// secure is full with TLS 1.3 to the clients, HTTP/1.1 inside.
func (l *lab) secure() setup {
	s := l.full()
	s.identity = l.identity
	return s
}

func tlsKeepalive(l *lab) ([]row, error) {
	if err := l.addAll(l.secure(), evener, haproxy, nginx); err != nil {
		return nil, err
	}
	t, err := l.rounds(l.wrk("/", 64, 1))
	return []row{l.row("tls-keepalive", perRequest, 1, theBetter, 0.6, t)}, err
}

func h2Keepalive(l *lab) ([]row, error) {
	s := l.secure()
	s.http2 = true
	if err := l.addAll(s, evener, haproxy, nginx); err != nil {
		return nil, err
	}
	t, err := l.rounds(l.h2load("/", 32, 10))
	return []row{l.row("h2-keepalive", perRequest, 1, theBetter, 0.8, t)}, err
}

func tlsHandshake(l *lab) ([]row, error) {
	if err := l.addAll(l.secure(), evener, haproxy, nginx); err != nil {
		return nil, err
	}
	t, err := l.rounds(handshakes(l.identity))
	return []row{l.row("tls-handshake", "CPU µs/handshake", 1, nginx, 1, t)}, err
}

func tlsLarge(l *lab) ([]row, error) {
	s := setup{origins: l.origin.http, identity: l.identity}
	if err := l.addAll(s, evener, haproxy, nginx); err != nil {
		return nil, err
	}
	t, err := l.rounds(l.wrk("/large", 16, mebibyte/gigabyte))
	return []row{l.row("tls-1MiB", perGB, 1e-6, nginx, 1.1, t)}, err
}
