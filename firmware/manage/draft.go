// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

// A stamp says what a write was based on: forms show a text that another session
// may have changed since.
type stamp struct {
	Base    uint64 `json:"base,omitempty" doc:"revision that the candidate is believed to be made on, or that is believed to run where there is none"`
	Version string `json:"version,omitempty" doc:"version of your candidate that was shown; empty: base says enough"`
}

// A Draft tells of your candidate after a write.
type Draft struct {
	Base     uint64        `json:"base" doc:"revision that the candidate is made on"`
	Version  string        `json:"version,omitempty" doc:"of the candidate; empty: there is none"`
	Running  uint64        `json:"running" doc:"revision that runs; another one than base: see config.rebase"`
	Problems []api.Problem `json:"problems" doc:"mistakes and warnings: the candidate is kept with them, but not committed with a mistake"`
}

// An EditOp is one edit of the candidate.
type EditOp struct {
	Op     string                     `json:"op" doc:"patch, insert, remove, move or rename"`
	Path   string                     `json:"path,omitempty" doc:"of the block, such as pool/shop/member/web1; insert: of the parent, empty is the top"`
	Set    map[string]json.RawMessage `json:"set,omitempty" doc:"patch: attributes and their values; null removes one"`
	HCL    map[string]string          `json:"hcl,omitempty" doc:"patch, insert: attributes and their values as text in the language"`
	Unset  []string                   `json:"unset,omitempty" doc:"patch: attributes that are removed where they are given"`
	Before string                     `json:"before,omitempty" doc:"insert, move: the sibling that it is to stand before, such as rule/api; empty: the last of its type"`
	Text   string                     `json:"text,omitempty" doc:"insert: the block in HCL, with comments; or type, label and attributes"`
	Type   string                     `json:"type,omitempty" doc:"insert: type of the block"`
	Label  string                     `json:"label,omitempty" doc:"insert: its label; rename: the new name"`
}

type editParams struct {
	stamp
	Edits []EditOp `json:"edits" doc:"applied one after the other, all or none"`
}

type patchParams struct {
	stamp
	Path  string                     `json:"path" doc:"of the block, such as pool/shop/member/web1"`
	Set   map[string]json.RawMessage `json:"set,omitempty" doc:"attributes and their values; null removes one"`
	HCL   map[string]string          `json:"hcl,omitempty" doc:"attributes and their values as text in the language"`
	Unset []string                   `json:"unset,omitempty" doc:"attributes that are removed where they are given"`
}

type insertParams struct {
	stamp
	Parent string                     `json:"parent,omitempty" doc:"path of the block that it is to stand in; empty: the top"`
	Before string                     `json:"before,omitempty" doc:"the sibling that it is to stand before, such as rule/api; empty: the last of its type"`
	Text   string                     `json:"text,omitempty" doc:"the block in HCL, with comments; or type, label and attributes"`
	Type   string                     `json:"type,omitempty" doc:"of the block"`
	Label  string                     `json:"label,omitempty" doc:"of the block"`
	Set    map[string]json.RawMessage `json:"set,omitempty" doc:"attributes and their values"`
	HCL    map[string]string          `json:"hcl,omitempty" doc:"attributes and their values as text in the language"`
}

type removeParams struct {
	stamp
	Path string `json:"path" doc:"of the block"`
}

type moveParams struct {
	stamp
	Path   string `json:"path" doc:"of the block"`
	Before string `json:"before,omitempty" doc:"the sibling that it is to stand before, such as rule/api; empty: the last of its type"`
}

type renameParams struct {
	stamp
	Path string `json:"path" doc:"of the block"`
	Name string `json:"name" doc:"the new name; what refers to the block is changed too"`
}

