// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

type rebaseParams struct {
	stamp
	Resolve map[string]Resolution `json:"resolve,omitempty" doc:"by paths of conflicts: which side is taken"`
	Trial   bool                  `json:"trial,omitempty" doc:"say what would come of it, and keep the candidate as it is"`
}

// A Resolution decides a conflict.
type Resolution struct {
	Take string `json:"take" doc:"mine, theirs or text"`
	Text string `json:"text,omitempty" doc:"with text: the block as it shall be; empty: it is removed"`
}

// A Conflict is a block that your candidate and a revision committed meanwhile
// both change.
type Conflict struct {
	Path     string    `json:"path" doc:"of the block; of an order: of the blocks' parent, with their type behind it"`
	Kind     string    `json:"kind" doc:"changed, added, removed (on one side, and changed on the other) or order"`
	Base     string    `json:"base" doc:"text before; empty: it was not there"`
	Mine     string    `json:"mine" doc:"text in your candidate; empty: it is removed"`
	Theirs   string    `json:"theirs" doc:"text that runs; empty: it was removed"`
	Revision uint64    `json:"revision,omitempty" doc:"the last that has changed it"`
	Author   string    `json:"author,omitempty" doc:"of that revision"`
	Time     time.Time `json:"time,omitzero" doc:"of that revision"`
}

// A Rebased tells how your candidate was put onto the running revision.
type Rebased struct {
	Draft
	Done      bool            `json:"done" doc:"false: there are conflicts, or it was a trial; the candidate is as it was"`
	Conflicts []Conflict      `json:"conflicts"`
	Changes   []config.Change `json:"changes" doc:"what the candidate changes then against the running revision"`
	Text      string          `json:"text,omitempty" doc:"of a trial"`
}

func (b *Box) addRebase(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.rebase", Purpose: "Puts your candidate onto the running revision, block by block.",
		Role: api.Editor, Effect: api.Candidate, Audit: "rebase candidate"}, b.rebase)
}

func (b *Box) rebase(_ context.Context, c api.Call, p rebaseParams) (Rebased, error) {
	b.drafts.Lock()
	defer b.drafts.Unlock()
	cand, _, err := b.cfg.Store.Candidate(c.Author)
	if err != nil {
		return Rebased{}, b.candidateError(err)
	}
	if p.Base == 0 && p.Version == "" {
		p.Version = version(cand)
	}
	mine, base, err := b.editable(c, p.stamp)
	if err != nil {
		return Rebased{}, err
	}
	running := b.cfg.Store.Running().Number
	before, err := b.cfg.Store.Text(base)
	if err != nil {
		return Rebased{}, apiError(err)
	}
	theirs, err := b.cfg.Store.Text(running)
	if err != nil {
		return Rebased{}, apiError(err)
	}
	choices := make(map[string]config.Choice)
	for path, r := range p.Resolve {
		choices[path] = config.Choice{Take: r.Take, Text: r.Text}
	}
	text, clashes, bad := config.Merge(before, mine, theirs, choices)
	if bad.HasErrors() {
		return Rebased{}, validation(bad)
	}
	out := Rebased{Draft: Draft{Base: base, Version: version(cand), Running: running, Problems: []api.Problem{}},
		Conflicts: b.attributed(clashes, base), Changes: []config.Change{}}
	if len(clashes) > 0 {
		return out, nil
	}
	if out.Changes, err = compare(theirs, text); err != nil {
		return Rebased{}, err
	}
	if p.Trial {
		out.Text, out.Problems = string(text), problemsOf(b.found(text))
		return out, nil
	}
	out.Done = true
	out.Draft, err = b.keepDraft(c, text, running)
	return out, err
}

// compare tells what changes from one text to another; a text whose syntax is
// wrong has no blocks to compare.
func compare(from, to []byte) ([]config.Change, error) {
	x, bad := config.Objects(from)
	if bad.HasErrors() {
		return nil, validation(bad)
	}
	y, bad := config.Objects(to)
	if bad.HasErrors() {
		return nil, validation(bad)
	}
	if out := config.Compare(x, y); out != nil {
		return out, nil
	}
	return []config.Change{}, nil
}

// attributed says of each conflict which revision after base has changed the
// block last.
func (b *Box) attributed(clashes []config.Conflict, base uint64) []Conflict {
	out := []Conflict{}
	if len(clashes) == 0 {
		return out
	}
	var revs []store.Revision // after base, the newest first
	var trees []*config.Object
	for _, r := range b.cfg.Store.History() {
		if r.Number < base {
			break
		}
		text, err := b.cfg.Store.Text(r.Number)
		if err != nil {
			break
		}
		root, bad := config.Objects(text)
		if bad.HasErrors() {
			break
		}
		revs, trees = append(revs, r), append(trees, root)
	}
	for _, k := range clashes {
		c := Conflict{Path: k.Path, Kind: k.Kind, Base: k.Base, Mine: k.Mine, Theirs: k.Theirs}
		for i := 0; i+1 < len(trees); i++ {
			if !trees[i].Find(k.At).Same(trees[i+1].Find(k.At)) {
				c.Revision, c.Author, c.Time = revs[i].Number, revs[i].Author, revs[i].Time
				break
			}
		}
		out = append(out, c)
	}
	return out
}
