// SPDX-License-Identifier: Apache-2.0

package auth

// A Principal is who a token stands for.
type Principal struct {
	ID    string // of the session or API token
	User  string // author of what is done; of a token, user and name of the token: alice/backup
	Role  Role
	Scope map[string]string // not to be changed
	Sudo  bool
	Token bool // an API token and no session
}

// Authenticate says who comes with a token, and notes that the session or API token is
// used. Every token that is not valid gets the same answer.
func (a *Auth) Authenticate(token string) (Principal, error) {
	p, err := a.Recognize(token)
	if err == nil {
		a.Use(p.ID)
	}
	return p, err
}

// Use notes that somebody is at the session with an id: it is not idle. An id of
// something else does nothing.
func (a *Auth) Use(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if x := a.sessions.byID[id]; x != nil && a.due(x) == "" {
		x.seen = a.cfg.Elapsed()
		a.changed.seen = true
	}
}

// Recognize is Authenticate for what a page does without anybody at it, such as to
// come back after its connection was lost: it does not keep a session from being idle.
func (a *Auth) Recognize(token string) (Principal, error) {
	if id, hash, ok := parseToken(token); ok {
		return a.authenticateToken(id, hash)
	}
	hash, ok := parseSecret(token)
	if !ok {
		return Principal{}, noSession()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.sessions.byHash[hash]
	if x == nil {
		return Principal{}, noSession()
	}
	if how := a.due(x); how != "" {
		a.endLocked(x, how)
		return Principal{}, noSession()
	}
	now := a.cfg.Elapsed()
	if hash != x.hash && now >= x.oldEnd {
		return Principal{}, noSession()
	}
	u := a.users.Load().byID(x.user)
	return Principal{ID: x.id, User: u.Name, Role: u.Role, Scope: u.Scope, Sudo: hash == x.hash && now < x.sudo}, nil
}
