// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/phrase"
	"evener/firmware/store"
)

// parse checks a text as far as that goes without serving it.
func parse(text []byte, number uint64) (*config.Config, error) {
	name := "candidate"
	if number != 0 {
		name = fmt.Sprintf("revision-%d", number)
	}
	cfg, found := Check(name, text)
	if found.HasErrors() {
		return nil, validation(found)
	}
	return cfg, nil
}

// Check finds every mistake in a configuration, those in rules too. cfg is nil
// if there is an error.
func Check(name string, text []byte) (*config.Config, config.Diagnostics) {
	return config.ParseWith(name, text, lb.Check)
}

// checked checks a text on this box, and returns what does not keep it from being
// a candidate: warnings, and that it names certificates which a commit would miss.
func (b *Box) checked(text []byte) (config.Diagnostics, error) {
	cfg, found := Check("candidate", text)
	if cfg == nil {
		return nil, validation(found)
	}
	for _, d := range b.cfg.Balancer.Lacks(cfg) {
		d.Warning = true
		found = append(found, d)
	}
	found.Sort()
	return found, nil
}

// validation turns mistakes into the error of a call.
func validation(found config.Diagnostics) error {
	e := &api.Error{Code: api.CodeValidation, Kind: "config.invalid", Problems: Problems(found)}
	n := 0
	for _, p := range e.Problems {
		if !p.Warning {
			n++
		}
	}
	e.Message = fmt.Sprintf("the configuration has %d mistakes", n)
	if n == 1 {
		e.Message = "the configuration has a mistake"
	}
	return e
}

// maxSaid is how many mistakes of one text are taken apart for translation: a text
// can have a thousand, made to cost much.
const maxSaid = 250

// Problems lists mistakes as programs read them.
func Problems(found config.Diagnostics) []api.Problem {
	var out []api.Problem
	for _, d := range found {
		msg := d.Msg
		if d.Path != "" {
			msg = d.Path + ": " + d.Msg
		}
		p := api.Problem{File: d.Range.Filename, Line: d.Range.Start.Line,
			Col: d.Range.Start.Column, Message: msg, Warning: d.Warning}
		if len(out) < maxSaid {
			p.Said = phrase.Mistake(d.Path, d.Msg)
		}
		out = append(out, p)
	}
	return out
}

// apiError gives errors of the store and the balancer their codes.
func apiError(err error) error {
	var (
		conflict *store.ConflictError
		pending  *store.PendingError
		missing  *store.NotFoundError
		unknown  *lb.NotFoundError
		guard    *lb.GuardError
		state    *lb.StateError
		question *lb.QuestionError
		cert     *lb.CertificateError
		found    config.Diagnostics
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &conflict):
		e := api.Errorf(api.CodeConflict, "config.conflict", "%v", err)
		e.Hint = "config.diff"
		return e
	case errors.As(err, &pending):
		e := api.Errorf(api.CodeConfirmPending, "config.confirm_pending", "%v", err)
		p := pending.Pending
		e.Args = map[string]any{"revision": p.Revision.Number, "author": p.Revision.Author, "deadline": p.Deadline,
			"left_ms": p.Left.Milliseconds()}
		return e
	case errors.Is(err, store.ErrNoCandidate):
		e := api.Errorf(api.CodeNotFound, "config.no_candidate", "you have no candidate")
		e.Hint = "config.set"
		return e
	case errors.As(err, &missing), errors.As(err, &unknown), errors.Is(err, store.ErrNotPending):
		return api.Errorf(api.CodeNotFound, "not_found", "%v", err)
	case errors.As(err, &guard):
		e := api.Errorf(api.CodeGuard, "guard.last_server", "%v", err)
		e.Hint = "force"
		return e
	case errors.As(err, &state):
		return api.Errorf(api.CodeConflict, "member.state", "%v", err)
	case errors.As(err, &cert):
		return api.Errorf(api.CodeFailed, "certificate.source", "%v", err)
	case errors.As(err, &question):
		return api.Errorf(api.CodeParams, "params.request", "%v", err)
	case errors.As(err, &found):
		return validation(found)
	}
	return err
}

