// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// OpenAPI returns an OpenAPI 3.1 document of the methods that are resources of
// the HTTP API.
func (r *Registry) OpenAPI(version string) ([]byte, error) {
	c := r.catalog()
	paths := make(map[string]map[string]any)
	for _, m := range c.methods {
		if m.REST == nil {
			continue
		}
		if paths[m.REST.Path] == nil {
			paths[m.REST.Path] = make(map[string]any)
		}
		op, err := operation(m, c)
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", m.Name, err)
		}
		paths[m.REST.Path][strings.ToLower(m.REST.Verb)] = op
	}
	schemas := map[string]any{"Error": errorSchema}
	for name, schema := range c.lex.types {
		plain, err := c.lex.roots[name].openAPI(schema)
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", name, err)
		}
		schemas[name] = plain
	}
	return json.MarshalIndent(map[string]any{
		"openapi":  "3.1.0",
		"info":     map[string]any{"title": "evener", "version": version},
		"servers":  []any{map[string]any{"url": "/api/v1"}},
		"security": []any{map[string]any{"session": []any{}}, map[string]any{"token": []any{}}},
		"paths":    paths,
		"components": map[string]any{
			"schemas": schemas,
			"securitySchemes": map[string]any{
				"session": map[string]any{"type": "apiKey", "in": "cookie", "name": "__Host-evener"},
				"token":   map[string]any{"type": "http", "scheme": "bearer"},
			},
			"responses": map[string]any{"Error": map[string]any{
				"description": "The call was refused or failed.",
				"content":     jsonContent(map[string]any{"$ref": "#/components/schemas/Error"}),
			}},
		},
	}, "", "  ")
}

// errorSchema is the body of an answer that is no success.
var errorSchema = map[string]any{"type": "object", "required": []any{"error"}, "properties": map[string]any{
	"error": map[string]any{"type": "object", "required": []any{"code", "message"}, "properties": map[string]any{
		"code":    map[string]any{"type": "integer"},
		"message": map[string]any{"type": "string", "description": "what is wrong and what would be right"},
		"data": map[string]any{"type": "object", "properties": map[string]any{
			"kind": map[string]any{"type": "string", "description": "stable word for programs"},
		}},
	}},
}}

func jsonContent(schema any) any {
	return map[string]any{"application/json": map[string]any{"schema": schema}}
}

// operation describes one method at its resource.
func operation(m *Method, c *catalog) (map[string]any, error) {
	op := map[string]any{"operationId": m.Name, "summary": m.Purpose, "tags": []any{m.Name[:strings.IndexByte(m.Name, '.')]},
		"description": fmt.Sprintf("Role: %s. Effect: %s.", m.Role, m.Effect)}
	if m.Sudo {
		op["description"] = fmt.Sprintf("Role: %s. Effect: %s. Needs the password again.", m.Role, m.Effect)
	}
	if m.Open {
		op["security"] = []any{}
	}
	shape := c.params[m.Name]
	params, body, err := m.parameters(shape)
	if err != nil {
		return nil, err
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	if body != nil {
		op["requestBody"] = map[string]any{"required": body["required"] != nil || m.REST.Body != "", "content": jsonContent(body)}
	}
	res := c.results[m.Name]
	result := any(map[string]any{"$ref": "#/components/schemas/" + res.typ})
	if res.typ == "" {
		if result, err = res.openAPI(res.root); err != nil {
			return nil, err
		}
	}
	good := map[string]any{"description": "The result.", "content": jsonContent(result)}
	if m.REST.ETag != "" {
		good["headers"] = map[string]any{"ETag": map[string]any{
			"description": "identifies this state: " + m.REST.ETag, "schema": map[string]any{"type": "string"}}}
	}
	op["responses"] = map[string]any{"200": good, "default": map[string]any{"$ref": "#/components/responses/Error"}}
	return op, nil
}

// parameters describes what stands in the path, the query and the header, and
// the body, nil where there is none.
func (m *Method) parameters(s *shape) (list []any, body map[string]any, err error) {
	used := make(map[string]bool)
	for _, part := range restPart.FindAllStringSubmatch(m.REST.Path, -1) {
		schema := any(map[string]any{"type": "string"})
		if p := s.root.Properties[part[1]]; p != nil && !m.REST.joins(part[1]) {
			used[part[1]] = true
			if schema, err = s.openAPI(p); err != nil {
				return nil, nil, err
			}
		}
		list = append(list, map[string]any{"name": part[1], "in": "path", "required": true, "schema": schema})
	}
	for name := range m.REST.Join {
		used[name] = true
	}
	if name := m.REST.IfMatch; name != "" {
		list = append(list, map[string]any{"name": "If-Match", "in": "header", "schema": map[string]any{"type": "string"},
			"description": "an ETag; " + m.params.Properties[name].Description})
	}
	whole, err := s.openAPI(s.root)
	if err != nil {
		return nil, nil, err
	}
	props, required := map[string]any{}, []any{}
	for _, name := range m.params.Order {
		if used[name] {
			continue
		}
		schema := whole["properties"].(map[string]any)[name]
		if name == m.REST.Body {
			body, _ = schema.(map[string]any)
			continue
		}
		must := slices.Contains(m.params.Required, name)
		props[name] = schema
		if must {
			required = append(required, name)
		}
		if m.REST.inQuery() {
			list = append(list, map[string]any{"name": name, "in": "query", "required": must, "schema": schema,
				"description": m.params.Properties[name].Description})
		}
	}
	if m.REST.inQuery() || len(props) == 0 {
		return list, body, nil
	}
	body = map[string]any{"type": "object", "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		body["required"] = required
	}
	return list, body, nil
}

// openAPI returns schema with its references into the document's components.
func (s *shape) openAPI(schema *Schema) (map[string]any, error) {
	cp := *schema
	cp.Defs = nil
	raw, err := json.Marshal(&cp)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	if err := unmarshalNumbers(raw, &plain); err != nil {
		return nil, err
	}
	s.point(plain)
	return plain, nil
}

func (s *shape) point(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.point(e)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			v["$ref"] = "#/components/schemas/" + s.names[strings.TrimPrefix(ref, "#/$defs/")]
		}
		for _, e := range v {
			s.point(e)
		}
	}
}
