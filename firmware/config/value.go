// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// literal returns the value that expr spells out. Everything that would have to
// be computed, even from constants, is refused.
func literal(expr hclsyntax.Expression) (cty.Value, bool) {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.Val, !e.Val.IsNull()
	case *hclsyntax.ParenthesesExpr:
		return literal(e.Expression)
	case *hclsyntax.UnaryOpExpr:
		v, ok := literal(e.Val)
		if !ok || e.Op != hclsyntax.OpNegate || v.Type() != cty.Number {
			return cty.NilVal, false
		}
		return v.Negate(), true
	case *hclsyntax.TemplateExpr:
		var text strings.Builder
		for _, part := range e.Parts {
			v, ok := literal(part)
			if !ok || v.Type() != cty.String {
				return cty.NilVal, false
			}
			text.WriteString(v.AsString())
		}
		return cty.StringVal(text.String()), true
	}
	return cty.NilVal, false
}

// scalar reads one value of k from expr. Its errors follow the keyword: "must
// be 0 to 200, not 300".
func scalar(k *Keyword, kind Kind, expr hclsyntax.Expression, source string) (any, error) {
	v, ok := literal(expr)
	not := func(want string) error { return fmt.Errorf("must be %s, not %s", want, clip(source)) }
	switch {
	case kind == KindBool:
		if !ok || v.Type() != cty.Bool {
			return nil, not(string(kind))
		}
		return v.True(), nil
	case kind == KindInt || kind == KindFloat:
		if !ok || v.Type() != cty.Number {
			return nil, not("a " + string(kind) + ", " + k.Min + " to " + k.Max)
		}
		n, err := fromNumber(kind, v)
		if err != nil || !k.within(n) {
			return nil, not(k.Min + " to " + k.Max)
		}
		return n, nil
	case !ok || v.Type() != cty.String:
		if t, ok := expr.(*hclsyntax.ScopeTraversalExpr); ok && len(t.Traversal) == 1 {
			return nil, fmt.Errorf("must stand in quotes: %q", t.Traversal.RootName())
		}
		return nil, not("a text in quotes")
	}
	return k.fromString(kind, v.AsString())
}

// clip shortens a piece of source for a message.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}

// fromNumber returns v as an int64 or a float64.
func fromNumber(kind Kind, v cty.Value) (any, error) {
	f := v.AsBigFloat()
	if kind == KindFloat {
		n, _ := f.Float64()
		if math.IsInf(n, 0) {
			return nil, strconv.ErrRange
		}
		return n + 0, nil // no negative zero
	}
	if !f.IsInt() {
		return nil, strconv.ErrSyntax
	}
	n, accuracy := f.Int64()
	if accuracy != 0 {
		return nil, strconv.ErrRange
	}
	return n, nil
}

// fromString reads a value that stands in quotes, and checks it.
func (k *Keyword) fromString(kind Kind, s string) (any, error) {
	v, err := parseString(kind, s)
	if err == nil && len(k.OneOf) > 0 && !slices.Contains(k.OneOf, s) {
		return nil, fmt.Errorf("must be %s, not %q%s", oneOf(k.OneOf), s, didYouMean(s, k.OneOf))
	}
	if err == nil && k.Ref != "" {
		if err = checkName(s); err != nil {
			return nil, fmt.Errorf("must be the name of a %s, not %q", k.Ref, clip(s))
		}
	}
	if err == nil && k.check != nil {
		err = k.check(s)
	}
	if err != nil {
		return nil, fmt.Errorf("%w, not %q", err, clip(s))
	}
	if !k.within(v) {
		return nil, fmt.Errorf("must be %s to %s, not %q", k.Min, k.Max, s)
	}
	return v, nil
}

// parseString reads a value that stands in quotes.
func parseString(kind Kind, s string) (any, error) {
	switch kind {
	case KindDuration:
		d, err := ParseDuration(s)
		return d, must(err)
	case KindSize:
		b, err := ParseBytes(s)
		return b, must(err)
	case KindAddress:
		return parseAddress(s)
	case KindListen:
		return parseListen(s)
	case KindNetworks:
		return parseNetwork(s)
	case KindPrefixes:
		return parsePrefix(s)
	case KindIPs:
		return parseIP(s)
	case KindRegex:
		if _, err := regexp.Compile(s); err != nil {
			return nil, fmt.Errorf("must be a regular expression (RE2): %w", err)
		}
	}
	return s, nil
}

// must words an error about a unit so that it follows the keyword.
func must(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errDuration):
		return errors.New(`must be a duration such as "5s", "1h30m" or "14d"`)
	case errors.Is(err, errSize):
		return errors.New(`must be a size such as "512B", "16KiB" or "10MiB"`)
	}
	return fmt.Errorf("is out of range: %w", err)
}

// fromText reads a default or limit of the table.
func fromText(kind Kind, s string) any {
	var v any
	var err error
	switch kind {
	case KindBool:
		v, err = strconv.ParseBool(s)
	case KindInt, KindInts:
		v, err = strconv.ParseInt(s, 10, 64)
	case KindFloat:
		v, err = strconv.ParseFloat(s, 64)
	default:
		v, err = parseString(kind, s)
	}
	if err != nil {
		panic(fmt.Sprintf("config: schema has %q for a %s: %v", s, kind, err))
	}
	return v
}

// defaultValue returns a default of k, of a list a []any.
func (k *Keyword) defaultValue(text string) any {
	e := k.Kind.element()
	if e == "" {
		return fromText(k.Kind, text)
	}
	var list []any
	for _, item := range listed(text) {
		list = append(list, fromText(e, item))
	}
	return list
}

// listed takes a default of a list apart.
func listed(text string) []string { return strings.Split(text, ", ") }

// within reports whether v lies between k.Min and k.Max.
func (k *Keyword) within(v any) bool {
	if k.Min == "" {
		return true
	}
	lo, hi := fromText(k.Kind, k.Min), fromText(k.Kind, k.Max)
	switch v := v.(type) {
	case int64:
		return v >= lo.(int64) && v <= hi.(int64)
	case float64:
		return v >= lo.(float64) && v <= hi.(float64)
	case Duration:
		return v >= lo.(Duration) && v <= hi.(Duration)
	case Bytes:
		return v >= lo.(Bytes) && v <= hi.(Bytes)
	}
	return true
}

// element returns the kind of a list's elements, or "" if k is no list.
func (k Kind) element() Kind {
	switch k {
	case KindListen, KindNetworks, KindPrefixes, KindIPs:
		return k
	case KindAddresses:
		return KindAddress
	case KindStrings:
		return KindString
	case KindInts:
		return KindInt
	}
	return ""
}