// candidateError is apiError for what needs the caller's candidate. A commit that
// was taken back has used it up: then it says where the text is.
func (b *Box) candidateError(err error) error {
	rev, ok := takenBack(b.cfg.Store.History())
	if !ok || !errors.Is(err, store.ErrNoCandidate) {
		return apiError(err)
	}
	return &api.Error{Code: api.CodeNotFound, Kind: "config.no_candidate", Hint: "config.set",
		Message: fmt.Sprintf("you have no candidate; revision %d was taken back: evener config show %d has its text",
			rev.Number, rev.Number)}
}

// A Text is a configuration's text.
type Text struct {
	Text     string `json:"text" doc:"configuration in HCL"`
	Revision uint64 `json:"revision" doc:"revision that it is, or was made on"`
}

type textParams struct {
	Revision uint64 `json:"revision,omitempty" doc:"0: the running one"`
	Defaults bool   `json:"defaults,omitempty" doc:"print every default too"`
	JSON     bool   `json:"json,omitempty" doc:"the checked values as JSON in place of the text"`
}

type checkParams struct {
	Text string `json:"text,omitempty" doc:"whole configuration in HCL; empty: your candidate"`
}

type setParams struct {
	Text string `json:"text" doc:"whole configuration in HCL"`
	Base uint64 `json:"base,omitempty" doc:"revision that the text was made on; 0: the running one"`

	Version string `json:"version,omitempty" doc:"of the candidate that it replaces; empty: whatever it is"`
	Draft   bool   `json:"draft,omitempty" doc:"keep it even with mistakes"`
}

// A Checked tells what was found in a text.
type Checked struct {
	Base     uint64        `json:"base,omitempty" doc:"revision that the candidate is made on"`
	Version  string        `json:"version,omitempty" doc:"of the candidate"`
	Problems []api.Problem `json:"problems" doc:"warnings; of a draft mistakes too"`
}

func (b *Box) addConfig(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.text", Purpose: "Shows the text of a revision.",
		Role: api.Viewer, Effect: api.Read}, b.text)
	api.Add(reg, api.Method{Name: "config.candidate", Purpose: "Shows the text of your candidate.",
		Role: api.Editor, Effect: api.Read}, b.candidate)
	api.Add(reg, api.Method{Name: "config.check", Purpose: "Checks a text, or your candidate, and keeps nothing.",
		Role: api.Viewer, Effect: api.Read}, b.check)
	api.Add(reg, api.Method{Name: "config.set", Purpose: "Makes a text your candidate.",
		Role: api.Editor, Effect: api.Candidate, Audit: "set candidate"}, b.set)
	b.addAdopt(reg)
	api.Add(reg, api.Method{Name: "config.diff", Purpose: "Compares two revisions, or your candidate with the running one.",
		Role: api.Viewer, Effect: api.Read}, b.diff)
	api.Add(reg, api.Method{Name: "config.history", Purpose: "Lists the revisions, the newest first.",
		Role: api.Viewer, Effect: api.Read}, b.history)
}

func (b *Box) text(_ context.Context, c api.Call, p textParams) (Text, error) {
	if p.Revision == 0 {
		p.Revision = b.cfg.Store.Running().Number
	}
	text, err := b.cfg.Store.Text(p.Revision)
	if err != nil {
		return Text{}, apiError(err)
	}
	if text, err = veil(c, text); err != nil {
		return Text{}, err
	}
	if p.Defaults || p.JSON {
		cfg, err := parse(text, p.Revision)
		if err != nil {
			return Text{}, err
		}
		text = cfg.Text(p.Defaults)
		if p.JSON {
			if text, err = cfg.JSON(); err != nil {
				return Text{}, err
			}
		}
	}
	return Text{string(text), p.Revision}, nil
}

func (b *Box) candidate(_ context.Context, c api.Call, _ struct{}) (Text, error) {
	cand, text, err := b.cfg.Store.Candidate(c.Author)
	if err != nil {
		return Text{}, b.candidateError(err)
	}
	return Text{string(text), cand.Base}, nil
}

func (b *Box) check(_ context.Context, c api.Call, p checkParams) (Checked, error) {
	text, base := []byte(p.Text), uint64(0)
	if p.Text == "" {
		cand, own, err := b.cfg.Store.Candidate(c.Author)
		if err != nil {
			return Checked{}, b.candidateError(err)
		}
		text, base = own, cand.Base
	}
	found, err := b.checked(text)
	return Checked{Base: base, Problems: Problems(found)}, err
}

