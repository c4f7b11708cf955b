// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Of the clients in this program.
const ioTimeout = 10 * time.Second

// from returns a dialer that comes from the n-th address of loopback, because
// one address has too few ports for many connections.
func from(n int) *net.Dialer {
	ip := net.IPv4(127, 0, byte(1+n/250), byte(1+n%250))
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}, Timeout: ioTimeout}
}

// together runs clients goroutines that call once until d has passed. Each call
// counts as unit units.
func together(clients int, d time.Duration, unit float64, once func(client int) error) work {
	var done, failed atomic.Int64
	var g sync.WaitGroup
	start := time.Now()
	for i := range clients {
		g.Go(func() {
			for time.Since(start) < d {
				if err := once(i); err != nil {
					failed.Add(1)
					return // the others go on
				}
				done.Add(1)
			}
		})
	}
	g.Wait()
	n := float64(done.Load())
	return work{units: n * unit, done: n, failed: int(failed.Load()), took: time.Since(start)}
}

// churn opens a connection for each request.
func churn(p *proxy, d time.Duration) (work, error) {
	return together(32, d, 1, func(client int) error {
		c, err := from(client).Dial("tcp", p.addr())
		if err != nil {
			return err
		}
		defer c.Close()
		return onlyRequest(c, p.addr())
	}), nil
}

// handshakes is churn over TLS, where every connection makes a full handshake.
func handshakes(id *identity) load {
	cfg := id.client("http/1.1")
	return func(p *proxy, d time.Duration) (work, error) {
		return together(32, d, 1, func(client int) error {
			c, err := tls.DialWithDialer(from(client), "tcp", p.addr(), cfg)
			if err != nil {
				return err
			}
			defer c.Close()
			return onlyRequest(c, p.addr())
		}), nil
	}
}

// onlyRequest makes one request on c and reads until the server ends it.
func onlyRequest(c net.Conn, host string) error {
	_ = c.SetDeadline(time.Now().Add(ioTimeout))
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err == nil && !bytes.HasSuffix(answer, []byte(smallBody)) {
		err = errors.New("the answer is not the origin's")
	}
	return err
}

// tcpExchanges returns a load of messages over kept connections; kind is the
// first byte of a message and size that of the reply.
func tcpExchanges(clients int, kind byte, size int, unit float64) load {
	return func(p *proxy, d time.Duration) (work, error) {
		conns, replies := make([]net.Conn, clients), make([][]byte, clients)
		for i := range conns {
			c, err := net.DialTimeout("tcp", p.addr(), ioTimeout)
			if err != nil {
				return work{}, err
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(d + ioTimeout))
			conns[i], replies[i] = c, make([]byte, size)
		}
		message := bytes.Repeat([]byte{kind}, messageSize)
		return together(clients, d, unit, func(i int) error { return exchange(conns[i], message, replies[i]) }), nil
	}
}
