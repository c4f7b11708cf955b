// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// blocks decodes the blocks within s and reports those that are unknown,
// misplaced or given twice.
func (d *decoder) blocks(s scope, blocks hclsyntax.Blocks) {
	first := make(map[string]hcl.Range) // by type and label
	count := make(map[string]int)       // by type
	for _, in := range blocks {
		b := blockIn(s.name(), in.Type)
		switch {
		case b == nil:
			d.diags.Add(in.TypeRange, s.path, "%s", unknownBlock(s, in.Type))
			continue
		case !applies(b.Only, s.sel):
			d.diags.Add(in.TypeRange, s.path, "%s", s.needs(in.Type, b.Only))
			continue
		}
		label, ok := d.label(s, b, in)
		head := strings.TrimSpace(b.Name + " " + quoteLabels(b, label))
		if count[b.Name]++; b.Max > 1 && count[b.Name] == b.Max+1 {
			d.diags.Add(in.DefRange(), s.path, "at most %d %s blocks can stand here", b.Max, b.Name)
		}
		if at, dup := first[head]; dup && b.Name != "probe" && ok {
			d.diags.Add(in.DefRange(), s.path, "%s is given twice; the first is at line %d", head, at.Start.Line)
		} else if !dup {
			first[head] = in.DefRange()
		}
		d.block(s, b, in, label, head)
	}
	d.absent(s, count)
}

// absent gives the defaults to the structs whose blocks are not there.
func (d *decoder) absent(s scope, count map[string]int) {
	for _, b := range blocksIn(s.name()) {
		out := s.out.FieldByName(b.field)
		if count[b.Name] == 0 && out.Kind() == reflect.Struct && applies(b.Only, s.sel) {
			d.body(scope{block: b, path: s.path, sel: selector(s, b, "", nil), def: s.def, out: out}, &hclsyntax.Body{})
		}
	}
}

func quoteIf(yes bool, s string) string {
	if !yes {
		return ""
	}
	return fmt.Sprintf("%q", clip(s))
}

// quoteLabels returns the labels of a block of type b as a head has them.
func quoteLabels(b *Block, label string) string {
	if b.Second == "" {
		return quoteIf(b.Label != "", label)
	}
	one, two, _ := strings.Cut(label, labelGap)
	return strings.TrimSpace(quoteIf(one != "", one) + " " + quoteIf(two != "", two))
}

// label checks the words between a block's type and its brace. Of two labels it
// returns both, as a Step has them.
func (d *decoder) label(s scope, b *Block, in *hclsyntax.Block) (string, bool) {
	switch {
	case b.Label == "" && len(in.Labels) == 0:
		return "", true
	case b.Label == "":
		d.diags.Add(in.LabelRanges[0], s.path, "%s has no name: write %s { ... }", b.Name, b.Name)
		return "", false
	case b.Second != "" && len(in.Labels) != 2:
		d.diags.Add(in.DefRange(), s.path, "%s needs a %s and a %s: write %s { ... }", b.Name, b.Label, b.Second,
			fmt.Sprintf("%s %q %q", b.Name, b.Labels[0], b.Second))
		return "", false
	case b.Second == "" && len(in.Labels) != 1:
		d.diags.Add(in.DefRange(), s.path, "%s needs one %s: write %s { ... }", b.Name, b.Label, b.Name+` "`+b.Label+`"`)
		return "", false
	}
	label := in.Labels[0]
	var err error
	switch {
	case len(b.Labels) > 0:
		if !slices.Contains(b.Labels, label) {
			err = fmt.Errorf("must be %s, not %q%s", oneOf(b.Labels), clip(label), didYouMean(label, b.Labels))
		}
	case b.Label == "pattern":
		if err = checkPattern(label); err != nil {
			err = fmt.Errorf("%w, not %q", err, clip(label))
		}
	default:
		if err = checkName(label); err != nil {
			err = fmt.Errorf("%w, not %q", err, clip(label))
		}
	}
	if err != nil {
		d.diags.Add(in.LabelRanges[0], s.path, "the %s of the %s %v", b.Label, b.Name, err)
	}
	if b.Second == "" {
		return label, err == nil
	}
	second := checkName(in.Labels[1])
	if second != nil {
		d.diags.Add(in.LabelRanges[1], s.path, "the %s of the %s %v, not %q", b.Second, b.Name, second, clip(in.Labels[1]))
	}
	return strings.Join(in.Labels, labelGap), err == nil && second == nil
}

