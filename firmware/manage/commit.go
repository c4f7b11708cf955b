// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

type commitParams struct {
	Comment string       `json:"comment,omitempty" doc:"why"`
	Confirm api.Duration `json:"confirm,omitempty" doc:"take the commit back unless it is confirmed within this time"`
	Base    uint64       `json:"base,omitempty" doc:"revision that is believed to run; 0: the candidate's"`
}

type rollbackParams struct {
	Revision uint64       `json:"revision" doc:"revision whose text is brought back"`
	Comment  string       `json:"comment,omitempty" doc:"why"`
	Confirm  api.Duration `json:"confirm,omitempty" doc:"take the rollback back unless it is confirmed within this time"`
}

type confirmParams struct {
	Revision uint64 `json:"revision,omitempty" doc:"0: the one that waits"`
}

type extendParams struct {
	Revision uint64       `json:"revision,omitempty" doc:"0: the one that waits"`
	By       api.Duration `json:"by" doc:"time added to what is left; together 24h at most"`
}

// A Committed tells of the revision that runs now.
type Committed struct {
	Revision store.Revision `json:"revision"`
	Pending  *Pending       `json:"pending,omitempty" doc:"set while it waits for its confirm"`
	Problems []api.Problem  `json:"problems,omitempty" doc:"warnings"`
}

func (b *Box) addCommit(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.commit", Purpose: "Serves your candidate from now on.",
		Role: api.Editor, Effect: api.Commit, Audit: "commit {comment}"}, b.commit)
	api.Add(reg, api.Method{Name: "config.confirm", Purpose: "Keeps a commit that waits for its confirm.",
		Role: api.Editor, Effect: api.Commit, Audit: "confirm {revision}"}, b.confirm)
	api.Add(reg, api.Method{Name: "config.extend", Purpose: "Gives a commit that waits more time.",
		Role: api.Editor, Effect: api.Commit, Audit: "extend {revision} by {by}"}, b.extend)
	api.Add(reg, api.Method{Name: "config.revert", Purpose: "Takes a commit that waits for its confirm back now.",
		Role: api.Editor, Effect: api.Commit, Audit: "revert"}, b.revert)
	api.Add(reg, api.Method{Name: "config.rollback", Purpose: "Serves the text of an older revision, as a new one.",
		Role: api.Editor, Effect: api.Commit, Audit: "roll back to {revision}"}, b.rollback)
}

func origin(c api.Call) store.Origin {
	if c.Origin == "" {
		return store.API
	}
	return store.Origin(c.Origin)
}

func (b *Box) commit(_ context.Context, c api.Call, p commitParams) (Committed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, text, err := b.cfg.Store.Candidate(c.Author)
	if err != nil {
		return Committed{}, b.candidateError(err)
	}
	return b.serveNew(c, text, func() (store.Revision, error) {
		return b.cfg.Store.Commit(store.CommitOptions{Author: c.Author, Origin: origin(c),
			Comment: p.Comment, Base: p.Base, Confirm: time.Duration(p.Confirm)})
	})
}

func (b *Box) rollback(_ context.Context, c api.Call, p rollbackParams) (Committed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := b.cfg.Store.Text(p.Revision)
	if err != nil {
		return Committed{}, apiError(err)
	}
	return b.serveNew(c, text, func() (store.Revision, error) {
		return b.cfg.Store.Rollback(p.Revision, store.CommitOptions{Author: c.Author, Origin: origin(c),
			Comment: p.Comment, Base: b.cfg.Store.Running().Number, Confirm: time.Duration(p.Confirm)})
	})
}

// serveNew commits text and serves it. What can fail is tried before the commit:
// a port that is taken leaves the candidate and the history as they were. A crash
// after the commit starts with the new revision.
func (b *Box) serveNew(c api.Call, text []byte, commit func() (store.Revision, error)) (Committed, error) {
	cfg, found := Check("candidate", text)
	if cfg == nil {
		return Committed{}, validation(found)
	}
	if err := b.reserve(cfg); err != nil {
		return Committed{}, apiError(err)
	}
	before := b.cfg.Store.Running()
	rev, err := commit()
	if err != nil {
		b.unreserve()
		return Committed{}, apiError(err)
	}
	if err = b.serve(cfg, rev.Number); err == nil {
		return Committed{rev, b.pending(), Problems(found)}, nil
	}
	if undo := b.undo(before, c); undo != nil {
		b.log.Error("failed commit not taken back", "rev", rev.Number, "err", undo)
	}
	b.serveRunning()
	b.cfg.Balancer.Unreserve()
	return Committed{}, apiError(err)
}

// reserve gets everything that serving cfg needs from others: ports and files.
func (b *Box) reserve(cfg *config.Config) error {
	if err := b.cfg.Balancer.Reserve(cfg); err != nil {
		return err
	}
	if err := b.outputs(cfg); err != nil {
		b.unreserve()
		return err
	}
	return nil
}

// unreserve goes back to what the running configuration needs.
func (b *Box) unreserve() {
	now := b.cfg.Balancer.Config()
	if now == nil {
		now = &config.Config{}
	}
	if err := b.outputs(now); err != nil {
		b.unserved.set(err)
	}
	b.cfg.Balancer.Unreserve()
}

// undo makes before the running revision again.
func (b *Box) undo(before store.Revision, c api.Call) error {
	if _, waits := b.cfg.Store.Pending(); waits {
		_, err := b.cfg.Store.Revert(store.By{Author: c.Author, Origin: origin(c)})
		return err
	}
	_, err := b.cfg.Store.Rollback(before.Number, store.CommitOptions{Author: c.Author,
		Origin: origin(c), Base: b.cfg.Store.Running().Number,
		Comment: "the commit could not be served"})
	return err
}

func (b *Box) waiting(n uint64) uint64 {
	if n == 0 {
		if p, ok := b.cfg.Store.Pending(); ok {
			return p.Revision.Number
		}
	}
	return n
}

func (b *Box) confirm(_ context.Context, c api.Call, p confirmParams) (Committed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.cfg.Store.Confirm(b.waiting(p.Revision), store.By{Author: c.Author, Origin: origin(c)})
	return Committed{Revision: b.cfg.Store.Running(), Pending: b.pending()}, apiError(err)
}

func (b *Box) extend(_ context.Context, c api.Call, p extendParams) (Committed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := time.Duration(0)
	if waits, ok := b.cfg.Store.Pending(); ok {
		left = waits.Left
	}
	err := b.cfg.Store.Extend(b.waiting(p.Revision), left+time.Duration(p.By), store.By{Author: c.Author, Origin: origin(c)})
	return Committed{Revision: b.cfg.Store.Running(), Pending: b.pending()}, apiError(err)
}

func (b *Box) revert(_ context.Context, c api.Call, _ struct{}) (Committed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.cfg.Store.Revert(store.By{Author: c.Author, Origin: origin(c)}); err != nil {
		return Committed{}, apiError(err)
	}
	b.serveRunning()
	return Committed{Revision: b.cfg.Store.Running()}, nil
}