func (b *Box) addDraft(reg *api.Registry) {
	write := func(name, purpose, audit string) api.Method {
		return api.Method{Name: name, Purpose: purpose, Role: api.Editor, Effect: api.Candidate, Audit: audit}
	}
	api.Add(reg, write("config.edit", "Changes blocks of your candidate by a list of edits, all or none.", "edit candidate"), b.edit)
	api.Add(reg, write("config.patch", "Sets and removes attributes of one block of your candidate.", "patch {path}"),
		func(_ context.Context, c api.Call, p patchParams) (Draft, error) {
			return b.change(c, p.stamp, EditOp{Op: "patch", Path: p.Path, Set: p.Set, HCL: p.HCL, Unset: p.Unset})
		})
	api.Add(reg, write("config.insert", "Puts a new block into your candidate.", "insert {type} {label} into {parent}"),
		func(_ context.Context, c api.Call, p insertParams) (Draft, error) {
			return b.change(c, p.stamp, EditOp{Op: "insert", Path: p.Parent, Before: p.Before, Text: p.Text, Type: p.Type,
				Label: p.Label, Set: p.Set, HCL: p.HCL})
		})
	api.Add(reg, write("config.remove", "Removes a block from your candidate.", "remove {path}"),
		func(_ context.Context, c api.Call, p removeParams) (Draft, error) {
			return b.change(c, p.stamp, EditOp{Op: "remove", Path: p.Path})
		})
	api.Add(reg, write("config.move", "Moves a block of your candidate among its siblings.", "move {path}"),
		func(_ context.Context, c api.Call, p moveParams) (Draft, error) {
			return b.change(c, p.stamp, EditOp{Op: "move", Path: p.Path, Before: p.Before})
		})
	api.Add(reg, write("config.rename", "Renames a block of your candidate, and everything that refers to it.", "rename {path} to {name}"),
		func(_ context.Context, c api.Call, p renameParams) (Draft, error) {
			return b.change(c, p.stamp, EditOp{Op: "rename", Path: p.Path, Label: p.Name})
		})
	b.addObject(reg)
}

func (b *Box) edit(_ context.Context, c api.Call, p editParams) (Draft, error) {
	return b.change(c, p.stamp, p.Edits...)
}

// version names the state of a candidate.
func version(c store.Candidate) string { return c.SHA256[:16] }

// change applies edits to the caller's candidate, which is made of the running
// revision where there is none.
func (b *Box) change(c api.Call, at stamp, edits ...EditOp) (Draft, error) {
	b.drafts.Lock()
	defer b.drafts.Unlock()
	text, base, err := b.editable(c, at)
	if err != nil {
		return Draft{}, err
	}
	for i, e := range edits {
		if text, err = e.apply(text); err != nil {
			err := editError(err)
			if len(edits) > 1 {
				err.Message = fmt.Sprintf("edit %d: %s", i+1, err.Message)
				err.Path = fmt.Sprintf("/edits/%d", i)
			}
			return Draft{}, err
		}
	}
	return b.keepDraft(c, text, base)
}

// editError tells of an edit that cannot be done: it changes nothing.
func editError(err error) *api.Error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e
	}
	e := api.Errorf(api.CodeParams, "config.edit", "%v", err)
	if found, ok := errors.AsType[config.Diagnostics](err); ok && len(found) > 0 {
		e.Message = Problems(found[:1])[0].Message
		e.Problems = Problems(found)
	}
	return e
}

// editable returns the text that a write begins with, and the revision that it is
// made on. It refuses a write that was based on something else.
func (b *Box) editable(c api.Call, at stamp) (text []byte, base uint64, err error) {
	if at.Base == 0 && at.Version == "" {
		return nil, 0, api.Errorf(api.CodeParams, "params.base", "say what the change is based on: the version of your candidate, or base, a revision")
	}
	cand, text, err := b.cfg.Store.Candidate(c.Author)
	if errors.Is(err, store.ErrNoCandidate) {
		running := b.cfg.Store.Running()
		switch {
		case at.Version != "":
			return nil, 0, b.stale(at.Version, store.Candidate{})
		case at.Base != running.Number:
			return nil, 0, b.refine(&store.ConflictError{Base: at.Base, Running: running})
		}
		text, err = b.cfg.Store.Text(running.Number)
		return text, running.Number, apiError(err)
	}
	if err != nil {
		return nil, 0, apiError(err)
	}
	if at.Version != "" && at.Version != version(cand) || at.Version == "" && at.Base != cand.Base {
		return nil, 0, b.stale(at.Version, cand)
	}
	return text, cand.Base, nil
}

