// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/phrase"
)

type testParams struct {
	On   string `json:"on,omitempty" doc:"running or candidate; empty: your candidate if you have one"`
	Text string `json:"text,omitempty" doc:"whole configuration in HCL, in place of both"`
}

// Tested tells how the tests of a configuration ended.
type Tested struct {
	On     string     `json:"on" doc:"running, candidate or text"`
	Tests  []RuleTest `json:"tests" doc:"in the order of the configuration"`
	Failed int        `json:"failed"`
}

// A RuleTest is one test and how it ended.
type RuleTest struct {
	Path      string     `json:"path" doc:"of the test"`
	Line      int        `json:"line"`
	Passed    bool       `json:"passed"`
	Misses    []TestMiss `json:"misses,omitempty" doc:"what is not as expected"`
	Error     string     `json:"error,omitempty" doc:"why the request could not be asked"`
	Rule      string     `json:"rule" doc:"that decided; empty: the cluster's own settings"`
	Pool      string     `json:"pool,omitempty"`
	Responder string     `json:"responder,omitempty"`
	Status    int        `json:"status,omitempty" doc:"of an answer of the box itself"`
	Text      string     `json:"text" doc:"the outcome in words"`

	Said phrase.Words `json:"said,omitempty" says:"error,text" doc:"what the texts say, by field: kind and args, for translation"`
}

// A TestMiss is one thing that is not as a test expects it.
type TestMiss struct {
	What string `json:"what" doc:"rule, pool, responder or status"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

func (b *Box) addTests(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.test", Purpose: "Runs the tests of rules: what becomes of known requests.",
		Role: api.Viewer}, b.test)
}

func (b *Box) test(_ context.Context, c api.Call, p testParams) (Tested, error) {
	from := source{text: []byte(p.Text), on: "text"}
	if p.Text == "" {
		var err error
		if from, err = b.source(c, p.On); err != nil {
			return Tested{}, err
		}
	}
	var cfg *config.Config // nil: what runs
	if from.on != "running" {
		var found config.Diagnostics
		if cfg, found = Check(from.on, from.text); cfg == nil {
			return Tested{}, validation(found)
		}
	}
	return b.runTests(from.on, cfg)
}

// runTests runs the tests of cfg; nil is what runs.
func (b *Box) runTests(on string, cfg *config.Config) (Tested, error) {
	out := Tested{On: on, Tests: []RuleTest{}}
	results, err := b.cfg.Balancer.RunTests(cfg)
	if err != nil {
		return out, apiError(err)
	}
	for _, r := range results {
		t := ruleTest(r)
		if !t.Passed {
			out.Failed++
		}
		out.Tests = append(out.Tests, t)
	}
	phrase.Fill(&out)
	return out, nil
}

func ruleTest(r lb.TestResult) RuleTest {
	got := lb.Outcome(&r.Answer)
	path := config.Path{{Block: "cluster", Label: r.Cluster}, {Block: "test", Label: r.Test}}
	t := RuleTest{Path: path.Short(), Line: r.Range.Start.Line, Passed: r.Passed(), Rule: got.Rule, Pool: got.Pool,
		Responder: got.Responder, Status: got.Status}
	t.Text = fmt.Sprintf("cluster %s: test %s passed", r.Cluster, r.Test)
	if t.Passed {
		return t
	}
	t.Text = fmt.Sprintf("cluster %s: test %s failed", r.Cluster, r.Test)
	if r.Err != nil {
		t.Error = r.Err.Error()
		t.Text += ": " + t.Error
	}
	for i, m := range r.Misses {
		t.Misses = append(t.Misses, TestMiss{m.What, m.Want, m.Got})
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		t.Text += sep + m.String()
	}
	return t
}

// guardTests refuses to serve cfg while one of its tests fails.
func (b *Box) guardTests(cfg *config.Config) error {
	tested, err := b.runTests("candidate", cfg)
	if err != nil || tested.Failed == 0 {
		return err
	}
	e := api.Errorf(api.CodeGuard, "guard.tests", "%d of %d tests of rules fail", tested.Failed, len(tested.Tests))
	if tested.Failed == 1 {
		e.Message = fmt.Sprintf("1 of %d tests of rules fails", len(tested.Tests))
	}
	e.Hint = "force"
	e.Args = map[string]any{"failed": tested.Failed, "tests": len(tested.Tests)}
	for _, t := range tested.Tests {
		if !t.Passed {
			e.Problems = append(e.Problems, api.Problem{File: "candidate", Line: t.Line, Col: 1, Message: t.Text, Said: phrase.Fields("message", t.Text)})
		}
	}
	return e
}
