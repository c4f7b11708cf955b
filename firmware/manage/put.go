// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

type putParams struct {
	Text    string       `json:"text" doc:"whole configuration in HCL"`
	Base    uint64       `json:"base,omitempty" doc:"revision that the text was made on; 0: whatever runs"`
	DryRun  bool         `json:"dry_run,omitempty" doc:"say what would change, and change nothing"`
	Comment string       `json:"comment,omitempty" doc:"why"`
	Confirm api.Duration `json:"confirm,omitempty" doc:"take it back unless it is confirmed within this time"`
	Seconds int          `json:"confirm_s,omitempty" doc:"confirm in seconds, 30 to 3600"`
	Force   bool         `json:"force,omitempty" doc:"even if tests of rules fail, or the network of the box changes without a confirm"`
}

// A Put tells what a whole text has changed, or would.
type Put struct {
	Committed
	Changes []config.Change `json:"changes" doc:"by block"`
}

func (b *Box) addPut(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.put", Purpose: "Serves a whole text from now on, or tells what it would change; candidates stay as they are.",
		Role: api.Editor, Effect: api.Commit, Audit: "put a whole configuration: {comment} (dry run: {dry_run})"}, b.put)
}

// put is plan and apply for programs that keep the whole configuration. A text
// that changes nothing makes no revision: doing it again is as good as once.
func (b *Box) put(_ context.Context, c api.Call, p putParams) (Put, error) {
	confirm, err := confirmTime(p.Confirm, p.Seconds)
	if err != nil {
		return Put{}, err
	}
	found, err := b.checked([]byte(p.Text))
	if err != nil {
		return Put{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	running := b.cfg.Store.Running()
	if p.Base == 0 {
		p.Base = running.Number
	}
	if p.Base != running.Number {
		return Put{}, b.conflictError(&store.ConflictError{Base: p.Base, Running: running})
	}
	served, err := b.cfg.Store.Text(running.Number)
	if err != nil {
		return Put{}, apiError(err)
	}
	out := Put{Committed: Committed{Revision: running, Pending: b.pending(), Problems: Problems(found)}}
	if out.Changes, err = compare(served, []byte(p.Text)); err != nil {
		return Put{}, err
	}
	if p.DryRun || p.Text == string(served) {
		return out, nil
	}
	out.Committed, err = b.serveNew(c, []byte(p.Text), confirm > 0, p.Force, func() (store.Revision, error) {
		return b.cfg.Store.CommitText([]byte(p.Text), store.CommitOptions{Author: c.Author, Origin: origin(c),
			Comment: p.Comment, Base: p.Base, Confirm: confirm})
	})
	return out, err
}
