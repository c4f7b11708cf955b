// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how deep parameters may nest. It bounds the stack of whoever
// walks them.
const maxDepth = 64

// A node is one JSON value with the order and the repetition of its members
// kept: what map[string]any forgets.
type node struct {
	kind    string // object, array, string, number, boolean or null
	text    string // of a string or a number
	names   []string
	members []node // of an object, beside names; of an array
}

// parseNode reads the one JSON value in b.
func parseNode(b []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	n, err := readNode(d, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); err == nil {
		return node{}, errors.New("more than one JSON value")
	}
	return n, nil
}

func readNode(d *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	tok, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch t := tok.(type) {
	case json.Delim:
		return readMembers(d, t, depth)
	case string:
		return node{kind: "string", text: t}, nil
	case json.Number:
		return node{kind: "number", text: t.String()}, nil
	case bool:
		return node{kind: "boolean"}, nil
	}
	return node{kind: "null"}, nil
}

func readMembers(d *json.Decoder, open json.Delim, depth int) (node, error) {
	n := node{kind: "array"}
	if open == '{' {
		n.kind = "object"
	}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return node{}, err
			}
			name, ok := key.(string)
			if !ok {
				return node{}, fmt.Errorf("the name of a member must be a string, not %v", key)
			}
			if slices.Contains(n.names, name) {
				return node{}, fmt.Errorf("member %q stands twice", name)
			}
			n.names = append(n.names, name)
		}
		m, err := readNode(d, depth+1)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, m)
	}
	_, err := d.Token() // the closing bracket
	return n, err
}

// checkParams returns everything in which params differ from m's schema, or nil.
func (m *Method) checkParams(params json.RawMessage) *Error {
	n, err := parseNode(params)
	if err != nil {
		return paramsError(m.Name, []Problem{{Message: err.Error()}})
	}
	c := checker{root: m.params}
	c.value(m.params, n, "")
	if len(c.problems) == 0 {
		return nil
	}
	return paramsError(m.Name, c.problems)
}

func paramsError(method string, ps []Problem) *Error {
	e := Errorf(CodeParams, "params.invalid", "%s: %s", method, ps[0].Message)
	if len(ps) > 1 {
		e.Message += fmt.Sprintf(" (and %d more)", len(ps)-1)
	}
	e.Path, e.Problems = ps[0].Path, ps
	return e
}

// A checker collects the mistakes of one value. It stops adding at maxProblems.
type checker struct {
	root     *Schema
	problems []Problem
}

const maxProblems = 20

func (c *checker) addf(path, format string, args ...any) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

// value compares n, found at path, with s.
func (c *checker) value(s *Schema, n node, path string) {
	nullable := s.Nullable
	s = s.resolve(c.root)
	switch {
	case n.kind == "null" && (nullable || s.Nullable):
	case s.Type == "":
	case s.Type == "integer" && n.kind == "number":
		c.integer(s, n, path)
	case s.Type != n.kind:
		c.addf(path, "%s must be %s, not %s", where(path), withArticle(s.Type), withArticle(n.kind))
	case s.Type == "object":
		c.object(s, n, path)
	case s.Type == "array":
		for i, m := range n.members {
			c.value(s.Items, m, path+"/"+strconv.Itoa(i))
		}
	case s.Enum != nil && !slices.Contains(s.Enum, n.text):
		c.addf(path, "%s must be %s, not %q%s", where(path), oneOf(s.Enum), n.text, meant(n.text, s.Enum))
	}
}

func (c *checker) integer(s *Schema, n node, path string) {
	v, err := strconv.ParseFloat(n.text, 64)
	switch {
	case err != nil || strings.ContainsAny(n.text, ".eE"):
		c.addf(path, "%s must be an integer, not %s", where(path), n.text)
	case s.Minimum != nil && v < *s.Minimum:
		c.addf(path, "%s must be %.0f or more, not %s", where(path), *s.Minimum, n.text)
	case s.Maximum != nil && v > *s.Maximum:
		c.addf(path, "%s must be %.0f or less, not %s", where(path), *s.Maximum, n.text)
	}
}

func (c *checker) object(s *Schema, n node, path string) {
	for i, name := range n.names {
		sub := path + "/" + escapePointer(name)
		switch {
		case s.Values != nil:
			c.value(s.Values, n.members[i], sub)
		case s.Properties[name] != nil:
			c.value(s.Properties[name], n.members[i], sub)
		default:
			c.addf(sub, "there is no parameter %q%s", name, meant(name, slices.Collect(maps.Keys(s.Properties))))
		}
	}
	for _, name := range s.Required {
		if !slices.Contains(n.names, name) {
			c.addf(path+"/"+escapePointer(name), "parameter %q is missing", name)
		}
	}
}

// escapePointer makes name one token of a JSON Pointer (RFC 6901 section 3).
func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// where names the place of a mistake for a person.
func where(path string) string {
	if path == "" {
		return "params"
	}
	return strconv.Quote(strings.ReplaceAll(path[1:], "/", "."))
}

func withArticle(kind string) string {
	switch kind {
	case "null":
		return kind
	case "object", "array", "integer":
		return "an " + kind
	}
	return "a " + kind
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// plainJSONError words an error of encoding/json without the names of Go types.
func plainJSONError(err error) string {
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) {
		return fmt.Sprintf("%q does not take %s", te.Field, te.Value)
	}
	return err.Error()
}

// unmarshalNumbers decodes b with its numbers kept as they are written.
func unmarshalNumbers(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(v)
}
