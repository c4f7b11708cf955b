// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// An origin is a server that can be killed and revived. It answers with its name
// in X-Origin and in the body; /wait/DURATION answers that much later.
type origin struct {
	t    *testing.T
	name string
	addr string

	sick     atomic.Bool  // /health is answered with 503, everything else as ever
	requests atomic.Int64 // without those for /health
	last     atomic.Pointer[string]

	mu       sync.Mutex // guards what follows
	listener net.Listener
	conns    map[net.Conn]bool
	wg       sync.WaitGroup
}

func newOrigin(t *testing.T, name string) *origin {
	t.Helper()
	o := &origin{t: t, name: name, addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), conns: map[net.Conn]bool{}}
	o.revive()
	t.Cleanup(func() { o.kill(); o.wg.Wait() })
	return o
}

func newOrigins(t *testing.T, names ...string) []*origin {
	t.Helper()
	var out []*origin
	for _, n := range names {
		out = append(out, newOrigin(t, n))
	}
	return out
}

// revive listens again.
func (o *origin) revive() {
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		o.t.Error(err)
		return
	}
	o.mu.Lock()
	o.listener = l
	o.mu.Unlock()
	o.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.conns[c] = true
			o.mu.Unlock()
			o.wg.Go(func() { o.serve(c) })
		}
	})
}

// kill closes the port and every connection at once.
func (o *origin) kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.listener != nil {
		o.listener.Close()
		o.listener = nil
	}
	for c := range o.conns {
		c.Close()
	}
}

func (o *origin) serve(c net.Conn) {
	defer func() {
		c.Close()
		o.mu.Lock()
		delete(o.conns, c)
		o.mu.Unlock()
	}()
	r := bufio.NewReaderSize(c, 4096)
	var head strings.Builder
	for {
		head.Reset()
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			head.Write(line)
			if len(line) == 2 {
				break
			}
		}
		if !o.answer(c, head.String()) {
			return
		}
	}
}

// answer answers one request without a body; false ends the connection.
func (o *origin) answer(c net.Conn, head string) bool {
	_, rest, _ := strings.Cut(head, " ")
	path, _, _ := strings.Cut(rest, " ")
	if path == "/health" && o.sick.Load() {
		_, err := c.Write([]byte("HTTP/1.1 503 Sick\r\nContent-Length: 0\r\n\r\n"))
		return err == nil && !strings.Contains(head, "Connection: close")
	}
	if path == "/health" {
		_, err := c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		return err == nil && !strings.Contains(head, "Connection: close")
	}
	o.requests.Add(1)
	o.last.Store(&head)
	if after, ok := strings.CutPrefix(path, "/wait/"); ok {
		d, err := time.ParseDuration(after)
		if err != nil {
			o.t.Error(err)
		}
		time.Sleep(d)
	}
	body := o.name
	if strings.HasPrefix(head, "HEAD ") {
		body = ""
	}
	_, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Origin: %s\r\nContent-Length: %d\r\n\r\n%s", o.name, len(o.name), body)
	return err == nil
}
