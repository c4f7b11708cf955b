// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// usersIn returns the users and API tokens that a document of package auth has.
func usersIn(doc []byte) ([]auth.User, []auth.Token, error) {
	a, err := auth.Open(memory{usersItem: doc}, auth.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	return a.Users(), a.Tokens(""), a.Close()
}

// restoreAuthor returns whose candidate a restored text becomes. It is the caller's,
// unless the users that are restored with it, doc, do not have the caller: nobody
// could commit it then, so the first admin gets it who has none. Where all have one
// it stays the caller's, for an admin to adopt. Who calls over the Unix socket is no
// user of the box, and is there afterwards too.
func (b *Box) restoreAuthor(c api.Call, doc []byte) (string, error) {
	if doc == nil || c.Session == "" {
		return c.Author, nil
	}
	users, tokens, err := usersIn(doc)
	if err != nil {
		return "", apiError(err)
	}
	if isAuthor(users, tokens, c.Author) {
		return c.Author, nil
	}
	name, _, _ := strings.Cut(c.Author, "/") // the user of an API token
	for _, u := range users {
		if strings.EqualFold(u.Name, name) {
			return u.Name, nil
		}
	}
	drafts := map[string]bool{}
	for _, d := range b.cfg.Store.Candidates() {
		drafts[d.Author] = true
	}
	for _, u := range admins(users) {
		if !drafts[u.Name] {
			return u.Name, nil
		}
	}
	return c.Author, nil
}

// isAuthor reports whether author stands for a user, or for an API token as
// user/token. Candidates are theirs letter by letter.
func isAuthor(users []auth.User, tokens []auth.Token, author string) bool {
	return slices.ContainsFunc(users, func(u auth.User) bool { return u.Name == author }) ||
		slices.ContainsFunc(tokens, func(t auth.Token) bool { return t.Owner+"/"+t.Name == author })
}

// admins returns the admins among users: first those who may change everything, then
// by their age.
func admins(users []auth.User) []auth.User {
	out := slices.DeleteFunc(slices.Clone(users), func(u auth.User) bool { return u.Role != auth.Admin })
	slices.SortStableFunc(out, func(x, y auth.User) int {
		return cmp.Or(cmp.Compare(len(x.Scope), len(y.Scope)), x.Created.Compare(y.Created))
	})
	return out
}
