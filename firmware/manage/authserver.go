// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"sync"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// Authenticate returns what tells a server of the API who a token stands for. Without
// users no token is good. It does not note that a session is used: see [Used].
func Authenticate(a *auth.Auth) func(token, remote, agent string) (api.Call, *api.Error) {
	return func(token, remote, agent string) (api.Call, *api.Error) {
		if a == nil {
			return api.Call{}, api.Errorf(api.CodeUnauthorized, "auth.unavailable", "the box cannot read its users: evener status says why, and evener user reset begins anew")
		}
		p, err := a.Recognize(token)
		if err != nil {
			return api.Call{}, api.AsError(authError(err))
		}
		c := api.Call{Author: p.User, Origin: "console", Role: api.Role(p.Role), Remote: remote, Agent: agent,
			Session: p.ID, Scope: p.Scope, Sudo: p.Sudo}
		if p.Token {
			c.Origin = "api"
		}
		return c, nil
	}
}

// Used returns what a server of the API tells when somebody is at a session.
func Used(a *auth.Auth) func(session string) {
	return func(session string) {
		if a != nil {
			a.Use(session)
		}
	}
}

// Ended returns what tells a server of the API that a session or API token has ended.
func Ended(a *auth.Auth) func(session string, told func(kind string)) (stop func()) {
	return func(session string, told func(kind string)) func() {
		if a == nil {
			told(string(auth.EndRevoked))
			return func() {}
		}
		ended, how := a.Ended(session)
		enough := make(chan struct{})
		go func() {
			select {
			case <-ended:
				told(string(how()))
			case <-enough:
			}
		}()
		return sync.OnceFunc(func() { close(enough) })
	}
}
