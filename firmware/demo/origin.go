// SPDX-License-Identifier: Apache-2.0

// Package demo has the origin servers of the simulated board: small HTTP servers
// that can be made slow, broken or dead by command, so that somebody can watch
// what the balancer does about it.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// A Mode is how an origin behaves.
type Mode struct {
	State string        `json:"state"`           // ok, slow, broken or dead
	Delay time.Duration `json:"delay,omitempty"` // nanoseconds before each answer, when slow
}

// Check says what is wrong with m.
func (m Mode) Check() error {
	switch m.State {
	case "ok", "broken", "dead":
		return nil
	case "slow":
		if m.Delay > 0 && m.Delay <= time.Minute {
			return nil
		}
		return fmt.Errorf("delay must be more than 0s and up to 1m, not %s", m.Delay)
	}
	return fmt.Errorf("an origin is made ok, slow, broken or dead, not %q", m.State)
}

// An Origin is one demo server.
type Origin struct {
	name string
	addr netip.AddrPort
	log  *slog.Logger

	changes sync.Mutex // held while the mode changes

	mu     sync.Mutex // guards what follows
	mode   Mode
	server *http.Server // nil while dead
}

// New returns an origin that does not serve yet.
func New(name string, addr netip.AddrPort, log *slog.Logger) *Origin {
	return &Origin{name: name, addr: addr, log: log, mode: Mode{State: "ok"}}
}

// Run serves until ctx ends. control is the path of a Unix socket that takes
// modes: see Set.
func (o *Origin) Run(ctx context.Context, control string) error {
	if err := o.listen(); err != nil {
		return err
	}
	defer o.die()
	os.Remove(control)
	l, err := net.Listen("unix", control)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /mode", o.showMode)
	mux.HandleFunc("PUT /mode", o.takeMode)
	s := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (o *Origin) showMode(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	json.NewEncoder(w).Encode(o.mode)
}

func (o *Origin) takeMode(w http.ResponseWriter, r *http.Request) {
	var m Mode
	err := json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&m)
	if err == nil {
		err = m.Check()
	}
	if err == nil {
		err = o.become(m)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// become changes the mode. A dead origin closes its port and its connections. It
// stays dead where it cannot listen again, so that the next call tries anew.
func (o *Origin) become(m Mode) error {
	o.changes.Lock()
	defer o.changes.Unlock()
	o.mu.Lock()
	dead := o.server == nil
	o.mu.Unlock()
	switch {
	case m.State == "dead":
		o.die()
	case dead:
		if err := o.listen(); err != nil {
			return err
		}
	}
	o.mu.Lock()
	o.mode = m
	o.mu.Unlock()
	o.log.Info("origin set", "origin", o.name, "state", m.State, "delay", m.Delay)
	return nil
}

func (o *Origin) listen() error {
	l, err := net.Listen("tcp", o.addr.String())
	if err != nil {
		return fmt.Errorf("demo origin %s: %w", o.name, err)
	}
	s := &http.Server{Handler: http.HandlerFunc(o.answer)}
	o.mu.Lock()
	o.server = s
	o.mu.Unlock()
	go s.Serve(l)
	return nil
}

func (o *Origin) die() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server != nil {
		o.server.Close()
		o.server = nil
	}
}

// answer says who answers and what was asked.
func (o *Origin) answer(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	m := o.mode
	o.mu.Unlock()
	switch m.State {
	case "slow":
		time.Sleep(m.Delay)
	case "broken":
		http.Error(w, o.name+" is broken on purpose", http.StatusInternalServerError)
		return
	}
	w.Header().Set("X-Origin", o.name)
	if r.URL.Path == "/health" {
		fmt.Fprintln(w, "ok")
		return
	}
	fmt.Fprintf(w, "this is %s\n%s %s\nHost: %s\n", o.name, r.Method, r.URL, r.Host)
	for _, name := range []string{"X-Forwarded-For", "X-Request-Id", "Via", "Cookie"} {
		if v := r.Header[name]; len(v) > 0 {
			fmt.Fprintf(w, "%s: %s\n", name, strings.Join(v, ", "))
		}
	}
}

// Set changes the mode of the origin whose control socket is at path.
func Set(ctx context.Context, path string, m Mode) error {
	if err := m.Check(); err != nil {
		return err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://origin/mode", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("no demo origin answers at %s: is the box running on board sim?", path)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("%s", strings.TrimSpace(string(text)))
	}
	return nil
}
