// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/subtle"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of API tokens.
const (
	maxTokens    = 256
	maxTokenName = 48 // bytes: with a user's name it is an author, of 128 at most
)

// tokenPrefix begins every API token, so that scanners of source code can find those
// that were committed by mistake.
const tokenPrefix = "evt_"

// A TokenSpec says what an API token may do.
type TokenSpec struct {
	Name    string
	Role    Role
	Scope   map[string]string // with the owner's
	Expires time.Time         // zero: never
	By      string            // who makes it, where Owner is empty
	Owner   string            // user name; empty: the box itself, for who comes without a session
}

// A Token is what people may know of an API token.
type Token struct {
	ID      string // no secret
	Name    string
	Owner   string // user, or who made it on the box itself
	Role    Role   // its own; it never does more than its owner may
	Scope   map[string]string
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // zero: never
	Expired bool
}

// A tokenRec is an API token as it is kept.
type tokenRec struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Hash    digest            `json:"hash"`
	Owner   string            `json:"owner,omitempty"` // id of a user; empty: the box
	By      string            `json:"by"`
	Role    Role              `json:"role"`
	Scope   map[string]string `json:"scope,omitempty"`
	Created time.Time         `json:"created"`
	Expires time.Time         `json:"expires,omitzero"`
}

// A liveToken is what changes of a token that has not ended.
type liveToken struct {
	used    time.Time
	expires time.Time
	limit   time.Duration // of the monotonic clock; 0: none
	ended   ended
}

func (a *Auth) newLiveToken(t tokenRec) *liveToken {
	l := &liveToken{expires: t.Expires, ended: newEnded()}
	if !t.Expires.IsZero() {
		l.limit = max(1, a.cfg.Elapsed()+t.Expires.Sub(a.cfg.Now()))
	}
	return l
}

// tokenExpired says whether either clock says so: setting one back does not help.
func (a *Auth) tokenExpired(t *liveToken) bool {
	return t.limit != 0 && (a.cfg.Elapsed() >= t.limit || !a.cfg.Now().Before(t.expires))
}

