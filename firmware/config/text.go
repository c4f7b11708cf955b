// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// JSON returns the checked values as indented JSON. Durations and sizes have
// their units; the token of the statistics is left out.
func (c *Config) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Text returns the configuration as canonical text: what differs from the
// defaults, or everything. Parse gives an equal Config for it.
func (c *Config) Text(defaults bool) []byte {
	p := printer{defaults: defaults}
	p.blocks("", "", reflect.ValueOf(c).Elem())
	return canonical(p.out.Bytes())
}

type printer struct {
	out      bytes.Buffer
	defaults bool
}

// blocks prints the blocks within a block of the type parent.
func (p *printer) blocks(parent, sel string, v reflect.Value) {
	for _, b := range blocksIn(parent) {
		f := v.FieldByName(b.field)
		switch f.Kind() {
		case reflect.Slice:
			for i := range f.Len() {
				p.block(b, sel, f.Index(i).Elem(), true)
			}
		case reflect.Pointer:
			if !f.IsNil() {
				p.block(b, sel, f.Elem(), true)
			}
		default:
			if applies(b.Only, sel) {
				p.block(b, sel, f, false)
			}
		}
	}
}

// block prints one block; one that is always there and has nothing to say is
// left out unless it must be kept.
func (p *printer) block(b *Block, outer string, v reflect.Value, keep bool) {
	sel := outer
	head := b.Name
	if b.label != "" {
		label := v.FieldByName(b.label).String()
		head += " " + quote(label)
		sel = label
	}
	if b.second != "" {
		head += " " + quote(v.FieldByName(b.second).String())
	}
	if b.By != "" && b.keyword(b.By) != nil {
		sel = field(v, b.By, false).String()
	}
	inner := printer{defaults: p.defaults}
	for i := range b.Keywords {
		inner.keyword(&b.Keywords[i], sel, v)
	}
	attrs := inner.out.Len()
	inner.blocks(b.Name, sel, v)
	if inner.out.Len() == 0 && !keep {
		return
	}
	if p.out.Len() > 0 {
		p.out.WriteByte('\n')
	}
	body := inner.out.String()
	if attrs == len(body) && strings.Count(body, "\n") <= 1 { // at most one attribute
		if body = strings.TrimSpace(body); body != "" {
			body = " " + body + " "
		}
		fmt.Fprintf(&p.out, "%s {%s}\n", head, body)
		return
	}
	fmt.Fprintf(&p.out, "%s {\n%s}\n", head, body)
}

// keyword prints one attribute if it has a value worth printing.
func (p *printer) keyword(k *Keyword, sel string, v reflect.Value) {
	f := field(v, k.Name, false)
	if !applies(k.Only, sel) || !f.IsValid() {
		return
	}
	given := f.Kind() == reflect.Pointer
	if given {
		if f.IsNil() {
			return
		}
		f = f.Elem()
	}
	text := spell(k.Kind, f)
	none := k.defaultFor(sel) == "" && !k.Required
	switch {
	case f.Kind() == reflect.String && f.Len() == 0 && !given, f.Kind() == reflect.Map && f.Len() == 0,
		none && f.Kind() == reflect.Slice && f.Len() == 0, none && f.Kind() == reflect.Struct && f.IsZero():
		return
	case !p.defaults && !none && !k.Required && text == spellDefault(k, sel):
		return
	}
	fmt.Fprintf(&p.out, "%s = %s\n", k.Name, text)
}

// spellDefault returns the default as spell would.
func spellDefault(k *Keyword, sel string) string {
	return spell(k.Kind, reflect.ValueOf(k.defaultValue(k.defaultFor(sel))))
}

// spell returns a value as it stands in a configuration.
func spell(kind Kind, v reflect.Value) string {
	if e := kind.element(); e != "" {
		items := make([]string, v.Len())
		for i := range items {
			items[i] = spell(e.single(), v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	switch kind {
	case KindBool:
		return strconv.FormatBool(v.Bool())
	case KindInt:
		return strconv.FormatInt(v.Int(), 10)
	case KindFloat:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case KindCondition:
		return v.String()
	case KindMap:
		return spellMap(v)
	}
	if v.Kind() == reflect.Interface { // of a default
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return quote(v.String())
	}
	return quote(fmt.Sprint(v.Interface()))
}

// single returns the kind of one value for the element of a list.
func (k Kind) single() Kind {
	if k == KindInt {
		return k
	}
	return KindString
}

// quote returns s as a text in quotes, with what must be escaped.
func quote(s string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
}
