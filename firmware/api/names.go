// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A shape is one schema that documents describe: the parameters or the result of
// a method, the data of a topic.
type shape struct {
	of   string // name of the method or topic
	root *Schema
	// typ is the name of the root's own type, "" where it has none that matters.
	typ string
	// names are those that the definitions of root go by in the document.
	names map[string]string
}

// A lexicon gives every type of a registry one name in a document. Two types of
// the same name, of different packages or as parameter and result, are told
// apart by what they belong to.
type lexicon struct {
	types map[string]*Schema // by the name in the document
	roots map[string]*shape  // the shape that the type is of
	texts map[string]string
}

func newLexicon() *lexicon {
	return &lexicon{types: make(map[string]*Schema), roots: make(map[string]*shape), texts: make(map[string]string)}
}

// add returns the shape of a schema whose root is of the Go type called typ.
func (l *lexicon) add(of, typ string, root *Schema) *shape {
	s := &shape{of: of, root: root, names: make(map[string]string)}
	for _, def := range slices.Sorted(maps.Keys(root.Defs)) {
		s.names[def] = l.name(s, def, root.Defs[def])
	}
	if typ != "" && len(root.Properties) > 0 {
		s.typ = l.name(s, typ, root)
	}
	return s
}

// taken are names that TypeScript or what we generate has for something else.
var taken = []string{"Array", "Effect", "Error", "Event", "Methods", "Object", "Record", "Role", "Topics"}

// name returns what the type typ of s is called.
func (l *lexicon) name(s *shape, typ string, schema *Schema) string {
	text := schemaText(schema)
	for _, name := range []string{exported(typ), pascal(s.of) + exported(typ)} {
		if slices.Contains(taken, name) {
			continue
		}
		if have, ok := l.texts[name]; !ok || have == text {
			if !ok {
				l.texts[name], l.types[name], l.roots[name] = text, schema, s
			}
			return name
		}
	}
	panic("api: " + s.of + " has two types called " + typ)
}

// schemaText tells schemas apart. The definitions are told apart for themselves.
func schemaText(s *Schema) string {
	cp := *s
	cp.Defs = nil
	b, err := json.Marshal(&cp)
	if err != nil {
		panic(err) // a schema always has JSON
	}
	return string(b)
}

// exported returns name with a capital letter in front.
func exported(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// pascal makes ServerDrain from server.drain.
func pascal(name string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '.' || r == '_' }) {
		b.WriteString(exported(word))
	}
	return b.String()
}

// A catalog is all that documents tell of a registry.
type catalog struct {
	lex     *lexicon
	methods []*Method
	topics  []*Topic
	params  map[string]*shape // by method or topic
	results map[string]*shape
}

// catalog names the types of r: results first, for they are what people see.
func (r *Registry) catalog() *catalog {
	c := &catalog{lex: newLexicon(), methods: r.Methods(), topics: r.Topics(),
		params: make(map[string]*shape), results: make(map[string]*shape)}
	for _, m := range c.methods {
		c.results[m.Name] = c.lex.add(m.Name, defName(m.Result), m.result())
	}
	for _, t := range c.topics {
		c.results[t.Name] = c.lex.add(t.Name, defName(t.Data), t.data())
	}
	for _, m := range c.methods {
		c.params[m.Name] = c.lex.add(m.Name, "", lenient(m.params))
	}
	for _, t := range c.topics {
		c.params[t.Name] = c.lex.add(t.Name, "", lenient(t.params))
	}
	return c
}