// stale tells that the caller's candidate is not the one that a write was based
// on: another session of the same user has changed, committed or discarded it.
func (b *Box) stale(had string, cand store.Candidate) error {
	e := api.Errorf(api.CodeConflict, "config.stale", "your candidate is gone: it was committed or discarded")
	running := b.cfg.Store.Running()
	e.Args = map[string]any{"version": had, "running": running.Number, "author": running.Author, "time": running.Time}
	if cand.SHA256 != "" {
		e.Message = fmt.Sprintf("your candidate has changed since: by %s at %s, made on revision %d",
			cand.Author, cand.Time.UTC().Format(time.RFC3339), cand.Base)
		e.Args = map[string]any{"version": had, "current": version(cand), "base": cand.Base, "author": cand.Author, "time": cand.Time}
	}
	e.Hint = "config.object"
	return e
}

// refine gives the error of a conflict the values inside its message, and what
// the other revisions have changed.
func (b *Box) refine(conflict *store.ConflictError) error {
	e := apiError(conflict).(*api.Error)
	r := conflict.Running
	e.Args = map[string]any{"base": conflict.Base, "running": r.Number, "author": r.Author, "time": r.Time, "comment": r.Comment}
	if changes, err := b.changesBetween(conflict.Base, r.Number); err == nil {
		e.Args["changes"] = changes
	}
	e.Hint = "config.rebase"
	return e
}

// changesBetween tells what differs between two revisions.
func (b *Box) changesBetween(from, to uint64) ([]config.Change, error) {
	var roots [2]*config.Object
	for i, n := range []uint64{from, to} {
		text, err := b.cfg.Store.Text(n)
		if err != nil {
			return nil, err
		}
		var bad config.Diagnostics
		if roots[i], bad = config.Objects(text); bad.HasErrors() {
			return nil, bad
		}
	}
	return config.Compare(roots[0], roots[1]), nil
}

// keepDraft makes text the caller's candidate, with whatever mistakes it has.
func (b *Box) keepDraft(c api.Call, text []byte, base uint64) (Draft, error) {
	cand, err := b.cfg.Store.SetCandidate(c.Author, text, base)
	if err != nil {
		return Draft{}, apiError(err)
	}
	b.draftChanged()
	return Draft{Base: cand.Base, Version: version(cand), Running: b.cfg.Store.Running().Number,
		Problems: problemsOf(b.found(text))}, nil
}

// found returns every mistake and warning about a text, as far as they can be told
// without serving it.
func (b *Box) found(text []byte) config.Diagnostics {
	found, err := b.checked(text)
	if err == nil {
		return found
	}
	_, found = Check("candidate", text)
	return found
}

// problemsOf is Problems with an empty list for none.
func problemsOf(found config.Diagnostics) []api.Problem {
	if out := Problems(found); out != nil {
		return out
	}
	return []api.Problem{}
}

// apply does one edit.
func (e *EditOp) apply(text []byte) ([]byte, error) {
	path, err := parsePath(e.Path)
	if err != nil {
		return nil, err
	}
	before, err := e.sibling(path)
	if err != nil {
		return nil, err
	}
	var out []byte
	var bad config.Diagnostics
	switch e.Op {
	case "patch":
		return e.patch(text, path)
	case "insert":
		block := e.Text
		if block == "" {
			if block, err = e.block(path); err != nil {
				return nil, err
			}
		}
		out, bad = config.InsertBlock(text, path, before, block)
	case "remove":
		out, bad = config.RemoveBlock(text, path)
	case "move":
		out, bad = config.MoveBlock(text, path, before)
	case "rename":
		out, bad = config.Rename(text, path, e.Label)
	default:
		return nil, api.Errorf(api.CodeParams, "params.op", "op must be patch, insert, remove, move or rename, not %q", e.Op)
	}
	if bad.HasErrors() {
		return nil, bad
	}
	return out, nil
}
