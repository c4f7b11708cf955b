// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"fmt"
	"time"
)

// An idleCase is one measurement of what connections take that do nothing.
type idleCase struct {
	name   string
	setup  setup
	count  int     // of connections
	upload int     // bytes that each sends before it idles
	limit  float64 // KiB for each
}

// Descriptors are limited to 20 000, which leaves room for these. A connection in
// the clear may take about HAProxy's and nginx's share together.
const (
	idleCount = 8000
	idleLimit = 1.5

	idleSecureCount = 4000
	idleSecureLimit = 12
)

func idleMemory(l *lab) ([]row, error) {
	return l.idle(idleCase{name: "idle-memory", setup: l.full(), count: idleCount, limit: idleLimit})
}

func idleMemoryTLS(l *lab) ([]row, error) {
	c := idleCase{name: "idle-memory-tls", setup: l.secure(), count: idleSecureCount, limit: idleSecureLimit}
	rows, err := l.idle(c)
	if err != nil {
		return rows, err
	}
	c.name, c.upload = "idle-memory-tls/upload", 16<<10
	more, err := l.idle(c)
	return append(rows, more...), err
}

func idleMemoryH2(l *lab) ([]row, error) {
	s := l.secure()
	s.http2 = true
	return l.idle(idleCase{name: "idle-memory-h2", setup: s, count: idleSecureCount, limit: idleSecureLimit})
}

// idle starts a fresh proxy for each measurement, because none gives memory back.
func (l *lab) idle(c idleCase) ([]row, error) {
	l.broken = ""
	tallies := map[string]*tally{}
	for range min(l.options.rounds, 3) {
		for _, kind := range []string{evener, haproxy, nginx} {
			bytes, err := l.idleBytes(kind, c)
			if err != nil && kind != evener || l.ctx.Err() != nil {
				return nil, err
			}
			if err != nil {
				l.broken = err.Error()
				continue
			}
			if tallies[kind] == nil {
				tallies[kind] = &tally{}
			}
			tallies[kind].costs = append(tallies[kind].costs, bytes)
			fmt.Fprintf(l.progress, "  %-14s %8.0f bytes\n", kind, bytes)
		}
	}
	r := l.row(c.name, "KiB/connection", 1.0/1024, haproxy, 1, tallies)
	r.Rates, r.Against, r.Ratio, r.Limit = nil, "", nil, c.limit
	r.judge()
	return []row{r}, nil
}

func (l *lab) idleBytes(kind string, c idleCase) (float64, error) {
	p, err := l.start(kind, kind, c.setup)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	before, err := p.usage()
	if err != nil {
		return 0, err
	}
	var cfg *tls.Config
	if c.setup.identity != nil {
		cfg = c.setup.identity.client(c.setup.protocol())
	}
	visitors, err := idleConnections(p, c.count, cfg, c.upload)
	for _, v := range visitors {
		defer v.Close()
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", kind, p.or(err))
	}
	time.Sleep(time.Second) // what the proxy does when it is idle belongs to it
	after, err := p.usage()
	if err != nil {
		return 0, err
	}
	for _, i := range []int{0, c.count / 2, c.count - 1} {
		if err := visitors[i].get(); err != nil {
			return 0, fmt.Errorf("%s: idle connection %d: %w", kind, i, err)
		}
	}
	return float64(after.rss-before.rss) / float64(c.count), nil
}

// idleConnections opens n connections, makes one request on each, or one upload,
// and leaves them open. They are in the clear where cfg is nil.
func idleConnections(p *proxy, n int, cfg *tls.Config, upload int) (visitors []visitor, err error) {
	for i := range n {
		v, err := visit(p, i, cfg)
		if err != nil {
			return visitors, fmt.Errorf("connection %d: %w", i, err)
		}
		visitors = append(visitors, v)
		if h1, ok := v.(*h1Visitor); ok && upload > 0 {
			err = h1.upload(upload)
		} else {
			err = v.get()
		}
		if err != nil {
			return visitors, fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return visitors, nil
}

// visit opens the i-th connection to p.
func visit(p *proxy, i int, cfg *tls.Config) (visitor, error) {
	c, err := from(i/500).Dial("tcp", p.addr())
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return newVisitor(c, p.addr())
	}
	t := tls.Client(c, cfg)
	_ = t.SetDeadline(time.Now().Add(ioTimeout))
	if err := t.Handshake(); err != nil {
		c.Close()
		return nil, err
	}
	v, err := newVisitor(t, p.addr())
	if err != nil {
		t.Close()
	}
	return v, err
}
