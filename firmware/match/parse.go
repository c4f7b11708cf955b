// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxDepth bounds how deep parentheses and operators may be nested.
const maxDepth = 64

// A call is one checked function call of an expression.
type call struct {
	spec *spec
	fold bool     // letters are compared without regard to case
	name string   // of a field, cookie or parameter
	args []string // in canonical form; in lower case if fold is set
}

// A parser turns the expressions of rules into nodes and collects problems. It
// also holds what the rules of a set share.
type parser struct {
	problems []placed
	failed   bool // one problem is an error
	index    int  // of the rule being parsed
	rule     *Rule

	regexes map[string]*regexp.Regexp // by their text, flags included
	asked   map[string]bool           // distinct uses of regular expressions
	preds   map[string]*pred          // by their canonical text
	memos   int16                     // predicates whose results are remembered
}

func newParser() *parser {
	return &parser{
		regexes: map[string]*regexp.Regexp{},
		asked:   map[string]bool{},
		preds:   map[string]*pred{},
	}
}

// report adds a problem of the current rule.
func (p *parser) report(rng hcl.Range, warning bool, format string, args ...any) {
	p.failed = p.failed || !warning
	p.problems = append(p.problems, placed{index: p.index, Problem: Problem{
		Range: rng, Rule: p.rule.Name, Msg: fmt.Sprintf(format, args...), Warning: warning,
	}})
}

// fail reports an error and returns a node to stand where it was found.
func (p *parser) fail(rng hcl.Range, format string, args ...any) node {
	p.report(rng, false, format, args...)
	return node{op: opYes}
}

// parseRule parses the expression of rule i.
func (p *parser) parseRule(i int, rule *Rule) node {
	p.index, p.rule = i, rule
	if rule.When == nil {
		return p.fail(hcl.Range{}, "the rule has no expression; any() matches every request")
	}
	e, ok := rule.When.(hclsyntax.Expression)
	if !ok {
		return p.fail(rule.When.Range(), "the expression of a rule is written in HCL's native syntax")
	}
	before := len(p.problems)
	n := p.parse(e, rule.IgnoreCase, false, 1)
	if n.op == opNo && len(p.problems) == before {
		p.report(e.Range(), true, "this is never true")
	}
	return n
}

// parse parses e, or its negation. With fold, letters are compared without
// regard to case unless e says otherwise.
func (p *parser) parse(e hclsyntax.Expression, fold, neg bool, depth int) node {
	if depth > maxDepth {
		return p.fail(e.Range(), "the expression is nested more than %d deep; split the rule", maxDepth)
	}
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return p.parse(e.Expression, fold, neg, depth+1)
	case *hclsyntax.FunctionCallExpr:
		return p.parseCall(e, fold, neg)
	case *hclsyntax.UnaryOpExpr:
		if e.Op != hclsyntax.OpLogicalNot {
			break
		}
		if c, ok := e.Val.(*hclsyntax.FunctionCallExpr); ok && isCase(c) {
			return p.fail(e.Range(), "%s() is never negated; "+
				"join it with && to what it is meant for", c.Name)
		}
		return p.parse(e.Val, fold, !neg, depth+1)
	case *hclsyntax.BinaryOpExpr:
		switch e.Op {
		case hclsyntax.OpLogicalAnd:
			return p.parseAnd(chain(e), fold, neg, depth+1)
		case hclsyntax.OpLogicalOr:
			return p.parseList(chain(e), opOr, fold, neg, depth+1)
		}
	}
	return p.fail(e.Range(), "%s", misuse(e))
}

// chain returns the operands of e and of all operators like it that follow
// without parentheses: those of a && b && c are a, b and c.
func chain(e *hclsyntax.BinaryOpExpr) []hclsyntax.Expression {
	op, rights := e.Op, []hclsyntax.Expression(nil)
	for {
		rights = append(rights, e.RHS)
		left, ok := e.LHS.(*hclsyntax.BinaryOpExpr)
		if !ok || left.Op != op {
			rights = append(rights, e.LHS)
			break
		}
		e = left
	}
	for i, j := 0, len(rights)-1; i < j; i, j = i+1, j-1 {
		rights[i], rights[j] = rights[j], rights[i]
	}
	return rights
}

