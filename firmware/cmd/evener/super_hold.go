// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/supervise"
)

type superHold struct {
	Role    string `json:"role" doc:"engine, or another role that runs"`
	Why     string `json:"why,omitempty" doc:"for whoever finds it held"`
	Seconds int    `json:"seconds,omitempty" doc:"after which it is started again by itself, 1 to 3600; 600"`
}

// The holds of people. What the supervisor holds for itself is not among them, and
// cannot be released by anybody else.
type holds struct {
	sup *supervise.Supervisor

	mu    sync.Mutex // guards grips
	grips map[string]*supervise.Grip
}

func (h *holds) hold(ctx context.Context, role, why string, limit time.Duration) error {
	grip, err := h.sup.Hold(ctx, role, why, limit)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.grips[role] = grip
	return nil
}

func (h *holds) release(ctx context.Context, role string) error {
	h.mu.Lock()
	grip := h.grips[role]
	delete(h.grips, role)
	h.mu.Unlock()
	err := supervise.ErrNotHeld
	if grip != nil {
		err = grip.Release(ctx)
	}
	if !errors.Is(err, supervise.ErrNotHeld) {
		return err
	}
	st, err := h.sup.Status(ctx)
	if err != nil {
		return err
	}
	for _, r := range st.Roles {
		if r.Name == role && r.Held != "" {
			return api.Errorf(api.CodeConflict, "role.held", "%s is held for something that goes on: %s; it is started when that is done, at %s at the latest",
				role, r.Held, r.HeldUntil.UTC().Format(time.RFC3339))
		}
	}
	return api.Errorf(api.CodeConflict, "role.free", "%s is not held", role)
}

// addHold registers what keeps roles stopped.
func (s *superAPI) addHold(reg *api.Registry) {
	h := &holds{sup: s.sup, grips: map[string]*supervise.Grip{}}
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
			return struct{}{}, h.hold(ctx, p.Role, p.Why, time.Duration(p.Seconds)*time.Second)
		})
	api.Add(reg, api.Method{Name: "role.release", Purpose: "Starts a role again that somebody holds with role.hold.",
		Role: api.Admin, Effect: api.System, Audit: "release {role}"},
		func(ctx context.Context, _ api.Call, p superRole) (struct{}, error) {
			return struct{}{}, h.release(ctx, p.Role)
		})
}

// tell has the engine's audit log note what was done here to roles and the machine;
// it returns when that is on the disk. What package recovery does is noted by
// itself, because no engine answers then.
func (s *superAPI) tell(r api.Record) {
	if r.Effect == api.Read && r.Method != "recovery.login" || strings.HasPrefix(r.Method, "panel.") ||
		strings.HasPrefix(r.Method, "recovery.") && r.Method != "recovery.login" ||
		slices.Contains(orders, r.Method) && r.Call.Origin == "api" { // the engine calls, and has noted it
		return
	}
	x := superNote{At: r.Time, Origin: r.Call.Origin, Author: r.Call.Author, Method: r.Method, What: r.Text, Outcome: "ok"}
	if r.Err != nil {
		x.Outcome, x.Message = r.Err.Kind, r.Err.Message
	}
	if x.Origin == "" {
		x.Origin = "api"
	}
	s.notes.put(x)
}
