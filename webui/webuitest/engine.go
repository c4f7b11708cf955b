// SPDX-License-Identifier: Apache-2.0

// Package webuitest has an engine for tests of the console's server: it speaks
// the wire of the real one, one JSON object a line, knows sessions and a few
// methods, and can be slow, silent and dead. It checks what the console must
// hold to, and remembers what it was asked.
package webuitest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
)

// An Engine answers the console. Its zero value is not usable; see New.
type Engine struct {
	mu       sync.Mutex // guards what follows
	settings map[string]any
	sessions map[string]string // token → id
	links    map[*link]bool
	seen     []Seen
	faults   []string
	away     chan struct{} // closed while the engine is there
	reports  []json.RawMessage
	dials    int
	events   int

	wg sync.WaitGroup
}

// Seen is one request that has reached the engine.
type Seen struct {
	Method string
	Params json.RawMessage
	Meta   map[string]any
	Notice bool // it had no id
}

// New returns an engine with these settings of the console.
func New(settings map[string]any) *Engine {
	e := &Engine{settings: settings, sessions: make(map[string]string), links: make(map[*link]bool), away: make(chan struct{})}
	close(e.away)
	return e
}

// Login makes a session.
func (e *Engine) Login(token, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions[token] = id
}

// session returns the id of the session with a token.
func (e *Engine) session(token string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions[token]
}

// End ends a session: connections that have used its token are told.
func (e *Engine) End(token, kind string) {
	e.mu.Lock()
	id := e.sessions[token]
	delete(e.sessions, token)
	list := e.list()
	e.mu.Unlock()
	for _, l := range list {
		if l.uses(token) {
			l.notify("session.end", map[string]any{"session": id, "kind": kind})
		}
	}
}

// Set changes settings and tells the console.
func (e *Engine) Set(settings map[string]any) {
	e.mu.Lock()
	e.settings = maps.Clone(e.settings)
	maps.Copy(e.settings, settings)
	list := e.list()
	e.mu.Unlock()
	for _, l := range list {
		if l.follows() {
			l.notify("sub.event", map[string]any{"sub": 1, "seq": 2, "data": map[string]any{}})
		}
	}
}

// Die closes all connections, and refuses new ones until Rise.
func (e *Engine) Die() {
	e.mu.Lock()
	e.away = make(chan struct{})
	list := e.list()
	e.mu.Unlock()
	for _, l := range list {
		l.nc.Close()
	}
}

// Rise ends what Die began.
func (e *Engine) Rise() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.away)
}

// Close ends all connections and waits for what serves them.
func (e *Engine) Close() {
	e.mu.Lock()
	list := e.list()
	e.mu.Unlock()
	for _, l := range list {
		l.nc.Close()
	}
	e.wg.Wait()
}

// list is for callers with mu.
func (e *Engine) list() (list []*link) {
	for l := range e.links {
		list = append(list, l)
	}
	return list
}

// Seen returns the requests of one method, in order.
func (e *Engine) Seen(method string) (list []Seen) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.seen {
		if s.Method == method {
			list = append(list, s)
		}
	}
	return list
}

// Reports returns what the console has told of itself.
func (e *Engine) Reports() (list []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.reports {
		list = append(list, string(r))
	}
	return list
}

// Faults returns how the console has broken its contract.
func (e *Engine) Faults() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.faults...)
}

// Conns returns how many connections are open, and how many ever were.
func (e *Engine) Conns() (open, ever int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.links), e.dials
}

// Dial connects the console over a socket pair, as the supervisor does.
func (e *Engine) Dial(ctx context.Context) (net.Conn, error) {
	return e.dial(ctx, func() (a, b net.Conn, err error) {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			return nil, nil, err
		}
		ends := make([]net.Conn, 2)
		for i, fd := range fds {
			f := os.NewFile(uintptr(fd), "pair")
			ends[i], err = net.FileConn(f)
			f.Close()
			if err != nil {
				return nil, nil, err
			}
		}
		return ends[0], ends[1], nil
	})
}

// DialPipe connects it in memory, without any buffer, for virtual time.
func (e *Engine) DialPipe(ctx context.Context) (net.Conn, error) {
	return e.dial(ctx, func() (a, b net.Conn, err error) {
		a, b = net.Pipe()
		return a, b, nil
	})
}

func (e *Engine) dial(ctx context.Context, pair func() (a, b net.Conn, err error)) (net.Conn, error) {
	e.mu.Lock()
	away := e.away
	e.mu.Unlock()
	select {
	case <-away:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	a, b, err := pair()
	if err != nil {
		return nil, err
	}
	l := &link{e: e, nc: b, turn: make(chan struct{}, 1), tokens: make(map[string]bool)}
	e.mu.Lock()
	e.links[l] = true
	e.dials++
	e.mu.Unlock()
	e.wg.Go(l.run)
	return a, nil
}

// Events returns how many events of floods have been taken.
func (e *Engine) Events() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events
}

// fault records a broken contract.
func (e *Engine) fault(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, fmt.Sprintf(format, args...))
}

// A link is one connection of the console.
type link struct {
	e    *Engine
	nc   net.Conn
	turn chan struct{} // full while somebody writes

	mu     sync.Mutex // guards what follows
	tokens map[string]bool
	own    bool // the console's own subscription runs over it
}

func (l *link) uses(token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tokens[token]
}

func (l *link) follows() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own
}

// run reads requests until the connection ends, and waits for what they do.
func (l *link) run() {
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	in := bufio.NewReaderSize(l.nc, 64<<10)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		var q wire
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil || len(line) > 1<<20+1 {
			l.e.fault("line of %d bytes: %v: %.200q", len(line), err, line)
			break
		}
		if !l.check(q) {
			continue
		}
		wg.Go(func() { l.serve(ctx, q) })
	}
	l.nc.Close()
	cancel()
	l.e.mu.Lock()
	delete(l.e.links, l)
	l.e.mu.Unlock()
	wg.Wait()
}

// write sends one line.
func (l *link) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	_, err = l.nc.Write(append(b, '\n'))
	return err
}

func (l *link) notify(method string, params any) {
	_ = l.write(note{"2.0", method, params})
}

type note struct {
	Version string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}
