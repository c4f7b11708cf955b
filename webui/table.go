// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A resource is one row of the engine's table: what a verb and a path call.
type resource struct {
	Verb    string            `json:"verb"`
	Path    string            `json:"path"` // below /api/v1, with {parts}
	Method  string            `json:"method"`
	Join    map[string]string `json:"join"`     // parameters that are made of parts
	ETag    string            `json:"etag"`     // where in the result the revision stands, such as revision.number
	IfMatch string            `json:"if_match"` // parameter that takes it back
	Body    string            `json:"body"`     // parameter that is the whole body; others are in the query

	parts []string          // of Path
	types map[string]string // JSON type of each parameter in path or query
}

// A table is the engine's table of resources, asked for when it is needed first
// and again when the engine may be another one.
type table struct {
	ask func(context.Context, string, meta) (answer, *fault)

	mu   sync.Mutex // guards rows
	rows []*resource
}

// forget makes the next request ask again.
func (t *table) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = nil
}

// load returns the rows. It asks in the name of m: whether one must be logged in
// to see them is the engine's to say.
func (t *table) load(ctx context.Context, m meta) ([]*resource, *fault) {
	t.mu.Lock()
	rows := t.rows
	t.mu.Unlock()
	if rows != nil {
		return rows, nil
	}
	m.Auto = true
	list, f := t.ask(ctx, "sys.rest", m)
	if f != nil {
		return nil, f
	}
	doc, f := t.ask(ctx, "sys.openapi", m)
	if f != nil {
		return nil, f
	}
	rows, err := newRows(list.Result, doc.Result)
	if err != nil {
		return nil, faultf(codeInternal, "engine.answer", "the engine's table of resources cannot be read: %v", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = rows
	return rows, nil
}

// newRows reads the results of sys.rest, which is {"routes": [...]} or the list
// alone, and of sys.openapi, which knows the types.
func newRows(list, doc json.RawMessage) ([]*resource, error) {
	if isObject(list) {
		var whole struct {
			Routes json.RawMessage `json:"routes"`
		}
		if err := json.Unmarshal(list, &whole); err != nil {
			return nil, err
		}
		list = whole.Routes
	}
	var rows []*resource
	if err := json.Unmarshal(list, &rows); err != nil {
		return nil, err
	}
	types, err := readTypes(doc)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		r.parts = strings.Split(strings.TrimPrefix(r.Path, "/"), "/")
		r.types = types[r.Verb+" "+r.Path]
	}
	// Of two rows that fit, the one with a fixed part where the other has a
	// parameter goes first.
	slices.SortStableFunc(rows, func(a, b *resource) int { return strings.Compare(rank(a), rank(b)) })
	return rows, nil
}

// rank sorts rows with early fixed parts first.
func rank(r *resource) string {
	var b strings.Builder
	for _, p := range r.parts {
		if isParam(p) {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}

func isParam(part string) bool { return strings.HasPrefix(part, "{") }

// readTypes returns, by verb and path, the JSON types of the parameters that an
// OpenAPI 3.1 document names for path and query.
func readTypes(doc json.RawMessage) (map[string]map[string]string, error) {
	var d struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, err
	}
	all := make(map[string]map[string]string)
	for path, verbs := range d.Paths {
		for verb, raw := range verbs {
			var op struct {
				Parameters []struct {
					Name   string `json:"name"`
					Schema struct {
						Type any `json:"type"` // a word, or a list with "null"
					} `json:"schema"`
				} `json:"parameters"`
			}
			if json.Unmarshal(raw, &op) != nil {
				continue // a member beside the verbs, such as summary
			}
			types := make(map[string]string)
			for _, p := range op.Parameters {
				types[p.Name] = typeWord(p.Schema.Type)
			}
			all[strings.ToUpper(verb)+" "+strings.TrimPrefix(path, "/api/v1")] = types
		}
	}
	return all, nil
}

func typeWord(t any) string {
	switch t := t.(type) {
	case string:
		return t
	case []any:
		for _, v := range t {
			if s, ok := v.(string); ok && s != "null" {
				return s
			}
		}
	}
	return "string"
}

// find returns the resource for a request and the values of its parts. allow
// lists the verbs of the path if it is the verb that does not fit.
func find(rows []*resource, verb, escaped string) (r *resource, values map[string]string, allow []string) {
	if verb == http.MethodHead {
		verb = http.MethodGet
	}
	parts := strings.Split(strings.TrimPrefix(escaped, "/api/v1/"), "/")
	for _, row := range rows {
		values, ok := row.match(parts)
		switch {
		case !ok:
		case row.Verb == verb:
			return row, values, nil
		case !slices.Contains(allow, row.Verb):
			allow = append(allow, row.Verb)
		}
	}
	return nil, nil, allow
}

// match compares the parts of a path, which are still escaped: a name may have a
// slash in it.
func (row *resource) match(parts []string) (values map[string]string, ok bool) {
	if len(parts) != len(row.parts) {
		return nil, false
	}
	values = make(map[string]string)
	for i, want := range row.parts {
		got, err := url.PathUnescape(parts[i])
		switch {
		case err != nil || got == "":
			return nil, false
		case isParam(want):
			values[want[1:len(want)-1]] = got
		case got != want:
			return nil, false
		}
	}
	return values, true
}
