// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// condition keeps the expression of a rule, which package match compiles, and
// its text on one line.
func (d *decoder) condition(s scope, a *hclsyntax.Attribute) {
	rule := s.out.Addr().Interface().(*Rule)
	r := a.Expr.Range()
	text, ok := oneLine(d.src[r.Start.Byte:min(r.End.Byte, len(d.src))])
	if !ok {
		d.diags.Add(r, s.path, `%s must have its texts in quotes, not behind "<<"`, a.Name)
		return
	}
	rule.When, rule.Text = a.Expr, text
}

// oneLine returns an expression in canonical form, without comments and line
// ends. It fails for a text written behind "<<", which needs its lines.
func oneLine(expr []byte) (string, bool) {
	tokens, _ := hclsyntax.LexExpression(expr, "", hcl.InitialPos)
	line := []byte("x =")
	quoted := false
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenComment, hclsyntax.TokenEOF:
			continue
		case hclsyntax.TokenOHeredoc:
			return "", false
		}
		if !quoted {
			line = append(line, ' ')
		}
		line = append(line, t.Bytes...)
		quoted = t.Type == hclsyntax.TokenOQuote || quoted && t.Type != hclsyntax.TokenCQuote
	}
	line = hclwrite.Format(append(line, '\n'))
	return string(bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(line), []byte("x =")))), true
}

// unwrap returns expr without parentheses around it.
func unwrap(expr hcl.Expression) hcl.Expression {
	for {
		p, ok := expr.(*hclsyntax.ParenthesesExpr)
		if !ok {
			return expr
		}
		expr = p.Expression
	}
}

// conjuncts returns the parts of expr that must all be true.
func conjuncts(expr hcl.Expression) []hcl.Expression {
	var out []hcl.Expression
	todo := []hcl.Expression{expr}
	for len(todo) > 0 {
		last := unwrap(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		if op, ok := last.(*hclsyntax.BinaryOpExpr); ok && op.Op == hclsyntax.OpLogicalAnd {
			todo = append(todo, op.RHS, op.LHS)
			continue
		}
		out = append(out, last)
	}
	return out
}

// call returns the name and the only argument, a text or none, of a simple
// function call.
func call(expr hcl.Expression) (name, arg string, ok bool) {
	f, isCall := unwrap(expr).(*hclsyntax.FunctionCallExpr)
	if !isCall || len(f.Args) > 1 {
		return "", "", false
	}
	if len(f.Args) == 1 {
		v, isText := literal(f.Args[0])
		if !isText || v.Type().FriendlyName() != "string" {
			return "", "", false
		}
		arg = v.AsString()
	}
	return f.Name, arg, true
}
