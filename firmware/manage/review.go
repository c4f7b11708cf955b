// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

// A Review is all that is to be known before a commit of your candidate.
type Review struct {
	Base      uint64          `json:"base" doc:"revision that the candidate is made on"`
	Running   uint64          `json:"running" doc:"revision that runs; another one than base: see config.rebase"`
	Version   string          `json:"version" doc:"of the candidate"`
	Changes   []config.Change `json:"changes" doc:"what a commit changes; where another revision was committed meanwhile: after config.rebase, with your side of what conflicts"`
	Text      string          `json:"text" doc:"the same as a unified diff"`
	Problems  []api.Problem   `json:"problems" doc:"mistakes, which keep it from being committed, and warnings of the language"`
	Warnings  []Warning       `json:"warnings" doc:"of what the commit would mean: lockout.*, lint.*, tests.failed"`
	Tests     []RuleTest      `json:"tests"`
	Conflicts []Conflict      `json:"conflicts" doc:"with what was committed meanwhile"`
	Confirm   Advice          `json:"confirm" doc:"whether the commit should wait for its confirm"`
	Outside   string          `json:"outside,omitempty" doc:"block that you may not change: the commit will be refused"`
}

func (b *Box) addReview(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.review", Purpose: "Tells what a commit of your candidate changes and risks.",
		Role: api.Editor, Effect: api.Read}, b.review)
}

func (b *Box) review(_ context.Context, c api.Call, _ struct{}) (Review, error) {
	cand, mine, err := b.cfg.Store.Candidate(c.Author)
	if err != nil {
		return Review{}, b.candidateError(err)
	}
	r := Review{Base: cand.Base, Running: b.cfg.Store.Running().Number, Version: version(cand), Changes: []config.Change{},
		Warnings: []Warning{}, Tests: []RuleTest{}, Conflicts: []Conflict{}, Confirm: Advice{Why: []string{}}}
	served, err := b.cfg.Store.Text(r.Running)
	if err != nil {
		return Review{}, apiError(err)
	}
	text, err := b.rebased(&r, mine, served)
	if err != nil {
		return Review{}, err
	}
	r.Text = store.Unified(fmt.Sprintf("revision %d", r.Running), "candidate of "+c.Author, string(served), string(text))
	r.Problems = problemsOf(b.found(text))
	before, _ := Check("running", served)
	after, _ := Check("candidate", text)
	if changes, err := compare(served, text); err == nil {
		r.Changes = changes
	}
	if after == nil {
		return r, nil
	}
	if err := mayCommit(c, served, text); err != nil {
		r.Outside, _ = api.AsError(err).Args["object"].(string)
	}
	return r, b.assess(c, &r, before, after)
}

// rebased returns the candidate's text as it would be on the running revision, or
// as it is where that cannot be told.
func (b *Box) rebased(r *Review, mine, served []byte) ([]byte, error) {
	if r.Base == r.Running {
		return mine, nil
	}
	base, err := b.cfg.Store.Text(r.Base)
	if err != nil {
		return mine, nil // so old that its base is gone: all that differs is shown
	}
	text, clashes, bad := config.Merge(base, mine, served, nil)
	if len(clashes) > 0 {
		r.Conflicts = b.attributed(clashes, r.Base)
		text, clashes, bad = config.Merge(base, mine, served, preferMine(clashes))
	}
	if len(clashes) > 0 || bad.HasErrors() {
		return mine, nil
	}
	return text, nil
}

// preferMine takes my side of all conflicts: what others have changed elsewhere is
// then not shown as if the candidate took it back.
func preferMine(clashes []config.Conflict) map[string]config.Choice {
	out := make(map[string]config.Choice)
	for _, c := range clashes {
		out[c.Path] = config.Choice{Take: "mine"}
	}
	return out
}

// assess adds what a commit would mean.
func (b *Box) assess(c api.Call, r *Review, before, after *config.Config) error {
	if before != nil {
		var risks []Warning
		risks, r.Confirm = b.lockout(c, before, after)
		r.Warnings = append(r.Warnings, risks...)
	}
	tested, err := b.runTests("candidate", after)
	if err != nil {
		r.Warnings = append(r.Warnings, Warning{Kind: "tests.not_run", Severity: severityWarning,
			Args: map[string]any{"error": err.Error()}, Text: "the tests of rules cannot be run: " + err.Error()})
	}
	r.Tests = tested.Tests
	for _, t := range tested.Tests {
		if !t.Passed {
			r.Warnings = append(r.Warnings, Warning{Kind: "tests.failed", Severity: severityError, Object: t.Path, Text: t.Text})
		}
	}
	has := ownAddresses()
	r.Warnings = append(r.Warnings, lint(after, has)...)
	known, _ := b.listPorts() // those that are not known are not compared
	var l linter
	l.groups(after, known, has, after.NodeName(b.cfg.Hostname))
	l.network(after, known)
	r.Warnings = append(r.Warnings, l.out...)
	return nil
}
