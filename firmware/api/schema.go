// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"
)

// A Schema is the JSON Schema (draft 2020-12, the part that is needed here) of
// a Go type. Parameters are checked against it, and documents are made from it.
//
// A struct's fields appear under their json names. The doc tag describes a
// field, the secret:"true" tag keeps its value out of the audit log. A field
// is required unless its json tag has omitempty or omitzero. A type with a
// MarshalText method is a string; where it also has Words() []string, the
// string is one of these. time.Duration is refused, because its JSON is
// nanoseconds: use [Duration].
type Schema struct {
	Type        string             `json:"-"` // empty: any value
	Format      string             `json:"format,omitempty"`
	Description string             `json:"description,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Minimum     *float64           `json:"minimum,omitempty"`
	Maximum     *float64           `json:"maximum,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Values      *Schema            `json:"-"` // of a map
	Items       *Schema            `json:"items,omitempty"`
	Secret      bool               `json:"writeOnly,omitempty"`
	Nullable    bool               `json:"-"` // null is as good as absent
	Ref         string             `json:"-"` // such as #/$defs/Member
	Defs        map[string]*Schema `json:"$defs,omitempty"`

	Order []string `json:"-"` // the names in Properties, as the Go type orders them
}

// MarshalJSON writes s as JSON Schema has it.
func (s *Schema) MarshalJSON() ([]byte, error) {
	type plain Schema // without this method
	out := struct {
		Type any    `json:"type,omitempty"`
		Ref  string `json:"$ref,omitempty"`
		Any  []any  `json:"anyOf,omitempty"`
		*plain
		Rest any `json:"additionalProperties,omitempty"`
	}{plain: (*plain)(s), Ref: s.Ref}
	type null struct {
		Type string `json:"type"`
	}
	switch {
	case s.Ref != "" && s.Nullable:
		out.Ref, out.Any = "", []any{&Schema{Ref: s.Ref}, null{"null"}}
	case s.Type != "" && s.Nullable:
		out.Type = []string{s.Type, "null"}
	case s.Type != "":
		out.Type = s.Type
	}
	switch {
	case s.Values != nil:
		out.Rest = s.Values
	case s.Properties != nil:
		out.Rest = false
	}
	return json.Marshal(out)
}

// A Duration is a time.Duration that is "1m30s" in JSON.
type Duration time.Duration

// String returns d in the form that [time.ParseDuration] reads.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns d's String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText sets d to what b spells.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf(`a duration is written "30s" or "1h30m", not %q`, b)
	}
	*d = Duration(v)
	return nil
}

// words is a string type that has a fixed set of values.
type words interface{ Words() []string }

var (
	textType   = reflect.TypeFor[encoding.TextMarshaler]()
	wordType   = reflect.TypeFor[words]()
	timeType   = reflect.TypeFor[time.Time]()
	spanType   = reflect.TypeFor[time.Duration]()
	columnType = reflect.TypeFor[Column]()
	rawType    = reflect.TypeFor[json.RawMessage]()
)

// A schemaMaker turns types into schemas. Named structs become definitions, so
// that a type may contain itself.
type schemaMaker struct {
	defs map[string]*Schema
	refs map[reflect.Type]string
}

// mustSchema returns the schema of t for the method called name, with the
// outermost struct in place and the others under Defs.
func mustSchema(name string, t reflect.Type) *Schema {
	m := &schemaMaker{defs: make(map[string]*Schema), refs: make(map[reflect.Type]string)}
	root := &Schema{Type: "object", Properties: make(map[string]*Schema)}
	var err error
	if t.Kind() == reflect.Struct && !t.Implements(textType) {
		err = m.fields(root, t)
	} else {
		root, err = m.of(t)
	}
	if err != nil {
		panic(fmt.Sprintf("api: method %q: %v: %v", name, t, err))
	}
	if len(m.defs) > 0 {
		root.Defs = m.defs
	}
	return root
}

// schemaWhenNeeded returns what makes the schema of t, the result of the method or the
// data of the topic called name, and keeps it: most are never asked for. It panics at
// once where mustSchema would.
func schemaWhenNeeded(name string, t reflect.Type) func() *Schema {
	schema := func() *Schema {
		s := mustSchema(name, t)
		withoutNulls(s)
		return s
	}
	schema()
	return sync.OnceValue(schema)
}

