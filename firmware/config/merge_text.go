// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A patch is what becomes of the text of one block.
type patch struct {
	of    *Object           // whose text it begins with
	attrs *Object           // whose attributes it gets
	texts map[Step]string   // of the blocks within, as whole lines; "": gone
	order map[string][]Step // of the blocks that are left, by type
}

// A splice replaces bytes of a text.
type splice struct {
	start, end int
	text       string
}

// render returns the whole lines of the block.
func (p *patch) render() string {
	o := p.of
	if o.block != nil && o.block.OpenBraceRange.Start.Line == o.block.CloseBraceRange.Start.Line {
		return p.renderLine()
	}
	var cuts []splice
	cuts = append(cuts, p.attributes()...)
	cuts = append(cuts, p.children()...)
	slices.SortStableFunc(cuts, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	var out strings.Builder
	at := o.start
	for _, c := range cuts {
		c.start = max(c.start, at) // two that are gone may have shared an empty line
		out.Write(o.src[at:c.start])
		out.WriteString(c.text)
		at = max(c.end, at)
	}
	out.Write(o.src[at:o.end])
	return out.String()
}

// indent returns what stands before each line within the block.
func (o *Object) indent() string {
	if o.block == nil {
		return ""
	}
	e := o.reader.e
	return e.indent(o.block.TypeRange.Start.Byte) + "  "
}

// renderLine writes a block that stood on one line anew, if anything in it
// changes.
func (p *patch) renderLine() string {
	o := p.of
	same := maps.Equal(o.Attrs, p.attrs.Attrs)
	for _, steps := range p.order {
		same = same && len(steps) == 0
	}
	if same {
		return o.Text
	}
	head := string(o.src[o.start:o.block.OpenBraceRange.End.Byte])
	tail := string(o.src[o.block.CloseBraceRange.Start.Byte:o.end])
	inner := o.indent()
	var body strings.Builder
	for _, a := range p.attrs.attributes() {
		body.WriteString(p.attrs.attrText(a, inner))
	}
	for _, kind := range slices.Sorted(maps.Keys(p.order)) {
		for _, s := range p.order[kind] {
			body.WriteString(p.texts[s])
		}
	}
	return head + "\n" + body.String() + strings.TrimSuffix(inner, "  ") + tail
}

// attributes returns the attributes of o in the order of its text.
func (o *Object) attributes() []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(o.body.Attributes), func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte)
	})
}

// attrText returns an attribute as a line of its own.
func (o *Object) attrText(a *hclsyntax.Attribute, indent string) string {
	start, end := o.attrLines(a)
	if o.block == nil || o.block.OpenBraceRange.Start.Line != o.block.CloseBraceRange.Start.Line {
		return ended(string(o.src[start:end]))
	}
	e := o.reader.e
	r := e.exprRange(a)
	return indent + a.Name + " = " + string(o.src[r.Start.Byte:r.End.Byte]) + "\n"
}

// attrLines returns where the lines of an attribute are, with the comments
// directly above.
func (o *Object) attrLines(a *hclsyntax.Attribute) (start, end int) {
	e := o.reader.e
	return o.reader.start(a.NameRange.Start), e.lineEnd(e.exprRange(a).End.Byte)
}

// attributes returns the splices that give the block its attributes.
func (p *patch) attributes() (cuts []splice) {
	o, last, e := p.of, 0, p.of.reader.e
	if o.block != nil {
		last = e.lineEnd(o.block.OpenBraceRange.End.Byte)
	}
	for _, a := range o.attributes() {
		value, stays := p.attrs.Attrs[a.Name]
		start, end := o.attrLines(a)
		last = max(last, end)
		switch {
		case !stays:
			cuts = append(cuts, splice{start, end, ""})
		case value != o.Attrs[a.Name]:
			r, with := e.exprRange(a), p.attrs.reader.e.exprRange(p.attrs.body.Attributes[a.Name])
			cuts = append(cuts, splice{r.Start.Byte, r.End.Byte, string(p.attrs.src[with.Start.Byte:with.End.Byte])})
		}
	}
	var added strings.Builder
	for _, a := range p.attrs.attributes() {
		if _, there := o.Attrs[a.Name]; !there {
			added.WriteString(p.attrs.attrText(a, o.indent()))
		}
	}
	if added.Len() > 0 {
		cuts = append(cuts, splice{last, last, e.newline(last) + added.String()})
	}
	return cuts
}

// children returns the splices that give the block the blocks within. Those that
// stay fill the places where blocks of their type stood, in the new order.
func (p *patch) children() (cuts []splice) {
	slots := p.of.byType()
	end := p.of.end // where blocks of a new type go
	e := p.of.reader.e
	if p.of.block != nil {
		end = e.lineStart(p.of.block.CloseBraceRange.Start.Byte)
	}
	for _, kind := range slices.Sorted(maps.Keys(p.order)) {
		order := p.order[kind]
		old := slots[kind]
		staying := only(steps(old), set(order))
		for _, o := range old {
			if !slices.Contains(staying, o.Step) {
				start, stop := e.closeGap(o.start, o.end)
				cuts = append(cuts, splice{start, stop, ""})
			}
		}
		had := set(staying)
		i := 0
		for _, o := range old {
			if !had[o.Step] {
				continue
			}
			text := ""
			for ; i < len(order) && !had[order[i]]; i++ {
				text += p.texts[order[i]] + "\n"
			}
			text += p.texts[order[i]]
			i++
			if rest := order[i:]; !slices.ContainsFunc(rest, func(s Step) bool { return had[s] }) {
				for _, s := range rest {
					text += "\n" + p.texts[s]
				}
				i = len(order)
			}
			cuts = append(cuts, splice{o.start, o.end, text})
		}
		if len(staying) == 0 {
			for ; i < len(order); i++ {
				cuts = append(cuts, splice{end, end, e.newline(end) + "\n" + p.texts[order[i]]})
			}
		}
	}
	return cuts
}
