// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"evener/firmware/api"
	"evener/firmware/supervise"
)

// A superAPI is the supervisor's own API: what the box must be able to do and to
// tell while no engine answers. Its methods lie beside the things that they are
// about, in files that call add. It is served on a Unix socket of its own to root
// and the box's user, as the engine's is, and called by the menus within this
// process with call.
type superAPI struct {
	path string
	sup  *supervise.Supervisor
	log  *slog.Logger

	notes *notebook // for the engine's audit log

	engine *syscall.Credential // user of the engine where that has few rights, and orders; nil: it calls as everybody

	adds []func(*api.Registry)

	made sync.Once // guards the building of reg
	reg  *api.Registry
}

// newSuperAPI returns the API of the box whose state is in dir.
func newSuperAPI(dir string, sup *supervise.Supervisor, log *slog.Logger) *superAPI {
	s := &superAPI{path: filepath.Join(dir, api.SupervisorSocket), sup: sup, log: log, notes: newNotebook(dir, log)}
	s.add(s.addRoles)
	return s
}

// add has f register methods and topics. It must be called before start and the
// first call.
func (s *superAPI) add(f func(reg *api.Registry)) { s.adds = append(s.adds, f) }

// registry returns the methods, and builds them the first time.
func (s *superAPI) registry() *api.Registry {
	s.made.Do(func() {
		s.reg = api.New(s.log, api.Config{Audit: s.audit})
		for _, f := range s.adds {
			f(s.reg)
		}
	})
	return s.reg
}

// start serves the API until the function that it returns is called, which waits
// for what runs. A socket that cannot be had costs nobody his traffic: it is an
// error in the log, and the menus within this process work without it.
func (s *superAPI) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	reg := s.registry()
	var wg sync.WaitGroup
	wg.Go(func() { guarded(s.log, "notes for the audit log", func() { s.notes.run(ctx) }) })
	serve := func(l net.Listener, err error, reg *api.Registry, cfg api.ServerConfig) {
		if err != nil {
			s.log.Error("supervisor's socket not served", "err", err)
			return
		}
		wg.Go(func() {
			if err := protected(func() error { return api.Serve(ctx, l, reg, s.log, cfg) }); err != nil {
				s.log.Error("supervisor's socket not served any more", "socket", l.Addr(), "err", err)
			}
		})
	}
	l, err := api.Listen(s.path)
	serve(l, err, reg, api.ServerConfig{})
	if s.engine != nil {
		l, err := listenEngine(filepath.Join(filepath.Dir(s.path), ordersSocket), s.engine)
		serve(l, err, reg.Part(orders...), api.ServerConfig{Identify: api.PeerUser(int(s.engine.Uid))})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// call runs a method for something within this process that has a person before
// it: origin is panel or serial. The box does not know who stands there; whoever does
// has the rights of an admin, and the name that the engine knows him by.
func (s *superAPI) call(ctx context.Context, origin, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	author := map[string]string{"panel": "front panel", "serial": "serial console"}[origin]
	who := api.Call{Author: author, Origin: origin, Role: api.Admin, Remote: "this box", Sudo: true}
	out, e := s.registry().Call(ctx, who, method, raw)
	if e != nil {
		return e
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(out, result); err != nil {
		return fmt.Errorf("read the result of %s: %w", method, err)
	}
	return nil
}

// audit logs what was done here. The engine's audit log has what came through it;
// what comes by this way comes when the engine does not answer.
func (s *superAPI) audit(r api.Record) {
	if !r.Done {
		return
	}
	outcome := "ok"
	if r.Err != nil {
		outcome = r.Err.Message
	}
	s.log.Info("audit", "method", r.Method, "author", r.Call.Author, "origin", r.Call.Origin, "remote", r.Call.Remote,
		"what", r.Text, "outcome", outcome, "took", r.Took)
	s.tell(r)
}

type superRole struct {
	Role string `json:"role" doc:"engine, or another role that runs"`
}

// addRoles registers what the supervisor does for roles.
func (s *superAPI) addRoles(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "role.list", Purpose: "Says which roles run.", Role: api.Viewer},
		func(ctx context.Context, _ api.Call, _ struct{}) (supervise.Status, error) { return s.sup.Status(ctx) })
	api.Add(reg, api.Method{Name: "role.restart", Purpose: "Replaces a role's process while the old one drains.",
		Role: api.Admin, Effect: api.System, Audit: "restart {role}", Timeout: time.Minute},
		func(ctx context.Context, _ api.Call, p superRole) (struct{}, error) {
			return struct{}{}, s.sup.Restart(ctx, p.Role)
		})
}
