// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// entries decodes a map of strings, and reports each bad entry.
func (d *decoder) entries(s scope, k *Keyword, a *hclsyntax.Attribute) (map[string]string, bool) {
	object, ok := a.Expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		d.diags.Add(a.Expr.Range(), s.path, "%s must be a %s in braces, such as { name = \"value\" }", k.Name, k.Kind)
		return nil, false
	}
	out := make(map[string]string, len(object.Items))
	for _, item := range object.Items {
		name, named := entryName(item.KeyExpr)
		v, text := literal(item.ValueExpr)
		r := item.KeyExpr.Range()
		_, dup := out[name]
		switch {
		case !named || strings.Contains(name, "="):
			d.diags.Add(r, s.path, "%s must have words or texts in quotes as names, without \"=\"", k.Name)
		case dup:
			d.diags.Add(r, s.path, "%s has %q twice", k.Name, clip(name))
		case !text || v.Type() != cty.String:
			d.diags.Add(item.ValueExpr.Range(), s.path, "%s must have texts in quotes as values", k.Name)
		default:
			out[name] = v.AsString()
			if err := k.check(name + "=" + v.AsString()); err != nil {
				d.diags.Add(r, s.path, "%s %v", k.Name, err)
			}
			continue
		}
		ok = false
	}
	if len(out) > maxLabels {
		d.diags.Add(a.Expr.Range(), s.path, "%s has %d entries; at most %d are taken", k.Name, len(out), maxLabels)
	}
	if len(out) == 0 {
		return nil, ok
	}
	return out, ok
}

// entryName returns the name that stands before "=" within braces.
func entryName(key hclsyntax.Expression) (string, bool) {
	if k, ok := key.(*hclsyntax.ObjectConsKeyExpr); ok {
		if t, ok := k.Wrapped.(*hclsyntax.ScopeTraversalExpr); ok && len(t.Traversal) == 1 && !k.ForceNonLiteral {
			return t.Traversal.RootName(), true
		}
		key = k.Wrapped
	}
	v, ok := literal(key)
	if !ok || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// spellMap returns a map as it stands in a configuration, in the order of its
// names.
func spellMap(v reflect.Value) string {
	m := v.Interface().(map[string]string)
	items := make([]string, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		word := name
		if !hclsyntax.ValidIdentifier(name) {
			word = quote(name)
		}
		items = append(items, word+" = "+quote(m[name]))
	}
	if len(items) == 0 {
		return "{}"
	}
	return fmt.Sprintf("{ %s }", strings.Join(items, ", "))
}
