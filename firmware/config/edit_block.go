// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// insert is InsertBlock.
func (e *editor) insert(parent Path, before *Step, text string) error {
	blockType, err := oneBlock(parent, text)
	if err != nil {
		return err
	}
	block, err := e.at(parent)
	if err != nil {
		return err
	}
	indent := ""
	if block != nil {
		if _, err = e.spread(parent, block); err != nil {
			return err
		}
		indent = e.indent(block.TypeRange.Start.Byte) + "  "
	}
	return e.place(parent, before, blockType, indented(text, indent))
}

// place puts whole lines, which hold one block, into parent.
func (e *editor) place(parent Path, before *Step, blockType, text string) error {
	block, err := e.at(parent)
	if err != nil {
		return err
	}
	body := e.body
	if block != nil {
		body = block.Body
	}
	if before != nil {
		next := before.find(body)
		if next == nil {
			return fail(parent, "there is no %s", Path{*before})
		}
		at := e.withComments(next.TypeRange.Start)
		return e.splice(at, at, text+"\n")
	}
	var last *hclsyntax.Block
	for _, b := range body.Blocks {
		if b.Type == blockType {
			last = b
		}
	}
	switch {
	case last != nil:
		at := e.lineEnd(last.CloseBraceRange.End.Byte)
		return e.splice(at, at, e.newline(at)+"\n"+text)
	case block != nil:
		at := e.lineStart(block.CloseBraceRange.Start.Byte)
		return e.splice(at, at, e.gap(block, at)+text)
	}
	at := len(e.src)
	gap := e.newline(at)
	if len(strings.TrimSpace(string(e.src))) > 0 {
		gap += "\n"
	}
	return e.splice(at, at, gap+text)
}

// newline ends the last line of the text if at stands behind it.
func (e *editor) newline(at int) string {
	if at > 0 && e.src[at-1] != '\n' {
		return "\n"
	}
	return ""
}

// gap is an empty line where something stands in block before at.
func (e *editor) gap(block *hclsyntax.Block, at int) string {
	if strings.TrimSpace(string(e.src[block.OpenBraceRange.End.Byte:at])) == "" {
		return ""
	}
	return "\n"
}

// spread gives a block's braces lines of their own, and returns the block anew.
func (e *editor) spread(path Path, block *hclsyntax.Block) (*hclsyntax.Block, error) {
	start, end := block.OpenBraceRange.End.Byte, block.CloseBraceRange.Start.Byte
	outer := e.indent(block.TypeRange.Start.Byte)
	var err error
	switch inner := strings.TrimSpace(string(e.src[start:end])); {
	case block.OpenBraceRange.Start.Line != block.CloseBraceRange.Start.Line:
		return block, nil
	case inner == "":
		err = e.splice(start, end, "\n"+outer)
	default:
		err = e.splice(start, end, "\n"+outer+"  "+inner+"\n"+outer)
	}
	if err != nil {
		return nil, err
	}
	return e.at(path)
}

// oneBlock checks that text is one block that may stand in parent, and returns
// its type.
func oneBlock(parent Path, text string) (string, error) {
	body, _, bad := parseTree("", []byte(text))
	if bad != nil {
		return "", fail(parent, "the new block: line %d: %s", bad.Range.Start.Line, bad.Msg)
	}
	if len(body.Blocks) != 1 || len(body.Attributes) != 0 {
		return "", fail(parent, "the new text must be one block")
	}
	b := body.Blocks[0]
	in := ""
	if len(parent) > 0 {
		in = parent[len(parent)-1].Block
	}
	if blockIn(in, b.Type) == nil {
		s := scope{}
		for i := range language {
			if language[i].Name == in {
				s.block = &language[i]
			}
		}
		return "", fail(parent, "%s", unknownBlock(s, b.Type))
	}
	return b.Type, nil
}

// indented returns text in canonical form with indent before each line, except
// within texts behind "<<".
func indented(text, indent string) string {
	var b strings.Builder
	formatted := canonical([]byte(text))
	for _, l := range lines(formatted[:len(formatted)-1]) {
		if !l.verbatim && len(l.text) > 0 {
			b.WriteString(indent)
		}
		b.Write(l.text)
		b.WriteByte('\n')
	}
	return b.String()
}

// remove is RemoveBlock; it returns what it removed.
func (e *editor) remove(path Path) (string, error) {
	block, err := e.at(path)
	if err != nil {
		return "", err
	}
	start, end := e.withComments(block.TypeRange.Start), e.lineEnd(block.CloseBraceRange.End.Byte)
	text := string(e.src[start:end])
	start, end = e.closeGap(start, end)
	return text, e.splice(start, end, "")
}

// closeGap widens a range of lines by an empty line on one side if there is one
// on both, or nothing else on the other.
func (e *editor) closeGap(start, end int) (int, int) {
	emptyBefore := start == 0 || strings.HasSuffix(strings.TrimRight(string(e.src[:start]), " \t"), "\n\n")
	next := e.lineEnd(end)
	emptyAfter := end < len(e.src) && strings.TrimSpace(string(e.src[end:next])) == ""
	rest := strings.TrimSpace(string(e.src[end:]))
	switch {
	case emptyBefore && emptyAfter:
		end = next
	case emptyBefore && start > 0 && (rest == "" || rest[0] == '}'):
		start = e.lineStart(start - 1)
	}
	return start, end
}

// move is MoveBlock.
func (e *editor) move(path Path, before *Step) error {
	parent, self := path[:len(path)-1], path[len(path)-1]
	if before != nil {
		if *before == self {
			return nil
		}
		if _, err := e.at(append(slices.Clone(parent), *before)); err != nil {
			return err
		}
		if next := *before; next.Block == self.Block && next.Label == self.Label && next.Index > self.Index {
			next.Index-- // it counts without the block that moves
			before = &next
		}
	}
	text, err := e.remove(path)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return e.place(parent, before, self.Block, text)
}

// withComments returns where the comments that stand directly above pos begin,
// on lines of their own, or the line of pos.
func (e *editor) withComments(pos hcl.Pos) int {
	start := e.lineStart(pos.Byte)
	own := make(map[int]bool) // lines that hold a comment and nothing before it
	tokens, _ := hclsyntax.LexConfig(e.src, "", hcl.InitialPos)
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenComment || e.lineStart(t.Range.Start.Byte) != t.Range.Start.Byte-len(e.indent(t.Range.Start.Byte)) {
			continue
		}
		for n := t.Range.Start.Line; n <= t.Range.Start.Line+strings.Count(strings.TrimSuffix(string(t.Bytes), "\n"), "\n"); n++ {
			own[n] = true
		}
	}
	for n := pos.Line - 1; own[n]; n-- {
		start = e.lineStart(start - 1)
	}
	return start
}
