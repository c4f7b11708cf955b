// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// Sessions lists sessions.
type Sessions struct {
	Sessions []Session `json:"sessions" doc:"the one used last first"`
}

// A Session is one login of a user.
type Session struct {
	ID      string    `json:"id" doc:"no secret"`
	User    string    `json:"user"`
	Remote  string    `json:"remote" doc:"where it began"`
	Agent   string    `json:"agent" doc:"what the client says it is"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen" doc:"when it was used last"`
	Expires time.Time `json:"expires" doc:"when it ends, used or not"`
	Idle    time.Time `json:"idle" doc:"when it ends if it is not used"`
	Current bool      `json:"current,omitempty" doc:"the caller's"`
}

// Throttles lists who has failed lately.
type Throttles struct {
	Throttles []Throttle `json:"throttles" doc:"those that wait longest first"`
}

// A Throttle is an address or a user's name that failed attempts are counted of.
type Throttle struct {
	Kind     string    `json:"kind" doc:"address or user; that of a user does not hold for addresses that the user has logged in from before"`
	Key      string    `json:"key" doc:"an address, a /64 of IPv6, or a name"`
	Failures int       `json:"failures"`
	Last     time.Time `json:"last"`
	Until    time.Time `json:"until,omitzero" doc:"no attempt before"`
}

type ofUserParams struct {
	User string `json:"user,omitempty" doc:"of this user; empty: the caller's own"`
	All  bool   `json:"all,omitempty" doc:"of all users"`
}

type idParams struct {
	ID string `json:"id"`
}

type clearThrottleParams struct {
	Key string `json:"key,omitempty" doc:"address, /64 or user; empty: all"`
}

func (b *Box) addSessions(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "session.list", Purpose: "Lists sessions: the caller's own, for admins those of others too.", Role: api.Viewer}, b.sessions)
	api.Add(reg, api.Method{Name: "session.revoke", Purpose: "Ends a session: one of the caller's own, for admins any.",
		Role: api.Viewer, Effect: api.System, Audit: "revoke the session {id}"}, b.revokeSession)
	api.Add(reg, api.Method{Name: "throttle.list", Purpose: "Lists addresses and users with failed attempts to log in.", Role: api.Admin}, b.throttles)
	api.Add(reg, api.Method{Name: "throttle.clear", Purpose: "Forgets failed attempts to log in.",
		Role: api.Admin, Effect: api.System, Audit: "clear the throttle {key}"}, b.clearThrottle)
}

// wanted says whose things the caller means, "" for all. Who has no session means all.
func (b *Box) wanted(c api.Call, p ofUserParams) (string, error) {
	own := ""
	if _, s, err := b.session(c); err == nil {
		own = s.User
	}
	switch {
	case p.User != "" && strings.EqualFold(p.User, own), p.User == "" && !p.All && own != "":
		return own, nil
	case c.Role < api.Admin:
		return "", api.Errorf(api.CodeForbidden, "auth.role", "only an admin may see those of others")
	}
	return p.User, nil
}

func (b *Box) sessions(_ context.Context, c api.Call, p ofUserParams) (Sessions, error) {
	a, err := b.identity()
	if err != nil {
		return Sessions{}, err
	}
	user, err := b.wanted(c, p)
	if err != nil {
		return Sessions{}, err
	}
	out := Sessions{Sessions: []Session{}}
	for _, s := range a.Sessions(user) {
		out.Sessions = append(out.Sessions, Session{s.ID, s.User, s.Remote, s.Agent, s.Created, s.Seen, s.Expires, s.Idle, s.ID == c.Session})
	}
	return out, nil
}

func (b *Box) revokeSession(_ context.Context, c api.Call, p idParams) (struct{}, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return struct{}{}, err
	}
	s, err := a.Session(p.ID)
	if c.Role < api.Admin {
		_, own, ownErr := b.session(c)
		if ownErr != nil {
			return struct{}{}, ownErr
		}
		if err == nil && own.User != s.User {
			err = &auth.Error{Kind: auth.NotFound, Msg: "you have no session " + p.ID}
		}
	}
	if err != nil {
		return struct{}{}, authError(err)
	}
	return struct{}{}, authError(a.EndSession(s.ID, auth.EndRevoked))
}

func (b *Box) throttles(context.Context, api.Call, struct{}) (Throttles, error) {
	a, err := b.identity()
	if err != nil {
		return Throttles{}, err
	}
	out := Throttles{Throttles: []Throttle{}}
	for _, t := range a.Throttles() {
		out.Throttles = append(out.Throttles, Throttle(t))
	}
	return out, nil
}

func (b *Box) clearThrottle(_ context.Context, _ api.Call, p clearThrottleParams) (Cleared, error) {
	a, err := b.identity()
	if err != nil {
		return Cleared{}, err
	}
	n := a.ClearThrottle(p.Key)
	if n == 0 && p.Key != "" {
		return Cleared{}, api.Errorf(api.CodeNotFound, "not_found", "%q has no failed attempts", p.Key)
	}
	return Cleared{Records: n}, nil
}
