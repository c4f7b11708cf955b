// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"evener/firmware/api"
)

type superHold struct {
	Role    string `json:"role" doc:"engine, or another role that runs"`
	Why     string `json:"why,omitempty" doc:"for whoever finds it held"`
	Seconds int    `json:"seconds,omitempty" doc:"after which it is started again by itself, 1 to 3600; 600"`
}

// addHold registers what keeps roles stopped.
func (s *superAPI) addHold(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "role.hold", Purpose: "Stops a role and keeps it stopped, so that others can work on what it owns.",
		Role: api.Admin, Effect: api.System, Audit: "hold {role}: {why}", Timeout: time.Minute},
		func(ctx context.Context, c api.Call, p superHold) (struct{}, error) {
			if p.Seconds == 0 {
				p.Seconds = int(holdLimit.Seconds())
			}
			if p.Seconds < 0 || p.Seconds > 3600 {
				return struct{}{}, api.Errorf(api.CodeParams, "params.seconds", "seconds must be 1 to 3600, not %d", p.Seconds)
			}
			if p.Why == "" {
				p.Why = "asked for by " + c.Author
			}
			return struct{}{}, s.sup.Hold(ctx, p.Role, p.Why, time.Duration(p.Seconds)*time.Second)
		})
	api.Add(reg, api.Method{Name: "role.release", Purpose: "Starts a role again that is held.",
		Role: api.Admin, Effect: api.System, Audit: "release {role}"},
		func(ctx context.Context, _ api.Call, p superRole) (struct{}, error) {
			return struct{}{}, s.sup.Release(ctx, p.Role)
		})
}

// tell has the engine's audit log note what was done here to roles and the machine.
// What package recovery does is noted by itself, because no engine answers then.
func (s *superAPI) tell(r api.Record) {
	if r.Effect == api.Read && r.Method != "recovery.login" || strings.HasPrefix(r.Method, "panel.") ||
		strings.HasPrefix(r.Method, "recovery.") && r.Method != "recovery.login" ||
		r.Method == "led.locate" && r.Call.Origin == "api" { // the engine calls, and has noted it
		return
	}
	outcome, message := "ok", ""
	if r.Err != nil {
		outcome, message = r.Err.Kind, r.Err.Message
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	origin := r.Call.Origin
	if origin == "" {
		origin = "api"
	}
	err := callSocket(ctx, filepath.Join(filepath.Dir(s.path), "api.sock"), origin, "engine", "audit.note",
		map[string]any{"method": r.Method, "what": r.Text, "outcome": outcome, "message": message, "author": r.Call.Author}, nil)
	if err != nil {
		s.log.Warn("not noted in the audit log", "method", r.Method, "err", err)
	}
}