func (b *Box) set(_ context.Context, c api.Call, p setParams) (Checked, error) {
	found, err := b.checked([]byte(p.Text))
	if err != nil && !p.Draft {
		return Checked{}, err
	}
	if err != nil {
		_, found = Check("candidate", []byte(p.Text))
	}
	b.drafts.Lock()
	defer b.drafts.Unlock()
	if p.Version != "" {
		had, _, err := b.cfg.Store.Candidate(c.Author)
		if err != nil || version(had) != p.Version {
			return Checked{}, b.stale(p.Version, had)
		}
	}
	if p.Base == 0 {
		p.Base = b.cfg.Store.Running().Number
	}
	cand, err := b.cfg.Store.SetCandidate(c.Author, []byte(p.Text), p.Base)
	if err != nil {
		return Checked{}, apiError(err)
	}
	b.draftChanged()
	return Checked{Base: cand.Base, Version: version(cand), Problems: Problems(found)}, nil
}

type diffParams struct {
	From uint64 `json:"from,omitempty" doc:"0: the running revision"`
	To   uint64 `json:"to,omitempty" doc:"0: your candidate"`
}

// A Diff is the difference between two texts.
type Diff struct {
	Text    string `json:"text" doc:"unified diff; empty when nothing differs"`
	Base    uint64 `json:"base,omitempty" doc:"set where the candidate was made on another revision than the one that runs: which"`
	Running uint64 `json:"running,omitempty" doc:"with base: the revision that runs"`
	Own     string `json:"own,omitempty" doc:"with base: what the candidate changes against that, as a unified diff"`
}

func (b *Box) diff(_ context.Context, c api.Call, p diffParams) (Diff, error) {
	running := b.cfg.Store.Running().Number
	switch {
	case p.From == 0 && p.To == 0 && c.Role < api.Editor:
		return Diff{}, api.Errorf(api.CodeForbidden, "auth.role", "candidates are for editors: name two revisions")
	case p.From == 0 && p.To == 0:
		return b.diffCandidate(c.Author, running)
	case p.From == 0:
		p.From = running
	case p.To == 0:
		p.To = running
	}
	if c.Role < api.Editor {
		return b.veiledDiff(c, p.From, p.To)
	}
	text, err := b.cfg.Store.Diff(p.From, p.To)
	return Diff{Text: text}, apiError(err)
}

// diffCandidate compares an author's candidate with the running revision and,
// where it was made on another one, with that too.
func (b *Box) diffCandidate(author string, running uint64) (Diff, error) {
	cand, text, err := b.cfg.Store.Candidate(author)
	if err != nil {
		return Diff{}, b.candidateError(err)
	}
	served, err := b.cfg.Store.Text(running)
	if err != nil {
		return Diff{}, apiError(err)
	}
	d := Diff{Text: store.Unified(fmt.Sprintf("revision %d", running), "candidate of "+author, string(served), string(text))}
	if cand.Base == running {
		return d, nil
	}
	d.Base, d.Running = cand.Base, running
	if d.Own, err = b.cfg.Store.DiffCandidate(author); errors.As(err, new(*store.NotFoundError)) {
		return d, nil // so old that its base is gone
	}
	return d, apiError(err)
}

// A History lists revisions.
type History struct {
	Revisions []store.Revision `json:"revisions"`
	Pending   *Pending         `json:"pending,omitempty" doc:"commit that waits for its confirm"`
}

// A Pending is a commit that waits for its confirm.
type Pending struct {
	Revision uint64       `json:"revision"`
	Left     api.Duration `json:"left" doc:"until it is taken back"`
	Deadline time.Time    `json:"deadline"`
	Now      time.Time    `json:"now" doc:"the box's clock, by which the deadline is"`
	Author   string       `json:"author" doc:"who has committed"`
	Comment  string       `json:"comment,omitempty"`
}

func (b *Box) history(context.Context, api.Call, struct{}) (History, error) {
	h := History{Revisions: b.cfg.Store.History(), Pending: b.pending()}
	return h, nil
}

func (b *Box) pending() *Pending {
	p, ok := b.cfg.Store.Pending()
	if !ok {
		return nil
	}
	return &Pending{Revision: p.Revision.Number, Left: api.Duration(p.Left.Round(time.Second)), Deadline: p.Deadline,
		Now: time.Now().UTC(), Author: p.Revision.Author, Comment: p.Revision.Comment}
}
