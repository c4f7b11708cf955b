// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"evener/firmware/config"
	"evener/firmware/match"
)

// A TestResult is how one test of a configuration ended.
type TestResult struct {
	Cluster, Test string
	Range         hcl.Range // of the test
	Misses        []Miss    // none: it passed
	Answer        Answer
	Err           error // the request could not be asked at all
}

// Passed reports whether all came as expected.
func (r *TestResult) Passed() bool { return r.Err == nil && len(r.Misses) == 0 }

// A Miss is what a test expects and does not get.
type Miss struct{ What, Want, Got string }

// String returns the miss in words.
func (m Miss) String() string {
	return fmt.Sprintf("%s is %s, expected %s", m.What, orNone(m.Got), orNone(m.Want))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return strconv.Quote(s)
}

// RunTests runs the tests of the running configuration or, with cfg set, of that
// one, in their order. Requests are explained: nothing is sent or counted.
func (b *Balancer) RunTests(cfg *config.Config) ([]TestResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gen, err := b.asked(cfg)
	if err != nil {
		return nil, err
	}
	var out []TestResult
	for _, c := range gen.cfg.Clusters {
		for _, t := range c.Tests {
			r := TestResult{Cluster: c.Name, Test: t.Name, Range: t.Range}
			if r.Answer, r.Err = b.explain(gen, testQuestion(c, t)); r.Err == nil {
				r.Misses = misses(t.Expect, &r.Answer)
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func testQuestion(c *config.Cluster, t *config.Test) Question {
	q := Question{Cluster: c.Name}
	q.Method, q.URL, _ = strings.Cut(t.Request, " ")
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		q.Fields = append(q.Fields, name+": "+t.Headers[name])
	}
	if a, err := netip.ParseAddr(t.ClientIP); err == nil {
		q.Client = netip.AddrPortFrom(a, 40000)
	}
	return q
}

// misses compares an answer with what a test expects.
func misses(x *config.Expect, a *Answer) (out []Miss) {
	got := Outcome(a)
	for _, f := range []struct {
		what string
		want *string
		got  string
	}{{"rule", x.Rule, got.Rule}, {"pool", x.Pool, got.Pool}, {"responder", x.Responder, got.Responder}} {
		if f.want != nil && *f.want != f.got {
			out = append(out, Miss{f.what, *f.want, f.got})
		}
	}
	if x.Status != 0 && x.Status != got.Status {
		m := Miss{"status", strconv.Itoa(x.Status), "that of a server"}
		if got.Status != 0 {
			m.Got = strconv.Itoa(got.Status)
		}
		out = append(out, m)
	}
	return out
}

// Outcomes are what becomes of a request by the configuration alone, whoever
// is up. Status is that of an answer of the box itself; 0: a server gives it.
type Outcomes struct {
	Rule, Pool, Responder string
	Status                int
}

// Outcome sums an answer up.
func Outcome(a *Answer) Outcomes {
	var out Outcomes
	if a.Status != 0 {
		out.Status = a.Status
		return out
	}
	if a.Route == nil {
		return out
	}
	out.Rule = a.Route.Rule
	if a.Route.Pool != nil {
		out.Pool = a.Route.Pool.Name()
		return out
	}
	if a.Route.Responder != nil {
		out.Responder = a.Route.Responder.Name
	}
	if words := strings.Fields(a.Answer); len(words) > 1 {
		out.Status, _ = strconv.Atoi(words[1])
	}
	return out
}

// A Condition is a part of a rule's condition and how it fared: "and", "or" and
// "not" have parts, a call has none.
type Condition struct {
	Op      string // and, or, not or call
	Range   hcl.Range
	Verdict match.Verdict
	Call    *match.Cond // of a call
	Parts   []Condition
}

// conditionTrees puts what the trace says of the calls of each rule back into the
// form of its condition.
func conditionTrees(rules []*config.Rule, traces []match.RuleTrace) []Condition {
	out := make([]Condition, 0, len(traces))
	for i, t := range traces {
		if i >= len(rules) {
			break
		}
		calls := t.Conds
		expr, ok := rules[i].When.(hclsyntax.Expression)
		if !ok {
			return nil
		}
		out = append(out, conditionOf(expr, &calls))
	}
	return out
}

// conditionOf takes the calls of expr from the front of calls.
func conditionOf(expr hclsyntax.Expression, calls *[]match.Cond) Condition {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return conditionOf(e.Expression, calls)
	case *hclsyntax.UnaryOpExpr:
		c := Condition{Op: "not", Range: e.Range(), Parts: []Condition{conditionOf(e.Val, calls)}}
		switch c.Parts[0].Verdict {
		case match.True:
			c.Verdict = match.False
		case match.False:
			c.Verdict = match.True
		}
		return c
	case *hclsyntax.BinaryOpExpr:
		c := Condition{Op: "or", Range: e.Range()}
		if e.Op == hclsyntax.OpLogicalAnd {
			c.Op = "and"
		}
		for _, side := range []hclsyntax.Expression{e.LHS, e.RHS} {
			part := conditionOf(side, calls)
			if part.Op == c.Op && !parenthesised(side) {
				c.Parts = append(c.Parts, part.Parts...)
			} else {
				c.Parts = append(c.Parts, part)
			}
		}
		c.Verdict = joined(c.Op == "and", c.Parts)
		return c
	}
	c := Condition{Op: "call", Range: expr.Range()}
	if len(*calls) > 0 {
		c.Call = &(*calls)[0]
		c.Verdict, *calls = c.Call.Verdict, (*calls)[1:]
	}
	return c
}

func parenthesised(e hclsyntax.Expression) bool {
	_, ok := e.(*hclsyntax.ParenthesesExpr)
	return ok
}

// joined joins the verdicts of parts. One that was not evaluated stands behind
// a part that has decided, or nothing was evaluated at all.
func joined(and bool, parts []Condition) match.Verdict {
	decides, otherwise := match.True, match.False
	if and {
		decides, otherwise = match.False, match.True
	}
	seen := false
	for _, p := range parts {
		switch p.Verdict {
		case decides:
			return decides
		case otherwise:
			seen = true
		}
	}
	if !seen {
		return match.NotEvaluated
	}
	return otherwise
}
