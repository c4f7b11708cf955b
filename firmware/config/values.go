// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Values returns the checked values of the block at path as JSON, or nil if there
// is no such block.
func (c *Config) Values(path Path) (json.RawMessage, error) {
	v := reflect.ValueOf(c).Elem()
	parent := ""
	for _, s := range path {
		b := blockIn(parent, s.Block)
		if b == nil {
			return nil, nil
		}
		if v = within(v.FieldByName(b.field), b, s); !v.IsValid() {
			return nil, nil
		}
		parent = b.Name
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v.Interface())
	return bytes.TrimSpace(out.Bytes()), err
}

// within returns the struct in f, the field of b's blocks, that s names.
func within(f reflect.Value, b *Block, s Step) reflect.Value {
	switch {
	case f.Kind() == reflect.Pointer:
		return f.Elem()
	case f.Kind() != reflect.Slice:
		return f
	}
	n := s.Index
	for i := range f.Len() {
		v := f.Index(i).Elem()
		if b.label != "" && b.labelOf(v) != s.Label {
			continue
		}
		if n == 0 {
			return v
		}
		n--
	}
	return reflect.Value{}
}

// labelOf returns the label of v, a struct of b's, as a Step has it.
func (b *Block) labelOf(v reflect.Value) string {
	label := v.FieldByName(b.label).String()
	if b.second != "" {
		label += labelGap + v.FieldByName(b.second).String()
	}
	return label
}

// ValueText returns a value in JSON as text for [Edit] of the attribute of a block
// of the type: a text becomes one in quotes, unless the keyword is a condition,
// which stands as it is. null is the empty text, which removes the attribute.
func ValueText(parent, block, attr string, value json.RawMessage) (string, error) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("%s: the value is no JSON: %w", attr, err)
	}
	if b := blockIn(parent, block); b != nil {
		if k := b.keyword(attr); k != nil && k.Kind == KindCondition {
			if s, ok := v.(string); ok {
				return s, nil
			}
		}
	}
	text, err := spellJSON(v, 0)
	if err != nil {
		return "", fmt.Errorf("%s: %w", attr, err)
	}
	return text, nil
}

func spellJSON(v any, depth int) (string, error) {
	if depth > 2 {
		return "", errors.New("a value is a text, a number, true or false, a list or a map of these")
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case bool:
		return fmt.Sprint(v), nil
	case string:
		return quote(v), nil
	case json.Number:
		f, ok := new(big.Float).SetString(v.String())
		if !ok || len(v) > maxNumber {
			return "", fmt.Errorf("the number %s is too long", clip(v.String()))
		}
		return f.Text('f', -1), nil
	case []any:
		items := make([]string, len(v))
		for i, e := range v {
			var err error
			if items[i], err = spellJSON(e, depth+1); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	}
	m := v.(map[string]any)
	items := make([]string, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		text, err := spellJSON(m[name], depth+1)
		if err != nil {
			return "", err
		}
		if !hclsyntax.ValidIdentifier(name) {
			name = quote(name)
		}
		items = append(items, name+" = "+text)
	}
	if len(items) == 0 {
		return "{}", nil
	}
	return "{ " + strings.Join(items, ", ") + " }", nil
}

// NewBlock returns the text of a block with a label as a [Step] has it, "" for
// none, and attributes whose values are texts in the language.
func NewBlock(block, label string, attrs map[string]string) string {
	var b strings.Builder
	b.WriteString(block)
	if label != "" {
		for l := range strings.SplitSeq(label, labelGap) {
			b.WriteString(" " + quote(l))
		}
	}
	b.WriteString(" {\n")
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		b.WriteString("  " + name + " = " + attrs[name] + "\n")
	}
	b.WriteString("}\n")
	return b.String()
}
