// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// TypeScript returns a module with the types of all methods and topics.
func (r *Registry) TypeScript() []byte {
	c := r.catalog()
	w := &tsWriter{}
	w.line("// SPDX-License-Identifier: Apache-2.0")
	w.line(`// The methods and topics of the box. Written by "make generate" from its registry; do not edit.`)
	w.line("")
	w.line("export type Role = %s;", tsWords(roleNames[1:]))
	w.line("export type Effect = %s;", tsWords(effectNames[:]))
	for _, name := range slices.Sorted(maps.Keys(c.lex.types)) {
		w.line("")
		w.line("export interface %s %s", name, w.object(c.lex.types[name], c.lex.roots[name]))
	}
	w.line("")
	w.line("// Methods says what each method takes and gives, and what it needs.")
	w.line("export interface Methods {")
	w.depth++
	for _, m := range c.methods {
		w.method(m, c)
	}
	w.depth--
	w.line("}")
	w.line("")
	w.line("// Topics says what each topic takes, and what an object, tick or entry of it is.")
	w.line("export interface Topics {")
	w.depth++
	for _, t := range c.topics {
		p, d := c.params[t.Name], c.results[t.Name]
		w.line("%q: { class: %q; params: %s; data: %s };", t.Name, t.Class, w.of(p.root, p), w.root(d))
	}
	w.depth--
	w.line("}")
	w.line("")
	w.line("// roles is the weakest role that each method needs, null where it needs no session.")
	w.line("export const roles: Record<keyof Methods, Role | null> = {")
	w.depth++
	for _, m := range c.methods {
		if m.Open {
			w.line("%q: null,", m.Name)
		} else {
			w.line("%q: %q,", m.Name, m.Role)
		}
	}
	w.depth--
	w.line("};")
	return []byte(w.b.String())
}

// A tsWriter writes TypeScript.
type tsWriter struct {
	b     strings.Builder
	depth int
}

func (w *tsWriter) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text != "" {
		w.b.WriteString(strings.Repeat("\t", w.depth))
	}
	w.b.WriteString(text + "\n")
}

func (w *tsWriter) method(m *Method, c *catalog) {
	p, res := c.params[m.Name], c.results[m.Name]
	w.line("// %s", m.Purpose)
	w.line("%q: {", m.Name)
	w.depth++
	w.line("params: %s;", w.of(p.root, p))
	w.line("result: %s;", w.root(res))
	w.line("role: %q;", m.Role)
	w.line("effect: %q;", m.Effect)
	w.line("sudo: %v;", m.Sudo)
	w.depth--
	w.line("};")
}

// root returns the type of a whole result.
func (w *tsWriter) root(s *shape) string {
	if s.typ != "" {
		return s.typ
	}
	return w.of(s.root, s)
}

// of returns the type that schema describes.
func (w *tsWriter) of(schema *Schema, s *shape) string {
	text := w.plain(schema, s)
	if schema.Nullable && text != "unknown" {
		text += " | null"
	}
	return text
}

func (w *tsWriter) plain(schema *Schema, s *shape) string {
	switch {
	case schema.Ref != "":
		return s.names[strings.TrimPrefix(schema.Ref, "#/$defs/")]
	case schema.Enum != nil:
		return tsWords(schema.Enum)
	case schema.Items != nil:
		item := w.of(schema.Items, s)
		if strings.Contains(item, "|") {
			item = "(" + item + ")"
		}
		return item + "[]"
	case schema.Values != nil:
		return "Record<string, " + w.of(schema.Values, s) + ">"
	case schema.Type == "integer":
		return "number"
	case schema.Type == "object":
		return w.object(schema, s)
	case schema.Type == "":
		return "unknown"
	}
	return schema.Type
}

// object returns the type of an object in braces.
func (w *tsWriter) object(schema *Schema, s *shape) string {
	if len(schema.Order) == 0 {
		return "Record<string, never>"
	}
	var b strings.Builder
	b.WriteString("{\n")
	w.depth++
	for _, name := range schema.Order {
		field := schema.Properties[name]
		mark, typ := "", w.of(field, s)
		if !slices.Contains(schema.Required, name) { // absent, never null
			mark, typ = "?", w.plain(field, s)
		}
		b.WriteString(strings.Repeat("\t", w.depth) + tsName(name) + mark + ": " + typ + ";")
		if field.Description != "" {
			b.WriteString(" // " + field.Description)
		}
		b.WriteByte('\n')
	}
	w.depth--
	return b.String() + strings.Repeat("\t", w.depth) + "}"
}

// tsName returns a member's name, in quotes where it needs some.
func tsName(name string) string {
	for i, r := range name {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return strconv.Quote(name)
		}
	}
	return name
}

func tsWords(words []string) string {
	var quoted []string
	for _, word := range words {
		quoted = append(quoted, strconv.Quote(word))
	}
	return strings.Join(quoted, " | ")
}
