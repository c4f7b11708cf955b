// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A decoder turns a tree into values, as the table says, and remembers where
// each keyword stood.
type decoder struct {
	src   []byte
	diags Diagnostics
	at    map[place]hcl.Range
}

// A place is a keyword of one struct, given as a pointer; elements of a list
// count from 0, the list itself is -1.
type place struct {
	owner   any
	keyword string
	element int
}

// A scope is a block while it is decoded.
type scope struct {
	block *Block // nil: the top
	path  string
	sel   string // value of the block's By
	def   hcl.Range
	out   reflect.Value // the struct
}

func (s scope) name() string {
	if s.block == nil {
		return ""
	}
	return s.block.Name
}

func (s scope) keywords() []Keyword {
	if s.block == nil {
		return nil
	}
	return s.block.Keywords
}

// body decodes the attributes and blocks of s.
func (d *decoder) body(s scope, body *hclsyntax.Body) {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte)
	})
	defaults(s)
	for _, a := range attrs {
		if k := d.lookup(s, a); k != nil {
			d.attribute(s, k, a)
		}
	}
	d.missing(s)
	d.blocks(s, body.Blocks)
	emptyLists(s.out)
}

// lookup returns a's keyword, or reports why there is none.
func (d *decoder) lookup(s scope, a *hclsyntax.Attribute) *Keyword {
	if s.block == nil {
		d.diags.Add(a.NameRange, s.path, "%s", unknownAttribute(s, a.Name))
		return nil
	}
	k := s.block.keyword(a.Name)
	switch {
	case k == nil:
		d.diags.Add(a.NameRange, s.path, "%s", unknownAttribute(s, a.Name))
		return nil
	case !applies(k.Only, s.sel):
		d.diags.Add(a.NameRange, s.path, "%s", s.needs(a.Name, k.Only))
		return nil
	}
	return k
}

// needs says for which values of the selector the word is allowed.
func (s scope) needs(word string, only []string) string {
	if s.block.By == s.block.Label {
		return fmt.Sprintf("%s belongs to %s %s, not to %q", word, s.block.Name, oneOf(only), s.sel)
	}
	return fmt.Sprintf("%s needs %s %s; here it is %q", word, s.block.By, oneOf(only), s.sel)
}

// attribute decodes one attribute.
func (d *decoder) attribute(s scope, k *Keyword, a *hclsyntax.Attribute) {
	owner := s.out.Addr().Interface()
	d.at[place{owner, k.Name, -1}] = a.Expr.Range()
	if k.Kind == KindCondition {
		d.condition(s, a)
		return
	}
	f := field(s.out, k.Name, true)
	if k.Kind == KindMap {
		if m, ok := d.entries(s, k, a); ok {
			f.Set(reflect.ValueOf(m))
		}
		return
	}
	if k.Kind.element() != "" {
		if list, ok := d.list(s, k, a); ok {
			assign(f, list)
		}
		return
	}
	v, err := scalar(k, k.Kind, a.Expr, d.text(a.Expr))
	if err != nil {
		d.diags.Add(a.Expr.Range(), s.path, "%s %v", k.Name, err)
		return
	}
	assign(f, v)
}

// text returns the source of expr.
func (d *decoder) text(expr hclsyntax.Expression) string {
	r := expr.Range()
	return string(d.src[r.Start.Byte:min(r.End.Byte, len(d.src))])
}

// list decodes a list and reports each bad element.
func (d *decoder) list(s scope, k *Keyword, a *hclsyntax.Attribute) ([]any, bool) {
	tuple, ok := a.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		d.diags.Add(a.Expr.Range(), s.path, "%s must be a %s in brackets, such as [%s]", k.Name, k.Kind, clip(d.text(a.Expr)))
		return nil, false
	}
	if k.Required && len(tuple.Exprs) == 0 {
		d.diags.Add(a.Expr.Range(), s.path, "%s must not be empty", k.Name)
	}
	owner := s.out.Addr().Interface()
	first := make(map[any]hcl.Range)
	out := make([]any, 0, len(tuple.Exprs))
	for i, e := range tuple.Exprs {
		v, err := scalar(k, k.Kind.element(), e, d.text(e))
		if err != nil {
			d.diags.Add(e.Range(), s.path, "%s %v", k.Name, err)
			ok = false
			continue
		}
		if at, dup := first[v]; dup {
			d.diags.Add(e.Range(), s.path, "%s has %s twice; the first is at line %d", k.Name, clip(d.text(e)), at.Start.Line)
		}
		first[v] = e.Range()
		d.at[place{owner, k.Name, i}] = e.Range()
		out = append(out, v)
	}
	return out, ok
}

// defaults fills in what holds when nothing is given.
func defaults(s scope) {
	for i := range s.keywords() {
		k := &s.block.Keywords[i]
		if text := k.defaultFor(s.sel); text != "" && applies(k.Only, s.sel) {
			assign(field(s.out, k.Name, true), k.defaultValue(text))
		}
	}
}

// missing reports what must be given and was not.
func (d *decoder) missing(s scope) {
	for _, k := range s.keywords() {
		known := len(k.Only) == 0 || s.sel != "" // else that is the mistake
		if k.Required && known && applies(k.Only, s.sel) && !d.given(s.out.Addr().Interface(), k.Name) {
			d.diags.Add(s.def, s.path, "%s is missing: %s", k.Name, lowerFirst(k.Purpose))
		}
	}
}

// given reports whether the keyword stood in the block of owner, a pointer to
// its struct, rightly or not.
func (d *decoder) given(owner any, keyword string) bool {
	_, ok := d.at[place{owner, keyword, -1}]
	return ok
}

// where returns the range of a keyword's value, or otherwise if it was not
// given.
func (d *decoder) where(owner any, keyword string, otherwise hcl.Range) hcl.Range {
	if r, ok := d.at[place{owner, keyword, -1}]; ok {
		return r
	}
	return otherwise
}
