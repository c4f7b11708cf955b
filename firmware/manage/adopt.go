// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"

	"evener/firmware/api"
	"evener/firmware/store"
)

type adoptParams struct {
	Author string `json:"author" doc:"whose candidate; nobody who is a user of the box"`
}

type discardParams struct {
	Author string `json:"author,omitempty" doc:"whose candidate, for admins: nobody who is a user of the box; left out: yours"`
}

// An Adopted tells of a candidate that is yours now.
type Adopted struct {
	Base    uint64 `json:"base" doc:"revision that it is made on"`
	Version string `json:"version" doc:"of the candidate"`
}

func (b *Box) addAdopt(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.discard", Purpose: "Throws your candidate away, or that of somebody who is no user any more.",
		Role: api.Editor, Effect: api.Candidate, Audit: "discard candidate {author}"}, b.discard)
	api.Add(reg, api.Method{Name: "config.adopt", Purpose: "Makes the candidate of somebody who is no user any more yours, if you have none.",
		Role: api.Admin, Effect: api.Candidate, Audit: "take over the candidate of {author}"}, b.adopt)
}

func (b *Box) discard(_ context.Context, c api.Call, p discardParams) (struct{}, error) {
	b.drafts.Lock()
	defer b.drafts.Unlock()
	defer b.draftChanged()
	if p.Author == "" || p.Author == c.Author {
		return struct{}{}, b.candidateError(b.cfg.Store.Discard(c.Author))
	}
	if c.Role < api.Admin {
		return struct{}{}, api.Errorf(api.CodeForbidden, "auth.role", "only an admin may discard somebody else's candidate")
	}
	if err := b.abandoned(c, p.Author); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, adoptError(b.cfg.Store.Discard(p.Author), p.Author)
}

func (b *Box) adopt(_ context.Context, c api.Call, p adoptParams) (Adopted, error) {
	b.drafts.Lock()
	defer b.drafts.Unlock()
	if p.Author == c.Author {
		return Adopted{}, api.Errorf(api.CodeConflict, "config.own_candidate", "the candidate of %s is yours already", p.Author)
	}
	if err := b.abandoned(c, p.Author); err != nil {
		return Adopted{}, err
	}
	cand, err := b.cfg.Store.GiveCandidate(p.Author, c.Author)
	if err != nil {
		return Adopted{}, adoptError(err, p.Author)
	}
	b.draftChanged()
	return Adopted{cand.Base, version(cand)}, nil
}

// abandoned refuses to touch the candidate of somebody who can do so. Who works over
// the Unix socket alone is no user of the box: an admin may step in there.
func (b *Box) abandoned(c api.Call, author string) error {
	if err := unscoped(c, "config"); err != nil {
		return err
	}
	a, err := b.identity()
	if err != nil {
		return err
	}
	if isAuthor(a.Users(), a.Tokens(""), author) {
		return api.Errorf(api.CodeForbidden, "config.not_abandoned",
			"%s is a user or an API token of this box, and the only one who may change that candidate", author)
	}
	return nil
}

// orphan says whether an author is nobody that [Box.abandoned] keeps an admin from.
func (b *Box) orphan(author string) bool {
	a, err := b.identity()
	return err == nil && !isAuthor(a.Users(), a.Tokens(""), author)
}

// adoptError is apiError for what was asked of another one's candidate.
func adoptError(err error, author string) error {
	switch {
	case errors.Is(err, store.ErrNoCandidate):
		return api.Errorf(api.CodeNotFound, "config.no_candidate", "%s has no candidate", author)
	case errors.Is(err, store.ErrCandidate):
		e := api.Errorf(api.CodeConflict, "config.have_candidate", "you have a candidate yourself: commit or discard it first")
		e.Hint = "config.discard"
		return e
	}
	return apiError(err)
}
