// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"slices"
	"time"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// Tokens lists API tokens.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// A Token lets a program call methods.
type Token struct {
	ID      string            `json:"id" doc:"no secret"`
	Name    string            `json:"name"`
	Owner   string            `json:"owner" doc:"user, or who made it over the Unix socket"`
	Role    api.Role          `json:"role" doc:"it never does more than its owner may"`
	Scope   map[string]string `json:"scope,omitempty" doc:"labels that objects must have; none: everything"`
	Created time.Time         `json:"created"`
	Expires time.Time         `json:"expires,omitzero" doc:"left out: never"`
	Used    time.Time         `json:"used,omitzero" doc:"left out: never"`
	Expired bool              `json:"expired,omitempty"`
}

// A NewToken is an API token with its secret.
type NewToken struct {
	Token
	Secret string `json:"secret" secret:"true" doc:"evt_ID_SECRET, for Authorization: Bearer; it is shown now and never again"`
}

type newTokenParams struct {
	Name    string            `json:"name" doc:"letters, digits and . _ - @; 48 at most"`
	Role    api.Role          `json:"role" doc:"viewer, operator, editor or admin, and no more than the caller's"`
	Scope   map[string]string `json:"scope,omitempty" doc:"labels that objects must have, besides those of the caller's scope"`
	Expires time.Time         `json:"expires,omitzero" doc:"left out: never"`
}

func (b *Box) addTokens(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "token.list", Purpose: "Lists API tokens: the caller's own, for admins those of others too.", Role: api.Viewer}, b.tokens)
	api.Add(reg, api.Method{Name: "token.create", Purpose: "Makes an API token for programs and shows it once.",
		Role: api.Viewer, Sudo: true, Effect: api.System, Audit: "create the token {name} as {role}"}, b.createToken)
	api.Add(reg, api.Method{Name: "token.revoke", Purpose: "Ends an API token for good: one of the caller's own, for admins any.",
		Role: api.Viewer, Effect: api.System, Audit: "revoke the token {id}"}, b.revokeToken)
}

func tokenOf(t auth.Token) Token {
	return Token{t.ID, t.Name, t.Owner, api.Role(t.Role), t.Scope, t.Created, t.Expires, t.Used, t.Expired}
}

func (b *Box) tokens(_ context.Context, c api.Call, p ofUserParams) (Tokens, error) {
	a, err := b.identity()
	if err != nil {
		return Tokens{}, err
	}
	user, err := b.wanted(c, p)
	if err != nil {
		return Tokens{}, err
	}
	out := Tokens{Tokens: []Token{}}
	for _, t := range a.Tokens(user) {
		out.Tokens = append(out.Tokens, tokenOf(t))
	}
	return out, nil
}

func (b *Box) createToken(_ context.Context, c api.Call, p newTokenParams) (NewToken, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return NewToken{}, err
	}
	spec := auth.TokenSpec{Name: p.Name, Role: auth.Role(p.Role), Scope: p.Scope, Expires: p.Expires, By: c.Author}
	if c.Session != "" {
		_, s, err := b.session(c)
		if err != nil {
			return NewToken{}, err
		}
		spec.Owner = s.User
	}
	text, t, err := a.CreateToken(spec)
	return NewToken{tokenOf(t), text}, authError(err)
}

func (b *Box) revokeToken(_ context.Context, c api.Call, p idParams) (struct{}, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return struct{}{}, err
	}
	if c.Role < api.Admin {
		_, s, err := b.session(c)
		if err != nil {
			return struct{}{}, err
		}
		if !slices.ContainsFunc(a.Tokens(s.User), func(t auth.Token) bool { return t.ID == p.ID }) {
			return struct{}{}, api.Errorf(api.CodeNotFound, "not_found", "you have no token %q", p.ID)
		}
	}
	return struct{}{}, authError(a.RevokeToken(p.ID))
}
