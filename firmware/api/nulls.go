// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
)

// withoutNulls says in s, the schema of a result, that lists and objects of it are
// never null; fillNulls sees to that.
func withoutNulls(s *Schema) {
	if s == nil {
		return
	}
	if s.Items != nil || s.Values != nil || s.Format == "base64" {
		s.Nullable = false
	}
	withoutNulls(s.Items)
	withoutNulls(s.Values)
	for _, sub := range s.Properties {
		withoutNulls(sub)
	}
	for _, def := range s.Defs {
		withoutNulls(def)
	}
}

// lenient returns a copy of s, the schema of parameters, as documents show it:
// nobody need know that a list may be null, too.
func lenient(s *Schema) *Schema {
	if s == nil {
		return nil
	}
	cp := *s
	cp.Items, cp.Values = lenient(s.Items), lenient(s.Values)
	for _, m := range []*map[string]*Schema{&cp.Properties, &cp.Defs} {
		if *m == nil {
			continue
		}
		subs := make(map[string]*Schema, len(*m))
		for k, sub := range *m {
			subs[k] = lenient(sub)
		}
		*m = subs
	}
	withoutNulls(&cp)
	return &cp
}

// encodeResult returns the JSON of v, which s describes: with empty lists where Go
// has nil ones.
func encodeResult(s *Schema, v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil || !bytes.Contains(raw, []byte("null")) {
		return raw, err
	}
	var plain any
	if err := unmarshalNumbers(raw, &plain); err != nil {
		return nil, err
	}
	return json.Marshal(fillNulls(s, s, plain))
}

// fillNulls returns v with what is null and may not be made empty.
func fillNulls(root, s *Schema, v any) any {
	nullable := s.Nullable
	s = s.resolve(root)
	switch v := v.(type) {
	case nil:
		switch {
		case nullable || s.Nullable:
		case s.Items != nil:
			return []any{}
		case s.Values != nil:
			return map[string]any{}
		case s.Format == "base64":
			return ""
		}
	case []any:
		if s.Items == nil {
			break
		}
		for i := range v {
			v[i] = fillNulls(root, s.Items, v[i])
		}
	case map[string]any:
		for k, e := range v {
			if sub := s.Properties[k]; sub != nil {
				v[k] = fillNulls(root, sub, e)
			} else if s.Values != nil {
				v[k] = fillNulls(root, s.Values, e)
			}
		}
	}
	return v
}