// block decodes one block into a new struct, or the one that is there.
func (d *decoder) block(s scope, b *Block, in *hclsyntax.Block, label, head string) {
	target := s.out.FieldByName(b.field)
	out := target
	switch target.Kind() {
	case reflect.Slice:
		p := reflect.New(target.Type().Elem().Elem())
		target.Set(reflect.Append(target, p))
		out = p.Elem()
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		out = target.Elem()
	}
	label, second, _ := strings.Cut(label, labelGap)
	if b.label != "" {
		out.FieldByName(b.label).SetString(label)
	}
	if b.second != "" {
		out.FieldByName(b.second).SetString(second)
	}
	if r := out.FieldByName("Range"); r.IsValid() {
		r.Set(reflect.ValueOf(in.DefRange()))
	}
	inner := scope{block: b, path: strings.TrimSpace(s.path + " " + head), def: in.DefRange(), out: out}
	inner.sel = selector(s, b, label, in.Body)
	d.body(inner, in.Body)
}

// selector returns the value of b's By: its label, the value of its keyword, or
// what the enclosing block has.
func selector(s scope, b *Block, label string, body *hclsyntax.Body) string {
	if b.By == "" {
		return ""
	}
	if b.By == b.Label {
		if slices.Contains(b.Labels, label) {
			return label
		}
		return ""
	}
	k := b.keyword(b.By)
	if k == nil {
		return s.sel
	}
	if body == nil || body.Attributes[b.By] == nil {
		return k.Default
	}
	a := body.Attributes[b.By]
	if v, ok := literal(a.Expr); ok && v.Type().FriendlyName() == "string" && slices.Contains(k.OneOf, v.AsString()) {
		return v.AsString()
	}
	return ""
}

// unknownAttribute says what was probably meant by an attribute that s does not
// have.
func unknownAttribute(s scope, name string) string {
	if b := blockIn(s.name(), name); b != nil {
		return fmt.Sprintf("%s is a block: write %s { ... }", name, strings.TrimSpace(name+" "+quoteIf(b.Label != "", b.Label)))
	}
	if s.block == nil {
		return fmt.Sprintf("%q cannot be set here; attributes stand within blocks%s", clip(name), elsewhere(name))
	}
	known := make([]string, len(s.block.Keywords))
	for i, k := range s.block.Keywords {
		known[i] = k.Name
	}
	msg := fmt.Sprintf("unknown attribute %q", clip(name))
	if hint := didYouMean(name, known); hint != "" {
		return msg + hint
	}
	if hint := elsewhere(name); hint != "" {
		return msg + hint
	}
	if len(known) <= 10 {
		return msg + "; " + s.block.Name + " has " + strings.Join(known, ", ")
	}
	return msg
}

// elsewhere names the blocks that have the keyword.
func elsewhere(name string) string {
	var in []string
	for _, b := range language {
		if b.keyword(name) != nil {
			in = append(in, b.Name)
		}
	}
	if len(in) == 0 {
		return ""
	}
	return fmt.Sprintf("; %s belongs in %s", name, orList(in))
}

// unknownBlock says what was probably meant by a block that does not stand in s.
func unknownBlock(s scope, name string) string {
	if s.block != nil && s.block.keyword(name) != nil {
		return fmt.Sprintf("%s is an attribute: write %s = ...", name, name)
	}
	var known []string
	for _, b := range blocksIn(s.name()) {
		known = append(known, b.Name)
	}
	for _, b := range language {
		if b.Name != name {
			continue
		}
		if len(b.In) == 0 {
			return fmt.Sprintf("%s stands at the top, not within %s", name, s.block.Name)
		}
		return fmt.Sprintf("%s stands within %s", name, orList(b.In))
	}
	msg := fmt.Sprintf("unknown block %q", clip(name))
	if hint := didYouMean(name, known); hint != "" {
		return msg + hint
	}
	if len(known) > 0 {
		return msg + "; known here: " + strings.Join(known, ", ")
	}
	return msg + "; no blocks stand here"
}
