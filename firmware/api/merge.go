// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"reflect"
)

// plainJSON decodes raw, with numbers as they are written and without members that
// are null: a merge patch (RFC 7396) cannot tell those from absent ones.
func plainJSON(raw json.RawMessage) (any, error) {
	var plain any
	if err := unmarshalNumbers(raw, &plain); err != nil {
		return nil, err
	}
	dropNulls(plain)
	return plain, nil
}

// dropNulls removes the null members of the objects in v that patches look into.
func dropNulls(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for k, e := range m {
		if e == nil {
			delete(m, k)
			continue
		}
		dropNulls(e)
	}
}

// mergePatch returns the merge patch that makes b from a, and false where they
// are equal. Neither has null members.
func mergePatch(a, b any) (any, bool) {
	from, isFrom := a.(map[string]any)
	to, isTo := b.(map[string]any)
	if !isFrom || !isTo {
		return b, !reflect.DeepEqual(a, b)
	}
	patch := make(map[string]any)
	for k, v := range to {
		old, ok := from[k]
		if !ok {
			patch[k] = v
		} else if p, differs := mergePatch(old, v); differs {
			patch[k] = p
		}
	}
	for k := range from {
		if _, ok := to[k]; !ok {
			patch[k] = nil
		}
	}
	return patch, len(patch) > 0
}

// applyPatch returns what the merge patch makes of v, which it may change
// (RFC 7396 section 2).
func applyPatch(v, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	m, ok := v.(map[string]any)
	if !ok {
		m = make(map[string]any)
	}
	for k, e := range p {
		if e == nil {
			delete(m, k)
		} else {
			m[k] = applyPatch(m[k], e)
		}
	}
	return m
}
