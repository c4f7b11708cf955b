// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Edits are splices of bytes: what they do not concern stays as it was written,
// comments and order included. They check the syntax, and that the keyword is
// known; whether the new text means anything is for Parse to say.

// Edit sets attribute attr of the block at path to value, which is text in the
// configuration's language such as `"5s"` or `["192.0.2.1:80"]`, or removes the
// attribute if value is empty. A missing block that has no label, such as
// timeouts, is made. With an error the text is returned as it was.
func Edit(src []byte, path Path, attr, value string) ([]byte, Diagnostics) {
	value = strings.TrimSpace(value)
	e, err := open(src)
	if err == nil {
		err = e.setAttr(path, attr, value)
	}
	if err == nil && e.value(path, attr) != value {
		err = fail(path, inTheWay)
	}
	return e.done(err)
}

// inTheWay is said of a text in which a line ends within a comment, so that a
// splice of whole lines missed its place.
const inTheWay = "a comment over several lines stands in the way"

// value returns the text of an attribute, or "" if it is not set.
func (e *editor) value(path Path, attr string) string {
	block, err := e.at(path)
	if err != nil || block.Body.Attributes[attr] == nil {
		return ""
	}
	r := e.exprRange(block.Body.Attributes[attr])
	return string(e.src[r.Start.Byte:r.End.Byte])
}

// count returns how many blocks stand in parent, or -1 if there is no parent.
func (e *editor) count(parent Path) int {
	block, err := e.at(parent)
	switch {
	case err != nil:
		return -1
	case block == nil:
		return len(e.body.Blocks)
	}
	return len(block.Body.Blocks)
}

// InsertBlock puts text, one block with any comments before it, into the block
// at parent: before the sibling named, or after the last of its type if before
// is nil. An empty parent is the top.
func InsertBlock(src []byte, parent Path, before *Step, text string) ([]byte, Diagnostics) {
	e, err := open(src)
	if err == nil {
		n := e.count(parent)
		if err = e.insert(parent, before, text); err == nil && e.count(parent) != n+1 {
			err = fail(parent, inTheWay)
		}
	}
	return e.done(err)
}

// RemoveBlock removes the block at path, with the comments directly above it.
func RemoveBlock(src []byte, path Path) ([]byte, Diagnostics) {
	e, err := open(src)
	if err == nil && len(path) == 0 {
		err = fail(path, "the path names no block")
	}
	if err == nil {
		parent := path[:len(path)-1]
		n := e.count(parent)
		if _, err = e.remove(path); err == nil && e.count(parent) != n-1 {
			err = fail(parent, inTheWay)
		}
	}
	return e.done(err)
}

// MoveBlock moves the block at path, with the comments directly above it,
// before another block of the same parent, or to the end of its type if before
// is nil.
func MoveBlock(src []byte, path Path, before *Step) ([]byte, Diagnostics) {
	e, err := open(src)
	if err == nil && len(path) == 0 {
		err = fail(path, "the path names no block")
	}
	if err == nil {
		parent := path[:len(path)-1]
		n := e.count(parent)
		if err = e.move(path, before); err == nil && e.count(parent) != n {
			err = fail(parent, inTheWay)
		}
	}
	return e.done(err)
}

// An editor holds a text between splices.
type editor struct {
	original, src []byte
	body          *hclsyntax.Body
}

// open parses src.
func open(src []byte) (*editor, error) {
	e := &editor{original: src}
	return e, e.reset(src)
}

// reset takes a new text and its tree.
func (e *editor) reset(src []byte) error {
	body, _, bad := parseTree("", src)
	if bad != nil {
		return Diagnostics{*bad}
	}
	e.src, e.body = src, body
	return nil
}

// done returns the new text, or the old one and what went wrong.
func (e *editor) done(err error) ([]byte, Diagnostics) {
	switch err := err.(type) {
	case nil:
		return e.src, nil
	case Diagnostics:
		return e.original, err
	case *editError:
		return e.original, Diagnostics{{Range: err.at, Path: err.path.String(), Msg: err.msg}}
	}
	return e.original, Diagnostics{{Msg: err.Error()}}
}

// An editError is why an edit cannot be done.
type editError struct {
	at   hcl.Range
	path Path
	msg  string
}

func (e *editError) Error() string { return e.msg }

func fail(path Path, format string, args ...any) error {
	return &editError{path: path, msg: fmt.Sprintf(format, args...)}
}

// splice replaces the bytes from start to end.
func (e *editor) splice(start, end int, text string) error {
	return e.reset(slices.Concat(e.src[:start], []byte(text), e.src[end:]))
}

// at returns the block at path; nil for the top.
func (e *editor) at(path Path) (*hclsyntax.Block, error) {
	body, block := e.body, (*hclsyntax.Block)(nil)
	for i, s := range path {
		if block = s.find(body); block == nil {
			return nil, fail(path[:i], "there is no %s", path[i:i+1])
		}
		body = block.Body
	}
	return block, nil
}

