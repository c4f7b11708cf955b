// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Limits of a text, checked on its tokens before the parser sees them: the
// parser and whoever walks its tree recurse, and a stack overflow cannot be
// caught.
const (
	MaxSize   = 1 << 20 // bytes of a configuration
	MaxDepth  = 32      // brackets, braces, parentheses and quotes within each other
	maxUnary  = 32      // "!" and "-" in a row
	maxChain  = 1024    // operators, calls and accesses of one expression and bracket; pieces of a text
	maxNumber = 32      // characters of a number
)

// foreign are tokens of HCL that our language has no use for. All of them let
// an expression compute or nest, so none reaches the parser.
var foreign = map[hclsyntax.TokenType]string{
	hclsyntax.TokenTemplateInterp:  `a template "${" cannot be used here, every text is taken as it stands; write "$${" for the characters "${"`,
	hclsyntax.TokenTemplateControl: `a template "%{" cannot be used here, every text is taken as it stands; write "%%{" for the characters "%{"`,
	hclsyntax.TokenQuestion:        `"?" is not part of this language; values are written out`,
	hclsyntax.TokenColon:           `":" is not part of this language outside quotes`,
	hclsyntax.TokenDoubleColon:     `"::" is not part of this language outside quotes`,
	hclsyntax.TokenStar:            `"*" is not part of this language outside quotes`,
	hclsyntax.TokenEllipsis:        `"..." is not part of this language`,
	hclsyntax.TokenFatArrow:        `"=>" is not part of this language`,
}

// lex splits src into tokens and refuses what must not reach the parser. It
// reports the first mistake only.
func lex(name string, src []byte) (hclsyntax.Tokens, *Diagnostic) {
	if d := checkBytes(name, src); d != nil {
		return nil, d
	}
	tokens, diags := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	bad := checkTokens(tokens)
	if d := firstError(diags); d != nil && (bad == nil || d.Range.Start.Byte < bad.Range.Start.Byte) {
		bad = d
	}
	return tokens, bad
}

// checkBytes refuses a text that is too long, is not UTF-8 or holds control
// characters, which a terminal would obey when the line is shown.
func checkBytes(name string, src []byte) *Diagnostic {
	pos := hcl.InitialPos
	fail := func(format string, args ...any) *Diagnostic {
		return &Diagnostic{Range: hcl.Range{Filename: name, Start: pos, End: pos}, Msg: fmt.Sprintf(format, args...)}
	}
	if len(src) > MaxSize {
		return fail("the configuration is longer than %s", Bytes(MaxSize))
	}
	for pos.Byte < len(src) {
		r, n := utf8.DecodeRune(src[pos.Byte:])
		switch {
		case r == utf8.RuneError && n == 1:
			return fail("the text is not UTF-8: byte 0x%02x", src[pos.Byte])
		case r == '\n':
			pos.Line, pos.Column = pos.Line+1, 0
		case r == '\uFEFF' && pos.Byte > 0, r < ' ' && r != '\t' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0:
			return fail(`control character U+%04X: write it as "\u%04x" within quotes`, r, r)
		case r == '\r' && (pos.Byte+1 == len(src) || src[pos.Byte+1] != '\n'):
			return fail(`a carriage return without a line feed: write it as "\r" within quotes`)
		}
		pos.Byte, pos.Column = pos.Byte+n, pos.Column+1
	}
	return nil
}

// A nest is how deep a text is at one token.
type nest struct {
	open  []hclsyntax.TokenType // brackets and quotes that are not closed; the first is the file
	chain []int                 // operators so far, for each of open
	unary int                   // "!" and "-" in a row
}

