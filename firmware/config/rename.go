// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Rename gives the block at path another label, and everything that refers to it
// by its label: attributes of other blocks, members of a server, what tests expect.
// It fails if a sibling has the label already.
func Rename(src []byte, path Path, label string) ([]byte, Diagnostics) {
	root, bad := Objects(src)
	if bad.HasErrors() {
		return src, bad
	}
	o := root.Find(path)
	var b *Block
	if o != nil {
		b = o.schema()
	}
	refuse := func(err error) ([]byte, Diagnostics) {
		return src, Diagnostics{{Path: path.String(), Msg: err.Error()}}
	}
	switch {
	case len(path) == 0 || o == nil:
		return refuse(fail(path, "there is no such block"))
	case b == nil || b.Label != "name" || len(o.block.LabelRanges) != 1:
		return refuse(fail(path, "it has no name of its own that could be changed"))
	}
	if err := checkName(label); err != nil {
		return refuse(fail(path, "the name %v, not %q", err, clip(label)))
	}
	to := Step{Block: b.Name, Label: label}
	if label != o.Step.Label && root.Find(append(slices.Clone(path[:len(path)-1]), to)) != nil {
		return refuse(fail(path, "there is a %s already", Path{to}))
	}
	r := &renamer{kind: b.Name, from: o.Step.Label, name: label, to: quote(label)}
	r.cuts = append(r.cuts, cut(o.block.LabelRanges[0], r.to))
	within := root
	if b.Name == "rule" || b.Name == "test" {
		within = root.Find(path[:len(path)-1])
	}
	if path[len(path)-1].Index == 0 { // of several, the references mean the first
		r.visit(within)
	}
	return r.apply(src), nil
}

// A renamer collects the places of references.
type renamer struct {
	kind, from, name string
	to               string // name as it is written
	cuts             []splice
}

func cut(r hcl.Range, text string) splice { return splice{r.Start.Byte, r.End.Byte, text} }

// visit looks for references in the blocks within o.
func (r *renamer) visit(o *Object) {
	for _, in := range o.Blocks {
		b := in.schema()
		if b == nil {
			continue
		}
		if b.ref == r.kind && in.Step.Label == r.from && len(in.block.LabelRanges) == 1 {
			r.cuts = append(r.cuts, cut(in.block.LabelRanges[0], r.to))
		}
		if b.Name == "track" && in.Step.Label == r.kind+labelGap+r.from {
			r.cuts = append(r.cuts, cut(in.block.LabelRanges[1], r.to))
		}
		for name, a := range in.body.Attributes {
			k := b.keyword(name)
			switch {
			case k == nil:
			case k.Ref == r.kind, b.Name == "expect" && name == r.kind, b.Name == "alert" && name == "to" && r.tells():
				r.value(a.Expr)
			case b.Name == "alert" && name == "objects":
				r.patterns(a.Expr)
			}
		}
		r.visit(in)
	}
}

// value renames what an attribute says: one name, or a list of names.
func (r *renamer) value(expr hclsyntax.Expression) {
	if list, ok := expr.(*hclsyntax.TupleConsExpr); ok {
		for _, e := range list.Exprs {
			r.value(e)
		}
		return
	}
	if v, ok := literal(expr); ok && v.Type() == cty.String && v.AsString() == r.from {
		r.cuts = append(r.cuts, cut(expr.Range(), r.to))
	}
}

// tells reports whether the block is one that alerts go to.
func (r *renamer) tells() bool { return r.kind == "syslog" || r.kind == "mail" }

// patterns renames the block in patterns of objects, such as pool/shop/*, where a
// server is the member of a pool.
func (r *renamer) patterns(expr hclsyntax.Expression) {
	list, ok := expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		return
	}
	kind := r.kind
	if kind == "server" {
		kind = "member"
	}
	for _, e := range list.Exprs {
		v, ok := literal(e)
		if !ok || v.Type() != cty.String {
			continue
		}
		steps := strings.Split(v.AsString(), "/")
		changed := false
		for i := 1; i < len(steps); i += 2 {
			if steps[i-1] == kind && steps[i] == r.from {
				steps[i], changed = r.name, true
			}
		}
		if changed {
			r.cuts = append(r.cuts, cut(e.Range(), quote(strings.Join(steps, "/"))))
		}
	}
}

func (r *renamer) apply(src []byte) []byte {
	slices.SortFunc(r.cuts, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	var out []byte
	at := 0
	for _, c := range r.cuts {
		out = append(append(out, src[at:c.start]...), c.text...)
		at = c.end
	}
	return append(out, src[at:]...)
}
