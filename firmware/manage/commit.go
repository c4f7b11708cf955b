// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"slices"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

type commitParams struct {
	Comment string       `json:"comment,omitempty" doc:"why"`
	Confirm api.Duration `json:"confirm,omitempty" doc:"take the commit back unless it is confirmed within this time"`
	Base    uint64       `json:"base,omitempty" doc:"revision that is believed to run; 0: the candidate's"`
	Version string       `json:"version,omitempty" doc:"of the candidate that was reviewed; empty: whatever it is"`
	Seconds int          `json:"confirm_s,omitempty" doc:"confirm in seconds, 30 to 3600"`
	Force   bool         `json:"force,omitempty" doc:"even if tests of rules fail, or the network of the box changes without a confirm"`
}

type rollbackParams struct {
	Revision uint64       `json:"revision" doc:"revision whose text is brought back"`
	Comment  string       `json:"comment,omitempty" doc:"why"`
	Confirm  api.Duration `json:"confirm,omitempty" doc:"take the rollback back unless it is confirmed within this time"`
	Seconds  int          `json:"confirm_s,omitempty" doc:"confirm in seconds, 30 to 3600"`
	Draft    bool         `json:"as_candidate,omitempty" doc:"make the text your candidate, and serve nothing yet"`
	Force    bool         `json:"force,omitempty" doc:"even if tests of rules fail, or the network of the box changes without a confirm"`
}

type confirmParams struct {
	Revision uint64 `json:"revision,omitempty" doc:"0: the one that waits"`
}

type extendParams struct {
	Revision uint64       `json:"revision,omitempty" doc:"0: the one that waits"`
	By       api.Duration `json:"by,omitempty" doc:"time added to what is left; together 24h at most; 5m"`
}

// A Committed tells of the revision that runs now.
type Committed struct {
	Revision store.Revision `json:"revision"`
	Pending  *Pending       `json:"pending,omitempty" doc:"set while it waits for its confirm"`
	Problems []api.Problem  `json:"problems,omitempty" doc:"warnings"`
	Draft    *Draft         `json:"draft,omitempty" doc:"of a rollback that has made a candidate only"`
	URLs     []string       `json:"urls,omitempty" doc:"where the console is now, if it has moved"`
	Handover string         `json:"handover,omitempty" secret:"true" doc:"token that lets you in at one of urls, once, within 5 minutes"`
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
	confirm, err := confirmTime(p.Confirm, p.Seconds)
	if err == nil {
		err = b.upgradeLock()
	}
	if err != nil {
		return Committed{}, err
	}
	b.drafts.Lock() // what is checked is what is committed
	defer b.drafts.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	cand, text, err := b.cfg.Store.Candidate(c.Author)
	if err != nil {
		return Committed{}, b.candidateError(err)
	}
	if p.Version != "" && p.Version != version(cand) {
		return Committed{}, b.stale(p.Version, cand)
	}
	defer b.draftChanged()
	return b.serveNew(c, text, confirm > 0, p.Force, func() (store.Revision, error) {
		return b.cfg.Store.Commit(store.CommitOptions{Author: c.Author, Origin: origin(c),
			Comment: p.Comment, Base: p.Base, Confirm: confirm})
	})
}

// confirmTime reads the two ways to ask for a confirm.
func confirmTime(d api.Duration, seconds int) (time.Duration, error) {
	if seconds == 0 {
		return time.Duration(d), nil
	}
	if seconds < 30 || seconds > 3600 || d != 0 {
		return 0, api.Errorf(api.CodeParams, "params.confirm_s", "confirm_s must be 30 to 3600, without confirm, not %d", seconds)
	}
	return time.Duration(seconds) * time.Second, nil
}

func (b *Box) rollback(_ context.Context, c api.Call, p rollbackParams) (Committed, error) {
	confirm, err := confirmTime(p.Confirm, p.Seconds)
	if err == nil && !p.Draft {
		err = b.upgradeLock()
	}
	if err != nil {
		return Committed{}, err
	}
	b.drafts.Lock()
	defer b.drafts.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := b.cfg.Store.Text(p.Revision)
	if err != nil {
		return Committed{}, apiError(err)
	}
	running := b.cfg.Store.Running()
	if p.Draft {
		d, err := b.keepDraft(c, text, running.Number)
		return Committed{Revision: running, Pending: b.pending(), Draft: &d}, err
	}
	return b.serveNew(c, text, confirm > 0, p.Force, func() (store.Revision, error) {
		return b.cfg.Store.Rollback(p.Revision, store.CommitOptions{Author: c.Author, Origin: origin(c),
			Comment: p.Comment, Base: running.Number, Confirm: confirm})
	})
}