const governsNothing = "%s() is always true and here governs nothing; " +
	"join it with && to what it is meant for"

// isCase reports whether e switches the handling of case.
func isCase(e hclsyntax.Expression) bool {
	c, ok := e.(*hclsyntax.FunctionCallExpr)
	return ok && (c.Name == fnIgnoreCase || c.Name == fnObserveCase)
}

// parseAnd parses a conjunction. ignore_case() and observe_case() among its
// terms hold for all of them, and for whatever stands inside these.
func (p *parser) parseAnd(terms []hclsyntax.Expression, fold, neg bool, depth int) node {
	var rest []hclsyntax.Expression
	var said string
	for _, t := range terms {
		if !isCase(t) {
			rest = append(rest, t)
			continue
		}
		c := t.(*hclsyntax.FunctionCallExpr)
		if p.checkCall(c, fold) == nil {
			continue
		}
		if said != "" && said != c.Name {
			return p.fail(c.Range(), "%s() contradicts the %s() that it is joined to", c.Name, said)
		}
		said, fold = c.Name, c.Name == fnIgnoreCase
	}
	if said != "" && len(rest) == 0 {
		p.report(terms[0].Range(), true, governsNothing, said)
	}
	return p.parseList(rest, opAnd, fold, neg, depth)
}

// parseList parses the operands of && or ||, or of its negation.
func (p *parser) parseList(terms []hclsyntax.Expression, op nodeOp, fold, neg bool, depth int) node {
	kids := make([]node, 0, len(terms))
	for _, t := range terms {
		kids = append(kids, p.parse(t, fold, neg, depth))
	}
	if neg { // De Morgan
		op = opAnd + opOr - op
	}
	return join(op, kids)
}

// parseCall parses a function call, or its negation.
func (p *parser) parseCall(e *hclsyntax.FunctionCallExpr, fold, neg bool) node {
	c := p.checkCall(e, fold)
	if c == nil {
		return node{op: opYes}
	}
	switch c.spec.name {
	case fnIgnoreCase, fnObserveCase: // those that govern are seen by parseAnd
		p.report(e.Range(), true, governsNothing, e.Name)
		return constant(!neg)
	case fnAny:
		return constant(!neg)
	case fnDebug:
		return node{op: opDebug, neg: neg, msg: c.args[0]}
	case "http_09":
		p.report(e.Range(), true, "http_09() is never true: HTTP/0.9 is refused")
	}
	return node{op: opLeaf, neg: neg, call: c}
}

func constant(v bool) node {
	if v {
		return node{op: opYes}
	}
	return node{op: opNo}
}

// misuse says what is wrong with an expression that is no part of the language.
func misuse(e hclsyntax.Expression) string {
	const join = "join function calls with &&, || and !"
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		name := e.Traversal.RootName()
		if s := byName[name]; s != nil && len(e.Traversal) == 1 {
			return fmt.Sprintf("%s is a function: write %s", name, s.example)
		}
		if s := suggest(name); s != "" {
			return fmt.Sprintf("a rule has no variables; did you mean %s?", byName[s].example)
		}
		return "a rule has no variables; " + join
	case *hclsyntax.BinaryOpExpr:
		if v, ok := e.LHS.(*hclsyntax.ScopeTraversalExpr); ok {
			if s := byName[v.Traversal.RootName()]; s != nil && s.min > 0 {
				return fmt.Sprintf("a rule has no such operator; %s compares by itself: write %s", s.name, s.example)
			}
		}
		return "a rule has no such operator; " + join
	case *hclsyntax.LiteralValueExpr:
		return "a constant is no condition; any() matches every request"
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateWrapExpr:
		return "a string is no condition; give it to a function, such as host(\"www.example.com\")"
	case *hclsyntax.ConditionalExpr:
		return "a rule has no \"? :\"; " + join
	case *hclsyntax.TupleConsExpr:
		return "a list is no condition; a function takes several strings: " + byName["method"].example
	}
	return "this is no condition; " + join
}
