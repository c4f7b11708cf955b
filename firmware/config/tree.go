// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// An Object is one block of a text as it is written, without regard to what it
// means: a text with mistakes has objects too, as long as its syntax is right.
// That of the whole text has no Step.
type Object struct {
	Step   Step
	Path   Path
	Attrs  map[string]string // each value on one line, as far as that goes
	Blocks []*Object         // in the order of the text
	Line   int               // of its first word
	Text   string            // whole lines, with the comments directly above

	reader     *treeReader // of the whole text
	src        []byte
	body       *hclsyntax.Body
	block      *hclsyntax.Block // nil: the whole text
	start, end int              // of Text in src
}

// Objects returns the object of the whole text, with all that are in it, or the
// mistake in the syntax.
func Objects(src []byte) (*Object, Diagnostics) {
	body, _, bad := parseTree("", src)
	if bad != nil {
		return nil, Diagnostics{*bad}
	}
	r := &treeReader{e: &editor{src: src, body: body}, above: commentLines(src)}
	root := &Object{reader: r, src: src, body: body, end: len(src), Text: string(src), Line: 1}
	r.fill(root)
	return root, nil
}

type treeReader struct {
	e     *editor
	above map[int]bool // lines that hold a comment and nothing before it
}

func (r *treeReader) fill(o *Object) {
	o.Attrs = make(map[string]string, len(o.body.Attributes))
	for name, a := range o.body.Attributes {
		o.Attrs[name] = r.value(a)
	}
	count := make(map[Step]int)
	for _, b := range o.body.Blocks {
		step := Step{Block: b.Type, Label: strings.Join(b.Labels, labelGap)}
		n := count[step]
		count[step]++
		step.Index = n
		in := &Object{Step: step, Path: append(slices.Clone(o.Path), step), Line: b.TypeRange.Start.Line,
			reader: r, src: r.e.src, body: b.Body, block: b}
		in.start, in.end = r.start(b.TypeRange.Start), r.e.lineEnd(b.CloseBraceRange.End.Byte)
		in.Text = string(r.e.src[in.start:in.end])
		r.fill(in)
		o.Blocks = append(o.Blocks, in)
	}
}

// value returns an attribute's value on one line; a text behind "<<" keeps its
// lines.
func (r *treeReader) value(a *hclsyntax.Attribute) string {
	at := r.e.exprRange(a)
	raw := r.e.src[at.Start.Byte:at.End.Byte]
	if line, ok := oneLine(raw); ok {
		return line
	}
	return string(raw)
}

// start is withComments for many places of one text.
func (r *treeReader) start(pos hcl.Pos) int {
	start := r.e.lineStart(pos.Byte)
	for n := pos.Line - 1; r.above[n]; n-- {
		start = r.e.lineStart(start - 1)
	}
	return start
}

// commentLines returns the lines that hold a comment and nothing before it.
func commentLines(src []byte) map[int]bool {
	own := make(map[int]bool)
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	last := 0 // line on which the token before ended
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenNewline {
			continue
		}
		first := t.Range.Start.Line
		if t.Type == hclsyntax.TokenComment && (first > last || own[first]) {
			lines := strings.Count(strings.TrimSuffix(string(t.Bytes), "\n"), "\n")
			for n := first; n <= first+lines; n++ {
				own[n] = true
			}
			continue
		}
		last = t.Range.End.Line
		delete(own, first)
	}
	return own
}

// Find returns the object at path below o, or nil.
func (o *Object) Find(path Path) *Object {
	for _, step := range path {
		i := slices.IndexFunc(o.Blocks, func(b *Object) bool { return b.Step == step })
		if i < 0 {
			return nil
		}
		o = o.Blocks[i]
	}
	return o
}

// Same reports whether o and other say the same in the same order; comments and
// the form of the text do not count. A nil object is one that is not there.
func (o *Object) Same(other *Object) bool {
	if o == nil || other == nil {
		return o == other
	}
	if o.Step != other.Step || !maps.Equal(o.Attrs, other.Attrs) || len(o.Blocks) != len(other.Blocks) {
		return false
	}
	x, y := o.byType(), other.byType()
	return maps.EqualFunc(x, y, func(p, q []*Object) bool {
		return slices.EqualFunc(p, q, (*Object).Same)
	})
}

// byType returns the blocks of each type, in their order. That of blocks of
// different types means nothing.
func (o *Object) byType() map[string][]*Object {
	out := make(map[string][]*Object)
	if o != nil {
		for _, b := range o.Blocks {
			out[b.Step.Block] = append(out[b.Step.Block], b)
		}
	}
	return out
}

// types returns the types of blocks that stand in any of the objects, in the
// order in which they occur.
func types(objects ...*Object) (out []string) {
	for _, o := range objects {
		if o == nil {
			continue
		}
		for _, b := range o.Blocks {
			if !slices.Contains(out, b.Step.Block) {
				out = append(out, b.Step.Block)
			}
		}
	}
	return out
}

// Short returns p in the form that ParsePath reads.
func (p Path) Short() string {
	words := make([]string, 0, 2*len(p))
	for _, s := range p {
		words = append(words, s.short())
	}
	return strings.Join(words, "/")
}

func (s Step) short() string {
	w := s.Block
	switch one, two, both := strings.Cut(s.Label, labelGap); {
	case both && hasSecond(s.Block):
		w += "/" + labelEscapes.Replace(one) + "/" + labelEscapes.Replace(two)
	case s.Label != "":
		w += "/" + labelEscapes.Replace(s.Label)
	}
	if s.Index > 0 {
		w += fmt.Sprintf("#%d", s.Index+1)
	}
	return w
}

// hasSecond reports whether blocks called name have two labels.
func hasSecond(name string) bool {
	return slices.ContainsFunc(language, func(b Block) bool { return b.Name == name && b.Second != "" })
}

// The short form has "/" and "#" of its own.
var (
	labelEscapes   = strings.NewReplacer("%", "%25", "/", "%2F", "#", "%23")
	labelUnescapes = strings.NewReplacer("%25", "%", "%2F", "/", "%23", "#")
)
