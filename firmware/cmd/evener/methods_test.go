// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// A jsonSchema is as much of JSON Schema as a generator of clients follows.
type jsonSchema struct {
	Type       any                    `json:"type"`
	Ref        string                 `json:"$ref"`
	Any        []jsonSchema           `json:"anyOf"`
	Properties map[string]*jsonSchema `json:"properties"`
	Required   []string               `json:"required"`
	Items      *jsonSchema            `json:"items"`
	Rest       json.RawMessage        `json:"additionalProperties"`
	Defs       map[string]*jsonSchema `json:"$defs"`
}

// TestMethodsAsJSONHaveTheirSchemas follows every schema as a generator would.
func TestMethodsAsJSONHaveTheirSchemas(t *testing.T) {
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs([]string{"methods", "-o", "json"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name, Purpose, Role, Effect, Timeout string
		Params, Result                       jsonSchema
	}
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 25 {
		t.Fatalf("only %d methods are listed", len(list))
	}
	properties := 0
	for _, m := range list {
		if m.Name == "" || m.Purpose == "" || m.Role == "" || m.Effect == "" || m.Timeout == "" {
			t.Errorf("%+v: a field is empty", m.Name)
		}
		for _, s := range []jsonSchema{m.Params, m.Result} {
			// These two return what others define: a list of routes, and OpenAPI.
			if s.Type != "object" && m.Name != "sys.rest" && m.Name != "sys.openapi" {
				t.Errorf("%s: type %v, want object", m.Name, s.Type)
			}
			properties += s.follow(t, m.Name, s.Defs)
			for name, def := range s.Defs {
				properties += def.follow(t, m.Name+" "+name, s.Defs)
			}
		}
	}
	if properties < 200 {
		t.Errorf("the schemas have %d properties in all; there are more", properties)
	}
}

var jsonName = regexp.MustCompile("^[a-z][a-z0-9_]*$")

// follow checks names and references and counts properties.
func (s *jsonSchema) follow(t *testing.T, where string, defs map[string]*jsonSchema) (n int) {
	t.Helper()
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); s.Ref != "" && (!ok || defs[name] == nil) {
		t.Errorf("%s: the reference %s leads nowhere", where, s.Ref)
	}
	for _, r := range s.Required {
		if s.Properties[r] == nil {
			t.Errorf("%s: the required property %s is not described", where, r)
		}
	}
	for name, p := range s.Properties {
		if !jsonName.MatchString(name) {
			t.Errorf("%s: a property is called %s, which is no name of JSON", where, name)
		}
		n += 1 + p.follow(t, where+"."+name, defs)
	}
	for i := range s.Any {
		n += s.Any[i].follow(t, where, defs)
	}
	if s.Items != nil {
		n += s.Items.follow(t, where+"[]", defs)
	}
	return n
}
