// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
)

// A Hello is what a client of the API asks first.
type Hello struct {
	Product     string        `json:"product" doc:"Evener"`
	Version     string        `json:"version"`
	Hostname    string        `json:"hostname"`
	Time        time.Time     `json:"time" doc:"of the box's clock"`
	UIHash      string        `json:"ui_hash,omitempty" doc:"of the console's pages that this version serves"`
	Features    []string      `json:"features" doc:"what this version can do besides answering calls"`
	Session     *HelloSession `json:"session" doc:"null: nobody is logged in"`
	Setup       bool          `json:"setup" doc:"there is no administrator yet: auth.setup makes one"`
	Fingerprint string        `json:"fingerprint,omitempty" doc:"SHA-256 of the console's certificate, hexadecimal"`
}

// A HelloSession is the session of the caller.
type HelloSession struct {
	ID    string            `json:"id"`
	User  string            `json:"user"`
	Role  api.Role          `json:"role"`
	Scope map[string]string `json:"scope,omitempty" doc:"labels that objects must have"`
	Idle  api.Duration      `json:"idle,omitempty" doc:"unused, the session ends after this; absent: an API token or the Unix socket"`
}

// features name what a client may rely on. Within a major version of the API they
// only get more.
var features = []string{"subscriptions", "streams", "progress", "keys"}

func (b *Box) addHello(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "sys.hello", Purpose: "Says what box this is, what time it has and who calls.",
		Open: true, Effect: api.Read, Idempotent: true}, b.hello)
}

func (b *Box) hello(_ context.Context, c api.Call, _ struct{}) (Hello, error) {
	h := Hello{Product: "Evener", Version: b.cfg.Version, Hostname: b.cfg.Hostname, Time: time.Now().UTC(),
		UIHash: b.cfg.UIHash, Features: features}
	if a := b.cfg.Auth; a != nil {
		h.Setup = a.SetupCode() != ""
	}
	if c.Role != api.Nobody {
		h.Session = &HelloSession{ID: c.Session, User: c.Author, Role: c.Role, Scope: c.Scope}
		if a := b.cfg.Auth; a != nil && c.Session != "" {
			if _, err := a.Session(c.Session); err == nil {
				h.Session.Idle = api.Duration(b.idle())
			}
		}
	}
	b.console.mu.Lock()
	defer b.console.mu.Unlock()
	if b.console.pair != nil {
		h.Fingerprint = certs.Fingerprint(b.console.pair.Leaf())
	}
	return h, nil
}

// idle returns how long a session may be unused.
func (b *Box) idle() time.Duration {
	b.console.mu.Lock()
	defer b.console.mu.Unlock()
	if b.console.cfg == nil {
		return 0
	}
	return b.console.cfg.IdleTimeout.D()
}
