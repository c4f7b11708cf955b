// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"evener/firmware/phrase"
)

// maxDepth is how deep parameters may nest. It bounds the stack of whoever walks
// them.
const maxDepth = 64

// maxProblems is how many mistakes one answer lists.
const maxProblems = 20

// checkParams returns everything in which params differ from m's schema, or nil.
func (m *Method) checkParams(params json.RawMessage) *Error {
	return checkAgainst(m.params, m.Name, params)
}

// checkAgainst returns everything in which the params of the method or topic
// called name differ from their schema s, or nil.
func checkAgainst(s *Schema, name string, params json.RawMessage) *Error {
	c := checker{d: json.NewDecoder(bytes.NewReader(params)), root: s}
	c.d.UseNumber()
	err := c.value(s, "", 0)
	if err == nil {
		if _, more := c.d.Token(); more != io.EOF {
			err = errors.New("params must be one JSON object")
		}
	}
	if err != nil {
		c.problems = []Problem{{Message: err.Error()}}
	}
	if len(c.problems) == 0 {
		return nil
	}
	return paramsError(name, c.problems)
}

func paramsError(method string, ps []Problem) *Error {
	e := Errorf(CodeParams, "params.invalid", "%s: %s", method, ps[0].Message)
	if len(ps) > 1 {
		e.Message += fmt.Sprintf(" (and %d more)", len(ps)-1)
	}
	for i := range ps {
		ps[i].Said = phrase.Fields("message", ps[i].Message)
	}
	e.Path, e.Problems = ps[0].Path, ps
	return e
}

// A checker reads one JSON value and collects its mistakes on the way. It keeps
// nothing of what it has read: a request costs no more memory than its text.
type checker struct {
	d        *json.Decoder
	root     *Schema
	problems []Problem
}

// full says that more mistakes would not be listed.
func (c *checker) full() bool { return len(c.problems) >= maxProblems }

func (c *checker) addf(path, format string, args ...any) {
	if !c.full() {
		c.problems = append(c.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

// anySchema is the schema of what nobody looks at.
var anySchema = &Schema{Nullable: true}

// value reads the value at path, which s describes. An error is one of syntax,
// after which nothing more can be read.
func (c *checker) value(s *Schema, path string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("params are nested deeper than %d", maxDepth)
	}
	tok, err := c.d.Token()
	if err != nil {
		return err
	}
	nullable := s.Nullable
	s = s.resolve(c.root)
	kind := kindOf(tok)
	switch {
	case kind == "null" && (nullable || s.Nullable):
	case s.Type == "":
	case s.Type == "integer" && kind == "number":
		c.integer(s, string(tok.(json.Number)), path)
	case s.Type != kind:
		c.addf(path, "%s must be %s, not %s", where(path), withArticle(s.Type), withArticle(kind))
	case s.Enum != nil && !slices.Contains(s.Enum, tok.(string)):
		c.addf(path, "%s must be %s, not %q%s", where(path), oneOf(s.Enum), tok, meant(tok.(string), s.Enum))
	}
	switch kind {
	case "object":
		return c.object(s, path, depth)
	case "array":
		return c.array(s, path, depth)
	}
	return nil
}

// kindOf names the JSON type that begins with tok.
func kindOf(tok json.Token) string {
	switch t := tok.(type) {
	case json.Delim:
		if t == '{' {
			return "object"
		}
		return "array"
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	}
	return "null"
}

func (c *checker) integer(s *Schema, text, path string) {
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || strings.ContainsAny(text, ".eE"):
		c.addf(path, "%s must be an integer, not %s", where(path), text)
	case s.Minimum != nil && v < *s.Minimum:
		c.addf(path, "%s must be %.0f or more, not %s", where(path), *s.Minimum, text)
	case s.Maximum != nil && v > *s.Maximum:
		c.addf(path, "%s must be %.0f or less, not %s", where(path), *s.Maximum, text)
	}
}

func (c *checker) array(s *Schema, path string, depth int) error {
	items := cmp.Or(s.Items, anySchema)
	for i := 0; c.d.More(); i++ {
		if err := c.value(items, path+"/"+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	_, err := c.d.Token()
	return err
}

func (c *checker) object(s *Schema, path string, depth int) error {
	seen := make(map[string]bool)
	for c.d.More() {
		tok, err := c.d.Token()
		if err != nil {
			return err
		}
		name, ok := tok.(string)
		if !ok {
			return fmt.Errorf("the name of a parameter must be a string, not %v", tok)
		}
		sub := path + "/" + escapePointer(name)
		if seen[name] {
			c.addf(sub, "parameter %q is given twice", name)
		}
		seen[name] = true
		if err := c.value(c.member(s, name, sub), sub, depth+1); err != nil {
			return err
		}
	}
	for _, name := range s.Required {
		if !seen[name] {
			c.addf(path+"/"+escapePointer(name), "parameter %q is missing", name)
		}
	}
	_, err := c.d.Token()
	return err
}

// member returns the schema of s's member name, found at path.
func (c *checker) member(s *Schema, name, path string) *Schema {
	switch {
	case s.Values != nil:
		return s.Values
	case s.Properties[name] != nil:
		return s.Properties[name]
	case s.Properties != nil && !c.full():
		c.addf(path, "there is no parameter %q%s", name, meant(name, slices.Collect(maps.Keys(s.Properties))))
	}
	return anySchema
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
	return strconv.Quote(strings.NewReplacer("/", ".", "~1", "/", "~0", "~").Replace(path[1:]))
}

// withArticle names a JSON type for a person; each as it stands in the catalogue of
// phrases.
func withArticle(kind string) string {
	switch kind {
	case "object":
		return "an object"
	case "array":
		return "an array"
	case "string":
		return "a string"
	case "integer":
		return "an integer"
	case "number":
		return "a number"
	case "boolean":
		return "a boolean"
	}
	return kind
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