// of returns the schema of t.
func (m *schemaMaker) of(t reflect.Type) (*Schema, error) {
	switch {
	case t == spanType:
		return nil, fmt.Errorf("time.Duration has no readable JSON; use api.Duration")
	case t == rawType:
		return &Schema{Nullable: true}, nil
	case t == timeType:
		return &Schema{Type: "string", Format: "date-time"}, nil
	case t == columnType:
		return &Schema{Type: "array", Items: &Schema{Type: "number", Nullable: true}, Nullable: true}, nil
	case t.Implements(wordType):
		return &Schema{Type: "string", Enum: reflect.Zero(t).Interface().(words).Words()}, nil
	case t.Kind() != reflect.Pointer && t.Implements(textType):
		return &Schema{Type: "string"}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return &Schema{Type: "string"}, nil
	case reflect.Bool:
		return &Schema{Type: "boolean"}, nil
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: "number"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return integer(t), nil
	case reflect.Interface:
		return &Schema{Nullable: true}, nil
	case reflect.Pointer:
		return m.nullable(t.Elem())
	case reflect.Slice, reflect.Array:
		return m.list(t)
	case reflect.Map:
		return m.table(t)
	case reflect.Struct:
		return m.object(t)
	}
	return nil, fmt.Errorf("a %v cannot travel as JSON", t.Kind())
}

// integer bounds what the type bounds. 64-bit types are left to the decoder:
// a float64 cannot hold their limits exactly.
func integer(t reflect.Type) *Schema {
	s := &Schema{Type: "integer"}
	bits := t.Bits()
	switch t.Kind() {
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.Minimum = new(float64)
		if bits < 64 {
			v := math.Ldexp(1, bits) - 1
			s.Maximum = &v
		}
	default:
		if bits < 64 {
			lo, hi := -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)-1
			s.Minimum, s.Maximum = &lo, &hi
		}
	}
	return s
}

func (m *schemaMaker) nullable(t reflect.Type) (*Schema, error) {
	s, err := m.of(t)
	if err != nil {
		return nil, err
	}
	cp := *s
	cp.Nullable = true
	return &cp, nil
}

func (m *schemaMaker) list(t reflect.Type) (*Schema, error) {
	if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
		return &Schema{Type: "string", Format: "base64", Nullable: true}, nil
	}
	items, err := m.of(t.Elem())
	if err != nil {
		return nil, err
	}
	return &Schema{Type: "array", Items: items, Nullable: t.Kind() == reflect.Slice}, nil
}

func (m *schemaMaker) table(t reflect.Type) (*Schema, error) {
	if t.Key().Kind() != reflect.String && !t.Key().Implements(textType) {
		return nil, fmt.Errorf("the keys of a JSON object are strings, not %v", t.Key())
	}
	vals, err := m.of(t.Elem())
	if err != nil {
		return nil, err
	}
	return &Schema{Type: "object", Values: vals, Nullable: true}, nil
}

// object describes a struct: in place where the type has no name, otherwise as
// a reference to a definition.
func (m *schemaMaker) object(t reflect.Type) (*Schema, error) {
	s := &Schema{Type: "object", Properties: make(map[string]*Schema)}
	if t.Name() == "" {
		return s, m.fields(s, t)
	}
	if ref, ok := m.refs[t]; ok {
		return &Schema{Ref: ref}, nil
	}
	name := defName(t)
	if m.defs[name] != nil {
		return nil, fmt.Errorf("two types are called %s", name)
	}
	m.refs[t], m.defs[name] = "#/$defs/"+name, s
	return &Schema{Ref: m.refs[t]}, m.fields(s, t)
}

// defName is t's name with what generics put into it made plain.
func defName(t reflect.Type) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("[]./,* ", r) {
			return '_'
		}
		return r
	}, t.Name())
}

// fields adds the fields of t to s. Embedded structs without a json name lend
// their fields, as encoding/json does.
func (m *schemaMaker) fields(s *Schema, t reflect.Type) error {
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			if err := m.fields(s, f.Type); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			return fmt.Errorf("field %s has no json name", f.Name)
		}
		if s.Properties[name] != nil {
			return fmt.Errorf("two fields are called %s in JSON", name)
		}
		sub, err := m.of(f.Type)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		cp := *sub
		cp.Description = f.Tag.Get("doc")
		cp.Secret = f.Tag.Get("secret") == "true"
		s.Properties[name] = &cp
		s.Order = append(s.Order, name)
		if !strings.Contains(opts, "omit") {
			s.Required = append(s.Required, name)
		}
	}
	return nil
}

// resolve follows a reference into root's definitions.
func (s *Schema) resolve(root *Schema) *Schema {
	if s.Ref == "" {
		return s
	}
	return root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
}