// checkTokens refuses foreign tokens and whatever could make a recursion deep:
// nesting, runs of unary operators and long chains of binary ones.
func checkTokens(tokens hclsyntax.Tokens) *Diagnostic {
	n := nest{open: []hclsyntax.TokenType{hclsyntax.TokenNil}, chain: []int{0}}
	for _, t := range tokens {
		n.step(t.Type)
		msg := foreign[t.Type]
		top := len(n.open) - 1
		switch {
		case msg != "":
		case t.Type == hclsyntax.TokenNumberLit && len(t.Bytes) > maxNumber:
			msg = fmt.Sprintf("a number has at most %d characters", maxNumber)
		case top > MaxDepth:
			msg = fmt.Sprintf("brackets and quotes are nested more than %d deep", MaxDepth)
		case n.unary > maxUnary:
			msg = fmt.Sprintf("more than %d signs in a row", maxUnary)
		case n.chain[top] > maxChain && literalToken(t.Type):
			msg = fmt.Sprintf("a text has at most %d lines or pieces; put a longer one into a file", maxChain)
		case n.chain[top] > maxChain:
			msg = fmt.Sprintf("an expression has at most %d operators; use several rules", maxChain)
		default:
			continue
		}
		return &Diagnostic{Range: t.Range, Msg: msg}
	}
	return nil
}

// step takes one token. A chain is counted per bracket and ends at "=", at a
// comma and, between braces, at the end of the line: none of these can stand
// within an expression of the same bracket. Comments and line ends do not
// interrupt a run of signs.
func (n *nest) step(t hclsyntax.TokenType) {
	top := len(n.open) - 1
	switch t {
	case hclsyntax.TokenComment:
		return
	case hclsyntax.TokenNewline:
		if n.open[top] == hclsyntax.TokenNil || n.open[top] == hclsyntax.TokenOBrace {
			n.chain[top] = 0
		}
		return
	case hclsyntax.TokenBang, hclsyntax.TokenMinus:
		n.unary++
		n.chain[top]++
		return
	case hclsyntax.TokenEqual, hclsyntax.TokenComma:
		n.chain[top] = 0
	case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace,
		hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
		n.chain[top]++
		n.open, n.chain = append(n.open, t), append(n.chain, 0)
	case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace,
		hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
		if top > 0 {
			n.open, n.chain = n.open[:top], n.chain[:top]
		}
	default:
		if operator(t) || literalToken(t) {
			n.chain[top]++
		}
	}
	n.unary = 0
}

// literalToken reports whether t is a piece of a text. The parser joins the
// pieces of one text in quadratic time: one for each line, and more for each
// "$" and "%".
func literalToken(t hclsyntax.TokenType) bool {
	return t == hclsyntax.TokenQuotedLit || t == hclsyntax.TokenStringLit
}

// operator reports whether t joins two parts of an expression.
func operator(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
		hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan,
		hclsyntax.TokenGreaterThanEq, hclsyntax.TokenPlus, hclsyntax.TokenSlash,
		hclsyntax.TokenPercent, hclsyntax.TokenDot:
		return true
	}
	return false
}

// firstError returns the first error of diags in the order of the text.
func firstError(diags hcl.Diagnostics) *Diagnostic {
	var first *Diagnostic
	for _, h := range diags {
		if h.Severity != hcl.DiagError || h.Summary == attributeRedefined {
			continue
		}
		if d := fromHCL("", h); first == nil || d.Range.Start.Byte < first.Range.Start.Byte {
			first = &d
		}
	}
	return first
}

// attributeRedefined is how the library words an attribute that is set twice:
// a mistake of meaning, not of syntax.
const attributeRedefined = "Attribute redefined"

// parseTree is lex and then the parser. The file's duplicates are the errors
// about attributes that are set twice.
func parseTree(name string, src []byte) (body *hclsyntax.Body, duplicates hcl.Diagnostics, bad *Diagnostic) {
	if _, bad = lex(name, src); bad != nil {
		return nil, nil, bad
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if bad = firstError(diags); bad != nil {
		return nil, nil, bad
	}
	return file.Body.(*hclsyntax.Body), diags, nil
}
