// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// plain writes a result for people: a line for each value, lists of objects as a
// line for each.
func plain(v any, indent string) (out []string) {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{indent + scalar(v)}
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		label := strings.ReplaceAll(name, "_", " ")
		switch v := m[name].(type) {
		case nil:
		case map[string]any:
			out = append(out, indent+label)
			out = append(out, plain(v, indent+"  ")...)
		case []any:
			out = append(out, indent+label+":")
			for _, e := range v {
				out = append(out, indent+"  "+row(e))
			}
		default:
			out = append(out, fmt.Sprintf("%s%s: %s", indent, label, scalar(v)))
		}
	}
	return out
}

// row writes an element of a list on one line.
func row(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return scalar(v)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name] != nil && m[name] != "" {
			parts = append(parts, name+" "+scalar(m[name]))
		}
	}
	return strings.Join(parts, ", ")
}

// scalar writes a value on one line.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return fmt.Sprintf("%.6g", v)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, row(e))
		}
		return strings.Join(parts, " ")
	case map[string]any:
		return "(" + row(v) + ")"
	}
	return fmt.Sprint(v)
}
