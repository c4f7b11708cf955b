// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// newGarden is a registry with every kind of type in it.
func newGarden() *Registry {
	y := newYard()
	type plant struct {
		Name  string   `json:"name" doc:"of the plant"`
		Names []string `json:"names"`
		Next  *plant   `json:"next,omitempty"`
	}
	Add(y.reg, Method{Name: "plant.list", Purpose: "Lists plants.", Role: Viewer,
		REST: &REST{Verb: "GET", Path: "/plants", ETag: "revision"}},
		func(context.Context, Call, struct {
			Last   Duration `json:"last,omitempty" doc:"how far back"`
			Colour []string `json:"colour,omitempty"`
		}) (struct {
			Plants   []plant `json:"plants"`
			Revision uint64  `json:"revision"`
		}, error) {
			panic("not called")
		})
	type Record struct { // what TypeScript calls a map
		Height float64 `json:"height"`
	}
	Add(y.reg, Method{Name: "plant.record", Purpose: "Shows a record.", Role: Viewer},
		func(context.Context, Call, struct{}) (Record, error) { panic("not called") })
	Add(y.reg, Method{Name: "plant.water", Purpose: "Waters a plant.", Role: Operator, Effect: Runtime, Audit: "water {plant}", Sudo: true,
		REST: &REST{Verb: "POST", Path: "/beds/{bed}/plants/{name}/water", Join: map[string]string{"plant": "{bed}/{name}"}, IfMatch: "base"}},
		func(context.Context, Call, struct {
			Plant string  `json:"plant"`
			Base  uint64  `json:"base,omitempty" doc:"revision that was seen"`
			Drops int     `json:"drops" doc:"how many"`
			Like  []plant `json:"like,omitempty"`
		}) (plant, error) {
			panic("not called")
		})
	return y.reg
}

// What is generated is what testdata has, each time anew.
func TestGenerated(t *testing.T) {
	for file, generate := range map[string]func(*Registry) ([]byte, error){
		"testdata/garden.ts":   func(r *Registry) ([]byte, error) { return r.TypeScript(), nil },
		"testdata/garden.json": func(r *Registry) ([]byte, error) { return r.OpenAPI("1.2.3") },
	} {
		got, err := generate(newGarden())
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s: got\n%s", file, got)
		}
		for range 5 {
			if again, _ := generate(newGarden()); string(again) != string(got) {
				t.Fatalf("%s: another time something else comes out", file)
			}
		}
	}
}

// Every reference of the OpenAPI document leads somewhere.
func TestOpenAPIReferences(t *testing.T) {
	b, err := newGarden().OpenAPI("1")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				n++
				at := any(doc)
				for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					at = at.(map[string]any)[part]
				}
				if at == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(doc)
	if n < 5 {
		t.Errorf("%d references, want more", n)
	}
}

// Two resources cannot be at one place, and a path names parameters.
func TestResourceFaults(t *testing.T) {
	for _, rest := range []REST{
		{Verb: "GET", Path: "/plants"},
		{Verb: "GET", Path: "plants/all"},
		{Verb: "get", Path: "/plants/all"},
		{Verb: "GET", Path: "/plants/{what}"},
		{Verb: "GET", Path: "/plants/all", IfMatch: "what"},
		{Verb: "GET", Path: "/plants/{a}", Join: map[string]string{"what": "{a}"}},
		{Verb: "GET", Path: "/plants/{last}", Join: map[string]string{"last": "{b}"}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", rest)
				}
			}()
			reg := newGarden()
			Add(reg, Method{Name: "plant.other", Purpose: "Other.", Role: Viewer, REST: &rest},
				func(context.Context, Call, struct {
					Last string `json:"last"`
				}) (struct{}, error) {
					return struct{}{}, nil
				})
		}()
	}
}
