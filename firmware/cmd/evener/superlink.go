// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"path/filepath"

	"evener/firmware/api"
)

// A superLink calls the supervisor's own API from another process. Each call has
// a connection of its own, so that nothing is left of one that hangs or of a
// supervisor that is gone.
type superLink struct{ path string }

// linkSuper returns a link to the supervisor of the box whose state is in dir.
func linkSuper(dir string) superLink { return superLink{filepath.Join(dir, api.SupervisorSocket)} }

// super returns the way from the engine to its supervisor.
func (e *engine) super() superLink {
	if e.cfg.orders {
		return superLink{filepath.Join(e.cfg.state, ordersSocket)}
	}
	return linkSuper(e.cfg.state)
}

// Call runs a method and decodes what it returns into result, a pointer or nil.
func (l superLink) Call(ctx context.Context, method string, params, result any) error {
	return callSocket(ctx, l.path, "api", "supervisor", method, params, result)
}

// callSocket calls a method over a connection to the socket path that it closes.
// who is the name of the other end, for people.
func callSocket(ctx context.Context, path, origin, who, method string, params, result any) error {
	c, err := api.Dial(path)
	if err != nil {
		if errors.Is(err, api.ErrNotRunning) {
			return api.Errorf(api.CodeFailed, "unreachable", "the %s does not answer at %s", who, path)
		}
		return err
	}
	defer c.Close()
	c.Origin = origin
	err = c.Call(ctx, method, params, result)
	if e := (*api.Error)(nil); err != nil && !errors.As(err, &e) {
		return api.Errorf(api.CodeFailed, "unreachable", "the %s does not answer: %v", who, err)
	}
	return err
}
