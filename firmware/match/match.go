// SPDX-License-Identifier: Apache-2.0

// Package match decides which rule a request meets. Rules are HCL expressions,
// such as host("api.example.com") && path_prefix("/v1/"); Compile checks a list
// of them and builds a Set, whose Match costs about the same for ten rules as
// for ten thousand in the shapes that people write.
//
// A Set answers in two steps. An index turns the request into the few rules
// that it could meet at all: each rule, or each alternative of one that is an
// "or", is filed under facts that it cannot do without (an exact host, the
// beginning of a path, a cookie's value). The candidates are then tried in the
// order of the rules by evaluating their whole expressions, so that the index
// may err on the side of too many and the answer is still that of trying every
// rule in turn. Trace does exactly that, slowly, and explains itself.
//
// The package sees a request head and nothing else: it does not know what
// serves a rule, which cluster it belongs to or where its text came from. The
// caller adds its diagnostics to those of the configuration and asks it about
// every request. The language is described in docs/manual/rules.md.
package match

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// A Rule is one rule as the configuration has it. IgnoreCase is the flag of the
// rule or of its cluster: letters of paths, queries and values are compared
// without regard to case, unless the expression says observe_case(). A disabled
// rule is checked like any other and never matches.
type Rule struct {
	Name       string
	When       hcl.Expression
	IgnoreCase bool
	Disabled   bool
}

// A Problem is one mistake in a rule, worded for the person who wrote it. A
// warning does not keep the rules from being used.
type Problem struct {
	Range   hcl.Range
	Rule    string // its name
	Msg     string
	Warning bool
}

// A Set is a compiled list of rules. It is immutable and may be used by any
// number of goroutines, each with its own Request.
type Set struct {
	rules   []Rule   // as given, for Trace
	clauses []clause // in the order of the rules
	index   index
}

// A clause is one alternative of a rule: the rule matches if one of its clauses
// is true. Only clauses are indexed and evaluated.
type clause struct {
	rule int32
	root node
}

// Compile checks rules and builds a Set of them. It reports every problem, in
// the order of the rules; the Set is nil if one of them is an error. The
// expressions are kept and must not change.
func Compile(rules []Rule) (*Set, []Problem) {
	p := newParser()
	roots := make([]node, len(rules))
	for i := range rules {
		roots[i] = p.parseRule(i, &rules[i])
	}
	if p.failed {
		return nil, p.sorted()
	}
	s := &Set{rules: slices.Clone(rules)}
	for i, root := range roots {
		if rules[i].Disabled {
			continue
		}
		for _, alt := range alternatives(root) {
			s.clauses = append(s.clauses, clause{rule: int32(i), root: p.finish(alt)})
		}
	}
	s.index = buildIndex(s.clauses)
	p.problems = append(p.problems, s.unreachable(roots)...)
	return s, p.sorted()
}

// alternatives returns the clauses of a rule. One that emits debug messages is
// left whole: its parts must be evaluated in the order of the text.
func alternatives(root node) []node {
	switch {
	case root.op == opNo:
		return nil
	case root.op == opOr && !root.debugs():
		return root.kids
	}
	return []node{root}
}

// Match returns the index of the first rule that r meets, or -1. It allocates
// nothing once r's buffers have grown to what its requests need.
func (s *Set) Match(r *Request) int {
	r.known = [len(r.known)]uint64{}
	s.index.candidates(r)
	last := int32(-1)
	for len(r.cursors) > 0 {
		c := s.index.next(r)
		if c == last {
			continue // filed under two facts of this request
		}
		last = c
		if s.clauses[c].root.eval(r) {
			return int(s.clauses[c].rule)
		}
	}
	return -1
}

// A placed is a problem with the index of its rule.
type placed struct {
	Problem
	index int
}

// sorted returns what p found, in the order of the rules and of their text.
func (p *parser) sorted() []Problem {
	slices.SortStableFunc(p.problems, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.index, b.index),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte))
	})
	var out []Problem
	for _, q := range p.problems {
		out = append(out, q.Problem)
	}
	return out
}