// parseToken takes an API token apart: evt_ID_SECRET.
func parseToken(s string) (id string, hash digest, ok bool) {
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok {
		return "", digest{}, false
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || id == "" || len(id) > maxName {
		return "", digest{}, false
	}
	hash, ok = parseSecret(secret)
	return id, hash, ok
}

// CreateToken makes an API token and returns its text, which is not kept.
func (a *Auth) CreateToken(s TokenSpec) (string, Token, error) {
	if err := CheckName(s.Name); err != nil {
		return "", Token{}, err
	}
	if len(s.Name) > maxTokenName {
		return "", Token{}, errorf(Invalid, "a token's name may have %d bytes at most", maxTokenName)
	}
	if err := s.Role.check(); err != nil {
		return "", Token{}, err
	}
	if err := checkScope(min(s.Role, Editor), s.Scope); err != nil {
		return "", Token{}, err
	}
	if !s.Expires.IsZero() && !s.Expires.After(a.cfg.Now()) {
		return "", Token{}, errorf(Invalid, "the token's expiry must be in the future")
	}
	secret := newSecret()
	rec := tokenRec{ID: newID("t"), Name: s.Name, By: s.By, Role: s.Role, Scope: maps.Clone(s.Scope), Created: a.wall(), Expires: s.Expires.UTC().Round(0)}
	rec.Hash, _ = parseSecret(secret)
	err := a.changeUsers(func(d *userDoc) error {
		if err := d.own(&rec, s.Owner); err != nil {
			return err
		}
		if slices.ContainsFunc(d.Tokens, func(t tokenRec) bool { return strings.EqualFold(t.Name, rec.Name) }) {
			return errorf(Exists, "there is a token %q already", rec.Name)
		}
		if len(d.Tokens) >= maxTokens {
			return errorf(Full, "there are %d tokens; more are not kept: revoke one", maxTokens)
		}
		d.Tokens = append(d.Tokens, rec)
		return nil
	})
	if err != nil {
		return "", Token{}, err
	}
	a.mu.Lock()
	a.tokens[rec.ID] = a.newLiveToken(rec)
	a.mu.Unlock()
	a.log.Info("token created", "token", rec.Name, "by", rec.By, "tokenrole", rec.Role)
	return tokenPrefix + rec.ID + "_" + secret, a.token(rec), nil
}

// own makes t the token of the user called owner, who cannot give more than they have.
func (d *userDoc) own(t *tokenRec, owner string) error {
	if owner == "" {
		return nil
	}
	u, err := d.named(owner)
	if err != nil {
		return err
	}
	if t.Role > u.Role {
		return errorf(Exceeds, "%s has the role %s and cannot make a token with more", u.Name, u.Role)
	}
	scope, ok := narrow(u.Scope, t.Scope)
	if !ok {
		return errorf(Exceeds, "the token's scope must be within that of %s", u.Name)
	}
	t.Owner, t.By, t.Scope = u.ID, u.Name, scope
	return nil
}

// narrow returns the labels that both want, false if nothing can have them all.
func narrow(x, y map[string]string) (map[string]string, bool) {
	both := maps.Clone(x)
	for k, v := range y {
		if was, ok := x[k]; ok && was != v {
			return nil, false
		}
		if both == nil {
			both = make(map[string]string)
		}
		both[k] = v
	}
	return both, true
}

// Tokens lists the API tokens of the user called owner, or ("") all.
func (a *Auth) Tokens(owner string) []Token {
	doc, out := a.users.Load(), []Token{}
	for _, t := range doc.Tokens {
		if u := doc.byID(t.Owner); owner == "" || u != nil && strings.EqualFold(u.Name, owner) {
			out = append(out, a.token(t))
		}
	}
	slices.SortFunc(out, func(x, y Token) int { return strings.Compare(x.Name, y.Name) })
	return out
}

func (a *Auth) token(t tokenRec) Token {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := Token{ID: t.ID, Name: t.Name, Owner: t.By, Role: t.Role, Scope: maps.Clone(t.Scope), Created: t.Created, Expires: t.Expires}
	if l := a.tokens[t.ID]; l != nil {
		out.Used, out.Expired = l.used, a.tokenExpired(l)
	}
	return out
}

// RevokeToken ends the API token with an id for good.
func (a *Auth) RevokeToken(id string) error {
	var gone tokenRec
	err := a.changeUsers(func(d *userDoc) error {
		i := slices.IndexFunc(d.Tokens, func(t tokenRec) bool { return t.ID == id })
		if i < 0 {
			return errorf(NotFound, "there is no token %q", id)
		}
		gone = d.Tokens[i]
		d.Tokens = slices.Delete(d.Tokens, i, i+1)
		return nil
	})
	if err != nil {
		return err
	}
	a.log.Info("token revoked", "token", gone.Name)
	a.endTokens([]tokenRec{gone}, EndRevoked)
	return nil
}

func (a *Auth) endTokens(gone []tokenRec, how Ending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range gone {
		if l := a.tokens[t.ID]; l != nil {
			l.ended.end(how)
			delete(a.tokens, t.ID)
		}
	}
}

// breakTokens ends what goes on in the name of a user's API tokens, such as
// subscriptions: it was begun with another role or scope. The tokens stay good.
func (a *Auth) breakTokens(owner string) {
	doc := a.users.Load()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range doc.Tokens {
		if l := a.tokens[t.ID]; l != nil && t.Owner == owner {
			l.ended.end(EndRole)
			l.ended = newEnded()
		}
	}
}

// authenticateToken says who the API token with an id stands for.
func (a *Auth) authenticateToken(id string, hash digest) (Principal, error) {
	doc := a.users.Load()
	i := slices.IndexFunc(doc.Tokens, func(t tokenRec) bool { return t.ID == id })
	if i < 0 || subtle.ConstantTimeCompare(doc.Tokens[i].Hash[:], hash[:]) != 1 {
		return Principal{}, noSession()
	}
	t := doc.Tokens[i]
	p := Principal{ID: t.ID, User: t.By + "/" + t.Name, Role: t.Role, Scope: t.Scope, Token: true}
	if t.Owner != "" {
		u := doc.byID(t.Owner)
		if u == nil {
			return Principal{}, noSession()
		}
		scope, ok := narrow(u.Scope, t.Scope)
		if !ok {
			return Principal{}, noSession()
		}
		p.Role, p.Scope = min(t.Role, u.Role), scope
	}
	if len(p.Scope) > 0 {
		p.Role = min(p.Role, Editor) // an admin's methods look at no labels
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.tokens[id]
	if l == nil || a.tokenExpired(l) {
		return Principal{}, noSession()
	}
	l.used = a.wall()
	a.changed.seen = true
	return p, nil
}