// ends returns the first and last step's types: what the table needs.
func (p Path) ends() (parent, block string) {
	if len(p) > 1 {
		parent = p[len(p)-2].Block
	}
	return parent, p[len(p)-1].Block
}

// setAttr is Edit.
func (e *editor) setAttr(path Path, attr, value string) error {
	if len(path) == 0 {
		return fail(path, "attributes stand within blocks: %s cannot be set at the top", attr)
	}
	b := blockIn(path.ends())
	if b == nil {
		_, name := path.ends()
		return fail(path[:len(path)-1], "unknown block %q", name)
	}
	if b.keyword(attr) == nil {
		return fail(path, "%s", unknownAttribute(scope{block: b}, attr))
	}
	if value == "" {
		return e.removeAttr(path, attr)
	}
	if err := checkValue(path, attr, value); err != nil {
		return err
	}
	block, err := e.at(path)
	if err != nil && b.Label == "" {
		return e.insert(path[:len(path)-1], nil, b.Name+" {\n  "+attr+" = "+value+"\n}\n")
	}
	if err != nil {
		return err
	}
	if a := block.Body.Attributes[attr]; a != nil {
		r := e.exprRange(a)
		return e.splice(r.Start.Byte, r.End.Byte, value)
	}
	return e.addAttr(block, attr, value)
}

// exprRange returns the bytes of a's value, without the end of the line that
// closes a text behind "<<".
func (e *editor) exprRange(a *hclsyntax.Attribute) hcl.Range {
	r := a.Expr.Range()
	for r.End.Byte > r.Start.Byte && strings.IndexByte("\r\n", e.src[r.End.Byte-1]) >= 0 {
		r.End.Byte--
	}
	return r
}

// checkValue refuses what is not one expression on its own.
func checkValue(path Path, attr, value string) error {
	tokens, bad := lex("", []byte(value))
	if bad != nil {
		return fail(path, "%s: %s", attr, bad.Msg)
	}
	depth := 0
	for _, t := range tokens {
		switch {
		case t.Type == hclsyntax.TokenComment, t.Type == hclsyntax.TokenOHeredoc:
			return fail(path, "%s: a value has no comments and no texts behind \"<<\"", attr)
		case opening(t.Type):
			depth++
		case closing(t.Type):
			depth--
		case t.Type == hclsyntax.TokenNewline && depth == 0:
			return fail(path, "%s: a value is one expression on one line", attr)
		}
	}
	if _, diags := hclsyntax.ParseExpression([]byte(value), "", hcl.InitialPos); diags.HasErrors() {
		return fail(path, "%s: %s", attr, firstError(diags).Msg)
	}
	return nil
}

// addAttr writes a new line behind the last attribute of block, or first in it.
func (e *editor) addAttr(block *hclsyntax.Block, attr, value string) error {
	open, end := block.OpenBraceRange.End.Byte, block.CloseBraceRange.Start.Byte
	indent := e.indent(block.TypeRange.Start.Byte) + "  "
	text := indent + attr + " = " + value + "\n"
	if block.OpenBraceRange.Start.Line == block.CloseBraceRange.Start.Line {
		inner := strings.TrimSpace(string(e.src[open:end]))
		if inner != "" {
			inner = indent + inner + "\n"
		}
		return e.splice(open, end, "\n"+inner+text+e.indent(block.TypeRange.Start.Byte))
	}
	at := e.lineEnd(open)
	for _, a := range block.Body.Attributes {
		if stop := e.lineEnd(e.exprRange(a).End.Byte); stop > at {
			at = stop
			text = e.indent(a.NameRange.Start.Byte) + attr + " = " + value + "\n"
		}
	}
	return e.splice(at, at, text)
}

// removeAttr removes attr with its line and the comments directly above.
func (e *editor) removeAttr(path Path, attr string) error {
	block, err := e.at(path)
	if err != nil {
		return err
	}
	a := block.Body.Attributes[attr]
	if a == nil {
		return fail(path, "%s is not set", attr)
	}
	if block.OpenBraceRange.Start.Line == block.CloseBraceRange.Start.Line {
		return e.splice(block.OpenBraceRange.End.Byte, block.CloseBraceRange.Start.Byte, "")
	}
	start, end := e.withComments(a.NameRange.Start), e.lineEnd(e.exprRange(a).End.Byte)
	return e.splice(start, end, "")
}

// indent returns the white space before the first word of the line of at.
func (e *editor) indent(at int) string {
	rest := e.src[e.lineStart(at):]
	return string(rest[:len(rest)-len(bytes.TrimLeft(rest, " \t"))])
}

// lineStart returns where the line of at begins.
func (e *editor) lineStart(at int) int { return bytes.LastIndexByte(e.src[:at], '\n') + 1 }

// lineEnd returns where the line after that of at begins.
func (e *editor) lineEnd(at int) int {
	if i := bytes.IndexByte(e.src[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(e.src)
}