// admit refuses a text that the caller may not commit, or whose tests fail. It
// returns the configuration that runs, as far as it can be read.
func (b *Box) admit(c api.Call, text []byte, cfg *config.Config, force bool) (*config.Config, error) {
	served, err := b.cfg.Store.Text(b.cfg.Store.Running().Number)
	if err != nil {
		return nil, apiError(err)
	}
	if err := mayCommit(c, served, text); err != nil {
		return nil, err
	}
	if len(cfg.Clusters) > 0 && !force {
		if err := b.guardTests(cfg); err != nil {
			return nil, err
		}
	}
	before, _ := Check("running", served)
	return before, nil
}

// handOver tells a session where the console has gone, and lets it in there.
func (b *Box) handOver(c api.Call, out *Committed, before, after *config.Config) {
	if before == nil || slices.Equal(before.Console.Listen, after.Console.Listen) {
		return
	}
	out.URLs = consoleURLs(&after.Console)
	if c.Session == "" || b.cfg.Auth == nil || len(out.URLs) == 0 {
		return
	}
	token, err := b.cfg.Auth.Handover(c.Session)
	if err != nil { // such as an API token, which no browser can use
		b.log.Warn("session not handed over", "author", c.Author, "err", err)
		return
	}
	out.Handover = token
}

// serveNew commits text and serves it. What can fail is tried before the commit:
// a port that is taken leaves the candidate and the history as they were. A crash
// after the commit starts with the new revision. Waits is set where the commit waits
// for its confirm.
func (b *Box) serveNew(c api.Call, text []byte, waits, force bool, commit func() (store.Revision, error)) (Committed, error) {
	cfg, found := Check("candidate", text)
	if cfg == nil {
		return Committed{}, validation(found)
	}
	old, err := b.admit(c, text, cfg, force)
	if err != nil {
		return Committed{}, err
	}
	if err := guardNetwork(c, old, cfg, waits, force); err != nil {
		return Committed{}, err
	}
	if err := b.reserve(cfg); err != nil {
		return Committed{}, apiError(err)
	}
	before := b.cfg.Store.Running()
	rev, err := commit()
	if err != nil {
		b.unreserve()
		return Committed{}, b.conflictError(err)
	}
	if err = b.serve(cfg, rev.Number); err == nil {
		out := Committed{Revision: rev, Pending: b.pending(), Problems: Problems(found)}
		b.handOver(c, &out, old, cfg)
		b.confirmChanged()
		b.sharedChanged()
		return out, nil
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

// conflictError is apiError that tells of a conflict what was changed, by whom.
func (b *Box) conflictError(err error) error {
	if conflict, ok := errors.AsType[*store.ConflictError](err); ok {
		return b.refine(conflict)
	}
	return apiError(err)
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
	if err := b.mayCommitRevision(c, b.cfg.Store.Running().Number); err != nil {
		return Committed{}, err
	}
	err := b.cfg.Store.Confirm(b.waiting(p.Revision), store.By{Author: c.Author, Origin: origin(c)})
	b.confirmChanged()
	b.sharedChanged()
	return Committed{Revision: b.cfg.Store.Running(), Pending: b.pending()}, apiError(err)
}

func (b *Box) extend(_ context.Context, c api.Call, p extendParams) (Committed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.mayCommitRevision(c, b.cfg.Store.Running().Number); err != nil {
		return Committed{}, err
	}
	if p.By == 0 {
		p.By = api.Duration(5 * time.Minute)
	}
	left := time.Duration(0)
	if waits, ok := b.cfg.Store.Pending(); ok {
		left = waits.Left
	}
	err := b.cfg.Store.Extend(b.waiting(p.Revision), left+time.Duration(p.By), store.By{Author: c.Author, Origin: origin(c)})
	b.confirmChanged()
	return Committed{Revision: b.cfg.Store.Running(), Pending: b.pending()}, apiError(err)
}

func (b *Box) revert(_ context.Context, c api.Call, _ struct{}) (Committed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.mayCommitRevision(c, b.cfg.Store.Running().Number); err != nil {
		return Committed{}, err
	}
	if _, err := b.cfg.Store.Revert(store.By{Author: c.Author, Origin: origin(c)}); err != nil {
		return Committed{}, apiError(err)
	}
	b.serveRunning()
	b.confirmChanged()
	b.sharedChanged()
	return Committed{Revision: b.cfg.Store.Running()}, nil
}
