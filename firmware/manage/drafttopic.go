// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"time"

	"evener/firmware/api"
	"evener/firmware/store"
)

// topics are told when what they show changes; they are nil before Methods.
type topics struct {
	candidate, confirm, certificates, captures *api.Topic
	requests                                   *api.Topic
	hardware                                   *api.Topic
	ports, network, time                       *api.Topic
	sessions, tokens, users                    *api.Topic
}

// changed tells who watches t, which may be nil.
func changed(t *api.Topic) {
	if t != nil {
		t.Changed()
	}
}

// A DraftState tells of somebody's candidate. Of others there is only how much it
// changes.
type DraftState struct {
	Author  string    `json:"author"`
	Base    uint64    `json:"base" doc:"revision that it is made on"`
	Running uint64    `json:"running" doc:"revision that runs; another one than base: see config.rebase"`
	Time    time.Time `json:"time" doc:"of its last change"`
	Version string    `json:"version,omitempty" doc:"of your own"`
	Changes int       `json:"changes" doc:"how many things it changes against the revision that it is based on; -1: its syntax is wrong"`
	Orphan  bool      `json:"orphan,omitempty" doc:"its author is neither a user nor an API token: an admin may take it over or discard it"`
}

// A ConfirmState tells of the commit that waits for its confirm.
type ConfirmState struct {
	Revision uint64    `json:"revision"`
	Author   string    `json:"author" doc:"who has committed"`
	Comment  string    `json:"comment,omitempty"`
	Deadline time.Time `json:"deadline" doc:"when it is taken back"`
	Now      time.Time `json:"now" doc:"the box's clock, by which the deadline is"`
}

func (b *Box) addDraftTopics(reg *api.Registry) {
	b.topics.candidate = api.AddState(reg, api.Topic{Name: "state.candidate", Role: api.Viewer, Private: true, Every: 5 * time.Second,
		Purpose: "Your candidate, as an object named own, and those of others, by their authors with other/ before. Those of others that change nothing are left out."}, b.draftState)
	b.topics.confirm = api.AddState(reg, api.Topic{Name: "state.confirm", Role: api.Viewer, Every: time.Second,
		Purpose: "The commit that waits for its confirm, as an object named pending."}, b.confirmState)
}

// draftChanged tells who watches candidates that one has changed.
func (b *Box) draftChanged() { changed(b.topics.candidate) }

// confirmChanged tells who watches that a commit waits, or does not any more.
func (b *Box) confirmChanged() { changed(b.topics.confirm) }

func (b *Box) draftState(_ context.Context, c api.Call, _ struct{}) (map[string]DraftState, error) {
	out := make(map[string]DraftState)
	running := b.cfg.Store.Running().Number
	for _, d := range b.cfg.Store.Candidates() {
		n, err := b.countChanges(d.Author, running)
		if errors.Is(err, store.ErrNoCandidate) {
			continue // it has just been committed
		}
		if err != nil {
			n = -1
		}
		s := DraftState{Author: d.Author, Base: d.Base, Running: running, Time: d.Time, Changes: n}
		if d.Author == c.Author {
			s.Version = version(d)
			out["own"] = s
		} else if n != 0 {
			s.Orphan = b.orphan(d.Author)
			out["other/"+d.Author] = s
		}
	}
	return out, nil
}

// countChanges counts what an author's candidate changes.
func (b *Box) countChanges(author string, running uint64) (int, error) {
	cand, text, err := b.cfg.Store.Candidate(author)
	if err != nil {
		return 0, err
	}
	before, err := b.cfg.Store.Text(cand.Base)
	if err != nil { // so old that its base is gone
		before, err = b.cfg.Store.Text(running)
	}
	if err != nil {
		return 0, err
	}
	changes, err := compare(before, text)
	return len(changes), err
}

func (b *Box) confirmState(context.Context, api.Call, struct{}) (map[string]ConfirmState, error) {
	p := b.pending()
	if p == nil {
		return map[string]ConfirmState{}, nil
	}
	return map[string]ConfirmState{"pending": {Revision: p.Revision, Author: p.Author, Comment: p.Comment,
		Deadline: p.Deadline, Now: p.Now.Truncate(time.Second)}}, nil
}
